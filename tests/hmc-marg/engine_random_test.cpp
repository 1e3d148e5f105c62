// Random graphs over all operations and densities: the engine equals the reference, for every instruction set.
#include <random>

#include "engine_support.h"

using namespace tenfold::hmc_marg;

namespace {

// Slots by what is known of their values, so that operations stay inside their domains.
class RandomGraph {
 public:
  RandomGraph(std::uint64_t seed, int size) : random_(seed) {
    const auto inputs = static_cast<std::uint32_t>(1 + pick(6));
    const Slot first = target.parameters(inputs);
    for (std::uint32_t i = 0; i < inputs; ++i) real_.push_back(first + i);
    grow(real_, Op::exp, positive_);
    grow(real_, Op::inv_logit, unit_);
    for (int i = 0; i < size; ++i) step();
    for (int i = 0; i < 12; ++i) add_density();
    for (int i = 0; i < 4; ++i)
      target.term(real_[static_cast<std::size_t>(pick(static_cast<int>(real_.size())))], uniform(-1, 1));
    target.spec.nonnegative = {positive_.back()};
  }

  Target target;
  std::vector<double> point() {
    std::vector<double> q;
    for (std::size_t i = 0; i < target.spec.inputs.size(); ++i) q.push_back(uniform(-1.2, 1.2));
    return q;
  }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  double uniform(double a, double b) { return std::uniform_real_distribution<double>(a, b)(random_); }
  std::uint32_t lanes() {
    const std::uint32_t sizes[] = {1, 1, 1, 2, 3, 5, 8, 9, 16, 21};
    return sizes[pick(10)];
  }

  // An operand of `lanes` scalars: one for all, consecutive, or scattered, with numbers in between.
  List operand(const std::vector<Slot>& from, double low, double high, std::uint32_t lanes) {
    if (pick(5) == 0) {  // all known
      std::vector<double> numbers;
      const std::uint32_t size = pick(2) == 0 ? 1 : lanes;
      for (std::uint32_t i = 0; i < size; ++i) numbers.push_back(uniform(low, high));
      return numbers;
    }
    const auto any = [&] { return from[static_cast<std::size_t>(pick(static_cast<int>(from.size())))]; };
    if (pick(3) == 0) return List::at(any());
    if (pick(3) == 0 && from.size() >= lanes) {
      std::vector<Slot> slots(from.end() - lanes, from.end());
      return List::of(slots);
    }
    List list;
    const bool mixed = pick(3) == 0;
    for (std::uint32_t i = 0; i < lanes; ++i) {
      const bool known = mixed && pick(3) == 0;
      list.number.push_back(known ? uniform(low, high) : 0);
      list.slot.push_back(known ? 0 : any());
    }
    return list;
  }
  List real(std::uint32_t n) { return operand(real_, -2, 2, n); }
  List positive(std::uint32_t n) { return operand(positive_, 0.3, 3, n); }
  List unit(std::uint32_t n) { return operand(unit_, 0.05, 0.95, n); }
  static List times(List list, std::uint32_t n) {  // broadcast written out
    if (list.size() == n) return list;
    List out;
    for (std::uint32_t i = 0; i < n; ++i) {
      out.number.push_back(list.number[0]);
      out.slot.push_back(list.slot[0]);
    }
    return out;
  }

  void grow(const std::vector<Slot>& from, Op op, std::vector<Slot>& to) {
    for (const Slot slot : std::vector<Slot>(from)) to.push_back(lanes_of(target.graph, op, {List::at(slot)}));
  }

  // Takes any values back into the three classes: sin keeps its slope where tanh would lose it.
  void settle(Slot first, std::uint32_t n) {
    const Slot bounded = lanes_of(target.graph, Op::sin, {List::range(first, n)}, n);
    const Slot up = lanes_of(target.graph, Op::exp, {List::range(bounded, n)}, n);
    const Slot in = lanes_of(target.graph, Op::inv_logit, {List::range(bounded, n)}, n);
    for (std::uint32_t i = 0; i < n; ++i) {
      real_.push_back(bounded + i);
      positive_.push_back(up + i);
      unit_.push_back(in + i);
    }
  }

  void step() {
    const std::uint32_t n = lanes();
    switch (pick(6)) {
      case 0:
      case 1: return lane_wise_step(n);
      case 2: return segment_step(n);
      case 3: return whole_step();
      case 4: {  // a chain of sums
        Slot sum = lanes_of(target.graph, Op::add, {real(n), real(n)}, n);
        for (int i = 0; i < 1 + pick(40); ++i) {
          const Op op = pick(3) == 0 ? Op::sub : Op::add;
          sum = pick(4) == 0 ? lanes_of(target.graph, op, {real(n), List::range(sum, n)}, n)
                             : lanes_of(target.graph, op, {List::range(sum, n), real(n)}, n);
          if (pick(5) == 0) sum = lanes_of(target.graph, Op::neg, {List::range(sum, n)}, n);
        }
        return settle(sum, n);
      }
      default: {  // scalar loop
        const Op op = pick(2) == 0 ? Op::mul : Op::add;
        const List shared = real(1);
        Slot last = 0;
        for (std::uint32_t i = 0; i < n; ++i) last = lanes_of(target.graph, op, {shared, real(1)});
        return settle(last, 1);
      }
    }
  }

  void lane_wise_step(std::uint32_t n) {
    const Op op =
        static_cast<Op>(static_cast<int>(Op::neg) + pick(static_cast<int>(Op::log_add_exp) - static_cast<int>(Op::neg) + 1));
    std::vector<List> operands;
    switch (op) {
      case Op::log:
      case Op::log2:
      case Op::log10:
      case Op::log1p:
      case Op::sqrt:
      case Op::cbrt:
      case Op::inv:
      case Op::inv_sqrt:
      case Op::inv_square:
      case Op::lgamma:
      case Op::digamma: operands = {positive(n)}; break;
      case Op::log1m:
      case Op::logit:
      case Op::asin:
      case Op::acos:
      case Op::atanh:
      case Op::inv_phi: operands = {unit(n)}; break;
      case Op::log1m_exp: {
        const Slot below = lanes_of(target.graph, Op::neg, {positive(n)}, n);
        operands = {List::range(below, n)};
        break;
      }
      case Op::acosh: {
        const Slot above = lanes_of(target.graph, Op::add, {positive(n), 1.0}, n);
        operands = {List::range(above, n)};
        break;
      }
      case Op::pow:
      case Op::hypot:
      case Op::multiply_log:
      case Op::lbeta:
      case Op::div:
      case Op::atan2: operands = {positive(n), positive(n)}; break;
      case Op::lchoose:
      case Op::log_diff_exp: {
        const List low = positive(n);
        const Slot above = lanes_of(target.graph, Op::add, {low, positive(n)}, n);
        operands = {List::range(above, n), low};
        break;
      }
      case Op::fmod: operands = {real(n), 1.7}; break;
      default: operands = {real(n)}; break;
    }
    if (info(op).arity == 2 && operands.size() == 1) operands.push_back(real(n));
    settle(lanes_of(target.graph, op, operands, n), n);
  }

  void segment_step(std::uint32_t n) {
    const Op ops[] = {Op::sum, Op::dot, Op::log_sum_exp, Op::minimum, Op::maximum, Op::product};
    const Op op = ops[pick(6)];
    std::vector<std::uint32_t> offsets = {0};
    const bool uniform_sizes = pick(2) == 0;
    const auto size = static_cast<std::uint32_t>(1 + pick(pick(3) == 0 ? 40 : 4));
    for (std::uint32_t i = 0; i < n; ++i)
      offsets.push_back(offsets.back() + (uniform_sizes ? size : static_cast<std::uint32_t>(1 + pick(6))));
    std::vector<List> operands = {times(real(offsets.back()), offsets.back())};
    if (op == Op::dot) operands.push_back(times(positive(offsets.back()), offsets.back()));
    settle(target.graph.segmented(op, views(operands), offsets), n);
  }

  void whole_step() {
    const auto n = static_cast<std::uint32_t>(1 + pick(5));
    switch (pick(4)) {
      case 0: return settle(target.graph.whole(Op::softmax, views({times(real(n), n)}), n), n);
      case 1: return settle(target.graph.whole(Op::cumulative_sum, views({times(real(n), n)}), n), n);
      default: break;
    }
    // A = diagonally dominant, its lower triangle from unit slots; then a solve with its factor.
    List a;
    const List below = times(unit(n * n), n * n);
    for (std::uint32_t j = 0; j < n; ++j) {
      for (std::uint32_t i = 0; i < n; ++i) {
        if (i == j) {
          const Slot diagonal = lanes_of(target.graph, Op::add, {positive(1), 6.0});
          a.number.push_back(0);
          a.slot.push_back(diagonal);
        } else {
          a.number.push_back(below.number[j * n + i]);
          a.slot.push_back(below.slot[j * n + i]);
        }
      }
    }
    const Slot l = target.graph.whole(Op::cholesky, views({a}), n * n, n);
    const auto columns = static_cast<std::uint32_t>(1 + pick(3));
    const Op op = pick(2) == 0 ? Op::solve_lower : Op::solve_lower_transposed;
    settle(target.graph.whole(op, views({List::range(l, n * n), times(real(n * columns), n * columns)}), n * columns, n),
           n * columns);
  }

  // Arguments inside the support; counts are known.
  std::vector<List> arguments(Density family, std::uint32_t n) {
    const auto counts = [&](int from, int to) {
      std::vector<double> x;
      for (std::uint32_t i = 0; i < n; ++i) x.push_back(from + pick(to - from + 1));
      return List(x);
    };
    switch (family) {
      case Density::std_normal: return {real(n)};
      case Density::normal:
      case Density::cauchy:
      case Density::double_exponential:
      case Density::logistic: return {real(n), real(n), positive(n)};
      case Density::student_t: return {real(n), positive(n), real(n), positive(n)};
      case Density::lognormal: return {positive(n), real(n), positive(n)};
      case Density::uniform: return {unit(n), -0.5, 1.5};
      case Density::beta: return {unit(n), positive(n), positive(n)};
      case Density::exponential:
      case Density::chi_square:
      case Density::inv_chi_square: return {positive(n), positive(n)};
      case Density::pareto: return {4.0 + pick(3), positive(n), positive(n)};
      case Density::bernoulli: return {counts(0, 1), unit(n)};
      case Density::bernoulli_logit: return {counts(0, 1), real(n)};
      case Density::binomial: return {counts(0, 4), counts(4, 9), unit(n)};
      case Density::binomial_logit: return {counts(0, 4), counts(4, 9), real(n)};
      case Density::beta_binomial: return {counts(0, 4), counts(4, 9), positive(n), positive(n)};
      case Density::poisson: return {counts(0, 8), positive(n)};
      case Density::poisson_log: return {counts(0, 8), real(n)};
      case Density::neg_binomial:
      case Density::neg_binomial_2: return {counts(0, 8), positive(n), positive(n)};
      case Density::neg_binomial_2_log: return {counts(0, 8), real(n), positive(n)};
      default: return {positive(n), positive(n), positive(n)};
    }
  }

  void add_density() {
    const auto family = static_cast<Density>(1 + pick(static_cast<int>(Density::count_) - 1));
    const std::uint32_t n = lanes();
    const Slot first = density_of(target.graph, family, arguments(family, n), n);
    if (pick(3) == 0) {  // read by value
      settle(first, n);
    } else {
      target.spec.densities.push_back({target.graph.node_of(first), {}});
    }
  }

  std::mt19937_64 random_;
  std::vector<Slot> real_, positive_, unit_;
};

}  // namespace

TEST_CASE("random graphs: engine and reference agree to 1e-12") {
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    CAPTURE(seed);
    RandomGraph graph(seed, 4 + static_cast<int>(seed % 20));
    check_agreement(graph.target, graph.point());
  }
}

TEST_CASE("every density as a factor over lanes and over one lane equals its scalar form") {
  for (int f = 1; f < static_cast<int>(Density::count_); ++f) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(info(static_cast<Density>(f)).name);
      CAPTURE(seed);
      RandomGraph graph(seed * 977 + static_cast<std::uint64_t>(f), 3);
      check_agreement(graph.target, graph.point());
    }
  }
}
