// Breakage angle of chocolate cakes: flat coefficients, an effect of each recipe's replicate.
data {
  int N;
  int P;
  int J;
  matrix[N, P] X;
  array[N] int group;
  vector[N] angle;
}
parameters {
  vector[P] beta;
  vector[J] u;
  real<lower=0> sd_group;
  real<lower=0> sigma;
}
model {
  u ~ normal(0, sd_group);
  angle ~ normal(X * beta + u[group], sigma);
}
