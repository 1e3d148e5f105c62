// Distribution functions, by Boost.Math in double precision (promotion to long double would cost a factor of ten and
// change nothing here).
#include "stats/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace tenfold::stats {

namespace {

namespace bm = boost::math;
namespace bp = boost::math::policies;

// Errors become NaN or infinity instead of exceptions.
using Policy = bp::policy<bp::promote_double<false>, bp::domain_error<bp::ignore_error>, bp::overflow_error<bp::ignore_error>,
                          bp::pole_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double normal_quantile(double p) {
  if (p == 0) return -infinity;
  if (p == 1) return infinity;
  if (!(p > 0 && p < 1)) return not_a_number;
  return bm::quantile(bm::normal_distribution<double, Policy>(), p);
}

double student_t_cdf(double t, double degrees) {
  if (std::isnan(t) || !(degrees > 0)) return not_a_number;
  if (std::isinf(t)) return t > 0 ? 1.0 : 0.0;
  return bm::cdf(bm::students_t_distribution<double, Policy>(degrees), t);
}

double student_t_quantile(double p, double degrees) {
  if (!(p >= 0 && p <= 1) || !(degrees > 0)) return not_a_number;
  if (p == 0 || p == 1) return p == 0 ? -infinity : infinity;
  return bm::quantile(bm::students_t_distribution<double, Policy>(degrees), p);
}

double beta_cdf(double x, double a, double b) {
  if (std::isnan(x) || !(a > 0 && b > 0)) return not_a_number;
  if (x <= 0 || x >= 1) return x <= 0 ? 0.0 : 1.0;
  return bm::cdf(bm::beta_distribution<double, Policy>(a, b), x);
}

double beta_quantile(double p, double a, double b) {
  const bool valid = p >= 0 && p <= 1 && a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b);
  if (!valid) return not_a_number;
  if (p == 0 || p == 1) return p;
  return bm::quantile(bm::beta_distribution<double, Policy>(a, b), p);
}

double chi_square_p(double statistic, double degrees) {
  if (std::isnan(statistic) || !(degrees > 0)) return not_a_number;
  if (statistic <= 0) return 1.0;
  if (std::isinf(statistic)) return 0.0;
  return bm::cdf(bm::complement(bm::chi_squared_distribution<double, Policy>(degrees), statistic));
}

}  // namespace tenfold::stats
