// The model of loops.stan in vectors, with a transformed parameter.
data {
  int<lower=0> N;
  int<lower=1> J;
  array[N] int<lower=1, upper=J> group;
  vector[N] x;
  vector[N] y;
}
transformed data {
  real scale = dot_self(x) / N;
  int odd = (N + 1) %/% 2;
}
parameters {
  vector[J] a;
  real b;
  real<lower=0> sigma;
}
transformed parameters {
  vector[N] mu = a[group] + x * b;
}
model {
  a ~ normal(0, 2);
  b ~ normal(0, scale);
  sigma ~ exponential(1);
  y[{2, 4, 6}] ~ normal(mu[{2, 4, 6}], sigma);
  target += normal_lpdf(y[{1, 3, 5, 7}] | mu[{1, 3, 5, 7}], sigma);
  target += -0.5 * square(sum(a)) / odd;
}
