// Strength of a paste: samples within batches, a flat mean.
data {
  int N;
  int J;
  int K;
  array[N] int batch;
  array[N] int sample;
  vector[N] strength;
}
parameters {
  real beta;
  vector[J] b;
  vector[K] c;
  real<lower=0> sd_batch;
  real<lower=0> sd_sample;
  real<lower=0> sigma;
}
model {
  b ~ normal(0, sd_batch);
  c ~ normal(0, sd_sample);
  strength ~ normal(beta + b[batch] + c[sample], sigma);
}
