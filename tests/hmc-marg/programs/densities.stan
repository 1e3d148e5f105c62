// Every remaining continuous family once, each argument once a parameter, so that what `~` drops is seen.
data {
  int<lower=0> N;
  vector<lower=0, upper=1>[N] u;
  vector<lower=1>[N] big;
}
parameters {
  real<lower=0> a;
  real<lower=0> b;
  vector<lower=0, upper=1>[N] p;
}
model {
  u ~ beta(a, b);
  p ~ beta(2, b);
  u ~ uniform(-a, 1 + b);
  big ~ weibull(a, b);
  big ~ weibull(2, b);
  big ~ inv_gamma(a, b);
  big ~ gamma(3, b);
  a ~ inv_gamma(2, 3);
  big ~ chi_square(a);
  a ~ chi_square(4);
  big ~ inv_chi_square(b);
  b ~ inv_chi_square(3);
  big ~ scaled_inv_chi_square(a, 1.5);
  b ~ scaled_inv_chi_square(3, a);
  big ~ pareto(0.5, a);
  big ~ student_t(a, 0, b);
  big ~ student_t(5, b, 2);
  big ~ lognormal(a, b);
  a ~ lognormal(0, 1.5);
  u ~ std_normal();
  p ~ std_normal();
  u ~ logistic(a, 2);
  big ~ cauchy(0, b);
}
