// The forward algorithm of a hidden Markov model, by log_sum_exp over a matrix of logarithms filled in loops.
data {
  int<lower=1> T;
  int<lower=1> K;
  array[T] real y;
}
parameters {
  array[K] simplex[K] move;
  ordered[K] level;
  real<lower=0> sigma;
}
model {
  matrix[K, T] alpha;
  for (k in 1:K) {
    target += dirichlet_lpdf(move[k] | rep_vector(2, K));
    alpha[k, 1] = normal_lpdf(y[1] | level[k], sigma) - log(K);
  }
  level ~ normal(0, 3);
  sigma ~ normal(0, 1);
  for (t in 2:T) {
    for (k in 1:K) {
      array[K] real step;
      for (j in 1:K) step[j] = alpha[j, t - 1] + log(move[j, k]);
      alpha[k, t] = log_sum_exp(step) + normal_lpdf(y[t] | level[k], sigma);
    }
  }
  target += log_sum_exp(alpha[:, T]);
}
