// With every neighbour sampled and every training node in the batch, the mini-batch systems compute what full-graph training
// does: equal loss and gradients, whatever the model. [sampled degrees, lost self loops, seeds in another order]
#include "doctest_torch.h"

#include "gnnbench/torch/engine.h"
#include "model_support.h"
#include "training_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

struct Gradients {
  double loss = 0;
  std::vector<Tensor> values;
};

Gradients gradients_of(const std::string& system, const ModelSpec& model, const Dataset& data, std::uint32_t update) {
  TrainOptions o;
  o.system = system;
  o.model = model;
  o.batch = data.nodes();
  const TrainPlan plan = plan_training(o, data);
  Network network(plan.options.model, data.features.width, data.classes, RandomKey{5}, torch::kFloat32, two_threads());
  RunClock clock;
  const TrainInput input{.plan = plan, .data = data};
  const auto engine = plan.system.family() == Family::mini_batch ? make_mini_batch_engine(input, network, 5, clock)
                                                                 : make_full_graph_engine(input, network, 5, clock, false);
  Gradients out;
  out.loss = engine->backward(update, clock, {});
  for (const Parameter& p : network.parameters().all()) {
    INFO(p.spec.name);
    REQUIRE(p.value.grad().defined());
    out.values.push_back(p.value.grad().clone());
  }
  return out;
}

void check_equal(const Gradients& a, const Gradients& b) {
  CHECK(a.loss == doctest::Approx(b.loss).epsilon(1e-5));
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    CHECK(largest_difference(a.values[i], b.values[i]) < 1e-5);
    CHECK(b.values[i].abs().max().item<double>() > 1e-5);  // something was compared
  }
}

}  // namespace

TEST_CASE("full fanout, one batch: ns, labor and cluster equal sync, without and with dropout") {
  for (const bool sparse : {false, true}) {
    const Dataset data = random_task({.nodes = 60, .edges = 200, .sparse = sparse, .seed = 8});
    for (const NamedModel& named : all_models())
      for (const double dropout : {0.0, 0.5}) {
        ModelSpec model = named.spec;
        model.dropout = dropout;
        model.dropout_input = dropout / 2;
        model.dropout_attn = dropout / 2;
        INFO(named.name, " sparse ", sparse, " dropout ", dropout);
        const Gradients full = gradients_of("sync", model, data, 4);
        // Masks are keyed by update and node, so that they agree, too. The update is the fifth epoch's in each.
        check_equal(gradients_of("ns:all", model, data, 4), full);
        check_equal(gradients_of("labor:all", model, data, 4), full);
        check_equal(gradients_of("cluster:1:1", model, data, 4), full);
        check_equal(gradients_of("ns:60", model, data, 4), full);
      }
  }
}

TEST_CASE("on a directed graph, too") {
  const Dataset data = random_task({.nodes = 60, .edges = 200, .symmetric = false, .seed = 9});
  for (const NamedModel& named : all_models()) {
    INFO(named.name);
    const Gradients full = gradients_of("sync", named.spec, data, 0);
    check_equal(gradients_of("ns:all", named.spec, data, 0), full);
    check_equal(gradients_of("labor:all", named.spec, data, 0), full);
    check_equal(gradients_of("cluster:1:1", named.spec, data, 0), full);
  }
}

TEST_CASE("the aggregation of constant features, computed once, gives the same gradients") {
  const Dataset data = random_task({.nodes = 60, .edges = 200, .seed = 10});
  for (const NamedModel& named : all_models()) {
    INFO(named.name);
    ModelSpec off = named.spec;
    off.precompute_first = Tristate::off;
    check_equal(gradients_of("sync", named.spec, data, 2), gradients_of("sync", off, data, 2));
  }
}

TEST_CASE("sampled gcn with full-graph weights is unbiased, layer by layer; with the sample's own degrees it is not") {
  // One layer, so that the loss's gradient at zero weights is linear in the aggregation: its mean over draws is the full one.
  const Dataset data = random_task({.nodes = 40, .edges = 160, .seed = 11});
  ModelSpec model;
  model.kind = ModelKind::gcn;
  model.layers = 1;
  const auto mean_gap = [&](const std::string& system) {
    TrainOptions o;
    o.system = system;
    o.model = model;
    o.batch = data.nodes();
    const TrainPlan plan = plan_training(o, data);
    Network network(model, data.features.width, data.classes, RandomKey{5}, torch::kFloat32, two_threads());
    for (Parameter& p : network.parameters().all()) {
      const torch::NoGradGuard off;
      p.value.zero_();
    }
    RunClock clock;
    const TrainInput input{.plan = plan, .data = data};
    const Tensor weight = network.parameters().at("convs.0.lin.weight");
    const auto gradient = [&](Engine& engine, std::uint32_t update) {
      weight.mutable_grad() = Tensor();
      engine.backward(update, clock, {});
      return weight.grad().to(torch::kFloat64);
    };
    const auto full = make_full_graph_engine(input, network, 5, clock, false);
    const Tensor exact = gradient(*full, 0);
    const auto sampled = make_mini_batch_engine(input, network, 5, clock);
    const int draws = 800;
    Tensor sum = torch::zeros_like(exact), squares = torch::zeros_like(exact);
    for (int i = 0; i < draws; ++i) {
      const Tensor g = gradient(*sampled, static_cast<std::uint32_t>(i));
      sum += g;
      squares += g * g;
    }
    const Tensor mean = sum / draws;
    const Tensor error = ((squares / draws - mean * mean) / draws).clamp_min(1e-18).sqrt();
    return ((mean - exact).abs() / error).max().item<double>();  // in standard errors
  };
  CHECK(mean_gap("ns:2") < 4.5);
  CHECK(mean_gap("labor:2") < 4.5);
  CHECK(mean_gap("ns:2+gcn-norm=sub") > 6);
}
