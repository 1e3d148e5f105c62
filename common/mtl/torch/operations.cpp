#include "mtl/torch/operations.h"

#include <ATen/CPUGeneratorImpl.h>

#include "base/error.h"
#include "base/philox.h"

namespace tenfold::mtl {
namespace {

// A parameter of the node by its role; undefined where the node has none.
at::Tensor parameter(const Application& a, const char* role) {
  const auto found = a.node().parameters.find(role);
  return found == a.node().parameters.end() ? at::Tensor() : a.weights.at(found->second);
}

// The first operand as this node reads it.
at::Tensor first(const Application& a) {
  at::Tensor value = a.read(a.node().inputs.at(0).node);
  const auto scale = a.hooks.read_scale.find(a.index);
  if (scale == a.hooks.read_scale.end()) return value;
  const at::Tensor factors = scale->second.to(value.scalar_type());
  if (factors.dim() > 1) return value * factors;
  std::vector<std::int64_t> shape(static_cast<std::size_t>(value.dim()), 1);
  shape.at(1) = -1;
  return value * factors.view(shape);
}

at::Tensor operand(const Application& a, std::size_t index) {
  const Operand& operand = a.node().inputs.at(index);
  switch (operand.kind) {
    case Operand::Kind::node: return index == 0 ? first(a) : a.read(operand.node);
    case Operand::Kind::parameter: return a.weights.at(operand.parameter);
    case Operand::Kind::number: break;
  }
  // A zero-dimensional tensor of the weights' type: it widens nothing.
  return at::scalar_tensor(operand.number, at::TensorOptions().dtype(a.dtype));
}

std::optional<at::Scalar> bound(const Node& node, const char* name) {
  return has(node, name) ? std::optional<at::Scalar>(real(node, name)) : std::nullopt;
}

at::Tensor convolve(const Application& a) {
  const Node& n = a.node();
  if (n.op == Op::conv2d)
    return at::conv2d(first(a), parameter(a, "weight"), parameter(a, "bias"), integers(n, "stride"), integers(n, "padding"),
                      integers(n, "dilation"), integer(n, "groups"));
  return at::conv_transpose2d(first(a), parameter(a, "weight"), parameter(a, "bias"), integers(n, "stride"),
                              integers(n, "padding"), integers(n, "output_padding"), integer(n, "groups"),
                              integers(n, "dilation"));
}

at::Tensor normalise(const Application& a) {
  const Node& n = a.node();
  const at::Tensor weight = parameter(a, "weight"), bias = parameter(a, "bias");
  switch (n.op) {
    case Op::batch_norm:
      return at::batch_norm(first(a), weight, bias, parameter(a, "running_mean"), parameter(a, "running_var"), a.hooks.train,
                            real(n, "momentum"), real(n, "eps"), /*cudnn_enabled=*/false);
    case Op::instance_norm:
      return at::instance_norm(first(a), weight, bias, {}, {}, /*use_input_stats=*/true, 0.1, real(n, "eps"),
                               /*cudnn_enabled=*/false);
    case Op::group_norm:
      return at::group_norm(first(a), integer(n, "num_groups"), weight, bias, real(n, "eps"), /*cudnn_enabled=*/false);
    default: return at::layer_norm(first(a), integers(n, "normalized_shape"), weight, bias, real(n, "eps"));
  }
}

at::Tensor activate(const Application& a) {
  const Node& n = a.node();
  const at::Tensor x = first(a);
  switch (n.op) {
    case Op::relu: return at::relu(x);
    case Op::relu6: return at::hardtanh(x, 0, 6);
    case Op::leaky_relu: return at::leaky_relu(x, real(n, "negative_slope"));
    case Op::prelu: return at::prelu(x, parameter(a, "weight"));
    case Op::silu: return at::silu(x);
    case Op::gelu: return at::gelu(x, text(n, "approximate"));
    case Op::hardswish: return at::hardswish(x);
    case Op::hardsigmoid: return at::hardsigmoid(x);
    case Op::hardtanh: return at::hardtanh(x, real(n, "min_val"), real(n, "max_val"));
    case Op::sigmoid: return at::sigmoid(x);
    case Op::tanh: return at::tanh(x);
    case Op::softplus: return at::softplus(x, real(n, "beta"), real(n, "threshold"));
    case Op::exp: return at::exp(x);
    case Op::log: return at::log(x);
    case Op::abs: return at::abs(x);
    case Op::neg: return at::neg(x);
    case Op::sqrt: return at::sqrt(x);
    default: return at::clamp(x, bound(n, "min"), bound(n, "max"));
  }
}

at::Tensor combine(const Application& a) {
  const Node& n = a.node();
  const at::Tensor left = operand(a, 0), right = operand(a, 1);
  switch (n.op) {
    case Op::add: return at::add(left, right, has(n, "alpha") ? real(n, "alpha") : 1.0);
    case Op::sub: return at::sub(left, right, has(n, "alpha") ? real(n, "alpha") : 1.0);
    case Op::mul: return at::mul(left, right);
    case Op::div: return at::div(left, right);
    case Op::max: return at::maximum(left, right);
    case Op::min: return at::minimum(left, right);
    default: return at::matmul(left, right);
  }
}

at::Tensor pool(const Application& a) {
  const Node& n = a.node();
  const at::Tensor x = first(a);
  switch (n.op) {
    case Op::max_pool2d:
      return at::max_pool2d(x, integers(n, "kernel_size"), integers(n, "stride"), integers(n, "padding"), integers(n, "dilation"),
                            flag(n, "ceil_mode"));
    case Op::avg_pool2d:
      return at::avg_pool2d(
          x, integers(n, "kernel_size"), integers(n, "stride"), integers(n, "padding"), flag(n, "ceil_mode"),
          flag(n, "count_include_pad"),
          has(n, "divisor_override") ? std::optional<std::int64_t>(integer(n, "divisor_override")) : std::nullopt);
    case Op::adaptive_avg_pool2d: return at::adaptive_avg_pool2d(x, integers(n, "output_size"));
    default: return std::get<0>(at::adaptive_max_pool2d(x, integers(n, "output_size")));
  }
}

at::Tensor upsample(const Application& a) {
  const Node& n = a.node();
  const at::Tensor x = first(a);
  const bool bilinear = text(n, "mode") == "bilinear";
  std::vector<std::int64_t> size;
  if (has(n, "size_of")) {
    const at::Tensor like = a.read(a.graph.find(text(n, "size_of")));
    size = {like.size(2), like.size(3)};
  } else if (has(n, "size")) {
    size = integers(n, "size");
  }
  if (!size.empty())
    return bilinear ? at::upsample_bilinear2d(x, size, flag(n, "align_corners")) : at::upsample_nearest2d(x, size);
  const std::vector<double> scale{real(n, "scale"), real(n, "scale")};
  return bilinear ? at::upsample_bilinear2d(x, std::nullopt, flag(n, "align_corners"), scale)
                  : at::upsample_nearest2d(x, std::nullopt, scale);
}

at::Tensor reshape(const Application& a) {
  std::vector<std::int64_t> shape = integers(a.node(), "shape");
  const at::Tensor x = first(a);
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 0) shape[i] = x.size(static_cast<std::int64_t>(i));
  return at::reshape(x, shape);
}

at::Tensor rearrange(const Application& a) {
  const Node& n = a.node();
  switch (n.op) {
    case Op::cat: {
      std::vector<at::Tensor> parts;
      for (std::size_t i = 0; i < n.inputs.size(); ++i) parts.push_back(operand(a, i));
      return at::cat(parts, integer(n, "dim"));
    }
    case Op::slice: return at::slice(first(a), integer(n, "dim"), integer(n, "start"), integer(n, "end"), integer(n, "step"));
    case Op::flatten: return at::flatten(first(a), integer(n, "start_dim"), integer(n, "end_dim"));
    case Op::reshape: return reshape(a);
    case Op::permute: return at::permute(first(a), integers(n, "dims"));
    case Op::squeeze: return at::squeeze(first(a), integer(n, "dim"));
    case Op::unsqueeze: return at::unsqueeze(first(a), integer(n, "dim"));
    case Op::pixel_shuffle: return at::pixel_shuffle(first(a), integer(n, "upscale_factor"));
    default:
      return at::pad(first(a), integers(n, "pad"), text(n, "mode"),
                     text(n, "mode") == "constant" ? std::optional<double>(real(n, "value")) : std::nullopt);
  }
}

at::Tensor reduce(const Application& a) {
  const Node& n = a.node();
  const at::Tensor x = first(a);
  switch (n.op) {
    case Op::softmax: return at::softmax(x, integer(n, "dim"));
    case Op::log_softmax: return at::log_softmax(x, integer(n, "dim"));
    case Op::mean: return at::mean(x, integers(n, "dim"), flag(n, "keepdim"));
    case Op::sum: return at::sum(x, integers(n, "dim"), flag(n, "keepdim"));
    case Op::argmax:
      return at::argmax(x, has(n, "dim") ? std::optional<std::int64_t>(integer(n, "dim")) : std::nullopt, flag(n, "keepdim"));
    default: {
      const at::Tensor norm = at::linalg_vector_norm(x, 2, at::IntArrayRef{integer(n, "dim")}, /*keepdim=*/true);
      return x / norm.clamp_min(real(n, "eps")).expand_as(x);
    }
  }
}

// Scaled by 1/(1-p) where kept, as ATen's; which elements go is a function of the seed and the node.
at::Tensor drop(const Application& a) {
  const at::Tensor x = first(a);
  const double p = real(a.node(), "p");
  if (!a.hooks.train || p == 0) return x;
  if (p == 1) return x * 0;
  PhiloxStream stream(a.hooks.dropout_seed, "dropout", static_cast<std::uint32_t>(a.index));
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(stream.next_u64());
  const at::Tensor kept = at::empty(x.sizes(), x.options().requires_grad(false)).bernoulli_(1 - p, generator);
  return x * kept.div_(1 - p);
}

}  // namespace

at::Tensor apply(const Application& a) {
  switch (a.node().op) {
    case Op::image: break;
    case Op::conv2d:
    case Op::conv_transpose2d: return convolve(a);
    case Op::linear: return at::linear(first(a), parameter(a, "weight"), parameter(a, "bias"));
    case Op::batch_norm:
    case Op::instance_norm:
    case Op::group_norm:
    case Op::layer_norm: return normalise(a);
    case Op::relu:
    case Op::relu6:
    case Op::leaky_relu:
    case Op::prelu:
    case Op::silu:
    case Op::gelu:
    case Op::hardswish:
    case Op::hardsigmoid:
    case Op::hardtanh:
    case Op::sigmoid:
    case Op::tanh:
    case Op::softplus:
    case Op::exp:
    case Op::log:
    case Op::abs:
    case Op::neg:
    case Op::sqrt:
    case Op::clamp: return activate(a);
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::max:
    case Op::min:
    case Op::matmul: return combine(a);
    case Op::max_pool2d:
    case Op::avg_pool2d:
    case Op::adaptive_avg_pool2d:
    case Op::adaptive_max_pool2d: return pool(a);
    case Op::upsample: return upsample(a);
    case Op::cat:
    case Op::slice:
    case Op::flatten:
    case Op::reshape:
    case Op::permute:
    case Op::squeeze:
    case Op::unsqueeze:
    case Op::pad:
    case Op::pixel_shuffle: return rearrange(a);
    case Op::softmax:
    case Op::log_softmax:
    case Op::mean:
    case Op::sum:
    case Op::argmax:
    case Op::l2_normalize: return reduce(a);
    case Op::dropout: return drop(a);
    case Op::identity: return first(a);
  }
  machine_error("the image node is not computed");
}

}  // namespace tenfold::mtl
