// Sizes of 0 wherever the language has a size, and scalars that no statement mentions.
data {
  int<lower=0> N;
  int<lower=0> K;
  vector[N] y;
  matrix[N, K] X;
  array[N, 2] int index;
}
transformed data {
  vector[N] doubled = 2 * y;
}
parameters {
  vector[K] beta;
  real alpha;
  array[K] vector[3] unused;
  real flat;
  matrix[K, 0] nothing;
  vector<lower=0>[K] positive;
}
model {
  alpha ~ normal(1, 2);
  beta ~ normal(0, 1);
  y ~ normal(alpha + X * beta, 1);
  for (n in 1:N) target += index[n, 1] * alpha;
  target += sum(doubled) + sum(X * beta);
}
