// hpp.stan with its rates integrated out as a careful user would do it: what bench_posteriors.py shows beside the bar.
data {
  int<lower=0> N;
  array[N] int<lower=0> y;
  array[N] int<lower=0> K;
}
parameters {
  real<lower=0, upper=1> m;
  real<lower=1> kappa;
}
model {
  kappa ~ pareto(1, 1.5);
  target += beta_binomial_lpmf(y | K, m * kappa, (1 - m) * kappa);
}
generated quantities {
  vector[N] phi;
  for (i in 1:N) phi[i] = beta_rng(m * kappa + y[i], (1 - m) * kappa + K[i] - y[i]);
}
