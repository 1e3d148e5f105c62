// Central differences of the loss in float64, dropout of every kind on: its masks are functions of their keys, so the loss is a
// function of the weights alone. On whole graphs (directed and symmetric), and on sampled blocks.
#include "doctest_torch.h"

#include "gnnbench/sampler.h"
#include "gnnbench/torch/engine.h"
#include "model_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

// Compares the gradient of `loss` with differences at a few entries of each parameter.
template <class F>
void check_gradients(Network& network, F&& loss) {
  for (Parameter& p : network.parameters().all()) p.value.mutable_grad() = Tensor();
  loss().backward();
  const torch::NoGradGuard off;
  for (Parameter& p : network.parameters().all()) {
    INFO(p.spec.name);
    REQUIRE(p.value.grad().defined());
    double* entries = p.value.mutable_data_ptr<double>();
    const Tensor gradient = p.value.grad().contiguous();
    const std::int64_t n = p.value.numel();
    for (std::int64_t i = 0; i < n; i += std::max<std::int64_t>(1, n / 7)) {
      const double step = 1e-6, at = entries[i];
      entries[i] = at + step;
      const double above = loss().template item<double>();
      entries[i] = at - step;
      const double below = loss().template item<double>();
      entries[i] = at;
      const double difference = (above - below) / (2 * step);
      CHECK(gradient.const_data_ptr<double>()[i] == doctest::Approx(difference).epsilon(1e-6).scale(0.1));
    }
  }
}

ModelSpec with_dropout(ModelSpec spec) {
  spec.dropout = 0.4;
  spec.dropout_input = 0.3;
  spec.dropout_attn = 0.2;
  return spec;
}

Tensor labels_of(const Dataset& data, const std::vector<std::int64_t>& nodes) {
  std::vector<std::int64_t> labels;
  for (const std::int64_t v : nodes) labels.push_back(data.labels[static_cast<std::size_t>(v)]);
  return torch::tensor(labels);
}

}  // namespace

TEST_CASE("gradients of the whole graph's loss equal central differences") {
  for (const bool symmetric : {true, false})
    for (const bool sparse : {false, true}) {
      const Dataset data = random_task({.nodes = 40, .edges = 90, .symmetric = symmetric, .sparse = sparse, .seed = 2});
      std::vector<std::int64_t> nodes;
      for (const NodeId v : data.part(Part::train)) nodes.push_back(v);
      for (const NamedModel& model : all_models()) {
        INFO(model.name, " symmetric ", symmetric, " sparse ", sparse);
        const ModelSpec spec = with_dropout(model.spec);
        Network network(spec, data.features.width, data.classes, RandomKey{4}, torch::kFloat64, two_threads());
        const LayerRows x = all_feature_rows(data.features, data.nodes(), torch::kFloat64, true);
        const auto graphs = whole_graphs(data, spec, torch::kFloat64);
        check_gradients(network, [&] {
          const Tensor logits = network.forward(x, graphs, Draws{.key = {4}, .update = 3, .on = true});
          return cross_entropy(logits, torch::tensor(nodes), labels_of(data, nodes), 20);
        });
      }
    }
}

TEST_CASE("gradients of a sampled batch's loss equal central differences") {
  const Dataset data = random_task({.nodes = 50, .edges = 200, .seed = 3});
  const std::vector<NodeId> seeds = {4, 7, 11, 23, 49};
  const std::vector<std::int64_t> nodes(seeds.begin(), seeds.end());
  for (const bool labor : {false, true})
    for (const NamedModel& model : all_models()) {
      INFO(model.name, " labor ", labor);
      const ModelSpec spec = with_dropout(model.spec);
      const SamplerContext context{.graph = data.graph, .added_self_loop = spec.adds_loop(), .key = {4}};
      const auto sampler = labor ? make_labor(context, {3, 2}) : make_ns(context, {3, 2});
      const MiniBatch batch = sampler->sample(5, seeds);
      const std::vector<EdgeIndex> degrees = whole_degrees(data.graph, spec.adds_loop());
      std::vector<GraphPtr> graphs;
      for (const Block& block : batch.blocks) graphs.push_back(block_graph(block, degrees, spec, GcnNorm::full, torch::kFloat64));
      Network network(spec, data.features.width, data.classes, RandomKey{4}, torch::kFloat64, two_threads());
      const LayerRows x =
          gather_feature_rows(data.features, batch.blocks.front().sources, torch::kFloat64, true, *network.compute());
      check_gradients(network, [&] {
        const Tensor logits = network.forward(x, graphs, Draws{.key = {4}, .update = 5, .on = true});
        return cross_entropy(logits, torch::arange(5, torch::kInt64), labels_of(data, nodes), 5);
      });
    }
}
