// Functions and distributions that CmdStan has and this tool refuses, by name, so that a message can say so.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hmc-marg/functions.h"

namespace tenfold::hmc_marg {

namespace {

struct Refused {
  std::string_view name;  // a star at the end stands for any ending
  std::string_view what;  // plural
};

constexpr Refused kFeatures[] = {
    {"ode_*", "ODE solvers"},
    {"integrate_ode*", "ODE solvers"},
    {"dae", "DAE solvers"},
    {"dae_tol", "DAE solvers"},
    {"solve_newton*", "algebraic solvers"},
    {"solve_powell*", "algebraic solvers"},
    {"algebra_solver*", "algebraic solvers"},
    {"map_rect", "map_rect calls"},
    {"reduce_sum*", "reduce_sum calls"},
    {"hmm_*", "hmm functions"},
    {"integrate_1d*", "integrals"},
    {"laplace_*", "embedded Laplace approximations"},
    {"to_complex", "complex numbers"},
    {"get_real", "complex numbers"},
    {"get_imag", "complex numbers"},
    {"complex_schur*", "complex numbers"},
    {"fft*", "complex numbers"},
    {"inv_fft*", "complex numbers"},
    {"eigenvalues*", "eigenvalue functions"},
    {"eigenvectors*", "eigenvalue functions"},
    {"eigendecompose*", "eigenvalue functions"},
};

// Distributions without their suffix.
constexpr auto kFamilies = std::to_array<std::string_view>({"skew_normal",
                                                            "exp_mod_normal",
                                                            "skew_double_exponential",
                                                            "gumbel",
                                                            "frechet",
                                                            "rayleigh",
                                                            "loglogistic",
                                                            "pareto_type_2",
                                                            "wiener",
                                                            "von_mises",
                                                            "beta_proportion",
                                                            "beta_neg_binomial",
                                                            "hypergeometric",
                                                            "discrete_range",
                                                            "ordered_logistic",
                                                            "ordered_probit",
                                                            "ordered_logistic_glm",
                                                            "categorical_logit_glm",
                                                            "neg_binomial_2_log_glm",
                                                            "binomial_logit_glm",
                                                            "multinomial_logit",
                                                            "dirichlet_multinomial",
                                                            "multi_student_t",
                                                            "multi_student_t_cholesky",
                                                            "multi_gp",
                                                            "multi_gp_cholesky",
                                                            "gaussian_dlm_obs",
                                                            "wishart",
                                                            "wishart_cholesky",
                                                            "inv_wishart",
                                                            "inv_wishart_cholesky",
                                                            "lkj_cov",
                                                            "matrix_normal",
                                                            "matrix_normal_prec",
                                                            "yule_simon"});

constexpr auto kFunctions = std::to_array<std::string_view>({"bessel_first_kind",
                                                             "bessel_second_kind",
                                                             "modified_bessel_first_kind",
                                                             "modified_bessel_second_kind",
                                                             "log_modified_bessel_first_kind",
                                                             "chol2inv",
                                                             "csr_extract_u",
                                                             "csr_extract_v",
                                                             "csr_extract_w",
                                                             "csr_to_dense_matrix",
                                                             "falling_factorial",
                                                             "gamma_p",
                                                             "gamma_q",
                                                             "generalized_inverse",
                                                             "gp_dot_prod_cov",
                                                             "gp_exponential_cov",
                                                             "gp_matern32_cov",
                                                             "gp_matern52_cov",
                                                             "gp_periodic_cov",
                                                             "inc_beta",
                                                             "inv_erfc",
                                                             "inv_inc_beta",
                                                             "lambert_w0",
                                                             "lambert_wm1",
                                                             "ldexp",
                                                             "lmgamma",
                                                             "log_falling_factorial",
                                                             "log_inv_logit_diff",
                                                             "log_rising_factorial",
                                                             "matrix_exp",
                                                             "matrix_exp_multiply",
                                                             "matrix_power",
                                                             "mdivide_left",
                                                             "mdivide_right",
                                                             "norm",
                                                             "one_hot_array",
                                                             "one_hot_int_array",
                                                             "one_hot_row_vector",
                                                             "one_hot_vector",
                                                             "ones_matrix",
                                                             "owens_t",
                                                             "qr",
                                                             "qr_Q",
                                                             "qr_R",
                                                             "qr_thin",
                                                             "qr_thin_Q",
                                                             "qr_thin_R",
                                                             "quantile",
                                                             "rank",
                                                             "rising_factorial",
                                                             "scale_matrix_exp_multiply",
                                                             "singular_values",
                                                             "svd",
                                                             "svd_U",
                                                             "svd_V",
                                                             "symmetrize_from_lower_tri",
                                                             "to_int",
                                                             "trace_gen_quad_form",
                                                             "zeros_matrix"});

constexpr std::string_view kSuffixes[] = {"_lpdf", "_lpmf", "_lupdf", "_lupmf", "_cdf", "_lcdf", "_lccdf", "_rng"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool matches(std::string_view name, std::string_view pattern) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

std::string_view without_suffix(std::string_view name) {
  for (const std::string_view suffix : kSuffixes)
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  return name;
}

}  // namespace

std::string refused_reason(std::string_view name) {
  if (is_library_function(name) || is_density(name)) return "";
  for (const Refused& refused : kFeatures)
    if (matches(name, refused.name))
      return fmt::format("{}: {} run in CmdStan, not here; write the model without", name, refused.what);
  if (name == "get_lp") return "get_lp is no longer part of Stan; write target()";
  if (name == "increment_log_prob") return "increment_log_prob is no longer part of Stan; write `target += ...;`";
  if (name == "binomial_coefficient_log") return "binomial_coefficient_log is no longer part of Stan; write lchoose";
  if (name == "if_else") return "if_else is no longer part of Stan; write `condition ? a : b`";
  const std::string_view family = without_suffix(name);
  if (contains(kFamilies, family))
    return fmt::format("the distribution {} runs in CmdStan, not here; choose another or write the density out", family);
  if (family != name && is_density(family))
    return fmt::format("{} has no {}; its log density is {}_{}", family, name.substr(family.size()), family,
                       is_discrete(family) ? "lpmf" : "lpdf");
  if (contains(kFunctions, name)) return fmt::format("the function {} runs in CmdStan, not here; write it out", name);
  if (name.ends_with("_log") && is_density(name.substr(0, name.size() - 4))) {
    const std::string_view density = name.substr(0, name.size() - 4);
    return fmt::format("{} is no longer part of Stan; write {}_{}", name, density, is_discrete(density) ? "lpmf" : "lpdf");
  }
  return "";
}

}  // namespace tenfold::hmc_marg
