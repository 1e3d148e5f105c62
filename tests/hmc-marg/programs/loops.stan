// One linear model three ways, in loops: element by element, through locals, through a container loop.
data {
  int<lower=0> N;
  int<lower=1> J;
  array[N] int<lower=1, upper=J> group;
  vector[N] x;
  vector[N] y;
}
transformed data {
  real scale = 0;
  int odd = 0;
  for (n in 1:N) {
    scale += square(x[n]) / N;
    if (n % 2 == 1) odd += 1;
  }
}
parameters {
  vector[J] a;
  real b;
  real<lower=0> sigma;
}
model {
  int n = 1;
  real total = 0;
  a ~ normal(0, 2);
  b ~ normal(0, scale);
  sigma ~ exponential(1);
  while (1) {
    real mu = a[group[n]] + b * x[n];
    if (n % 2 == 0) {
      y[n] ~ normal(mu, sigma);
    } else {
      target += normal_lpdf(y[n] | mu, sigma);
    }
    n += 1;
    if (n > N) break;
  }
  for (v in a) {
    if (odd > 100) continue;
    total += v;
  }
  target += -0.5 * square(total) / odd;
}
