// Random networks over every operation of a graph, kept where numbers stay finite, and random plans that floors, locks, covers
// and balances allow. What the certificate's property test draws from.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "small_nets.h"

namespace small_nets {

class RandomDag {
 public:
  explicit RandomDag(std::uint64_t seed) : random_(seed, "random dag") {}

  static constexpr std::int64_t kHeight = 12, kWidth = 16;

  // Some operations (a reshape to constants, flatten then linear) fix the image's size.
  bool fixed_size = false;

  mtl::Model make(int operations) {
    push(net_.conv(name("stem"), net_.image(), 3, 8, 3, {{"padding", 1L}}, true));
    for (int i = 0; i < operations; ++i) {
      grow(static_cast<int>(below(34)));
      if (i % 3 == 2) push(unary(last(), mtl::Op::tanh));  // keeps numbers near one
    }
    const int heads = 1 + static_cast<int>(below(3));
    for (int h = 0; h < heads; ++h) {
      const int from = any();
      net_.output("y" + std::to_string(h), net_.conv(name("head"), from, channels(from), 2, 1, {}, true));
    }
    return drawn(net_, random_.next_u32());
  }

 private:
  using Attributes = std::map<std::string, mtl::Attribute>;
  using Ints = std::vector<std::int64_t>;

  std::uint32_t below(std::uint32_t n) { return random_.next_u32() % n; }
  std::string name(const char* what) { return std::string(what) + std::to_string(count_++); }
  void push(int node) { open_.push_back(node); }
  int last() const { return open_.back(); }
  int any() { return open_[below(static_cast<std::uint32_t>(open_.size()))]; }

  mtl::Shape shape(int node) {
    mtl::Model model = net_.model();
    model.graph.outputs = {{"last", node}};
    mtl::complete(model.graph, model.weights);
    return mtl::infer_shapes(model, {2, 3, kHeight, kWidth})[static_cast<std::size_t>(node)];
  }
  std::int64_t channels(int node) { return shape(node)[1]; }

  int unary(int node, mtl::Op op, Attributes attributes = {}) {
    return net_.add(name("u"), op, std::vector<int>{node}, std::move(attributes));
  }
  int positive(int node) { return net_.add(name("plus"), mtl::Op::add, {operand(unary(node, mtl::Op::sigmoid)), number(0.5)}); }
  static mtl::Operand operand(int node) { return {mtl::Operand::Kind::node, node, "", 0}; }
  static mtl::Operand number(double value) { return {mtl::Operand::Kind::number, 0, "", value}; }
  static mtl::Operand parameter(const std::string& of) { return {mtl::Operand::Kind::parameter, 0, of, 0}; }

  std::map<std::string, std::string> affine(const std::string& of, std::int64_t size) {
    net_.parameter(of + ".weight", {size});
    net_.parameter(of + ".bias", {size});
    return {{"weight", of + ".weight"}, {"bias", of + ".bias"}};
  }
  int conv(int from, std::int64_t out, std::int64_t groups, bool transposed = false) {
    const std::string id = name(transposed ? "t" : "c");
    const std::int64_t in = channels(from);
    net_.parameter(id + ".weight", transposed ? mtl::Shape{in, out / groups, 3, 3} : mtl::Shape{out, in / groups, 3, 3});
    net_.parameter(id + ".bias", {out});
    return net_.add(id, transposed ? mtl::Op::conv_transpose2d : mtl::Op::conv2d, std::vector<int>{from},
                    {{"padding", 1L}, {"groups", groups}}, {{"weight", id + ".weight"}, {"bias", id + ".bias"}});
  }
  // Brought to the height and width of the image, so that any two can be joined.
  int full(int node) {
    const mtl::Shape s = shape(node);
    if (s[2] == kHeight && s[3] == kWidth) return node;
    return unary(node, mtl::Op::upsample,
                 {{"size_of", std::string("image")}, {"mode", std::string(below(2) ? "nearest" : "bilinear")}});
  }
  int squeeze_excite(int node) {
    return unary(unary(node, mtl::Op::adaptive_avg_pool2d, {{"output_size", 1L}}), mtl::Op::sigmoid);
  }
  int matched(int node, std::int64_t want) { return channels(node) == want ? node : conv(node, want, 1); }

  void grow(int kind);
  void grow_shape(int kind);
  void join(mtl::Op op);
  int flattened(int from);

  PhiloxStream random_;
  mtl::GraphBuilder net_;
  std::vector<int> open_;
  std::string shared_;
  int count_ = 0;
};

inline void RandomDag::join(mtl::Op op) {
  const int a = full(any());
  int b = full(matched(any(), channels(a)));
  if (op == mtl::Op::div) b = positive(b);
  push(net_.add(name("j"), op, std::vector<int>{a, b}));
}

inline int RandomDag::flattened(int from) {
  fixed_size = true;
  const int pooled = unary(from, mtl::Op::adaptive_max_pool2d, {{"output_size", Ints{2, 3}}});
  const std::int64_t c = channels(pooled);
  const int flat = below(2) ? unary(pooled, mtl::Op::flatten, {{"start_dim", 1L}})
                            : unary(pooled, mtl::Op::reshape, {{"shape", below(2) ? Ints{0, c * 6} : Ints{0, -1}}});
  const std::string id = name("l");
  net_.parameter(id + ".weight", {6, c * 6});
  net_.parameter(id + ".bias", {6});
  const int line =
      net_.add(id, mtl::Op::linear, std::vector<int>{flat}, {}, {{"weight", id + ".weight"}, {"bias", id + ".bias"}});
  return unary(unary(line, mtl::Op::unsqueeze, {{"dim", 2L}}), mtl::Op::unsqueeze, {{"dim", -1L}});
}

inline void RandomDag::grow(int kind) {
  using mtl::Op;
  const int from = any();
  const std::int64_t c = channels(from);
  switch (kind) {
    case 0:
    case 1: return push(conv(from, 4 + 2 * below(4), 1));
    case 2: return push(c % 2 == 0 ? conv(from, 4 + 2 * below(3), 2) : conv(from, 8, 1));
    case 3: return push(conv(from, c * (1 + below(2)), c));  // depthwise
    case 4: return push(conv(from, 4 + 2 * below(3), c % 2 == 0 && below(2) ? 2 : 1, true));
    case 5: return push(conv(from, c * (1 + below(2)), c, true));
    case 6: return push(net_.batch_norm(name("bn"), from, c));
    case 7: {
      const std::string id = name("in");
      return push(net_.add(id, Op::instance_norm, std::vector<int>{full(from)}, {}, affine(id, c)));
    }
    case 8: {
      const std::string id = name("gn");
      return push(
          net_.add(id, Op::group_norm, std::vector<int>{full(from)}, {{"num_groups", c % 2 == 0 ? c / 2 : c}}, affine(id, c)));
    }
    case 9: {
      const std::string id = name("pr");
      net_.parameter(id + ".weight", {below(3) ? c : 1});
      return push(net_.add(id, Op::prelu, std::vector<int>{from}, {}, {{"weight", id + ".weight"}}));
    }
    case 10: {
      static const Op ops[] = {Op::relu,      Op::relu6,       Op::leaky_relu, Op::silu,    Op::gelu,
                               Op::hardswish, Op::hardsigmoid, Op::sigmoid,    Op::tanh,    Op::softplus,
                               Op::abs,       Op::neg,         Op::hardtanh,   Op::dropout, Op::identity};
      return push(unary(from, ops[below(15)]));
    }
    case 11: return push(unary(positive(from), below(2) ? Op::sqrt : Op::log));
    case 12: return push(unary(unary(from, Op::tanh), Op::exp));
    case 13: return push(unary(from, Op::clamp, {{"min", -0.5}, {"max", 0.75}}));
    case 14: return join(Op::add);
    case 15: return join(Op::sub);
    case 16: return join(Op::mul);
    case 17: return join(Op::div);
    case 18: return join(below(2) ? Op::max : Op::min);
    case 19: return push(net_.add(name("se"), Op::mul, std::vector<int>{from, squeeze_excite(matched(any(), c))}));
    case 20: {
      const int a = full(from);
      return push(net_.add(name("gate"), Op::mul, std::vector<int>{a, unary(conv(a, 1, 1), Op::sigmoid)}));
    }
    case 21: {
      const std::string id = name("p");
      net_.parameter(id, below(2) ? mtl::Shape{c, 1, 1} : mtl::Shape{1, c, 1, 1});
      return push(net_.add(name("scale"), below(2) ? Op::mul : Op::add, {operand(from), parameter(id)}));
    }
    case 22: return push(net_.add(name("n"), below(2) ? Op::mul : Op::sub, {operand(from), number(0.7)}));
    case 23: return push(net_.add(name("cat"), Op::cat, std::vector<int>{full(from), full(any()), full(any())}, {{"dim", 1L}}));
    case 24: {
      const int a = full(from), b = full(matched(any(), c));
      return push(unary(net_.add(name("cat"), Op::cat, std::vector<int>{a, b}, {{"dim", 2L}}), Op::max_pool2d,
                        {{"kernel_size", Ints{2, 1}}}));
    }
    case 25: {  // one weight used twice
      if (shared_.empty()) {
        shared_ = "shared.weight";
        net_.parameter(shared_, {6, 6, 1, 1});
      }
      return push(net_.add(name("w"), Op::conv2d, std::vector<int>{matched(from, 6)}, {}, {{"weight", shared_}}));
    }
    default: return grow_shape(kind);
  }
}

inline void RandomDag::grow_shape(int kind) {
  using mtl::Op;
  const int from = any();
  const std::int64_t c = channels(from);
  switch (kind) {
    case 26: {
      if (c < 3) return push(conv(from, 6, 1));
      const std::int64_t at = 1 + below(static_cast<std::uint32_t>(c - 2));
      push(unary(from, Op::slice, {{"dim", below(2) ? 1L : -3L}, {"start", 0L}, {"end", at}}));
      return push(unary(from, Op::slice, {{"dim", 1L}, {"start", at}, {"end", below(2) ? c : -1L}}));
    }
    case 27: {
      const int wide = c % 4 == 0 ? from : conv(from, 8, 1);
      return push(unary(unary(full(wide), Op::pixel_shuffle, {{"upscale_factor", 2L}}), Op::avg_pool2d, {{"kernel_size", 2L}}));
    }
    case 28: {
      const int pooled =
          unary(full(from), below(2) ? Op::max_pool2d : Op::avg_pool2d, {{"kernel_size", 3L}, {"stride", 2L}, {"padding", 1L}});
      return push(below(2) ? pooled : unary(pooled, Op::upsample, {{"scale", 2.0}, {"mode", std::string("bilinear")}}));
    }
    case 29: return push(unary(from, Op::pad, {{"pad", Ints{1, 0, 2, 1}}, {"value", below(2) ? 0.0 : 0.3}}));
    case 30: {
      const int wide = full(matched(from, 6));
      return push(net_.add(name("fl"), Op::add, std::vector<int>{wide, flattened(any())}));
    }
    case 31: {  // channels last: linear, and back
      const std::string id = name("ll");
      net_.parameter(id + ".weight", {6, c});
      net_.parameter(id + ".bias", {6});
      const int last_dim = unary(from, Op::permute, {{"dims", Ints{0, 2, 3, 1}}});
      const int line =
          net_.add(id, Op::linear, std::vector<int>{last_dim}, {}, {{"weight", id + ".weight"}, {"bias", id + ".bias"}});
      return push(unary(line, Op::permute, {{"dims", Ints{0, 3, 1, 2}}}));
    }
    case 32: {  // means and sums over places, with and without the dimension
      const int mean = unary(from, below(2) ? Op::mean : Op::sum, {{"dim", Ints{-1}}, {"keepdim", true}});
      const int whole = unary(unary(mean, Op::mean, {{"dim", Ints{2, 3}}}), Op::unsqueeze, {{"dim", -1L}});
      return push(
          net_.add(name("ms"), Op::add, std::vector<int>{from, unary(unary(whole, Op::unsqueeze, {{"dim", 2L}}), Op::tanh)}));
    }
    default: {  // what locks, and a reshape that keeps channels whole
      switch (below(5)) {
        case 0: return push(unary(from, below(2) ? Op::softmax : Op::log_softmax, {{"dim", 1L}}));
        case 1: return push(unary(from, Op::l2_normalize, {{"dim", 1L}}));
        case 2:
          return push(net_.add(name("mm"), Op::mul,
                               std::vector<int>{from, unary(from, Op::mean, {{"dim", Ints{1}}, {"keepdim", true}})}));
        case 3: {
          fixed_size = true;
          const std::string id = name("ln");
          const int a = full(from);
          net_.parameter(id + ".weight", {kHeight, kWidth});
          net_.parameter(id + ".bias", {kHeight, kWidth});
          return push(net_.add(id, Op::layer_norm, std::vector<int>{a}, {{"normalized_shape", Ints{kHeight, kWidth}}},
                               {{"weight", id + ".weight"}, {"bias", id + ".bias"}}));
        }
        default: {
          fixed_size = true;
          const int tokens = unary(full(from), Op::reshape, {{"shape", Ints{0, below(2) ? c : 0, -1}}});
          const int soft = unary(tokens, Op::softmax, {{"dim", 2L}});
          return push(unary(soft, Op::reshape, {{"shape", Ints{0, below(2) ? c : -1, kHeight, kWidth}}}));
        }
      }
    }
  }
}

// Drops about half of what may go, cell by cell; draws again where a tensor would lose its last channel.
inline mtl_prune::Plan random_plan(const mtl::Model& model, const Units& units, std::uint64_t seed) {
  PhiloxStream random(seed, "random plan");
  mtl_prune::Plan plan = keep_everything(model, units);
  for (const mtl_prune::UnitSet& set : units.sets) {
    std::int64_t common = 0;
    for (const auto& cell : set.cells) common = std::gcd(common, static_cast<std::int64_t>(cell.size()));
    for (int attempt = 0; attempt < 20; ++attempt) {
      std::set<std::int64_t> gone;
      const std::int64_t going = static_cast<std::int64_t>(random.next_u32() % static_cast<std::uint32_t>(common));
      bool enough = true;
      for (const auto& cell : set.cells) {
        std::vector<int> may;
        for (const int u : cell)
          if (!set.units[static_cast<std::size_t>(u)].locked) may.push_back(u);
        const auto count = static_cast<std::size_t>(going * static_cast<std::int64_t>(cell.size()) / common);
        enough = enough && may.size() >= count;
        for (std::size_t i = 0; enough && i < count; ++i) {
          const std::size_t at = random.next_u32() % may.size();
          gone.insert(may[at]);
          may.erase(may.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      const bool covered = std::ranges::none_of(set.covers, [&](const std::vector<int>& cover) {
        return std::ranges::all_of(cover, [&](int u) { return gone.contains(u); });
      });
      if (!enough || !covered) continue;
      drop(plan, set.id, gone);
      break;
    }
  }
  return plan;
}

}  // namespace small_nets
