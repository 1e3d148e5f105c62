// Bounds of every sort: one-sided, two-sided, by vectors, infinite, by other parameters; offset and multiplier.
data {
  int<lower=0> N;
  vector[N] low;
}
transformed data {
  real none = positive_infinity();
}
parameters {
  real<lower=-1> above;
  real<upper=2.5> below;
  real<lower=-1, upper=above> between;
  vector<lower=low>[N] each;
  vector<lower=low, upper=low + 3>[N] both;
  real<upper=none> free;
  array[2] real<lower=negative_infinity(), upper=1> partly;
  real<lower=0> tau;
  vector<offset=free, multiplier=tau>[N] z;
  real<offset=3> shifted;
}
model {
  above ~ normal(0, 1);
  below ~ normal(1, 2);
  between ~ cauchy(0, 1);
  each ~ lognormal(0.5, 2);
  both ~ logistic(low, 1.5);
  free ~ student_t(4, 0, 1);
  partly ~ double_exponential(0, 2);
  tau ~ gamma(2, 3);
  z ~ normal(free, tau);
  shifted ~ normal(3, 0.1);
}
