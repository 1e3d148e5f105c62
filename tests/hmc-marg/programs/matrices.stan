// Correlation and covariance matrices, their factors, and multivariate normal densities on them.
data {
  int<lower=1> D;
  int<lower=0> N;
  array[N] vector[D] y;
  matrix[N, D] x;
}
parameters {
  cholesky_factor_corr[D] L;
  corr_matrix[D] R;
  cov_matrix[D] S;
  cholesky_factor_cov[D] C;
  cholesky_factor_cov[D, 2] F;
  vector<lower=0>[D] scale;
  vector[D] mu;
  matrix[D, 2] B;
}
model {
  matrix[D, D] P = diag_pre_multiply(scale, L);
  L ~ lkj_corr_cholesky(2);
  R ~ lkj_corr(1.5);
  scale ~ lognormal(0, 1);
  to_vector(B) ~ normal(0, 1);
  mu ~ normal(0, 5);
  for (n in 1:N) y[n] ~ multi_normal_cholesky(mu, P);
  y ~ multi_normal(mu, S);
  target += multi_normal_prec_lpdf(y[1] | mu, R);
  target += -0.5 * dot_self(to_vector(x * B)) - sum(square(to_vector(crossprod(F)))) - sum(C * C');
}
