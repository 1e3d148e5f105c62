// Masked is removed: on random networks over all operations; and each way of getting it wrong is seen.
#include "doctest_torch.h"

#include <set>

#include "mtl-prune/random_dag.h"
#include "mtl-prune/torch/certificate.h"

using namespace small_nets;
using mtl::GraphBuilder;
using mtl::Op;
using mtl_prune::Certificate;
using mtl_prune::Plan;

namespace {

std::vector<at::Tensor> images(const mtl::Model& model, std::initializer_list<std::pair<std::int64_t, std::int64_t>> sizes) {
  std::vector<at::Tensor> batches;
  for (const auto& [height, width] : sizes)
    batches.push_back(mtl_prune::noise_images(2, mtl::image_channels(model), height, width, 1));
  return batches;
}

Certificate certify(const mtl::Model& model, const mtl::Model& small, const Units& units, const Plan& plan) {
  return mtl_prune::certify(model, small, units, plan, images(model, {{8, 10}, {12, 14}}));
}

}  // namespace

TEST_CASE("removed is masked, on random networks over all operations") {
  at::set_num_threads(1);
  std::int64_t removed = 0, prunable = 0;
  std::set<Op> seen;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    RandomDag dag(seed);
    const mtl::Model model = dag.make(12);
    const auto shapes = mtl::infer_shapes(model, {2, 3, RandomDag::kHeight, RandomDag::kWidth});
    const Units units = mtl_prune::find_units(model, shapes);
    Plan plan = random_plan(model, units, seed);
    for (std::size_t s = 0; s < units.sets.size(); ++s) {
      removed += plan.sets[s].size - static_cast<std::int64_t>(plan.sets[s].keep.size());
      prunable += units.sets[s].locked ? 0 : plan.sets[s].size;
    }
    for (const mtl::Node& node : model.graph.nodes) seen.insert(node.op);
    const mtl::Model small = remove_units(model, units, plan);
    auto batches = images(model, {{RandomDag::kHeight, RandomDag::kWidth}});
    if (!dag.fixed_size) batches.push_back(mtl_prune::noise_images(1, 3, 16, 12, 2));
    const Certificate certificate = mtl_prune::certify(model, small, units, plan, batches);
    CAPTURE(certificate.max_abs_float64);
    CAPTURE(certificate.max_abs);
    CHECK(certificate.holds());
  }
  MESSAGE(removed << " units removed of " << prunable);
  CHECK(removed > 300);
  CHECK(seen.size() >= 45);
}

namespace {

// A batch norm whose shift outlives its input, a sigmoid, an addition, and flattened columns.
mtl::Model with_everything() {
  GraphBuilder net;
  const int a = net.batch_norm("n", net.conv("a", net.image(), 3, 6, 3, {{"padding", 1L}}), 6);
  const int b = net.conv("b", net.image(), 3, 6, 1, {}, true);
  const int sum = net.add("sigmoid", Op::sigmoid, std::vector<int>{net.add("sum", Op::add, std::vector<int>{a, b})});
  const int pooled = net.add("pool", Op::adaptive_avg_pool2d, std::vector<int>{sum}, {{"output_size", 2L}});
  const int flat = net.add("flat", Op::flatten, std::vector<int>{pooled}, {{"start_dim", 1L}});
  net.parameter("l.weight", {3, 24});
  net.output("x", net.add("l", Op::linear, std::vector<int>{flat}, {}, {{"weight", "l.weight"}}));
  net.output("y", net.conv("c", sum, 6, 2, 1));
  return drawn(net);
}

struct Fixture {
  mtl::Model model = with_everything();
  Units units = units_of(model);
  Plan plan = keep_everything(model, units);
  mtl::Model small;
  Fixture() {
    drop(plan, 0, {1, 2, 4});
    small = remove_units(model, units, plan);
  }
  bool holds() const { return certify(model, small, units, plan).holds(); }
  // Of `parameter`, the first indices of the dimension instead of those that stay.
  void forget(const char* parameter, int dim) {
    mtl::Tensor& tensor = small.weights.at(parameter);
    std::vector<std::int64_t> first(static_cast<std::size_t>(tensor.shape[static_cast<std::size_t>(dim)]));
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
    tensor = mtl::select(model.weights.at(parameter), dim, first);
  }
};

}  // namespace

TEST_CASE("the certificate holds, and sees each way of getting removal wrong") {
  Fixture net;
  CHECK(net.holds());
  SUBCASE("running statistics forgotten") { net.forget("n.running_var", 0); }
  SUBCASE("a running mean forgotten") { net.forget("n.running_mean", 0); }
  SUBCASE("a norm's shift forgotten") { net.forget("n.bias", 0); }
  SUBCASE("a bias forgotten") { net.forget("b.bias", 0); }
  SUBCASE("flatten columns forgotten") { net.forget("l.weight", 1); }
  SUBCASE("a reader's columns forgotten") { net.forget("c.weight", 1); }
  SUBCASE("one side of an addition") { net.forget("b.weight", 0); }
  CHECK_FALSE(net.holds());
}

TEST_CASE("a gate on the producer's weight is not removal: what the norm adds is still read") {
  Fixture net;
  // Zeroed rows against removed ones: the masks of the certificate left out, the producers' rows at 0 instead.
  mtl::Model zeroed = net.model;
  for (const char* producer : {"a.weight", "b.weight"}) {
    mtl::Tensor& weight = zeroed.weights.at(producer);
    const std::size_t row = weight.values.size() / 6;
    for (const std::size_t u : {1U, 2U, 4U}) std::fill_n(weight.values.begin() + static_cast<std::ptrdiff_t>(u * row), row, 0.0F);
  }
  const Plan nothing = keep_everything(zeroed, net.units);
  CHECK_FALSE(certify(zeroed, net.small, net.units, nothing).holds());
  // The same comparison with the gates where consumers read.
  CHECK(certify(zeroed, net.small, net.units, net.plan).holds());
}
