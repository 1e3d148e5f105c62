// The rules of channels.h, node by node.
#include "mtl-prune/channels.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "mtl/op_table.h"

namespace tenfold::mtl_prune {
namespace {

using mtl::Node;
using mtl::Op;
using mtl::Operand;
using mtl::Shape;

class Sweeper {
 public:
  Sweeper(const mtl::Model& model, const std::vector<Shape>& shapes) : model_(model), shapes_(shapes) {}

  Sweep run() {
    sweep_.nodes.resize(model_.graph.nodes.size());
    for (node_ = 0; node_ < static_cast<int>(model_.graph.nodes.size()); ++node_) visit(node());
    for (const mtl::Output& output : model_.graph.outputs) lock(at(output.node), "output " + output.name);
    lock_untracked();
    return std::move(sweep_);
  }

 private:
  const Node& node() const { return model_.graph.nodes[static_cast<std::size_t>(node_)]; }
  const Shape& shape(int index) const { return shapes_[static_cast<std::size_t>(index)]; }
  const Shape& shape() const { return shape(node_); }
  Channels& at(int index) { return sweep_.nodes[static_cast<std::size_t>(index)]; }
  const Channels& input() { return at(node().inputs.front().node); }
  const Shape& input_shape() const { return shape(node().inputs.front().node); }
  int input_rank() const { return static_cast<int>(input_shape().size()); }
  const Shape& weight_shape(const std::string& name) const { return model_.weights.at(name).shape; }

  void pass(const Channels& channels) { at(node_) = channels; }
  void pass(int axis, std::vector<int> ids) { at(node_) = {axis, std::make_shared<const std::vector<int>>(std::move(ids))}; }

  int reason(const std::string& text) {
    if (sweep_.reasons.empty() || sweep_.reasons.back() != text) sweep_.reasons.push_back(text);
    return static_cast<int>(sweep_.reasons.size()) - 1;
  }
  int reason_here(const std::string& why) { return reason(mtl::describe(node()) + ": " + why); }

  void lock(const Channels& channels, const std::string& why) { lock(channels, reason(why)); }
  void lock(const Channels& channels, int why) {
    if (!channels.tracked()) return;
    for (const int id : *channels.ids) sweep_.ids.lock(id, why);
  }
  // The rule of an operation that no channel of its inputs may leave: they are locked, the result is not tracked.
  void lock_inputs(const std::string& why) {
    const int because = reason_here(why);
    for (const Operand& operand : node().inputs) {
      if (operand.kind == Operand::Kind::node) lock(at(operand.node), because);
      if (operand.kind == Operand::Kind::parameter) untracked_.emplace(operand.parameter, because);
    }
    for (const auto& [role, name] : node().parameters) untracked_.emplace(name, because);
  }

  // The ids of a dimension of a parameter; made at its first use.
  int dimension(const std::string& parameter, int dim, std::int64_t groups, std::int64_t size, Role role) {
    const auto [found, is_new] = known_.try_emplace({parameter, dim}, static_cast<int>(sweep_.dimensions.size()));
    if (is_new) {
      sweep_.dimensions.push_back({parameter, dim, groups, size, role, node_});
      sweep_.first_id.push_back(sweep_.ids.fresh(size));
      return sweep_.first_id.back();
    }
    Dimension& old = sweep_.dimensions[static_cast<std::size_t>(found->second)];
    old.role = std::min(old.role, role);
    if (old.groups != groups || old.size != size) {
      untracked_.emplace(parameter, reason_here("uses " + parameter + " in other groups than another node"));
      return sweep_.ids.fresh(size);
    }
    return sweep_.first_id[static_cast<std::size_t>(found->second)];
  }

  void member(const std::string& role, const std::vector<int>& ids) {
    const auto found = node().parameters.find(role);
    if (found != node().parameters.end()) member_dimension(found->second, 0, ids);
  }
  void member_dimension(const std::string& parameter, int dim, const std::vector<int>& ids) {
    const int first = dimension(parameter, dim, 1, static_cast<std::int64_t>(ids.size()), Role::member);
    for (std::size_t i = 0; i < ids.size(); ++i) sweep_.ids.merge(first + static_cast<int>(i), ids[i]);
  }
  void consume(const std::string& weight, int dim, const std::vector<int>& ids, std::int64_t groups = 1) {
    const int first = dimension(weight, dim, groups, static_cast<std::int64_t>(ids.size()), Role::consumer);
    for (std::size_t i = 0; i < ids.size(); ++i) sweep_.ids.merge(first + static_cast<int>(i), ids[i]);
  }
  std::vector<int> produce(const std::string& weight, int dim, std::int64_t channels, std::int64_t groups = 1) {
    std::vector<int> ids(static_cast<std::size_t>(channels));
    std::iota(ids.begin(), ids.end(), dimension(weight, dim, groups, channels, Role::producer));
    member("bias", ids);
    return ids;
  }
  // Somebody reads this weight without our knowing its input's channels.
  void consume_untracked(const std::string& weight, int dim, std::int64_t size, std::int64_t groups) {
    const int first = dimension(weight, dim, groups, size, Role::consumer);
    const int because = reason_here("its input's channels are not tracked");
    for (std::int64_t i = 0; i < size; ++i) sweep_.ids.lock(first + static_cast<int>(i), because);
  }

  void visit(const Node& n);
  void visit_image();
  void visit_conv();
  void visit_depthwise(const std::string& weight, std::int64_t groups, std::int64_t channels);
  void visit_linear();
  void visit_norm();
  void visit_group_norm();
  void visit_layer_norm();
  void visit_binary();
  void visit_with_parameter(const Operand& node_operand, const Operand& parameter);
  void visit_pair(const Operand& a, const Operand& b);
  void visit_cat();
  void visit_slice();
  void visit_pixel_shuffle();
  void visit_reshape();
  void visit_over_dim();
  void visit_reduction();
  void visit_pad();
  void visit_spatial();
  void visit_permute();
  void visit_squeeze();
  void visit_unsqueeze();
  void balance(const std::vector<int>& ids, std::int64_t groups);
  void lock_untracked();

  const mtl::Model& model_;
  const std::vector<Shape>& shapes_;
  int node_ = 0;
  Sweep sweep_;
  std::map<std::pair<std::string, int>, int> known_;
  std::map<std::string, int> untracked_;           // parameter -> reason: used where no rule follows it
  std::map<std::string, std::set<int>> operands_;  // parameter as an operand -> the dimensions that carried channels
};

int normalised(std::int64_t dim, int rank) { return static_cast<int>(dim < 0 ? dim + rank : dim); }

void Sweeper::visit(const Node& n) {
  switch (n.op) {
    case Op::image: return visit_image();
    case Op::conv2d:
    case Op::conv_transpose2d: return visit_conv();
    case Op::linear: return visit_linear();
    case Op::batch_norm:
    case Op::instance_norm:
    case Op::prelu: return visit_norm();
    case Op::group_norm: return visit_group_norm();
    case Op::layer_norm: return visit_layer_norm();
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::div:
    case Op::max:
    case Op::min: return visit_binary();
    case Op::cat: return visit_cat();
    case Op::slice: return visit_slice();
    case Op::pixel_shuffle: return visit_pixel_shuffle();
    case Op::flatten:
    case Op::reshape: return visit_reshape();
    case Op::softmax:
    case Op::log_softmax:
    case Op::l2_normalize: return visit_over_dim();
    case Op::mean:
    case Op::sum:
    case Op::argmax: return visit_reduction();
    case Op::pad: return visit_pad();
    case Op::max_pool2d:
    case Op::avg_pool2d:
    case Op::adaptive_avg_pool2d:
    case Op::adaptive_max_pool2d:
    case Op::upsample: return visit_spatial();
    case Op::permute: return visit_permute();
    case Op::squeeze: return visit_squeeze();
    case Op::unsqueeze: return visit_unsqueeze();
    case Op::matmul: return lock_inputs("matmul has no channel rule");
    case Op::relu:
    case Op::relu6:
    case Op::leaky_relu:
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
    case Op::clamp:
    case Op::dropout:
    case Op::identity: return pass(input());
  }
}

void Sweeper::visit_image() {
  std::vector<int> ids(static_cast<std::size_t>(shape()[1]));
  std::iota(ids.begin(), ids.end(), sweep_.ids.fresh(shape()[1]));
  pass(1, std::move(ids));
  lock(at(node_), "the image");
}

void Sweeper::balance(const std::vector<int>& ids, std::int64_t groups) {
  BlockRule rule{node_, {}};
  const auto width = static_cast<std::ptrdiff_t>(ids.size()) / groups;
  for (std::ptrdiff_t q = 0; q < groups; ++q) rule.blocks.emplace_back(ids.begin() + q * width, ids.begin() + (q + 1) * width);
  sweep_.rules.push_back(std::move(rule));
}

void Sweeper::visit_conv() {
  const bool transposed = node().op == Op::conv_transpose2d;
  const std::string& weight = node().parameters.at("weight");
  const Shape& size = weight_shape(weight);
  const std::int64_t groups = mtl::integer(node(), "groups");
  const std::int64_t in = transposed ? size[0] : size[1] * groups;
  const std::int64_t out = transposed ? size[1] * groups : size[0];
  if (groups > 1 && groups == in) return visit_depthwise(weight, groups, out);
  const int in_dim = transposed ? 0 : 1, out_dim = transposed ? 1 : 0;
  const std::int64_t in_groups = transposed ? 1 : groups, out_groups = transposed ? groups : 1;  // which dimension is virtual
  if (input().axis == 1) {
    consume(weight, in_dim, *input().ids, in_groups);
  } else {
    lock(input(), reason_here("the channels do not lie along dimension 1"));
    consume_untracked(weight, in_dim, in, in_groups);
  }
  std::vector<int> ids = produce(weight, out_dim, out, out_groups);
  if (groups > 1) {
    if (input().axis == 1) balance(*input().ids, groups);
    balance(ids, groups);
  }
  pass(1, std::move(ids));
}

// out[i * m + j] = in[i]
void Sweeper::visit_depthwise(const std::string& weight, std::int64_t groups, std::int64_t channels) {
  const std::int64_t multiplier = channels / groups;
  std::vector<int> in(static_cast<std::size_t>(groups));
  if (input().axis == 1) {
    in = *input().ids;
  } else {
    lock_inputs("the channels do not lie along dimension 1");
    std::iota(in.begin(), in.end(), sweep_.ids.fresh(groups));
    for (const int id : in) sweep_.ids.lock(id, reason_here("its input's channels are not tracked"));
  }
  std::vector<int> out;
  for (const int id : in) out.insert(out.end(), static_cast<std::size_t>(multiplier), id);
  member_dimension(weight, 0, node().op == Op::conv_transpose2d ? in : out);
  member("bias", out);
  pass(1, std::move(out));
}

void Sweeper::visit_linear() {
  const std::string& weight = node().parameters.at("weight");
  const Shape& size = weight_shape(weight);
  const int last = input_rank() - 1;
  if (input().tracked() && input().axis != last) {  // mixes positions, not channels: the same for every channel
    const int because = reason_here("mixes another dimension than that of the channels");
    for (const auto& [role, name] : node().parameters) untracked_.emplace(name, because);
    return pass(input());
  }
  if (input().tracked()) {
    consume(weight, 1, *input().ids);
  } else {
    consume_untracked(weight, 1, size[1], 1);
  }
  pass(last, produce(weight, 0, size[0]));
}

// batch_norm, instance_norm, prelu: a number per channel.
void Sweeper::visit_norm() {
  const auto weight = node().parameters.find("weight");
  if (node().op == Op::prelu && mtl::elements(weight_shape(weight->second)) == 1) return pass(input());
  if (input().axis != 1) {
    lock_inputs("the channels do not lie along dimension 1");
    return pass(input());
  }
  for (const auto& [role, name] : node().parameters) member_dimension(name, 0, *input().ids);
  pass(input());
}

// Whole groups go: the statistics of the others then stay what they are.
void Sweeper::visit_group_norm() {
  if (input().axis != 1) {
    lock_inputs("the channels do not lie along dimension 1");
    return pass(input());
  }
  const std::vector<int>& ids = *input().ids;
  const std::int64_t groups = mtl::integer(node(), "num_groups");
  const std::size_t width = ids.size() / static_cast<std::size_t>(groups);
  for (std::size_t i = 0; i < ids.size(); ++i) sweep_.ids.merge(ids[i / width * width], ids[i]);
  if (groups == 1) sweep_.notes.push_back(mtl::describe(node()) + ": group_norm of one group, never removable");
  for (const auto& [role, name] : node().parameters) member_dimension(name, 0, ids);
  pass(input());
}

void Sweeper::visit_layer_norm() {
  const auto normalised_dims = static_cast<int>(mtl::integers(node(), "normalized_shape").size());
  if (input().tracked() && input().axis >= input_rank() - normalised_dims) lock_inputs("layer_norm over the channels");
  const int because = reason_here("layer_norm");
  for (const auto& [role, name] : node().parameters) untracked_.emplace(name, because);
  pass(input());
}

void Sweeper::visit_binary() {
  const Operand& a = node().inputs[0];
  const Operand& b = node().inputs[1];
  if (a.kind == Operand::Kind::node && b.kind == Operand::Kind::node) return visit_pair(a, b);
  const Operand& read = a.kind == Operand::Kind::node ? a : b;
  const Operand& other = a.kind == Operand::Kind::node ? b : a;
  if (other.kind == Operand::Kind::number) return pass(at(read.node));
  visit_with_parameter(read, other);
}

// A parameter of as many channels along the result's channel dimension is a member; one of size 1 there is the same for all.
void Sweeper::visit_with_parameter(const Operand& read, const Operand& other) {
  const Channels& channels = at(read.node);
  const Shape& size = weight_shape(other.parameter);
  const int dim = channels.axis - static_cast<int>(shape(read.node).size()) + static_cast<int>(size.size());
  const bool grows = size.size() > shape(read.node).size();
  if (!channels.tracked() || grows) {
    lock_inputs("combines its input with a parameter of another rank");
    return;
  }
  if (dim < 0 || size[static_cast<std::size_t>(dim)] == 1) {
    if (std::ranges::any_of(size, [](std::int64_t n) { return n > 1; }))
      untracked_.emplace(other.parameter, reason_here("reads " + other.parameter + " along other dimensions"));
    return pass(channels);
  }
  if (size[static_cast<std::size_t>(dim)] != static_cast<std::int64_t>(channels.ids->size())) {
    lock_inputs("spreads one channel over many");
    return;
  }
  operands_[other.parameter].insert(dim);
  member_dimension(other.parameter, dim, *channels.ids);
  pass(channels);
}

void Sweeper::visit_pair(const Operand& left, const Operand& right) {
  const Channels &a = at(left.node), &b = at(right.node);
  const int rank = static_cast<int>(shape().size());
  const int axis_a = a.axis + rank - static_cast<int>(shape(left.node).size());
  const int axis_b = b.axis + rank - static_cast<int>(shape(right.node).size());
  // Size along an axis of the result; 1 where the operand has no such dimension.
  const auto along = [&](int index, int axis) {
    const Shape& size = shape(index);
    const int dim = axis - rank + static_cast<int>(size.size());
    return dim < 0 ? std::int64_t{1} : size[static_cast<std::size_t>(dim)];
  };
  if (!a.tracked() || !b.tracked()) {
    if (!a.tracked() && !b.tracked()) return;
    const Channels& known = a.tracked() ? a : b;
    const int axis = a.tracked() ? axis_a : axis_b;
    if (along(a.tracked() ? right.node : left.node, axis) != 1)
      lock(known, reason_here("the other operand's channels are not tracked"));
    if (along(a.tracked() ? left.node : right.node, axis) != shape()[static_cast<std::size_t>(axis)]) return;  // one over many
    at(node_) = {axis, known.ids};
    return;
  }
  if (axis_a != axis_b) {
    lock_inputs("the operands' channels lie along different dimensions");
    return;
  }
  if (a.ids->size() == b.ids->size()) {
    for (std::size_t i = 0; i < a.ids->size(); ++i) sweep_.ids.merge((*a.ids)[i], (*b.ids)[i]);
    at(node_) = {axis_a, a.ids};
    return;
  }
  const Channels& one = a.ids->size() == 1 ? a : b;
  lock(one, reason_here("one channel over many"));
  at(node_) = {axis_a, a.ids->size() == 1 ? b.ids : a.ids};
}

void Sweeper::visit_cat() {
  const int dim = normalised(mtl::integer(node(), "dim"), static_cast<int>(shape().size()));
  std::optional<int> axis;
  bool agree = true, all_tracked = true;
  for (const Operand& operand : node().inputs) {
    const Channels& channels = at(operand.node);
    if (!channels.tracked()) {
      all_tracked = false;
    } else if (!axis) {
      axis = channels.axis;
    } else {
      agree = agree && *axis == channels.axis;
    }
  }
  if (!axis || !agree || (!all_tracked && *axis != dim)) return lock_inputs("joins tensors whose channels are not tracked alike");
  std::vector<int> ids;
  for (const Operand& operand : node().inputs) {
    const Channels& channels = at(operand.node);
    if (*axis != dim) {
      if (ids.empty()) ids = *channels.ids;
      for (std::size_t i = 0; i < ids.size(); ++i) sweep_.ids.merge(ids[i], (*channels.ids)[i]);
    } else if (channels.tracked()) {
      ids.insert(ids.end(), channels.ids->begin(), channels.ids->end());
    } else {
      const std::int64_t count = shape(operand.node)[static_cast<std::size_t>(dim)];
      const int first = sweep_.ids.fresh(count), because = reason_here("some operands' channels are not tracked");
      for (int i = 0; i < static_cast<int>(count); ++i) {
        sweep_.ids.lock(first + i, because);
        ids.push_back(first + i);
      }
    }
  }
  pass(*axis, std::move(ids));
}

void Sweeper::visit_slice() {
  const int dim = normalised(mtl::integer(node(), "dim"), input_rank());
  if (!input().tracked() || dim != input().axis) return pass(input());
  const auto size = static_cast<std::int64_t>(input().ids->size());
  const std::int64_t step = mtl::integer(node(), "step");
  const auto bound = [&](std::int64_t at) { return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size); };
  const std::int64_t start = bound(mtl::integer(node(), "start")), end = bound(mtl::integer(node(), "end"));
  std::vector<int> ids;
  for (std::int64_t i = start; i < end; i += step) ids.push_back((*input().ids)[static_cast<std::size_t>(i)]);
  if (step > 1) lock(input(), reason_here("a slice of channels with a step"));
  pass(input().axis, std::move(ids));
}

// out[c] = its r * r input channels
void Sweeper::visit_pixel_shuffle() {
  if (input().axis != input_rank() - 3) return lock_inputs("the channels do not lie before height and width");
  const auto factor = static_cast<std::size_t>(mtl::integer(node(), "upscale_factor"));
  const std::vector<int>& in = *input().ids;
  std::vector<int> out;
  for (std::size_t i = 0; i < in.size(); i += factor * factor) {
    for (std::size_t k = 1; k < factor * factor; ++k) sweep_.ids.merge(in[i], in[i + k]);
    out.push_back(in[i]);
  }
  pass(input().axis, std::move(out));
}

void Sweeper::visit_reshape() {
  if (!input().tracked()) return;
  const Carried carried = carry_through_reshape(input_shape(), shape(), input().axis);
  if (carried.axis >= 0) {
    std::vector<int> ids;
    for (const std::int64_t channel : carried.channel_of) ids.push_back((*input().ids)[static_cast<std::size_t>(channel)]);
    return pass(carried.axis, std::move(ids));
  }
  // Back from a flattened dimension: one of the new dimensions may hold the channels whole, as where every index along the
  // others has the same ids.
  for (int axis = 0; axis < static_cast<int>(shape().size()); ++axis) {
    const Carried back = carry_through_reshape(shape(), input_shape(), axis);
    if (back.axis != input().axis || shape()[static_cast<std::size_t>(axis)] == 1) continue;
    std::vector<int> ids(static_cast<std::size_t>(shape()[static_cast<std::size_t>(axis)]), -1);
    bool same = true;
    for (std::size_t i = 0; i < back.channel_of.size(); ++i) {
      int& id = ids[static_cast<std::size_t>(back.channel_of[i])];
      if (id < 0) id = (*input().ids)[i];
      same = same && id == (*input().ids)[i];
    }
    if (same) return pass(axis, std::move(ids));
  }
  lock_inputs("the channels are split or mixed with another dimension");
}

void Sweeper::visit_over_dim() {
  const int dim = normalised(mtl::integer(node(), "dim"), input_rank());
  if (dim == input().axis) lock(input(), reason_here(std::string(mtl::name_of(node().op)) + " over the channels"));
  pass(input());
}

void Sweeper::visit_reduction() {
  if (!input().tracked()) return;
  std::vector<std::int64_t> dims;
  if (node().op == Op::argmax) {
    if (mtl::has(node(), "dim")) dims.push_back(mtl::integer(node(), "dim"));
  } else {
    dims = mtl::integers(node(), "dim");
  }
  const int rank = input_rank();
  int before = 0;
  bool over = dims.empty();
  for (const std::int64_t dim : dims) {
    over = over || normalised(dim, rank) == input().axis;
    before += normalised(dim, rank) < input().axis ? 1 : 0;
  }
  if (over) return lock_inputs(std::string(mtl::name_of(node().op)) + " over the channels");
  at(node_) = {mtl::flag(node(), "keepdim") ? input().axis : input().axis - before, input().ids};
}

void Sweeper::visit_pad() {
  const std::vector<std::int64_t>& sides = mtl::integers(node(), "pad");
  const int from_last = input_rank() - 1 - input().axis;
  const auto entry = static_cast<std::size_t>(2 * from_last);
  if (input().tracked() && entry + 1 < sides.size() && (sides[entry] != 0 || sides[entry + 1] != 0))
    return lock_inputs("pads the channels");
  pass(input());
}

void Sweeper::visit_spatial() {
  if (input().tracked() && input().axis >= input_rank() - 2) return lock_inputs("works along the dimension of the channels");
  pass(input());
}

void Sweeper::visit_permute() {
  if (!input().tracked()) return;
  const std::vector<std::int64_t>& dims = mtl::integers(node(), "dims");
  for (std::size_t i = 0; i < dims.size(); ++i)
    if (normalised(dims[i], input_rank()) == input().axis) at(node_) = {static_cast<int>(i), input().ids};
}

void Sweeper::visit_squeeze() {
  if (!input().tracked()) return;
  const int dim = normalised(mtl::integer(node(), "dim"), input_rank());
  if (input_shape()[static_cast<std::size_t>(dim)] != 1) return pass(input());
  if (dim == input().axis) return lock_inputs("squeezes the dimension of the channels");
  at(node_) = {input().axis - (dim < input().axis ? 1 : 0), input().ids};
}

void Sweeper::visit_unsqueeze() {
  if (!input().tracked()) return;
  const int dim = normalised(mtl::integer(node(), "dim"), input_rank() + 1);
  at(node_) = {input().axis + (dim <= input().axis ? 1 : 0), input().ids};
}

// Parameters used where no rule follows them keep every dimension, and so do operands whose channels lie here along one
// dimension and there along another.
void Sweeper::lock_untracked() {
  for (const auto& [name, dims] : operands_)
    if (dims.size() > 1) untracked_.emplace(name, reason(name + " is read along several dimensions"));
  for (std::size_t d = 0; d < sweep_.dimensions.size(); ++d) {
    const auto found = untracked_.find(sweep_.dimensions[d].parameter);
    if (found == untracked_.end()) continue;
    for (std::int64_t i = 0; i < sweep_.dimensions[d].size; ++i)
      sweep_.ids.lock(sweep_.first_id[d] + static_cast<int>(i), found->second);
  }
}

}  // namespace

Sweep sweep_channels(const mtl::Model& model, const std::vector<Shape>& shapes) { return Sweeper(model, shapes).run(); }

}  // namespace tenfold::mtl_prune
