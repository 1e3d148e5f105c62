// Truncation at known bounds, with known arguments and with parameters, and multiple assignment.
data {
  int<lower=0> N;
  vector<lower=0>[N] y;
}
parameters {
  real<lower=0> tau;
  real<lower=-1, upper=3> m;
  real<lower=0> s;
  array[3] real a;
}
model {
  matrix[3, 3] grid = rep_matrix(0, 3, 3);
  array[2, 3] real pairs;
  tau ~ cauchy(0, 2.5) T[0, ];
  m ~ normal(0.5, 1) T[-1, 3];
  s ~ student_t(3, 0, 1) T[0, ];
  for (n in 1:N) y[n] ~ logistic(m, s) T[0, ];
  y[1] ~ exponential(s) T[ , 5];
  y[2] ~ cauchy(m, s) T[0, 4];
  a ~ normal(0, 1);
  grid[2] = to_row_vector(a);
  grid[:, 1] += to_vector(a);
  grid[2:3, 2:3] = [[a[1], 2], [m, a[3]]];
  pairs[1] = a;
  pairs[2, {3, 1, 2}] = pairs[1, 1:3];
  target += -sum(square(to_vector(grid))) + pairs[2, 1] * pairs[2, 3] - (N > 2 ? a[1] : a[3]);
}
