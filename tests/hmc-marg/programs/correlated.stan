// A correlated normal in twenty dimensions with spreads from 0.1 to 10.
transformed data {
  int d = 20;
  vector[d] spread;
  matrix[d, d] covariance;
  for (i in 1:d) spread[i] = 0.1 * pow(100, (i - 1.0) / (d - 1));
  for (i in 1:d)
    for (j in 1:d) covariance[i, j] = spread[i] * spread[j] * pow(0.6, abs(i - j));
}
parameters {
  vector[20] x;
}
model {
  x ~ multi_normal(rep_vector(1, d), covariance);
}
