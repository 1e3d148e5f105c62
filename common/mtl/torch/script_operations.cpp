#include "mtl/torch/script_operations.h"

#include <algorithm>
#include <map>

namespace tenfold::mtl {
namespace {

using Ints = std::vector<std::int64_t>;
using Values = std::vector<ScriptValue>;
using Kind = ScriptValue::Kind;

Operand reads(int node) { return {Operand::Kind::node, node, "", 0}; }

// ---- layers

// padding="same": what ATen pads, the odd pixel behind.
int pad_same(ScriptCall& call, const Shape& weight, int input, Ints& padding) {
  const Ints dilation = call.integers("dilation");
  Ints widths;  // last dimension first
  bool even = true;
  padding = {0, 0};
  for (std::size_t i = 2; i-- > 0;) {
    const std::int64_t total = dilation[dilation.size() == 1 ? 0 : i] * (weight[2 + i] - 1);
    widths.insert(widths.end(), {total / 2, total - total / 2});
    padding[i] = total / 2;
    even = even && total % 2 == 0;
  }
  if (even) return input;
  padding = {0, 0};
  return call.lowering().emit(call.node(), Op::pad, {reads(input)}, {{"pad", widths}});
}

Values convolution(ScriptCall& call) {
  const at::Tensor weight = call["weight"].constant.isTensor() ? call["weight"].constant.toTensor() : at::Tensor();
  if (!weight.defined() || weight.dim() != 4) call.refuse("is no two-dimensional convolution with constant weights");
  const bool transposed = call.name() == "conv_transpose2d" || (call.has("transposed") && call.flag("transposed"));
  int input = call.image_node(call[call.has("input") ? "input" : "self"]);
  Ints padding;
  if (call["padding"].is_constant() && call["padding"].constant.isString()) {
    if (call.text("padding") == "same")
      input = pad_same(call, weight.sizes().vec(), input, padding);
    else
      padding = {0, 0};
  } else {
    padding = call.integers("padding");
  }
  std::map<std::string, Attribute> attributes = {{"stride", call.integers("stride")},
                                                 {"padding", padding},
                                                 {"dilation", call.integers("dilation")},
                                                 {"groups", call.integer("groups")}};
  if (transposed) attributes["output_padding"] = call.integers("output_padding");
  return {call.emit_from(transposed ? Op::conv_transpose2d : Op::conv2d, {reads(input)}, attributes,
                         call.weights({"weight", "bias"}), call.origin({{"groups", "groups"}}))};
}

Values linear(ScriptCall& call) { return {call.emit(Op::linear, {}, call.weights({"weight", "bias"}))}; }

// x W^T with W a parameter: how older traces write a linear layer.
Values addmm(ScriptCall& call) {
  const ScriptValue& matrix = call["mat2"];
  const bool plain = (!call.has("beta") || call.real("beta") == 1) && (!call.has("alpha") || call.real("alpha") == 1);
  if (!plain || !matrix.transposed || depends_on_image(call["self"]) || !call["self"].constant.isTensor() ||
      call["self"].constant.toTensor().dim() != 1)
    call.refuse("is no linear layer: bias + x W^T with parameters is expected");
  std::map<std::string, std::string> parameters = {{"bias", call.weight("self")}};
  parameters["weight"] = call.lowering().weight(matrix.name, matrix.constant.toTensor().t());
  return {call.emit_from(Op::linear, {reads(call.image_node(call["mat1"]))}, {}, parameters)};
}

Values matmul(ScriptCall& call) {
  const ScriptValue &a = call["self"], &b = call[call.has("other") ? "other" : "mat2"];
  if (b.is_constant() && b.transposed) {
    const std::string weight = call.lowering().weight(b.name, b.constant.toTensor().t());
    return {call.emit_from(Op::linear, {reads(call.image_node(a))}, {}, {{"weight", weight}})};
  }
  return {call.emit_from(Op::matmul, {call.operand(a), call.operand(b)}, {})};
}

Values batch_norm(ScriptCall& call) {
  if (call.flag("training")) call.refuse("takes its statistics from the batch (train mode); trace again in eval mode");
  if (!call.has("running_mean") || !call.has("running_var")) call.refuse("has no running statistics");
  return {call.emit(Op::batch_norm, {{"eps", call.real("eps")}, {"momentum", call.real("momentum")}},
                    call.weights({"weight", "bias", "running_mean", "running_var"}))};
}

Values instance_norm(ScriptCall& call) {
  if (!call.flag("use_input_stats"))
    return {call.emit(Op::batch_norm, {{"eps", call.real("eps")}, {"momentum", call.real("momentum")}},
                      call.weights({"weight", "bias", "running_mean", "running_var"}))};
  return {call.emit(Op::instance_norm, {{"eps", call.real("eps")}}, call.weights({"weight", "bias"}))};
}

Values group_norm(ScriptCall& call) {
  return {call.emit(Op::group_norm, {{"num_groups", call.integer("num_groups")}, {"eps", call.real("eps")}},
                    call.weights({"weight", "bias"}), call.origin({{"num_groups", "num_groups"}}))};
}

Values layer_norm(ScriptCall& call) {
  return {call.emit(Op::layer_norm, {{"normalized_shape", call.integers("normalized_shape")}, {"eps", call.real("eps")}},
                    call.weights({"weight", "bias"}))};
}

// ---- one operand

template <Op op>
Values unary(ScriptCall& call) {
  return {call.emit(op)};
}

Values leaky_relu(ScriptCall& call) { return {call.emit(Op::leaky_relu, {{"negative_slope", call.real("negative_slope")}})}; }
Values prelu(ScriptCall& call) { return {call.emit(Op::prelu, {}, call.weights({"weight"}))}; }
Values gelu(ScriptCall& call) {
  return {call.emit(Op::gelu, {{"approximate", call.has("approximate") ? call.text("approximate") : std::string("none")}})};
}
Values hardtanh(ScriptCall& call) {
  return {call.emit(Op::hardtanh, {{"min_val", call.real("min_val")}, {"max_val", call.real("max_val")}})};
}
Values softplus(ScriptCall& call) {
  return {call.emit(Op::softplus, {{"beta", call.real("beta")}, {"threshold", call.real("threshold")}})};
}
Values dropout(ScriptCall& call) {
  const char* training = call.has("training") ? "training" : "train";
  if (call.flag(training)) call.refuse("drops in train mode; trace again in eval mode");
  return {call.emit(Op::dropout, {{"p", call.real("p")}})};
}

Values clamp(ScriptCall& call) {
  std::map<std::string, Attribute> attributes;
  for (const char* bound : {"min", "max"})
    if (call.has(bound)) attributes[bound] = call.real(bound);
  if (call.first().kind == Kind::tensor && call.first().cell->norm) {
    if (attributes.size() != 1 || !attributes.contains("min")) call.refuse(call.first().cell->unusable);
    ScriptValue clamped = call.lowering().make_tensor(-1, call.results()[0]);
    clamped.cell->unusable = call.first().cell->unusable;
    clamped.cell->norm = call.first().cell->norm;
    clamped.cell->norm->eps = std::max(clamped.cell->norm->eps, std::get<double>(attributes["min"]));
    return {clamped};
  }
  return {call.emit(Op::clamp, attributes)};
}

// The same memory or a copy of it: no operation at all.
Values passed_on(ScriptCall& call) {
  const ScriptValue& from = call.first();
  if (!call.results()[0].is_floating_point()) call.refuse("its result holds no real numbers");
  if (call.results()[0].scalar_type() != from.cell->value.scalar_type())
    call.refuse("changes the precision, which a graph has one of");
  if (call.results()[0].is_alias_of(from.cell->value)) return {from};
  return {call.result(call.image_node(from))};
}

Values expand(ScriptCall& call) {
  const ScriptValue& from = call.first();
  if (from.cell->norm) {
    ScriptValue same = from;
    return {same};
  }
  ScriptValue expanded = call.lowering().make_tensor(call.image_node(from), call.results()[0]);
  expanded.cell->expanded = call.results()[0].sizes() != from.cell->value.sizes();
  return {expanded};
}

// ---- two operands

// Operands broadcast; one that stands for a larger tensor needs another of that size beside it.
ScriptValue join(ScriptCall& call, Op op, const ScriptValue& a, const ScriptValue& b,
                 std::map<std::string, Attribute> attributes = {}) {
  return call.emit_from(op, {call.operand(a), call.operand(b)}, std::move(attributes));
}

std::map<std::string, Attribute> alpha(const ScriptCall& call) {
  return {{"alpha", call.has("alpha") ? call.real("alpha") : 1.0}};
}

Values add(ScriptCall& call) { return {join(call, Op::add, call["self"], call["other"], alpha(call))}; }
Values sub(ScriptCall& call) { return {join(call, Op::sub, call["self"], call["other"], alpha(call))}; }
Values rsub(ScriptCall& call) { return {join(call, Op::sub, call["other"], call["self"], alpha(call))}; }
Values mul(ScriptCall& call) { return {join(call, Op::mul, call["self"], call["other"])}; }

Values div(ScriptCall& call) {
  if (call.has("rounding_mode")) call.refuse("rounds");
  const ScriptValue &a = call["self"], &b = call["other"];
  if (b.kind == Kind::tensor && b.cell->norm) {
    const TensorCell::Norm& norm = *b.cell->norm;
    if (call.image_node(a) != norm.of) call.refuse(b.cell->unusable);
    return {call.emit(Op::l2_normalize, {{"dim", norm.dim}, {"eps", norm.eps}})};
  }
  return {join(call, Op::div, a, b)};
}

Values greatest(ScriptCall& call) {
  if (!call.has("other")) call.refuse("over dimensions has no counterpart in a graph");
  return {join(call, call.name().starts_with("max") ? Op::max : Op::min, call["self"], call["other"])};
}

Values power(ScriptCall& call) {
  const double exponent = call.real("exponent");
  if (exponent == 2) return {join(call, Op::mul, call["self"], call["self"])};
  if (exponent == 0.5) return {call.emit(Op::sqrt)};
  call.refuse("with an exponent other than 2 and 0.5 has no counterpart in a graph");
}

Values reciprocal(ScriptCall& call) { return {join(call, Op::div, ScriptValue::of(1.0), call["self"])}; }

// The 2-norm along one dimension: of use in l2_normalize alone.
Values norm(ScriptCall& call) {
  ScriptValue value = call.lowering().make_tensor(-1, call.results()[0]);
  value.cell->unusable =
      "operation " + std::string(call.node()->kind().toQualString()) + in_source(call.node()) + " has no counterpart in a graph";
  const char* order = call.has("ord") ? "ord" : "p";
  const bool euclidean = !call.has(order) || call.real(order) == 2;
  if (euclidean && call.has("dim") && call.integers("dim").size() == 1 && call.has("keepdim") && call.flag("keepdim"))
    value.cell->norm = TensorCell::Norm{call.image_node(call.first()), call.integers("dim")[0], 0};
  return {value};
}

// ---- channels and shapes

Values cat(ScriptCall& call) {
  std::vector<Operand> inputs;
  const ScriptValue& list = call.first();
  if (list.kind != Kind::sequence) call.refuse("joins what is no list");
  for (const ScriptValue& element : *list.elements) inputs.push_back(reads(call.image_node(element)));
  return {call.emit_from(Op::cat, inputs, {{"dim", call.integer("dim")}})};
}

Values stack(ScriptCall& call) {
  std::vector<Operand> inputs;
  const std::int64_t dim = call.integer("dim");
  if (call.first().kind != Kind::sequence) call.refuse("joins what is no list");
  for (const ScriptValue& element : *call.first().elements)
    inputs.push_back(reads(call.lowering().emit(call.node(), Op::unsqueeze, {reads(call.image_node(element))}, {{"dim", dim}})));
  return {call.emit_from(Op::cat, inputs, {{"dim", dim}})};
}

Values slice(ScriptCall& call) {
  std::map<std::string, Attribute> attributes = {{"dim", call.integer("dim")}, {"step", call.integer("step")}};
  if (call.has("start")) attributes["start"] = call.integer("start");
  if (call.has("end")) attributes["end"] = call.integer("end");
  return {call.emit(Op::slice, attributes, {}, call.origin({{"start", "start"}, {"end", "end"}}))};
}

Values narrow(ScriptCall& call) {
  const std::int64_t start = call.integer("start"), length = call.integer("length");
  const std::int64_t size = call.first().cell->value.size(call.integer("dim"));
  const std::int64_t from = start < 0 ? start + size : start;
  return {call.emit(Op::slice, {{"dim", call.integer("dim")}, {"start", from}, {"end", from + length}}, {},
                    call.origin({{"start", "start"}, {"length", "length"}}))};
}

int part_of(ScriptCall& call, int input, std::int64_t dim, std::int64_t start, std::int64_t length, int part) {
  return call.lowering().emit(call.node(), Op::slice, {reads(input)}, {{"dim", dim}, {"start", start}, {"end", start + length}},
                              {}, call.origin({}, part));
}

Values select(ScriptCall& call) {
  const std::int64_t dim = call.integer("dim"), index = call.integer("index");
  const std::int64_t from = index < 0 ? index + call.first().cell->value.size(dim) : index;
  const int row = call.lowering().emit(call.node(), Op::slice, {reads(call.image_node(call.first()))},
                                       {{"dim", dim}, {"start", from}, {"end", from + 1}}, {}, call.origin({{"start", "index"}}));
  return {call.emit_from(Op::squeeze, {reads(row)}, {{"dim", dim}})};
}

// chunk, split and split_with_sizes: the parts that ATen made, as slices.
Values parts(ScriptCall& call) {
  Values made;
  const int input = call.image_node(call.first());
  const std::int64_t dim = call.integer("dim");
  std::int64_t start = 0;
  for (std::size_t i = 0; i < call.results().size(); ++i) {
    const std::int64_t length = call.results()[i].size(dim);
    made.push_back(call.result(part_of(call, input, dim, start, length, static_cast<int>(i)), i));
    start += length;
  }
  return made;
}

Values unbind(ScriptCall& call) {
  Values made;
  const int input = call.image_node(call.first());
  const std::int64_t dim = call.integer("dim");
  for (std::size_t i = 0; i < call.results().size(); ++i) {
    const int row = part_of(call, input, dim, static_cast<std::int64_t>(i), 1, static_cast<int>(i));
    made.push_back(call.result(call.lowering().emit(call.node(), Op::squeeze, {reads(row)}, {{"dim", dim}}), i));
  }
  return made;
}

Values flatten(ScriptCall& call) {
  return {call.emit(Op::flatten, {{"start_dim", call.integer("start_dim")}, {"end_dim", call.integer("end_dim")}})};
}

Values reshape(ScriptCall& call) {
  const char* argument = call.has("size") ? "size" : "shape";
  return {call.emit(Op::reshape, {{"shape", call.integers(argument)}}, {}, call.origin({{"shape", argument}}))};
}

// The result's shape as a reshape: the unflattened sizes stand inside it.
Values unflatten(ScriptCall& call) { return {call.emit(Op::reshape, {{"shape", call.results()[0].sizes().vec()}})}; }

Values permute(ScriptCall& call) { return {call.emit(Op::permute, {{"dims", call.integers("dims")}})}; }

Values transpose(ScriptCall& call) {
  const std::int64_t rank = call.first().cell->value.dim();
  Ints dims(static_cast<std::size_t>(rank));
  for (std::int64_t i = 0; i < rank; ++i) dims[static_cast<std::size_t>(i)] = i;
  std::int64_t a = 0, b = 1;  // aten::t
  if (call.has("dim0")) {
    a = call.integer("dim0");
    b = call.integer("dim1");
  }
  std::swap(dims.at(static_cast<std::size_t>(a < 0 ? a + rank : a)), dims.at(static_cast<std::size_t>(b < 0 ? b + rank : b)));
  return {call.emit(Op::permute, {{"dims", dims}})};
}

Values squeeze(ScriptCall& call) {
  if (!call.has("dim") || call.integers("dim").size() != 1) call.refuse("of several dimensions has no counterpart in a graph");
  return {call.emit(Op::squeeze, {{"dim", call.integers("dim")[0]}})};
}

Values unsqueeze(ScriptCall& call) { return {call.emit(Op::unsqueeze, {{"dim", call.integer("dim")}})}; }

// ---- over dimensions

template <Op op>
Values along(ScriptCall& call) {
  return {call.emit(op, {{"dim", call.integer("dim")}})};
}

template <Op op>
Values reduced(ScriptCall& call) {
  std::map<std::string, Attribute> attributes;
  if (call.has("dim")) attributes["dim"] = call.integers("dim");
  if (call.has("keepdim")) attributes["keepdim"] = call.flag("keepdim");
  return {call.emit(op, attributes)};
}

Values argmax(ScriptCall& call) {
  std::map<std::string, Attribute> attributes;
  if (call.has("dim")) attributes["dim"] = call.integer("dim");
  if (call.has("keepdim")) attributes["keepdim"] = call.flag("keepdim");
  return {call.emit(Op::argmax, attributes)};
}

// ---- space

Values max_pool(ScriptCall& call) {
  Ints stride = call.integers("stride");
  if (stride.empty()) stride = call.integers("kernel_size");
  Values made = {call.emit(Op::max_pool2d, {{"kernel_size", call.integers("kernel_size")},
                                            {"stride", stride},
                                            {"padding", call.integers("padding")},
                                            {"dilation", call.integers("dilation")},
                                            {"ceil_mode", call.flag("ceil_mode")}})};
  return made;
}

Values avg_pool(ScriptCall& call) {
  Ints stride = call.integers("stride");
  if (stride.empty()) stride = call.integers("kernel_size");
  std::map<std::string, Attribute> attributes = {{"kernel_size", call.integers("kernel_size")},
                                                 {"stride", stride},
                                                 {"padding", call.integers("padding")},
                                                 {"ceil_mode", call.flag("ceil_mode")},
                                                 {"count_include_pad", call.flag("count_include_pad")}};
  if (call.has("divisor_override")) attributes["divisor_override"] = call.integer("divisor_override");
  return {call.emit(Op::avg_pool2d, attributes)};
}

Values adaptive_avg_pool(ScriptCall& call) {
  return {call.emit(Op::adaptive_avg_pool2d, {{"output_size", call.integers("output_size")}})};
}

// The indices that come second are of use to nobody here.
ScriptValue unusable(ScriptCall& call, const std::string& why) {
  ScriptValue value = call.lowering().make_tensor(-1, call.results().at(1));
  value.cell->unusable = why;
  return value;
}

Values adaptive_max_pool(ScriptCall& call) {
  ScriptValue pooled = call.emit(Op::adaptive_max_pool2d, {{"output_size", call.integers("output_size")}});
  return {pooled, unusable(call, "the indices of adaptive_max_pool2d have no counterpart in a graph")};
}

Values max_pool_with_indices(ScriptCall& call) {
  return {max_pool(call)[0], unusable(call, "the indices of max_pool2d have no counterpart in a graph")};
}

// The scale that both directions share; nothing where sizes alone are given.
std::optional<double> scale_of(const ScriptCall& call) {
  std::vector<double> scales;
  if (call.has("scale_factors")) {
    for (const c10::IValue& scale : call["scale_factors"].constant.toListRef()) scales.push_back(scale.toDouble());
  } else if (call.has("scales_h") && call.has("scales_w")) {
    scales = {call.real("scales_h"), call.real("scales_w")};
  } else {
    return std::nullopt;
  }
  if (scales.size() != 2 || scales[0] != scales[1]) call.refuse("scales height and width differently, which a graph does not");
  return scales[0];
}

Values upsample(ScriptCall& call) {
  std::map<std::string, Attribute> attributes = {
      {"mode", std::string(call.name().find("bilinear") != std::string::npos ? "bilinear" : "nearest")}};
  if (call.has("align_corners")) attributes["align_corners"] = call.flag("align_corners");
  if (const auto scale = scale_of(call))
    attributes["scale"] = *scale;
  else
    attributes["size"] = call.integers("output_size");
  return {call.emit(Op::upsample, attributes)};
}

Values pad(ScriptCall& call) {
  const std::string name = call.name();
  std::string mode = "constant";
  if (name.starts_with("reflection"))
    mode = "reflect";
  else if (name.starts_with("replication"))
    mode = "replicate";
  else if (call.has("mode"))
    mode = call.text("mode");
  const double value = call.has("value") ? call.real("value") : 0;
  return {call.emit(Op::pad, {{"pad", call.integers(call.has("pad") ? "pad" : "padding")}, {"mode", mode}, {"value", value}})};
}

Values pixel_shuffle(ScriptCall& call) {
  return {call.emit(Op::pixel_shuffle, {{"upscale_factor", call.integer("upscale_factor")}})};
}

const std::map<std::string, ScriptOperation, std::less<>>& operations() {
  static const std::map<std::string, ScriptOperation, std::less<>> table = {{"conv2d", convolution},
                                                                            {"_convolution", convolution},
                                                                            {"_convolution_mode", convolution},
                                                                            {"convolution", convolution},
                                                                            {"conv_transpose2d", convolution},
                                                                            {"linear", linear},
                                                                            {"addmm", addmm},
                                                                            {"matmul", matmul},
                                                                            {"mm", matmul},
                                                                            {"bmm", matmul},
                                                                            {"batch_norm", batch_norm},
                                                                            {"instance_norm", instance_norm},
                                                                            {"group_norm", group_norm},
                                                                            {"layer_norm", layer_norm},
                                                                            {"relu", unary<Op::relu>},
                                                                            {"relu6", unary<Op::relu6>},
                                                                            {"silu", unary<Op::silu>},
                                                                            {"hardswish", unary<Op::hardswish>},
                                                                            {"hardsigmoid", unary<Op::hardsigmoid>},
                                                                            {"sigmoid", unary<Op::sigmoid>},
                                                                            {"tanh", unary<Op::tanh>},
                                                                            {"exp", unary<Op::exp>},
                                                                            {"log", unary<Op::log>},
                                                                            {"abs", unary<Op::abs>},
                                                                            {"neg", unary<Op::neg>},
                                                                            {"sqrt", unary<Op::sqrt>},
                                                                            {"leaky_relu", leaky_relu},
                                                                            {"prelu", prelu},
                                                                            {"gelu", gelu},
                                                                            {"hardtanh", hardtanh},
                                                                            {"softplus", softplus},
                                                                            {"dropout", dropout},
                                                                            {"feature_dropout", dropout},
                                                                            {"clamp", clamp},
                                                                            {"clamp_min", clamp},
                                                                            {"clamp_max", clamp},
                                                                            {"contiguous", passed_on},
                                                                            {"detach", passed_on},
                                                                            {"to", passed_on},
                                                                            {"type_as", passed_on},
                                                                            {"clone", passed_on},
                                                                            {"alias", passed_on},
                                                                            {"float", passed_on},
                                                                            {"expand", expand},
                                                                            {"expand_as", expand},
                                                                            {"add", add},
                                                                            {"sub", sub},
                                                                            {"rsub", rsub},
                                                                            {"mul", mul},
                                                                            {"div", div},
                                                                            {"true_divide", div},
                                                                            {"subtract", sub},
                                                                            {"multiply", mul},
                                                                            {"divide", div},
                                                                            {"max", greatest},
                                                                            {"min", greatest},
                                                                            {"maximum", greatest},
                                                                            {"minimum", greatest},
                                                                            {"pow", power},
                                                                            {"reciprocal", reciprocal},
                                                                            {"norm", norm},
                                                                            {"linalg_vector_norm", norm},
                                                                            {"cat", cat},
                                                                            {"concat", cat},
                                                                            {"stack", stack},
                                                                            {"slice", slice},
                                                                            {"narrow", narrow},
                                                                            {"select", select},
                                                                            {"chunk", parts},
                                                                            {"split", parts},
                                                                            {"split_with_sizes", parts},
                                                                            {"unbind", unbind},
                                                                            {"flatten", flatten},
                                                                            {"view", reshape},
                                                                            {"reshape", reshape},
                                                                            {"_unsafe_view", reshape},
                                                                            {"unflatten", unflatten},
                                                                            {"permute", permute},
                                                                            {"transpose", transpose},
                                                                            {"t", transpose},
                                                                            {"squeeze", squeeze},
                                                                            {"unsqueeze", unsqueeze},
                                                                            {"softmax", along<Op::softmax>},
                                                                            {"log_softmax", along<Op::log_softmax>},
                                                                            {"mean", reduced<Op::mean>},
                                                                            {"sum", reduced<Op::sum>},
                                                                            {"argmax", argmax},
                                                                            {"max_pool2d", max_pool},
                                                                            {"max_pool2d_with_indices", max_pool_with_indices},
                                                                            {"avg_pool2d", avg_pool},
                                                                            {"adaptive_avg_pool2d", adaptive_avg_pool},
                                                                            {"adaptive_max_pool2d", adaptive_max_pool},
                                                                            {"upsample_nearest2d", upsample},
                                                                            {"upsample_bilinear2d", upsample},
                                                                            {"pad", pad},
                                                                            {"constant_pad_nd", pad},
                                                                            {"reflection_pad2d", pad},
                                                                            {"replication_pad2d", pad},
                                                                            {"pixel_shuffle", pixel_shuffle}};
  return table;
}

}  // namespace

ScriptOperation find_operation(std::string_view name) {
  const auto found = operations().find(name);
  return found == operations().end() ? nullptr : found->second;
}

}  // namespace tenfold::mtl
