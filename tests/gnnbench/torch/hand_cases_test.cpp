// Layers that can be computed by hand, and what must not change the answer.
#include "doctest_torch.h"

#include <algorithm>
#include <numeric>

#include "model_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

Dataset path_of_three(const std::vector<float>& x) {
  TaskStorage s;
  s.graph = build_graph(3, {{0, 1}, {1, 2}}, Direction::symmetric).csr;
  s.x = x;
  s.labels = {0, 0, 0};
  s.split = {1, 1, 1};
  return dataset_of(std::move(s), 1, 1, Direction::symmetric, false);
}

void set_parameter(Network& network, const std::string& name, double value) {
  const torch::NoGradGuard off;
  Tensor p = network.parameters().at(name);
  p.fill_(value);
}

std::vector<float> column(const Tensor& out) {
  const Tensor flat = out.detach().to(torch::kFloat32).contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

}  // namespace

TEST_CASE("one gcn layer on the path 0-1-2, weight 1") {
  ModelSpec spec;
  spec.kind = ModelKind::gcn;
  spec.layers = 1;
  const Dataset data = path_of_three({1, 2, 4});
  Network network(spec, 1, 1, RandomKey{1}, torch::kFloat64, two_threads());
  set_parameter(network, "convs.0.lin.weight", 1);
  const std::vector<float> out = column(infer(network, data, 3));
  CHECK(out[0] == doctest::Approx(1.3165).epsilon(1e-4));
  CHECK(out[1] == doctest::Approx(2.7079).epsilon(1e-4));
  CHECK(out[2] == doctest::Approx(2.8165).epsilon(1e-4));
}

TEST_CASE("one sage layer on the path 0-1-2 without loops: the neighbours' mean") {
  ModelSpec spec;
  spec.layers = 1;
  spec.self_loops = false;
  const Dataset data = path_of_three({1, 2, 4});
  Network network(spec, 1, 1, RandomKey{1}, torch::kFloat64, two_threads());
  set_parameter(network, "convs.0.lin_l.weight", 1);
  set_parameter(network, "convs.0.lin_l.bias", 0);
  set_parameter(network, "convs.0.lin_r.weight", 0);
  CHECK(column(infer(network, data, 3)) == std::vector<float>{2, 2.5, 2});
}

TEST_CASE("a node without neighbours has the mean and the maximum 0") {
  TaskStorage s;
  s.graph = build_graph(3, {{0, 1}}, Direction::symmetric).csr;
  s.x = {1, 2, 4};
  s.labels = {0, 0, 0};
  s.split = {1, 1, 1};
  const Dataset data = dataset_of(std::move(s), 1, 1, Direction::symmetric, false);
  for (const Aggregator aggregator : {Aggregator::mean, Aggregator::pool}) {
    ModelSpec spec;
    spec.layers = 1;
    spec.self_loops = false;
    spec.aggregator = aggregator;
    Network network(spec, 1, 1, RandomKey{1}, torch::kFloat64, two_threads());
    set_parameter(network, "convs.0.lin_l.weight", 1);
    set_parameter(network, "convs.0.lin_l.bias", 0.5);
    set_parameter(network, "convs.0.lin_r.weight", 0);
    CHECK(column(infer(network, data, 3))[2] == 0.5f);
  }
}

TEST_CASE("gcn on a regular graph with equal rows is constant") {
  TaskStorage s;
  std::vector<Edge> ring;
  for (NodeId v = 0; v < 9; ++v) ring.push_back({v, (v + 1) % 9});
  s.graph = build_graph(9, ring, Direction::symmetric).csr;
  s.x.assign(9 * 3, 0);
  for (std::size_t i = 0; i < s.x.size(); ++i) s.x[i] = static_cast<float>(i % 3) - 0.5f;
  s.labels.assign(9, 0);
  s.split.assign(9, 1);
  const Dataset data = dataset_of(std::move(s), 3, 4, Direction::symmetric, false);
  ModelSpec spec;
  spec.kind = ModelKind::gcn;
  spec.hidden = 5;
  Network network(spec, 3, 4, RandomKey{3}, torch::kFloat64, two_threads());
  const Tensor out = infer(network, data, 4);
  CHECK(largest_difference(out, out.narrow(0, 0, 1).expand_as(out)) < 1e-12);
  CHECK(out.abs().max().item<double>() > 1e-3);
}

TEST_CASE("gat whose scores are all zero is the mean over the closed neighbourhood") {
  const Dataset data = random_task({.nodes = 30, .features = 6, .edges = 80, .symmetric = false, .seed = 4});
  ModelSpec gat;
  gat.kind = ModelKind::gat;
  gat.layers = 1;
  gat.heads_last = 1;
  ModelSpec mean;
  mean.layers = 1;
  mean.aggregator = Aggregator::gcn;
  Network a(gat, 6, data.classes, RandomKey{1}, torch::kFloat64, two_threads());
  Network b(mean, 6, data.classes, RandomKey{1}, torch::kFloat64, two_threads());
  set_parameter(a, "convs.0.att_src", 0);
  set_parameter(a, "convs.0.att_dst", 0);
  set_parameter(b, "convs.0.lin_l.bias", 0);
  {
    const torch::NoGradGuard off;
    Tensor weight = b.parameters().at("convs.0.lin_l.weight");
    weight.copy_(a.parameters().at("convs.0.lin.weight"));
  }
  CHECK(largest_difference(infer(a, data, 30), infer(b, data, 30)) < 1e-6);
}

TEST_CASE("gat with scores of a thousand stays finite") {
  const Dataset data = random_task({.nodes = 20, .features = 6, .edges = 60, .seed = 5});
  ModelSpec spec;
  spec.kind = ModelKind::gat;
  spec.layers = 1;
  Network network(spec, 6, data.classes, RandomKey{1}, torch::kFloat32, two_threads());
  set_parameter(network, "convs.0.att_src", 1000);
  CHECK(torch::isfinite(infer(network, data, 7)).all().item<bool>());
}

TEST_CASE("renumbering the nodes renumbers the logits") {
  const Dataset data = random_task({.nodes = 40, .features = 7, .edges = 120, .symmetric = false, .seed = 6});
  std::vector<NodeId> place(40);
  std::iota(place.begin(), place.end(), 0);
  PhiloxStream random(9, "permutation");
  for (std::uint32_t i = 39; i > 0; --i) std::swap(place[i], place[random.below(i + 1)]);
  TaskStorage s;
  std::vector<Edge> edges;
  s.x.resize(40 * 7);
  s.labels.assign(40, 0);
  s.split.assign(40, 1);
  for (std::int64_t v = 0; v < 40; ++v) {
    for (const NodeId u : data.graph.row(v))
      edges.push_back({place[static_cast<std::size_t>(u)], place[static_cast<std::size_t>(v)]});
    std::copy_n(data.features.dense.begin() + v * 7, 7, s.x.begin() + place[static_cast<std::size_t>(v)] * 7);
  }
  s.graph = build_graph(40, edges, Direction::in).csr;
  const Dataset moved = dataset_of(std::move(s), 7, data.classes, Direction::in, false);
  const Tensor rows = torch::tensor(std::vector<std::int64_t>(place.begin(), place.end()));
  for (const NamedModel& model : all_models()) {
    INFO(model.name);
    Network network(model.spec, 7, data.classes, RandomKey{2}, torch::kFloat32, two_threads());
    CHECK(largest_difference(infer(network, data, 40), infer(network, moved, 11).index_select(0, rows)) < 1e-5);
  }
}

TEST_CASE("initial weights depend on seed and name alone, and lie within the law's bound") {
  ModelSpec narrow, deep;
  deep.layers = 4;
  const Network a(narrow, 30, 5, RandomKey{1}, torch::kFloat32, two_threads());
  const Network b(deep, 30, 5, RandomKey{1}, torch::kFloat32, two_threads());
  const Network c(narrow, 30, 5, RandomKey{2}, torch::kFloat32, two_threads());
  CHECK(torch::equal(a.parameters().at("convs.0.lin_l.weight"), b.parameters().at("convs.0.lin_l.weight")));
  CHECK(!torch::equal(a.parameters().at("convs.0.lin_l.weight"), c.parameters().at("convs.0.lin_l.weight")));
  CHECK(!torch::equal(a.parameters().at("convs.0.lin_l.weight"), a.parameters().at("convs.0.lin_r.weight")));
  const Tensor w = a.parameters().at("convs.0.lin_l.weight");
  const double bound = 1 / std::sqrt(30.0);
  CHECK(w.abs().max().item<double>() <= bound);
  // 3840 uniform entries: mean 0 and variance bound^2/3 within five standard errors.
  CHECK(std::abs(w.mean().item<double>()) < 5 * bound / std::sqrt(3.0 * 3840));
  CHECK(w.pow(2).mean().item<double>() == doctest::Approx(bound * bound / 3).epsilon(5 * std::sqrt(0.8 / 3840)));
}
