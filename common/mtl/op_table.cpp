#include "mtl/op_table.h"

#include <algorithm>

#include "base/error.h"

namespace tenfold::mtl {
namespace {

using Kind = AttributeKind;
using Ints = std::vector<std::int64_t>;

AttributeSpec boolean(std::string name, bool fallback) {
  return {std::move(name), Kind::boolean, false, Attribute{fallback}, {}, {}};
}
AttributeSpec integer_of(std::string name, std::int64_t fallback, std::int64_t least = std::numeric_limits<std::int64_t>::min()) {
  return {std::move(name), Kind::integer, false, Attribute{fallback}, least, {}};
}
AttributeSpec real_of(std::string name, double fallback) {
  return {std::move(name), Kind::real, false, Attribute{fallback}, {}, {}};
}
AttributeSpec pair_of(std::string name, std::int64_t fallback, std::int64_t least) {
  return {std::move(name), Kind::pair, false, Attribute{Ints{fallback, fallback}}, least, {}};
}
AttributeSpec text_of(std::string name, std::string fallback, std::vector<std::string> choices) {
  return {std::move(name), Kind::text, false, Attribute{std::move(fallback)}, {}, std::move(choices)};
}
AttributeSpec needed(std::string name, Kind kind, std::int64_t least = std::numeric_limits<std::int64_t>::min()) {
  return {std::move(name), kind, true, std::nullopt, least, {}};
}
AttributeSpec perhaps(std::string name, Kind kind, std::int64_t least = std::numeric_limits<std::int64_t>::min()) {
  return {std::move(name), kind, false, std::nullopt, least, {}};
}

const std::vector<RoleSpec> kAffine = {{"weight", false, 1}, {"bias", false, 1}};

OpSpec plain(Op op, std::string name, std::vector<AttributeSpec> attributes = {}) {
  return {op, std::move(name), 1, 1, true, {}, std::move(attributes)};
}

OpSpec binary(Op op, std::string name, std::vector<AttributeSpec> attributes = {}) {
  return {op, std::move(name), 2, 2, false, {}, std::move(attributes)};
}

OpSpec with_roles(Op op, std::string name, std::vector<RoleSpec> roles, std::vector<AttributeSpec> attributes = {}) {
  return {op, std::move(name), 1, 1, true, std::move(roles), std::move(attributes)};
}

void add_layers(std::vector<OpSpec>& table) {
  table.push_back({Op::image, "image", 0, 0, true, {}, {}});
  const std::vector<RoleSpec> conv = {{"weight", true, 4}, {"bias", false, 1}};
  table.push_back(
      with_roles(Op::conv2d, "conv2d", conv,
                 {pair_of("stride", 1, 1), pair_of("padding", 0, 0), pair_of("dilation", 1, 1), integer_of("groups", 1, 1)}));
  table.push_back(with_roles(Op::conv_transpose2d, "conv_transpose2d", conv,
                             {pair_of("stride", 1, 1), pair_of("padding", 0, 0), pair_of("output_padding", 0, 0),
                              integer_of("groups", 1, 1), pair_of("dilation", 1, 1)}));
  table.push_back(with_roles(Op::linear, "linear", {{"weight", true, 2}, {"bias", false, 1}}));
  table.push_back(with_roles(Op::batch_norm, "batch_norm",
                             {{"weight", false, 1}, {"bias", false, 1}, {"running_mean", true, 1}, {"running_var", true, 1}},
                             {real_of("eps", 1e-5), real_of("momentum", 0.1)}));
  table.push_back(with_roles(Op::instance_norm, "instance_norm", kAffine, {real_of("eps", 1e-5)}));
  table.push_back(
      with_roles(Op::group_norm, "group_norm", kAffine, {needed("num_groups", Kind::integer, 1), real_of("eps", 1e-5)}));
  table.push_back(with_roles(Op::layer_norm, "layer_norm", {{"weight", false, -1}, {"bias", false, -1}},
                             {needed("normalized_shape", Kind::list, 1), real_of("eps", 1e-5)}));
}

void add_unary(std::vector<OpSpec>& table) {
  table.push_back(plain(Op::relu, "relu"));
  table.push_back(plain(Op::relu6, "relu6"));
  table.push_back(plain(Op::leaky_relu, "leaky_relu", {real_of("negative_slope", 0.01)}));
  table.push_back(with_roles(Op::prelu, "prelu", {{"weight", true, 1}}));
  table.push_back(plain(Op::silu, "silu"));
  table.push_back(plain(Op::gelu, "gelu", {text_of("approximate", "none", {"none", "tanh"})}));
  table.push_back(plain(Op::hardswish, "hardswish"));
  table.push_back(plain(Op::hardsigmoid, "hardsigmoid"));
  table.push_back(plain(Op::hardtanh, "hardtanh", {real_of("min_val", -1), real_of("max_val", 1)}));
  table.push_back(plain(Op::sigmoid, "sigmoid"));
  table.push_back(plain(Op::tanh, "tanh"));
  table.push_back(plain(Op::softplus, "softplus", {real_of("beta", 1), real_of("threshold", 20)}));
  table.push_back(plain(Op::exp, "exp"));
  table.push_back(plain(Op::log, "log"));
  table.push_back(plain(Op::abs, "abs"));
  table.push_back(plain(Op::neg, "neg"));
  table.push_back(plain(Op::sqrt, "sqrt"));
  table.push_back(plain(Op::clamp, "clamp", {perhaps("min", Kind::real), perhaps("max", Kind::real)}));
}

void add_joins(std::vector<OpSpec>& table) {
  table.push_back(binary(Op::add, "add", {real_of("alpha", 1)}));
  table.push_back(binary(Op::sub, "sub", {real_of("alpha", 1)}));
  table.push_back(binary(Op::mul, "mul"));
  table.push_back(binary(Op::div, "div"));
  table.push_back(binary(Op::max, "max"));
  table.push_back(binary(Op::min, "min"));
  table.push_back({Op::cat, "cat", 1, std::numeric_limits<int>::max(), true, {}, {integer_of("dim", 0)}});
  table.push_back(plain(Op::slice, "slice",
                        {integer_of("dim", 0), integer_of("start", 0),
                         integer_of("end", std::numeric_limits<std::int64_t>::max()), integer_of("step", 1, 1)}));
}

void add_spatial(std::vector<OpSpec>& table) {
  // An absent stride is the kernel's size.
  table.push_back(plain(Op::max_pool2d, "max_pool2d",
                        {needed("kernel_size", Kind::pair, 1), perhaps("stride", Kind::pair, 1), pair_of("padding", 0, 0),
                         pair_of("dilation", 1, 1), boolean("ceil_mode", false)}));
  table.push_back(
      plain(Op::avg_pool2d, "avg_pool2d",
            {needed("kernel_size", Kind::pair, 1), perhaps("stride", Kind::pair, 1), pair_of("padding", 0, 0),
             boolean("ceil_mode", false), boolean("count_include_pad", true), perhaps("divisor_override", Kind::integer, 1)}));
  table.push_back(plain(Op::adaptive_avg_pool2d, "adaptive_avg_pool2d", {needed("output_size", Kind::pair, 1)}));
  table.push_back(plain(Op::adaptive_max_pool2d, "adaptive_max_pool2d", {needed("output_size", Kind::pair, 1)}));
  table.push_back(plain(Op::upsample, "upsample",
                        {text_of("mode", "nearest", {"nearest", "bilinear"}), perhaps("size", Kind::pair, 1),
                         perhaps("scale", Kind::real), perhaps("size_of", Kind::node), boolean("align_corners", false)}));
}

void add_shapes(std::vector<OpSpec>& table) {
  table.push_back(plain(Op::flatten, "flatten", {integer_of("start_dim", 0), integer_of("end_dim", -1)}));
  table.push_back(plain(Op::reshape, "reshape", {needed("shape", Kind::list, -1)}));
  table.push_back(plain(Op::permute, "permute", {needed("dims", Kind::list)}));
  table.push_back(plain(Op::squeeze, "squeeze", {needed("dim", Kind::integer)}));
  table.push_back(plain(Op::unsqueeze, "unsqueeze", {needed("dim", Kind::integer)}));
  table.push_back(plain(Op::softmax, "softmax", {needed("dim", Kind::integer)}));
  table.push_back(plain(Op::log_softmax, "log_softmax", {needed("dim", Kind::integer)}));
  // An empty list of dimensions is all of them.
  const AttributeSpec dims = {"dim", Kind::list, false, Attribute{Ints{}}, std::numeric_limits<std::int64_t>::min(), {}};
  table.push_back(plain(Op::mean, "mean", {dims, boolean("keepdim", false)}));
  table.push_back(plain(Op::sum, "sum", {dims, boolean("keepdim", false)}));
  table.push_back(plain(Op::argmax, "argmax", {perhaps("dim", Kind::integer), boolean("keepdim", false)}));
  table.push_back(plain(Op::l2_normalize, "l2_normalize", {integer_of("dim", 1), real_of("eps", 1e-12)}));
  table.push_back(plain(Op::pad, "pad",
                        {needed("pad", Kind::list), text_of("mode", "constant", {"constant", "reflect", "replicate", "circular"}),
                         real_of("value", 0)}));
  table.push_back(plain(Op::pixel_shuffle, "pixel_shuffle", {needed("upscale_factor", Kind::integer, 1)}));
  table.push_back(binary(Op::matmul, "matmul"));
  table.push_back(plain(Op::dropout, "dropout", {real_of("p", 0.5)}));
  table.push_back(plain(Op::identity, "identity"));
}

std::vector<OpSpec> make_table() {
  std::vector<OpSpec> table;
  add_layers(table);
  add_unary(table);
  add_joins(table);
  add_spatial(table);
  add_shapes(table);
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].op != static_cast<Op>(i)) machine_error("op_table: " + table[i].name + " is out of order");
  return table;
}

}  // namespace

const AttributeSpec* OpSpec::attribute(std::string_view wanted) const {
  const auto found = std::ranges::find(attributes, wanted, &AttributeSpec::name);
  return found == attributes.end() ? nullptr : &*found;
}

const RoleSpec* OpSpec::role(std::string_view wanted) const {
  const auto found = std::ranges::find(roles, wanted, &RoleSpec::name);
  return found == roles.end() ? nullptr : &*found;
}

const std::vector<OpSpec>& all_ops() {
  static const std::vector<OpSpec> table = make_table();
  return table;
}

const OpSpec& spec_of(Op op) { return all_ops().at(static_cast<std::size_t>(op)); }

std::string_view name_of(Op op) { return spec_of(op).name; }

bool op_from_name(std::string_view name, Op& op) {
  const auto found = std::ranges::find(all_ops(), name, &OpSpec::name);
  if (found == all_ops().end()) return false;
  op = found->op;
  return true;
}

}  // namespace tenfold::mtl
