// Special functions of one scalar or two, written so that they keep their accuracy where the textbook form cancels.
#pragma once

namespace tenfold::hmc_marg {

double log_gamma(double x);  // log |Gamma(x)|; unlike std::lgamma it touches no global
double digamma(double x);    // d log Gamma / dx
double trigamma(double x);   // d digamma / dx

double log_beta(double a, double b);    // no cancellation for large arguments (Stirling differences)
double log_choose(double n, double k);  // log C(n, k) for real n, k

double standard_normal_cdf(double x);
double standard_normal_quantile(double p);  // p in [0, 1], else NaN

double inv_logit(double x);
double log_inv_logit(double x);  // log(1 / (1 + e^-x))
double log1p_exp(double x);
double log1m_exp(double x);  // log(1 - e^x), x <= 0, else NaN
double log_add_exp(double x, double y);

}  // namespace tenfold::hmc_marg
