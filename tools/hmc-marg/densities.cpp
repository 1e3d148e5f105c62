// The table of univariate densities, what propto drops of them, and what makes an argument inadmissible.
#include "hmc-marg/densities.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "hmc-marg/density_families.h"

namespace tenfold::hmc_marg {
namespace {

using families::Family;

constexpr std::size_t kCount = static_cast<std::size_t>(Density::count_);

// DensityInfo holds plain function pointers, so each family gets its wrappers from a template over its index in one array.
const std::array<const Family*, kCount>& by_density() {
  static const std::array<const Family*, kCount> table = [] {
    std::array<const Family*, kCount> t{};
    for (const auto list : {families::continuous(), families::discrete()})
      for (const Family& family : list) t[static_cast<std::size_t>(family.density)] = &family;
    return t;
  }();
  return table;
}

template <std::size_t D>
double log_density_of(const double* x) {
  return by_density()[D]->gradient(x, nullptr);
}

template <std::size_t D>
double dropped_of(const double* x, unsigned data) {
  const Family& family = *by_density()[D];
  const unsigned everything = (1u << family.arguments) - 1;
  if ((data & everything) == everything) return family.gradient(x, nullptr);
  const families::Summands summands = family.split(x);
  double sum = 0;
  for (int i = 0; i < summands.count; ++i) {
    const auto& s = summands.list[static_cast<std::size_t>(i)];
    if ((s.depends_on & ~data) == 0) sum += s.value;
  }
  return sum;
}

template <std::size_t... D>
std::array<DensityInfo, kCount> make_table(std::index_sequence<D...>) {
  std::array<DensityInfo, kCount> table{};
  (
      [&] {
        if (const Family* f = by_density()[D])
          table[D] = {f->name,           f->arguments, f->discrete,   f->integer_arguments,
                      log_density_of<D>, f->gradient,  dropped_of<D>, f->draw};
      }(),
      ...);
  return table;
}

const std::array<DensityInfo, kCount>& table() {
  static const auto t = make_table(std::make_index_sequence<kCount>{});
  return t;
}

// What an argument must be, in Stan's words.
enum class Demand : std::uint8_t { any, finite, positive, nonnegative, probability, not_nan, zero_or_one };
struct Argument {
  const char* name;
  Demand demand;
};

// Parameters of each family in order (the variate is index 0 and checked where the family is discrete).
std::vector<Argument> arguments_of(Density family) {
  using enum Demand;
  switch (family) {
    case Density::normal: return {{"Random variable", not_nan}, {"Location parameter", finite}, {"Scale parameter", positive}};
    case Density::std_normal: return {{"Random variable", not_nan}};
    case Density::lognormal:
      return {{"Random variable", nonnegative}, {"Location parameter", finite}, {"Scale parameter", positive}};
    case Density::student_t:
      return {{"Random variable", not_nan},
              {"Degrees of freedom parameter", positive},
              {"Location parameter", finite},
              {"Scale parameter", positive}};
    case Density::cauchy:
    case Density::double_exponential:
    case Density::logistic: return {{"Random variable", not_nan}, {"Location parameter", finite}, {"Scale parameter", positive}};
    case Density::uniform:
      return {{"Random variable", not_nan}, {"Lower bound parameter", finite}, {"Upper bound parameter", finite}};
    case Density::beta:
      return {{"Random variable", probability}, {"First shape parameter", positive}, {"Second shape parameter", positive}};
    case Density::gamma:
      return {{"Random variable", positive}, {"Shape parameter", positive}, {"Inverse scale parameter", positive}};
    case Density::inv_gamma: return {{"Random variable", not_nan}, {"Shape parameter", positive}, {"Scale parameter", positive}};
    case Density::exponential: return {{"Random variable", nonnegative}, {"Inverse scale parameter", positive}};
    case Density::weibull:
      return {{"Random variable", nonnegative}, {"Shape parameter", positive}, {"Scale parameter", positive}};
    case Density::chi_square: return {{"Random variable", nonnegative}, {"Degrees of freedom parameter", positive}};
    case Density::inv_chi_square: return {{"Random variable", not_nan}, {"Degrees of freedom parameter", positive}};
    case Density::scaled_inv_chi_square:
      return {{"Random variable", not_nan}, {"Degrees of freedom parameter", positive}, {"Scale parameter", positive}};
    case Density::pareto: return {{"Random variable", not_nan}, {"Scale parameter", positive}, {"Shape parameter", positive}};
    case Density::bernoulli: return {{"n", zero_or_one}, {"Probability parameter", probability}};
    case Density::bernoulli_logit: return {{"n", zero_or_one}, {"Logit transformed probability parameter", not_nan}};
    case Density::binomial:
      return {{"Successes variable", nonnegative},
              {"Population size parameter", nonnegative},
              {"Probability parameter", probability}};
    case Density::binomial_logit:
      return {{"Successes variable", nonnegative}, {"Population size parameter", nonnegative}, {"Probability parameter", finite}};
    case Density::beta_binomial:
      return {{"Successes variable", any},
              {"Population size parameter", nonnegative},
              {"First prior sample size parameter", positive},
              {"Second prior sample size parameter", positive}};
    case Density::poisson: return {{"Random variable", nonnegative}, {"Rate parameter", nonnegative}};
    case Density::poisson_log: return {{"Random variable", nonnegative}, {"Log rate parameter", not_nan}};
    case Density::neg_binomial:
      return {{"Failures variable", nonnegative}, {"Shape parameter", positive}, {"Inverse scale parameter", positive}};
    case Density::neg_binomial_2:
      return {{"Failures variable", nonnegative}, {"Location parameter", positive}, {"Precision parameter", positive}};
    case Density::neg_binomial_2_log:
      return {{"Failures variable", nonnegative}, {"Log location parameter", finite}, {"Precision parameter", positive}};
    case Density::none:
    case Density::count_: break;
  }
  return {};
}

// "must be ..." where x does not meet the demand, else null.
const char* unmet(Demand demand, double x) {
  switch (demand) {
    case Demand::any: return nullptr;
    case Demand::not_nan: return std::isnan(x) ? "must not be nan" : nullptr;
    case Demand::finite: return std::isfinite(x) ? nullptr : "must be finite";
    case Demand::positive: return x > 0 && std::isfinite(x) ? nullptr : "must be positive finite";
    case Demand::nonnegative: return x >= 0 ? nullptr : "must be nonnegative";
    case Demand::probability: return x >= 0 && x <= 1 ? nullptr : "must be in the interval [0, 1]";
    case Demand::zero_or_one: return x == 0 || x == 1 ? nullptr : "must be in the interval [0, 1]";
  }
  return nullptr;
}

}  // namespace

const DensityInfo& info(Density family) { return table()[static_cast<std::size_t>(family)]; }

std::optional<Density> density_named(std::string_view family) {
  for (std::size_t i = 1; i < kCount; ++i)
    if (table()[i].name == family) return static_cast<Density>(i);
  return std::nullopt;
}

std::span<const DensityInfo> all_densities() { return std::span(table()).subspan(1); }

std::optional<std::string> argument_fault(Density family, const double* x) {
  const std::vector<Argument> arguments = arguments_of(family);
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (const char* what = unmet(arguments[i].demand, x[i]))
      return fmt::format("{} is {}, but {}", arguments[i].name, x[i], what);
  if (family == Density::uniform && !(x[2] > x[1]))
    return fmt::format("Upper bound parameter is {}, but must be greater than {}", x[2], x[1]);
  if ((family == Density::binomial || family == Density::binomial_logit) && x[0] > x[1])
    return fmt::format("Successes variable is {}, but must be in the interval [0, {}]", x[0], x[1]);
  return std::nullopt;
}

}  // namespace tenfold::hmc_marg
