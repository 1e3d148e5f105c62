// Simplexes and their arrays with Dirichlet priors, categorical and multinomial counts; ordered vectors.
data {
  int<lower=1> K;
  int<lower=0> N;
  array[N] int<lower=1, upper=K> word;
  array[K] int count;
  vector<lower=0>[K] alpha;
}
parameters {
  simplex[K] theta;
  array[2] simplex[K] phi;
  ordered[K] cut;
  positive_ordered[K] rate;
  simplex[1] only;
}
model {
  theta ~ dirichlet(alpha);
  for (k in 1:2) phi[k] ~ dirichlet(alpha / k);
  word ~ categorical(theta);
  count ~ multinomial(phi[2]);
  cut ~ normal(0, 3);
  rate ~ exponential(0.5);
  target += log(phi[1, 2]) * only[1] + log_mix(theta[1], cut[1], -rate[2]);
}
