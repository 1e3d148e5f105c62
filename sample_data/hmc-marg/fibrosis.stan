// Decline of lung volume (FVC, in ml) of J patients with pulmonary fibrosis over the weeks: a line a patient, pooled partially.
data {
  int<lower=0> N;
  int<lower=0> J;
  array[N] int<lower=1, upper=J> patient;
  vector[N] week;
  vector[N] fvc;
}
parameters {
  real m_a;
  real<lower=0> s_a;
  real m_b;
  real<lower=0> s_b;
  vector[J] a;
  vector[J] b;
  real<lower=0> s;
}
model {
  m_a ~ normal(0, 500);
  s_a ~ cauchy(0, 100);
  m_b ~ normal(0, 3);
  s_b ~ cauchy(0, 3);
  a ~ normal(m_a, s_a);
  b ~ normal(m_b, s_b);
  s ~ cauchy(0, 100);
  fvc ~ normal(a[patient] + b[patient] .* week, s);
}
