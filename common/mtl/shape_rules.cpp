#include "mtl/shape_rules.h"

#include <algorithm>
#include <cmath>

#include "mtl/op_table.h"

namespace tenfold::mtl {
namespace {

using Ints = std::vector<std::int64_t>;

// A node with its operands' shapes; the rules below take one.
struct Site {
  const Model& model;
  const Node& node;
  const std::vector<Shape>& shapes;

  Shape operand(std::size_t i) const {
    const Operand& operand = node.inputs[i];
    if (operand.kind == Operand::Kind::node) return shapes[static_cast<std::size_t>(operand.node)];
    if (operand.kind == Operand::Kind::parameter) return model.weights.at(operand.parameter).shape;
    return {};
  }
  Shape input() const { return operand(0); }
  Shape input_of_rank(std::size_t rank) const {
    Shape shape = input();
    if (shape.size() != rank) fail("takes " + std::to_string(rank) + " dimensions, not " + to_text(shape));
    return shape;
  }
  const Shape& parameter(const std::string& role) const { return model.weights.at(node.parameters.at(role)).shape; }
  [[noreturn]] void fail(const std::string& message) const { node_error(node, std::string(name_of(node.op)) + " " + message); }

  // A dimension of a result of `rank` dimensions, counted from the front.
  std::size_t dimension(std::int64_t dim, std::size_t rank) const {
    const auto n = static_cast<std::int64_t>(rank);
    if (dim < -n || dim >= n) fail("names dimension " + std::to_string(dim) + " of " + std::to_string(rank));
    return static_cast<std::size_t>(dim < 0 ? dim + n : dim);
  }
};

std::int64_t divide_down(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

Shape conv(const Site& site) {
  const Shape in = site.input_of_rank(4), weight = site.parameter("weight");
  const std::int64_t groups = integer(site.node, "groups");
  if (in[1] != weight[1] * groups) site.fail("expects " + std::to_string(weight[1] * groups) + " channels, not " + to_text(in));
  Shape out = {in[0], weight[0], 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t reach = integers(site.node, "dilation")[i] * (weight[2 + i] - 1) + 1;
    const std::int64_t room = in[2 + i] + 2 * integers(site.node, "padding")[i] - reach;
    if (room < 0) site.fail("has a kernel larger than its padded input " + to_text(in));
    out[2 + i] = room / integers(site.node, "stride")[i] + 1;
  }
  return out;
}

Shape conv_transpose(const Site& site) {
  const Shape in = site.input_of_rank(4), weight = site.parameter("weight");
  if (in[1] != weight[0]) site.fail("expects " + std::to_string(weight[0]) + " channels, not " + to_text(in));
  Shape out = {in[0], weight[1] * integer(site.node, "groups"), 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t stride = integers(site.node, "stride")[i], dilation = integers(site.node, "dilation")[i];
    const std::int64_t extra = integers(site.node, "output_padding")[i];
    if (extra >= std::max(stride, dilation)) site.fail("has an output_padding that is not below stride or dilation");
    out[2 + i] = (in[2 + i] - 1) * stride - 2 * integers(site.node, "padding")[i] + dilation * (weight[2 + i] - 1) + extra + 1;
    if (out[2 + i] < 1) site.fail("leaves nothing of its input " + to_text(in));
  }
  return out;
}

Shape linear(const Site& site) {
  Shape out = site.input();
  const Shape& weight = site.parameter("weight");
  if (out.empty() || out.back() != weight[1])
    site.fail("expects " + std::to_string(weight[1]) + " features, not " + to_text(out));
  out.back() = weight[0];
  return out;
}

Shape norm(const Site& site) {
  Shape in = site.input();
  if (in.size() < 2) site.fail("takes at least two dimensions, not " + to_text(in));
  for (const auto& [role, name] : site.node.parameters) {
    const std::int64_t channels = site.model.weights.at(name).shape[0];
    if (channels != in[1] && !(site.node.op == Op::prelu && channels == 1))
      site.fail("expects " + std::to_string(channels) + " channels, not " + to_text(in));
  }
  if (site.node.op == Op::group_norm && in[1] % integer(site.node, "num_groups") != 0)
    site.fail("has " + std::to_string(integer(site.node, "num_groups")) + " groups, which do not divide " + to_text(in));
  return in;
}

Shape layer_norm(const Site& site) {
  Shape in = site.input();
  const Ints& tail = integers(site.node, "normalized_shape");
  if (in.size() < tail.size() || !std::equal(tail.rbegin(), tail.rend(), in.rbegin()))
    site.fail("normalises " + to_text(tail) + ", which is not the end of " + to_text(in));
  return in;
}

Shape broadcast(const Site& site, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) site.fail("joins " + to_text(a) + " and " + to_text(b));
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Shape cat(const Site& site) {
  Shape out = site.input();
  const std::size_t dim = site.dimension(integer(site.node, "dim"), out.size());
  for (std::size_t i = 1; i < site.node.inputs.size(); ++i) {
    const Shape next = site.operand(i);
    bool agrees = next.size() == out.size();
    for (std::size_t d = 0; agrees && d < out.size(); ++d) agrees = d == dim || next[d] == out[d];
    if (!agrees) site.fail("joins " + to_text(out) + " and " + to_text(next) + " along dimension " + std::to_string(dim));
    out[dim] += next[dim];
  }
  return out;
}

Shape slice(const Site& site) {
  Shape out = site.input();
  const std::size_t dim = site.dimension(integer(site.node, "dim"), out.size());
  const std::int64_t size = out[dim];
  const auto bound = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const std::int64_t start = bound(integer(site.node, "start")), end = bound(integer(site.node, "end"));
  const std::int64_t step = integer(site.node, "step");
  out[dim] = end <= start ? 0 : (end - start + step - 1) / step;
  if (out[dim] == 0) site.fail("leaves nothing of dimension " + std::to_string(dim) + " of " + to_text(site.input()));
  return out;
}

// pooling_output_shape of ATen: a window that begins in the padding on the right does not count.
Shape pool(const Site& site) {
  Shape out = site.input_of_rank(4);
  const bool ceil = flag(site.node, "ceil_mode");
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t kernel = integers(site.node, "kernel_size")[i], stride = integers(site.node, "stride")[i];
    const std::int64_t padding = integers(site.node, "padding")[i];
    const std::int64_t dilation = site.node.op == Op::max_pool2d ? integers(site.node, "dilation")[i] : 1;
    if (padding > kernel / 2) site.fail("has a padding of more than half its kernel");
    const std::int64_t in = out[2 + i], room = in + 2 * padding - dilation * (kernel - 1) - 1;
    std::int64_t size = divide_down(room + (ceil ? stride - 1 : 0), stride) + 1;
    if (ceil && (size - 1) * stride >= in + padding) --size;
    if (size < 1) site.fail("has a kernel larger than its padded input " + to_text(site.input()));
    out[2 + i] = size;
  }
  return out;
}

Shape adaptive_pool(const Site& site) {
  const Shape in = site.input_of_rank(4);
  const Ints& size = integers(site.node, "output_size");
  return {in[0], in[1], size[0], size[1]};
}

Shape upsample(const Site& site) {
  Shape out = site.input_of_rank(4);
  if (has(site.node, "size")) {
    std::copy_n(integers(site.node, "size").begin(), 2, out.begin() + 2);
  } else if (has(site.node, "scale")) {
    for (std::size_t i = 2; i < 4; ++i) {
      out[i] = static_cast<std::int64_t>(std::floor(static_cast<double>(out[i]) * real(site.node, "scale")));
      if (out[i] < 1) site.fail("leaves nothing of " + to_text(site.input()));
    }
  } else {
    const Shape& of = site.shapes[static_cast<std::size_t>(site.model.graph.find(text(site.node, "size_of")))];
    if (of.size() != 4) site.fail("takes its size of " + to_text(of) + ", which is no map");
    std::copy_n(of.begin() + 2, 2, out.begin() + 2);
  }
  return out;
}

Shape flatten(const Site& site) {
  const Shape in = site.input();
  if (in.empty()) return {1};
  const std::size_t first = site.dimension(integer(site.node, "start_dim"), in.size());
  const std::size_t last = site.dimension(integer(site.node, "end_dim"), in.size());
  if (first > last) site.fail("has start_dim after end_dim");
  Shape out(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(first));
  std::int64_t product = 1;
  for (std::size_t i = first; i <= last; ++i) product *= in[i];
  out.push_back(product);
  out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(last) + 1, in.end());
  return out;
}

Shape reshape(const Site& site) {
  const Shape in = site.input();
  Shape out = integers(site.node, "shape");
  std::int64_t known = 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && i >= in.size()) site.fail("copies dimension " + std::to_string(i) + " of " + to_text(in));
    if (out[i] == 0) out[i] = in[i];
    if (out[i] != -1) known *= out[i];
  }
  const auto open = std::ranges::find(out, -1);
  if (open != out.end()) *open = known == 0 ? 0 : elements(in) / known;
  if (elements(out) != elements(in))
    site.fail("to " + to_text(integers(site.node, "shape")) + " does not hold the elements of " + to_text(in));
  return out;
}

Shape permute(const Site& site) {
  const Ints& dims = integers(site.node, "dims");
  const Shape in = site.input_of_rank(dims.size());
  Shape out;
  for (const std::int64_t dim : dims) out.push_back(in[site.dimension(dim, in.size())]);
  return out;
}

Shape reduce(const Site& site, Ints dims) {
  const Shape in = site.input();
  const bool keep = flag(site.node, "keepdim");
  std::vector<bool> gone(in.size(), dims.empty());
  for (const std::int64_t dim : dims) gone[site.dimension(dim, in.size())] = true;
  Shape out;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (!gone[i] || keep) out.push_back(gone[i] ? 1 : in[i]);
  return out;
}

Shape pad(const Site& site) {
  Shape out = site.input();
  const Ints& widths = integers(site.node, "pad");
  const std::string& mode = text(site.node, "mode");
  if (widths.size() > 2 * out.size()) site.fail("pads more dimensions than " + to_text(out) + " has");
  for (std::size_t i = 0; i < widths.size(); i += 2) {
    std::int64_t& size = out[out.size() - 1 - i / 2];
    const std::int64_t most = std::max(widths[i], widths[i + 1]);
    if ((mode == "reflect" && most >= size) || (mode == "circular" && most > size))
      site.fail("of mode " + mode + " is wider than its input " + to_text(site.input()));
    size += widths[i] + widths[i + 1];
    if (size < 1) site.fail("leaves nothing of " + to_text(site.input()));
  }
  return out;
}

Shape pixel_shuffle(const Site& site) {
  const Shape in = site.input_of_rank(4);
  const std::int64_t r = integer(site.node, "upscale_factor");
  if (in[1] % (r * r) != 0) site.fail("by " + std::to_string(r) + " does not divide the channels of " + to_text(in));
  return {in[0], in[1] / (r * r), in[2] * r, in[3] * r};
}

Shape matmul(const Site& site) {
  const Shape a = site.operand(0), b = site.operand(1);
  if (a.size() < 2 || b.size() < 2 || a[a.size() - 1] != b[b.size() - 2])
    site.fail("multiplies " + to_text(a) + " and " + to_text(b));
  Shape out = broadcast(site, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  out.push_back(a[a.size() - 2]);
  out.push_back(b.back());
  return out;
}

Shape squeeze(const Site& site) {
  Shape out = site.input();
  const std::size_t dim = site.dimension(integer(site.node, "dim"), out.size());
  if (out[dim] == 1) out.erase(out.begin() + static_cast<std::ptrdiff_t>(dim));
  return out;
}

Shape unsqueeze(const Site& site) {
  Shape out = site.input();
  const std::size_t dim = site.dimension(integer(site.node, "dim"), out.size() + 1);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(dim), 1);
  return out;
}

Shape same(const Site& site) {
  const Shape in = site.input();
  if (has(site.node, "dim")) site.dimension(integer(site.node, "dim"), in.size());
  return in;
}

}  // namespace

std::string to_text(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

Shape shape_of_node(const Model& model, int index, const std::vector<Shape>& shapes) {
  const Site site{model, model.graph.nodes[static_cast<std::size_t>(index)], shapes};
  switch (site.node.op) {
    case Op::image: return shapes.at(0);
    case Op::conv2d: return conv(site);
    case Op::conv_transpose2d: return conv_transpose(site);
    case Op::linear: return linear(site);
    case Op::batch_norm:
    case Op::instance_norm:
    case Op::group_norm:
    case Op::prelu: return norm(site);
    case Op::layer_norm: return layer_norm(site);
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::max:
    case Op::min: return broadcast(site, site.operand(0), site.operand(1));
    case Op::cat: return cat(site);
    case Op::slice: return slice(site);
    case Op::max_pool2d:
    case Op::avg_pool2d: return pool(site);
    case Op::adaptive_avg_pool2d:
    case Op::adaptive_max_pool2d: return adaptive_pool(site);
    case Op::upsample: return upsample(site);
    case Op::flatten: return flatten(site);
    case Op::reshape: return reshape(site);
    case Op::permute: return permute(site);
    case Op::squeeze: return squeeze(site);
    case Op::unsqueeze: return unsqueeze(site);
    case Op::mean:
    case Op::sum: return reduce(site, integers(site.node, "dim"));
    case Op::argmax: return reduce(site, has(site.node, "dim") ? Ints{integer(site.node, "dim")} : Ints{});
    case Op::pad: return pad(site);
    case Op::pixel_shuffle: return pixel_shuffle(site);
    case Op::matmul: return matmul(site);
    default: return same(site);
  }
}

}  // namespace tenfold::mtl
