// Loops, conditions, indexing, functions, comments and old arrays.
functions {
  real twice(real x) { return 2 * x; }
  vector shifted(vector v, int by) {
    vector[num_elements(v)] out = v;
    for (i in 1:size(v)) { if (i % 2 == 0) continue; out[i] += by; }
    return out;
  }
}
transformed data {
  real old[4];
  int n = 0;
  matrix[2, 3] m = [[1, 2, 3], [4, 5, 6]];
  while (n < 4) { n += 1; old[n] = n ^ 2 - 0.5e1; if (n > 3) break; }
  print("m = ", m, " n = ", n);
}
parameters {
  vector<lower=-1, upper=1>[4] a;
  simplex[3] share;
  ordered[2] cut;
  cholesky_factor_corr[2] L;
}
transformed parameters {
  vector[4] b = shifted(a, 1) .* to_vector(old);
  real c = n > 2 && !(n == 5) ? twice(a[1]) : a[2];
  matrix[2, 3] s;
  s[1] = m[1] * c;
  s[2, 1:3] = m[2, {3, 2, 1}];
}
model {
  target += normal_lpdf(b[2:3] | 0, 1) - sum(square(a[{1, 4}]));
  share ~ dirichlet(rep_vector(1, 3));
  cut ~ normal(0, 2);
  L ~ lkj_corr_cholesky(2);
  /* a comment */ {
    real local = dot_product(m[1], s[2]);
    local ~ std_normal();
  }
  if (n == 0) reject("never, ", n);
}
