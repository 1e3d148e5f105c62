// Yields of dyestuff from six batches of an intermediate product, five preparations each: how much do batches differ?
data {
  int<lower=0> N;
  int<lower=0> J;
  array[N] int<lower=1, upper=J> batch;
  vector[N] yield;
}
parameters {
  real mean_yield;
  real<lower=0> sd_batch;
  vector[J] of_batch;
  real<lower=0> sigma;
}
model {
  mean_yield ~ normal(1500, 100);
  sd_batch ~ normal(0, 100);
  sigma ~ normal(0, 100);
  of_batch ~ normal(0, sd_batch);
  yield ~ normal(mean_yield + of_batch[batch], sigma);
}
