// The Electric Company: test scores of 192 classes, in pairs of which one watched the programme; the spread depends on the grade.
// The sizes are those of the data set in Gelman and Hill (2006), which names none itself: 96 pairs in 4 grades.
data {
  array[192] int<lower=1, upper=96> pair;
  array[96] int<lower=1, upper=4> grade_pair;  // grade of a pair
  array[192] int<lower=1, upper=4> grade;
  vector<lower=0, upper=1>[192] treatment;
  vector[192] y;
}
parameters {
  vector[4] mua;
  vector[96] a;
  vector[4] b;       // effect of watching, by grade
  vector[4] sigmay;  // log of the spread, by grade
}
model {
  mua ~ normal(0, 1);
  a ~ normal(100 * mua[grade_pair], 1);
  b ~ normal(0, 100);
  sigmay ~ normal(0, 1);
  y ~ normal(a[pair] + b[grade] .* treatment, exp(sigmay[grade]));
}
