// Regressions on counts and successes, vectorised and in glm form, with a log likelihood summed at the end.
data {
  int<lower=0> N;
  int<lower=0> D;
  matrix[N, D] X;
  array[N] int<lower=0, upper=1> success;
  array[N] int<lower=0> count;
  array[N] int<lower=0> trials;
}
parameters {
  real alpha;
  vector[D] beta;
  real<lower=0> phi;
  real<lower=0, upper=1> p;
}
transformed parameters {
  real lprior = 0;
  vector[N] eta = alpha + X * beta;
  lprior += normal_lpdf(beta | 0, 1);
  lprior += student_t_lpdf(alpha | 3, 0, 2.5) - student_t_lccdf(0 | 3, 0, 2.5);
  lprior += exponential_lpdf(phi | 1);
}
model {
  vector[N] log_lik;
  success ~ bernoulli_logit_glm(X, alpha, beta);
  count ~ poisson_log_glm(X, alpha, beta);
  count ~ neg_binomial_2_log(eta, phi);
  count ~ neg_binomial_2(exp(eta), phi);
  trials ~ binomial(8, p);
  trials ~ binomial_logit(9, eta);
  trials ~ beta_binomial(10, phi, 2);
  success ~ bernoulli(p);
  for (n in 1:N) log_lik[n] = poisson_log_lpmf(count[n] | eta[n]) + bernoulli_logit_lpmf(success[n] | eta[n]);
  target += sum(log_lik);
  target += lprior;
}
