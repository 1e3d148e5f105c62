// The functions end to end: the engine's value is the known result, its gradient the central difference of known results.
#include "hmc-marg/library_values.h"
#include "hmc-marg/op_program.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

namespace {

// Weights that let no two elements of a result stand for each other.
double weighted(std::span<const double> numbers) {
  double sum = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) sum += (1 + 0.37 * static_cast<double>(i)) * numbers[i];
  return sum;
}

using Function = std::function<Value(CallContext&, const std::vector<Value>&)>;

void check_gradient(const Function& function, const std::vector<Value>& args) {
  Unknowns unknowns;
  std::vector<Value> hidden = args;
  TargetSpec spec;
  for (Value& arg : hidden) {
    if (arg.type.base == Base::integer) continue;
    arg = unknowns.hide(arg);
    spec.inputs.insert(spec.inputs.end(), arg.slot.begin(), arg.slot.end());
  }
  const Value result = function(unknowns.context, hidden);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double weight = 1 + 0.37 * static_cast<double>(i);
    if (!result.known() && result.slot[i])
      spec.terms.push_back({result.slot[i], weight, 0});
    else
      spec.constant += weight * result.number[i];
  }
  const auto at = [&](const std::vector<double>& q) {
    std::vector<Value> known = args;
    std::size_t next = 0;
    for (Value& arg : known)
      if (arg.type.base != Base::integer)
        for (double& x : arg.number) x = q[next++];
    CallContext plain;
    return weighted(function(plain, known).number);
  };
  std::vector<double> gradient(unknowns.numbers.size());
  Engine engine(lower(unknowns.graph, spec));
  CHECK(close(engine.log_density(unknowns.numbers, gradient), at(unknowns.numbers), 1e-11));
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    constexpr double kStep = 1e-5;
    std::vector<double> q = unknowns.numbers;
    q[i] += kStep;
    const double above = at(q);
    q[i] -= 2 * kStep;
    const double difference = (above - at(q)) / (2 * kStep);
    CHECK_MESSAGE(close(gradient[i], difference, 1e-6), "element ", i, ": ", gradient[i], " against ", difference);
  }
}

void check_gradient(std::string_view name, const std::vector<Value>& args) {
  CAPTURE(name);
  check_gradient([name](CallContext& context, const std::vector<Value>& a) { return call(context, name, a); }, args);
}

void check_density_gradient(std::string_view family, const std::vector<Value>& args) {
  CAPTURE(family);
  check_gradient(
      [family](CallContext& context, const std::vector<Value>& a) {
        std::vector<const Value*> pointers;
        for (const Value& arg : a) pointers.push_back(&arg);
        const bool no_data[5] = {};
        return density_value(context, family, pointers, {no_data, a.size()}, false);
      },
      args);
}

const Value kA = matrix(3, 2, {1, 2, 3, -4, 5, 6});
const Value kLower = matrix(3, 3, {2, 1, -1, 0, 3, 0.5, 0, 0, 1.5});
const Value kX = vector({0.3, -0.7, 1.2});

}  // namespace

TEST_CASE("gradients of reductions and of vectors") {
  for (const char* name :
       {"sum", "mean", "prod", "variance", "sd", "dot_self", "log_sum_exp", "softmax", "log_softmax", "cumulative_sum", "norm2"})
    check_gradient(name, {kX});
  for (const char* name : {"dot_product", "distance", "squared_distance"}) check_gradient(name, {kX, vector({1, 2, 0.5})});
  check_gradient("log_mix", {real(0.3), real(1), real(-2)});
  check_gradient("log_mix", {vector({0.3, 0.7}), vector({1, -2})});
  check_gradient("fma", {real(0.3), real(1), real(-2)});
}

TEST_CASE("gradients of matrix functions") {
  for (const char* name : {"crossprod", "tcrossprod", "columns_dot_self", "rows_dot_self"}) check_gradient(name, {kA});
  check_gradient("multiply_lower_tri_self_transpose", {kLower});
  check_gradient("diag_pre_multiply", {kX, kA});
  check_gradient("quad_form_diag", {kLower, kX});
  check_gradient("quad_form", {kLower, kA});
  check_gradient("add_diag", {kLower, real(0.2)});
  check_gradient("mdivide_left_tri_low", {kLower, kX});
  check_gradient("mdivide_left_tri_low", {kLower, kA});
  check_gradient("mdivide_right_tri_low", {row_vector({1, 2, -1}), kLower});
  check_gradient("gp_exp_quad_cov", {array({0, 1, 3}), real(1.5), real(2)});
  check_gradient("csr_matrix_times_vector",
                 {integer(3), integer(3), vector({10, 20, 30}), integers({1, 3, 2}), integers({1, 3, 3, 4}), kX});
  check_gradient([](CallContext& c, const std::vector<Value>& a) { return apply_binary(c, Operator::multiply, a[0], a[1]); },
                 {kLower, kA});
}

// Symmetric arguments are made of a factor, as a program makes them: the derivative is along symmetric changes.
TEST_CASE("gradients of functions of symmetric matrices") {
  for (const char* name : {"cholesky_decompose", "inverse_spd", "log_determinant"}) {
    CAPTURE(name);
    check_gradient([name](CallContext& c, const std::vector<Value>& a) { return call(c, name, {call(c, "tcrossprod", {a[0]})}); },
                   {kLower});
  }
  check_gradient([](CallContext& c,
                    const std::vector<Value>& a) { return call(c, "mdivide_left_spd", {call(c, "tcrossprod", {a[0]}), a[1]}); },
                 {kLower, kX});
}

TEST_CASE("gradients of densities of vectors") {
  check_density_gradient("multi_normal_cholesky", {kX, vector({0, 0.5, 1}), kLower});
  check_density_gradient("normal_id_glm", {kX, kA, real(0.1), vector({0.3, -0.2}), real(1.5)});
  check_density_gradient("bernoulli_logit_glm", {integers({1, 0, 1}), kA, real(0.1), vector({0.3, -0.2})});
  check_density_gradient("poisson_log_glm", {integers({3, 0, 1}), kA, real(0.1), vector({0.3, -0.2})});
  check_density_gradient("categorical_logit", {integers({1, 2, 1}), kX});
  check_density_gradient("lkj_corr_cholesky", {matrix(2, 2, {1, 0.4, 0, 0.9}), real(1.7)});
  for (const char* family : {"multi_normal", "multi_normal_prec"}) {
    CAPTURE(family);
    check_gradient(
        [family](CallContext& c, const std::vector<Value>& a) {
          const Value spread = call(c, "tcrossprod", {a[2]});
          const Value* const pointers[3] = {&a[0], &a[1], &spread};
          const bool no_data[3] = {};
          return density_value(c, family, pointers, no_data, false);
        },
        {kX, vector({0, 0.5, 1}), kLower});
  }
}
