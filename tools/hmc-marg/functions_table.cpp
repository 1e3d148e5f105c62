// Signatures of the library's functions, and its families of densities.
#include "hmc-marg/functions_table.h"

#include <algorithm>
#include <array>

#include "hmc-marg/types.h"

namespace tenfold::hmc_marg {

namespace {

using Result = std::optional<Type>;
using Arguments = std::span<const Type>;

bool is_index(const Type& type) { return type == Type{Base::integer, 0}; }
Type real_lanes(Type type) {
  if (type.base == Base::integer) type.base = Base::real;
  return type;
}

// f applied to each scalar of any container.
Result lanes(Arguments args) {
  if (args.size() != 1 || args[0].base == Base::none) return {};
  return real_lanes(args[0]);
}
Result lanes_keeping_int(Arguments args) { return args.size() == 1 && args[0].base != Base::none ? Result(args[0]) : Result(); }

// f applied to pairs: containers of one shape, or a container and a scalar.
Result pairs(Arguments args) {
  if (args.size() != 2) return {};
  if (args[0].base == Base::none || args[1].base == Base::none) return {};
  if (args[0].rank() == 0) return real_lanes(args[1]);
  if (args[1].rank() == 0 || real_lanes(args[0]) == real_lanes(args[1])) return real_lanes(args[0]);
  return {};
}
Result pairs_of_int(Arguments args) {
  Result shape = pairs(args);
  const bool integers = std::ranges::all_of(args, [](const Type& type) { return type.base == Base::integer; });
  if (!shape || !integers) return {};
  shape->base = Base::integer;
  return shape;
}

bool all_indices(Arguments args, std::size_t from) { return std::ranges::all_of(args.subspan(from), is_index); }

Result integer_of_any(Arguments args) {
  return args.size() == 1 && args[0].base != Base::none ? Result(Type{Base::integer, 0}) : Result();
}
Result sizes_of_any(Arguments args) {
  return args.size() == 1 && args[0].base != Base::none ? Result(Type{Base::integer, 1}) : Result();
}
Result repeated(Arguments args) {
  if (args.size() < 2 || args.size() > 4 || args[0].base == Base::none || !all_indices(args, 1)) return {};
  return Type{args[0].base, args[0].array_rank + static_cast<int>(args.size()) - 1};
}
Result joined_arrays(Arguments args) {
  if (args.size() != 2 || args[0].array_rank == 0) return {};
  if (fits(args[0], args[1])) return args[0];
  if (fits(args[1], args[0])) return args[1];
  return {};
}
Result part_of_array(Arguments args) {
  return args.size() == 2 && args[0].array_rank > 0 && is_index(args[1]) ? Result(args[0]) : Result();
}
Result segment_of_array(Arguments args) {
  return args.size() == 3 && args[0].array_rank > 0 && all_indices(args, 1) ? Result(args[0]) : Result();
}
Result same_array(Arguments args) { return args.size() == 1 && args[0].array_rank > 0 ? Result(args[0]) : Result(); }
Result flat_array(Arguments args) {
  const bool scalars =
      args.size() == 1 && (args[0].base == Base::integer || args[0].base == Base::real) && args[0].array_rank > 0;
  return scalars ? Result(Type{args[0].base, 1}) : Result();
}

template <Operator op>
Result operation(Arguments args) {
  return args.size() == 2 ? binary_type(op, args[0], args[1]) : Result();
}

constexpr std::string_view kLanes = "(T)";
constexpr std::string_view kPairs = "(T, T)";

constexpr FunctionRow on_lanes(std::string_view name) { return {name, "", lanes, kLanes}; }
constexpr FunctionRow on_pairs(std::string_view name) { return {name, "", pairs, kPairs}; }

constexpr auto kFunctions = std::to_array<FunctionRow>({
    // Lane-wise functions of one argument.
    {"abs", "", lanes_keeping_int, kLanes},
    {"fabs", "", lanes, kLanes},
    on_lanes("exp"),
    on_lanes("expm1"),
    on_lanes("log"),
    on_lanes("log1p"),
    on_lanes("log1m"),
    {"log2", "r:", lanes, kLanes},
    {"log10", "r:", lanes, kLanes},
    on_lanes("sqrt"),
    on_lanes("cbrt"),
    on_lanes("square"),
    on_lanes("inv"),
    on_lanes("inv_sqrt"),
    on_lanes("inv_square"),
    on_lanes("logit"),
    on_lanes("inv_logit"),
    on_lanes("log_inv_logit"),
    on_lanes("log1m_inv_logit"),
    on_lanes("log1p_exp"),
    on_lanes("log1m_exp"),
    on_lanes("inv_cloglog"),
    on_lanes("Phi"),
    on_lanes("Phi_approx"),
    on_lanes("inv_Phi"),
    on_lanes("sin"),
    on_lanes("cos"),
    on_lanes("tan"),
    on_lanes("asin"),
    on_lanes("acos"),
    on_lanes("atan"),
    on_lanes("sinh"),
    on_lanes("cosh"),
    on_lanes("tanh"),
    on_lanes("asinh"),
    on_lanes("acosh"),
    on_lanes("atanh"),
    on_lanes("lgamma"),
    on_lanes("digamma"),
    on_lanes("trigamma"),
    on_lanes("tgamma"),
    on_lanes("erf"),
    on_lanes("erfc"),
    on_lanes("exp2"),
    on_lanes("floor"),
    on_lanes("ceil"),
    on_lanes("round"),
    on_lanes("trunc"),
    {"step", "r:r"},
    {"int_step", "i:r"},
    {"is_nan", "i:r"},
    {"is_inf", "i:r"},
    {"logical_negation", "i:i"},
    // Lane-wise functions of more arguments.
    on_pairs("pow"),
    on_pairs("lbeta"),
    on_pairs("lchoose"),
    {"choose", "", pairs_of_int, kPairs},
    on_pairs("fmin"),
    on_pairs("fmax"),
    on_pairs("hypot"),
    on_pairs("atan2"),
    on_pairs("fdim"),
    on_pairs("fmod"),
    on_pairs("beta"),
    on_pairs("multiply_log"),
    on_pairs("lmultiply"),
    on_pairs("log_diff_exp"),
    {"fma", "r:rrr"},
    {"log_mix", "r:rrr r:vv r:vw r:wv r:ww r:vR r:RR r:Rv r:Rw r:wR r:vV r:wV r:RV r:vW r:wW r:RW"},
    // Operators by name.
    {"add", "", operation<Operator::add>, kPairs},
    {"subtract", "", operation<Operator::subtract>, kPairs},
    {"multiply", "", operation<Operator::multiply>, kPairs},
    {"divide", "", operation<Operator::divide>, kPairs},
    {"elt_multiply", "", operation<Operator::elementwise_multiply>, kPairs},
    {"elt_divide", "", operation<Operator::elementwise_divide>, kPairs},
    {"modulus", "i:ii"},
    // Constants.
    {"pi", "r:"},
    {"e", "r:"},
    {"sqrt2", "r:"},
    {"not_a_number", "r:"},
    {"positive_infinity", "r:"},
    {"negative_infinity", "r:"},
    {"machine_precision", "r:"},
    // Reductions.
    {"sum", "i:I r:R r:v r:w r:m"},
    {"prod", "i:I r:R r:v r:w r:m"},
    {"min", "i:I r:R r:v r:w r:m i:ii"},
    {"max", "i:I r:R r:v r:w r:m i:ii"},
    {"mean", "r:R r:v r:w r:m"},
    {"sd", "r:R r:v r:w r:m"},
    {"variance", "r:R r:v r:w r:m"},
    {"log_sum_exp", "r:rr r:R r:v r:w r:m"},
    {"dot_product", "r:vv r:vw r:wv r:ww r:RR"},
    {"dot_self", "r:v r:w r:R"},
    {"distance", "r:vv r:vw r:wv r:ww"},
    {"squared_distance", "r:vv r:vw r:wv r:ww r:rr"},
    {"trace", "r:m r:r"},
    {"norm1", "r:v r:w r:R"},
    {"norm2", "r:v r:w r:R"},
    // Vectors to vectors.
    {"softmax", "v:v"},
    {"log_softmax", "v:v"},
    {"cumulative_sum", "I:I R:R v:v w:w"},
    {"sort_asc", "I:I R:R v:v w:w"},
    {"sort_desc", "I:I R:R v:v w:w"},
    {"sort_indices_asc", "I:I I:R I:v I:w"},
    {"sort_indices_desc", "I:I I:R I:v I:w"},
    {"reverse", "v:v w:w", same_array, "(array)"},
    // Making, joining and reshaping containers.
    {"rep_array", "", repeated, "(T, int, ...)"},
    {"rep_vector", "v:ri"},
    {"rep_row_vector", "w:ri"},
    {"rep_matrix", "m:rii m:vi m:wi"},
    {"zeros_vector", "v:i"},
    {"zeros_row_vector", "w:i"},
    {"zeros_array", "R:i"},
    {"zeros_int_array", "I:i"},
    {"ones_vector", "v:i"},
    {"ones_row_vector", "w:i"},
    {"ones_array", "R:i"},
    {"ones_int_array", "I:i"},
    {"linspaced_vector", "v:irr"},
    {"linspaced_row_vector", "w:irr"},
    {"linspaced_array", "R:irr"},
    {"linspaced_int_array", "I:iii"},
    {"to_vector", "v:v v:w v:m v:I v:R"},
    {"to_row_vector", "w:v w:w w:m w:I w:R"},
    {"to_matrix", "m:m m:v m:w m:mii m:vii m:wii m:Iii m:Rii m:miii m:viii m:wiii m:Iiii m:Riii m:J m:Q m:W"},
    {"to_array_2d", "Q:m"},
    {"identity_matrix", "m:i"},
    {"to_array_1d", "R:v R:w R:m", flat_array, "(array)"},
    {"append_array", "", joined_arrays, "(array, array)"},
    {"append_row", "m:mm m:mw m:wm m:ww v:vv v:rv v:vr"},
    {"append_col", "m:mm m:mv m:vm m:vv w:ww w:rw w:wr"},
    {"head", "v:vi w:wi", part_of_array, "(array, int)"},
    {"tail", "v:vi w:wi", part_of_array, "(array, int)"},
    {"segment", "v:vii w:wii", segment_of_array, "(array, int, int)"},
    {"row", "w:mi"},
    {"col", "v:mi"},
    {"sub_row", "w:miii"},
    {"sub_col", "v:miii"},
    {"block", "m:miiii"},
    {"rows", "i:v i:w i:m"},
    {"cols", "i:v i:w i:m"},
    {"size", "", integer_of_any, "(T)"},
    {"num_elements", "", integer_of_any, "(T)"},
    {"dims", "", sizes_of_any, "(T)"},
    // Matrices.
    {"diag_matrix", "m:v"},
    {"diagonal", "v:m"},
    {"transpose", "w:v v:w m:m"},
    {"diag_pre_multiply", "m:vm m:wm"},
    {"diag_post_multiply", "m:mv m:mw"},
    {"add_diag", "m:mr m:mv m:mw"},
    {"crossprod", "m:m"},
    {"tcrossprod", "m:m"},
    {"quad_form", "r:mv m:mm"},
    {"quad_form_diag", "m:mv m:mw"},
    {"multiply_lower_tri_self_transpose", "m:m"},
    {"cholesky_decompose", "m:m"},
    {"mdivide_left_tri_low", "v:mv m:mm"},
    {"mdivide_left_spd", "v:mv m:mm"},
    {"mdivide_right_spd", "w:wm m:mm"},
    {"mdivide_right_tri_low", "w:wm m:mm"},
    {"inverse", "m:m"},
    {"inverse_spd", "m:m"},
    {"determinant", "r:m"},
    {"log_determinant", "r:m"},
    {"log_determinant_spd", "r:m"},
    {"quad_form_sym", "r:mv m:mm"},
    {"trace_quad_form", "r:mv r:mm"},
    {"gp_exp_quad_cov", "m:Rrr m:RRrr m:Vrr m:VVrr m:Wrr m:WWrr"},
    {"cov_exp_quad", "m:Rrr m:RRrr m:Vrr m:VVrr m:Wrr m:WWrr"},
    {"columns_dot_product", "w:vv w:ww w:mm"},
    {"columns_dot_self", "w:v w:w w:m"},
    {"rows_dot_product", "v:vv v:ww v:mm"},
    {"rows_dot_self", "v:v v:w v:m"},
    {"csr_matrix_times_vector", "v:iivIIv"},
});

constexpr auto kDensities = std::to_array<DensityRow>({
    {"normal", false, "sss", true, true, "*"},
    {"std_normal", false, "s", true, true, "r:"},
    {"lognormal", false, "sss", true, true, "*"},
    {"student_t", false, "ssss", true, true, "*"},
    {"cauchy", false, "sss", true, true, "*"},
    {"double_exponential", false, "sss", true, true, "*"},
    {"logistic", false, "sss", true, true, "*"},
    {"uniform", false, "sss", true, true, "*"},
    {"beta", false, "sss", true, true, "*"},
    {"gamma", false, "sss", true, true, "*"},
    {"inv_gamma", false, "sss", true, true, "*"},
    {"exponential", false, "ss", true, true, "*"},
    {"weibull", false, "sss", true, true, "*"},
    {"chi_square", false, "ss", true, true, "*"},
    {"inv_chi_square", false, "ss", true, true, "*"},
    {"scaled_inv_chi_square", false, "sss", true, true, "*"},
    {"pareto", false, "sss", true, true, "*"},
    {"bernoulli", true, "ts", true, true, "*"},
    {"bernoulli_logit", true, "ts", true, false, "*"},
    {"binomial", true, "tts", true, true, "*"},
    {"binomial_logit", true, "tts", true, false, ""},
    {"beta_binomial", true, "ttss", true, true, "*"},
    {"poisson", true, "ts", true, true, "*"},
    {"poisson_log", true, "ts", true, false, "*"},
    {"neg_binomial", true, "tss", true, true, "*"},
    {"neg_binomial_2", true, "tss", true, true, "*"},
    {"neg_binomial_2_log", true, "tss", true, false, "*"},
    {"dirichlet", false, "uu", false, false, "v:v"},
    {"categorical", true, "tx", false, false, "i:v"},
    {"categorical_logit", true, "tx", false, false, "i:v"},
    {"multinomial", true, "Ix", false, false, "I:vi"},
    {"normal_id_glm", false, "clcxc", false, false, ""},
    {"bernoulli_logit_glm", true, "tlcx", false, false, ""},
    {"poisson_log_glm", true, "tlcx", false, false, ""},
    {"multi_normal", false, "vvm", false, false, "v:vm v:wm V:Vm V:Wm"},
    {"multi_normal_cholesky", false, "vvm", false, false, "v:vm v:wm V:Vm V:Wm"},
    {"multi_normal_prec", false, "vvm", false, false, "v:vm v:wm V:Vm V:Wm"},
    {"lkj_corr", false, "mr", false, false, "m:ir"},
    {"lkj_corr_cholesky", false, "mr", false, false, "m:ir"},
});

}  // namespace

std::span<const FunctionRow> function_rows() { return kFunctions; }
std::span<const DensityRow> density_rows() { return kDensities; }

Type type_of_letter(char letter) {
  switch (letter) {
    case 'i': return {Base::integer, 0};
    case 'r': return {Base::real, 0};
    case 'v': return {Base::vector, 0};
    case 'w': return {Base::row_vector, 0};
    case 'm': return {Base::matrix, 0};
    case 'I': return {Base::integer, 1};
    case 'R': return {Base::real, 1};
    case 'V': return {Base::vector, 1};
    case 'W': return {Base::row_vector, 1};
    case 'J': return {Base::integer, 2};
    case 'Q': return {Base::real, 2};
    default: return {};
  }
}

}  // namespace tenfold::hmc_marg
