// Functions of the program's own: values, densities with their unnormalised forms, increments of the target.
functions {
  real inverse_scale(real s) {
    return 1 / s;
  }
  vector standardise(vector v, real s) {
    vector[num_elements(v)] result;
    for (i in 1:num_elements(v)) result[i] = (v[i] - mean(v)) * inverse_scale(s);
    return result;
  }
  real two_sided_lpdf(vector y, real m, real s) {
    real total = 0;
    for (n in 1:num_elements(y)) total += double_exponential_lupdf(y[n] | m, s);
    return total;
  }
  real shifted_poisson_lpmf(int n, real rate) {
    if (n < 1) return negative_infinity();
    return poisson_lpmf(n - 1 | rate);
  }
  void priors_lp(real m, real s, real known) {
    m ~ normal(known, 1);
    target += exponential_lpdf(s | known);
    s ~ gamma(known, 1);
  }
  real weight(data vector v) {
    real w = 0;
    for (e in v) w += abs(e);
    return w;
  }
}
data {
  int<lower=0> N;
  vector[N] y;
  array[2] int<lower=0> k;
}
parameters {
  real m;
  real<lower=0> s;
}
model {
  priors_lp(m, s, 1.5);
  y ~ two_sided(m, s);
  target += two_sided_lupdf(standardise(y, s) | m, 2);
  target += two_sided_lpdf(y | m, weight(y));
  for (i in 1:2) k[i] ~ shifted_poisson(s);
}
