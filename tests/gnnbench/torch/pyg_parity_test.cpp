// Logits, loss and every gradient equal PyTorch Geometric's on a random directed graph (tests/parity/gnnbench/pyg.py), in both
// precisions, with dense and with sparse features, in both orders of a layer; Adam equals torch.optim.Adam.
#include "doctest_torch.h"

#include <nlohmann/json.hpp>

#include "data/json_reader.h"
#include "gnnbench/torch/engine.h"
#include "gnnbench/torch/optimiser.h"
#include "model_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

const Json& golden() {
  static const Json json = data::to_json(data::read_json(std::string(TENFOLD_SOURCE_DIR) + "/tests/parity/gnnbench/pyg.json"));
  return json;
}

Dataset golden_task(bool sparse) {
  const Json& g = golden();
  TaskStorage s;
  std::vector<Edge> edges;
  for (const Json& e : g["edges"]) edges.push_back({e[0].get<NodeId>(), e[1].get<NodeId>()});
  const auto n = g["nodes"].get<std::int64_t>();
  s.graph = build_graph(n, edges, Direction::in).csr;
  for (const Json& row : g["x"])
    for (const Json& value : row) s.x.push_back(value.get<float>());
  s.labels = g["labels"].get<std::vector<std::int32_t>>();
  s.split.assign(static_cast<std::size_t>(n), 0);
  for (const Json& v : g["train"]) s.split[v.get<std::size_t>()] = static_cast<std::uint8_t>(Part::train);
  return dataset_of(std::move(s), static_cast<std::int64_t>(g["x"][0].size()), g["classes"], Direction::in, sparse);
}

ModelSpec spec_of(const Json& m) {
  ModelSpec spec;
  spec.hidden = golden()["hidden"];
  spec.dropout = 0;
  const std::string kind = m["model"];
  spec.kind = kind == "sage" ? ModelKind::sage : kind == "gcn" ? ModelKind::gcn : ModelKind::gat;
  const std::string aggregator = m.value("aggregator", "mean");
  spec.aggregator = aggregator == "mean" ? Aggregator::mean : aggregator == "pool" ? Aggregator::pool : Aggregator::gcn;
  spec.self_loops = m.value("self_loops", true);
  spec.heads = m.value("heads", 1);
  spec.heads_last = m.value("heads_last", 1);
  spec.norm = m.value("norm", "none") == "layer" ? Norm::layer : Norm::none;
  return spec;
}

Tensor numbers(const Json& values, at::IntArrayRef shape) {
  return torch::tensor(values.get<std::vector<double>>(), torch::kFloat64).reshape(shape);
}

// Fills the network with the golden weights; every golden parameter must be one of ours, and the other way round.
void take_weights(Network& network, const Json& parameters) {
  const torch::NoGradGuard off;
  REQUIRE(network.parameters().all().size() == parameters.size());
  for (Parameter& p : network.parameters().all()) {
    INFO(p.spec.name);
    REQUIRE(parameters.contains(p.spec.name));
    const Json& golden = parameters[p.spec.name];
    REQUIRE(golden["shape"].get<std::vector<std::int64_t>>() == p.value.sizes().vec());
    p.value.copy_(numbers(golden["value"], p.value.sizes()));
  }
}

struct Loss {
  Tensor logits, loss;
};

Loss forward(const Network& network, const Dataset& data, torch::Dtype dtype) {
  const LayerRows x = all_feature_rows(data.features, data.nodes(), dtype, true);
  const Tensor logits = network.forward(x, whole_graphs(data, network.spec(), dtype), Draws());
  std::vector<std::int64_t> rows, labels;
  for (const NodeId v : data.part(Part::train)) {
    rows.push_back(v);
    labels.push_back(data.labels[static_cast<std::size_t>(v)]);
  }
  return {logits, cross_entropy(logits, torch::tensor(rows), torch::tensor(labels), static_cast<std::int64_t>(rows.size()))};
}

}  // namespace

TEST_CASE("forward and all gradients equal PyTorch Geometric's") {
  for (const Json& m : golden()["models"])
    for (const bool sparse : {false, true})
      for (const Order order : {Order::aggregate_first, Order::gemm_first})
        for (const torch::Dtype dtype : {torch::kFloat64, torch::kFloat32}) {
          ModelSpec spec = spec_of(m);
          spec.order = order;
          INFO(std::string(name_of(spec.kind)), " ", std::string(name_of(spec.aggregator)), " loops ", spec.self_loops,
               " sparse ", sparse, " order ", static_cast<int>(order), " double ", dtype == torch::kFloat64);
          const double tolerance = dtype == torch::kFloat64 ? 1e-10 : 1e-4;
          const Dataset data = golden_task(sparse);
          Network network(spec, data.features.width, data.classes, RandomKey{1}, dtype, two_threads());
          take_weights(network, m["parameters"]);
          const Loss answer = forward(network, data, dtype);
          const auto n = data.nodes();
          CHECK(largest_difference(answer.logits, numbers(m["logits"], {n, data.classes})) < tolerance);
          CHECK(answer.loss.item<double>() == doctest::Approx(m["loss"].get<double>()).epsilon(tolerance));
          answer.loss.backward();
          for (const Parameter& p : network.parameters().all()) {
            INFO(p.spec.name);
            REQUIRE(p.value.grad().defined());
            CHECK(largest_difference(p.value.grad(), numbers(m["parameters"][p.spec.name]["gradient"], p.value.sizes())) <
                  tolerance);
          }
          // Exact inference is the same function, in chunks of any size.
          for (const std::int64_t chunk : {std::int64_t{4}, n})
            CHECK(largest_difference(infer(network, data, chunk), numbers(m["logits"], {n, data.classes})) < tolerance);
        }
}

TEST_CASE("Adam equals torch.optim.Adam, with and without decay") {
  const Json& adam = golden()["adam"];
  for (const Json& run : adam["runs"]) {
    std::vector<ParameterSpec> specs = {{"p", {6}, 0, InitLaw::zero, 0}};
    Parameters parameters(specs, RandomKey{1}, torch::kFloat32);
    Tensor p = parameters.at("p");
    {
      const torch::NoGradGuard off;
      p.copy_(numbers(adam["start"], {6}));
    }
    Optimiser optimiser(parameters, adam["lr"], run["wd"], DecayScope::all);
    for (std::size_t step = 0; step < adam["gradients"].size(); ++step) {
      p.mutable_grad() = numbers(adam["gradients"][step], {6}).to(torch::kFloat32);
      optimiser.step();
      CHECK(largest_difference(p, numbers(run["values"][step], {6})) < 1e-6);
    }
  }
}

TEST_CASE("decay of the first layer alone leaves the second layer's parameters to their gradients") {
  std::vector<ParameterSpec> specs = {{"a", {3}, 0, InitLaw::one, 0}, {"b", {3}, 1, InitLaw::one, 0}};
  Parameters parameters(specs, RandomKey{1}, torch::kFloat32);
  Optimiser optimiser(parameters, 0.1, 0.5, DecayScope::first);
  for (Parameter& p : parameters.all()) p.value.mutable_grad() = torch::zeros({3});
  optimiser.step();
  CHECK(parameters.at("a")[0].item<float>() < 0.95f);
  CHECK(parameters.at("b")[0].item<float>() == 1.0f);
}
