// Generated quantities: conditions on parameters, random draws, user functions, all shapes.
functions {
  real noisy_rng(real m, real s) {
    real draw = normal_rng(m, s);
    return draw;
  }
}
data {
  int<lower=0> N;
  vector[N] y;
}
parameters {
  real mu;
  real<lower=0> sigma;
}
transformed parameters {
  array[2] matrix[2, N] table;
  for (i in 1:2)
    for (n in 1:N) {
      table[i, 1, n] = mu * i + n;
      table[i][2, n] = sigma - n * i;
    }
}
model {
  mu ~ normal(0, 10);
  sigma ~ lognormal(0, 1);
  y ~ normal(mu, sigma);
}
generated quantities {
  int sign = 0;
  real<lower=0> distance;
  vector[N] log_lik;
  row_vector[2] pair = [sigma, -sigma];
  matrix[2, 2] corner = table[2, :, 1:2];
  array[3] int<lower=0> draws = poisson_rng(rep_vector(sigma, 3));
  array[2] real noise;
  if (mu > 0) {
    sign = 1;
  } else if (mu < 0) {
    sign = -1;
  }
  distance = abs(mu);
  for (n in 1:N) log_lik[n] = normal_lpdf(y[n] | mu, sigma);
  for (i in 1:2) noise[i] = noisy_rng(1000 * i, 1);
}
