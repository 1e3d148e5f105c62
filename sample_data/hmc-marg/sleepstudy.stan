// Reaction times of 18 subjects over ten days of sleep deprivation: an intercept and a slope of each subject's own.
data {
  int<lower=0> N;
  int<lower=0> J;
  array[N] int<lower=1, upper=J> subject;
  vector[N] days;
  vector[N] reaction;
}
parameters {
  real intercept;
  real slope;
  real<lower=0> sd_intercept;
  real<lower=0> sd_slope;
  vector[J] intercept_of;
  vector[J] slope_of;
  real<lower=0> sigma;
}
model {
  intercept ~ normal(250, 50);
  slope ~ normal(0, 20);
  sd_intercept ~ normal(0, 50);
  sd_slope ~ normal(0, 20);
  sigma ~ normal(0, 50);
  intercept_of ~ normal(0, sd_intercept);
  slope_of ~ normal(0, sd_slope);
  reaction ~ normal(intercept + intercept_of[subject] + (slope + slope_of[subject]) .* days, sigma);
}
generated quantities {
  // The slope that a new subject would have.
  real new_slope = normal_rng(slope, sd_slope);
}
