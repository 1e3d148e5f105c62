transformed data {
  int J = 3;
  array[J] real y = {28, 8, -3};
  vector<lower=0>[J] sigma = [15.0, 10.0, 16.0]';
}
parameters {
  real mu;
  real<lower=0> tau;
  vector<offset=mu, multiplier=tau>[J] theta;
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);
  theta ~ normal(mu, tau);
  for (j in 1:J) y[j] ~ normal(theta[j], sigma[j]);
}
generated quantities {
  array[J] real replica = normal_rng(theta, sigma);
}
