// Scores of workers on machines: flat coefficients, correlated effects of each worker, written as brms writes (Machine | Worker).
data {
  int N;
  int P;
  int J;
  matrix[N, P] X;
  array[N] int worker;
  vector[N] score;
}
parameters {
  vector[P] beta;
  vector<lower=0>[P] sd;
  matrix[P, J] z;
  cholesky_factor_corr[P] L;
  real<lower=0> sigma;
}
transformed parameters {
  matrix[J, P] r = (diag_pre_multiply(sd, L) * z)';
}
model {
  vector[N] mu = X * beta;
  for (n in 1:N) mu[n] += dot_product(X[n], r[worker[n]]);
  target += normal_lpdf(score | mu, sigma);
  target += lkj_corr_cholesky_lpdf(L | 1);
  target += std_normal_lpdf(to_vector(z));
}
