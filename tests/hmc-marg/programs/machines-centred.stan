// The workers' effects of machines.stan with their covariance's factor in the prior.
data {
  int N;
  int P;
  int J;
  matrix[N, P] X;
  array[N] int worker;
  vector[N] score;
}
parameters {
  vector[P] beta;
  vector<lower=0>[P] sd;
  array[J] vector[P] r;
  cholesky_factor_corr[P] L;
  real<lower=0> sigma;
}
model {
  vector[N] mu = X * beta;
  for (n in 1:N) mu[n] += dot_product(X[n], r[worker[n]]);
  score ~ normal(mu, sigma);
  L ~ lkj_corr_cholesky(1);
  r ~ multi_normal_cholesky(rep_vector(0, P), diag_pre_multiply(sd, L));
}
