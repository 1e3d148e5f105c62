// Distribution functions that intervals and tests need.
#pragma once

namespace tenfold::stats {

double normal_cdf(double x);
double normal_quantile(double p);  // 0 and 1 give -+ infinity, outside NaN

double student_t_cdf(double t, double degrees);
double student_t_quantile(double p, double degrees);

// p of a Beta(a, b) variable's quantile (R's qbeta).
double beta_cdf(double x, double a, double b);
double beta_quantile(double p, double a, double b);

// Upper tail: the p value of a chi-square statistic.
double chi_square_p(double statistic, double degrees);

}  // namespace tenfold::stats
