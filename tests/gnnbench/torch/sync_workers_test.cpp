// Full-graph training over several workers is the training of one, dropout and all: loss, gradients, weights after some epochs.
// [random streams a worker, gradients not returned, degrees of the part]
#include "doctest_torch.h"

#include "gnnbench/torch/aggregate.h"
#include "workers_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

TrainOptions options_of(const std::string& system, const ModelSpec& model) {
  TrainOptions o = small_options(system);
  o.model = model;
  o.model.dropout = 0.5;
  o.model.dropout_input = 0.25;
  o.model.dropout_attn = 0.25;
  return o;
}

}  // namespace

TEST_CASE("sync over 1 to 4 workers gives the loss and gradients of one, with dropout, for every model and partition") {
  for (const bool sparse : {false, true})
    for (const bool symmetric : {true, false}) {
      const Dataset data = random_task({.edges = 200, .symmetric = symmetric, .sparse = sparse, .seed = 31});
      for (const NamedModel& named : all_models()) {
        TrainOptions o = options_of("sync", named.spec);
        o.model.layers = 3;
        const Gradients one = update_gradients(o, data, 3);
        for (const Tensor& g : one.values) CHECK(g.abs().max().item<double>() > 1e-5);  // something is compared
        for (const PartitionMethod method : {PartitionMethod::metis, PartitionMethod::random, PartitionMethod::range})
          for (const int workers : {2, 3, 4}) {
            INFO(named.name, ", ", name_of(method), ", ", workers, " workers, sparse ", sparse, ", symmetric ", symmetric);
            o.system = "sync@" + std::to_string(workers);
            o.partition.method = method;
            check_equal(update_gradients(o, data, 3), one);
          }
      }
    }
}

TEST_CASE("with one part that has no boundary, one that trains nothing, and one without nodes") {
  for (const bool symmetric : {true, false}) {
    const Dataset data = uneven_task(symmetric, 32);
    const Boundary border = boundary(data.graph, is_symmetric(data.graph), uneven_parts());
    REQUIRE(border.halo[0].empty());
    REQUIRE(border.send[0][1].size() + border.send[0][2].size() == 0);
    REQUIRE(border.halo_rows() > 10);
    const Partition with_empty = parts_of(uneven_parts().part_of, 4);
    Tensor h = torch::randn({60, 5}, torch::kFloat64), weight = torch::randn({60, 5}, torch::kFloat64);
    for (const NamedModel& named : all_models()) {
      if (!named.spec.linear_aggregation()) continue;
      INFO(named.name, " symmetric ", symmetric);
      const GraphPtr whole = whole_graph(data.graph, is_symmetric(data.graph), named.spec, torch::kFloat64, true);
      Tensor inputs = h.clone().requires_grad_(true);
      const Tensor expected = aggregate(inputs, whole, one_thread());
      (expected * weight).sum().backward();
      Tensor out = torch::zeros_like(h), gradients = torch::zeros_like(h);
      std::mutex mutex;
      on_exchanges("sync", data, with_empty, named.spec, torch::kFloat64, 1,
                   [&](Exchange& exchange, const WorkerPart& part, int) {
                     Tensor inner = rows_at(h, part.inner_ids()).requires_grad_(true);
                     exchange.begin(0);
                     const Tensor y = aggregate(exchange.rows(inner, 1), exchange.graph(1), one_thread());
                     (y * rows_at(weight, part.inner_ids())).sum().backward();
                     exchange.end();
                     const std::lock_guard lock(mutex);
                     for (std::int64_t i = 0; i < part.inner; ++i) {
                       const std::int64_t v = part.ids[index(i)];
                       out[v] = y.detach()[i];
                       gradients[v] = inner.grad()[i];
                     }
                   });
      // Rows are summed in the whole graph's order, to the bit.
      CHECK(torch::equal(out, expected.detach()));
      CHECK(largest_difference(gradients, inputs.grad()) < 1e-12);
    }
  }
}

TEST_CASE("whole runs: weights after 8 epochs are those of one worker, whatever the partition") {
  const Dataset data = random_task({.nodes = 80, .edges = 300, .seed = 33});
  for (const ModelKind kind : {ModelKind::sage, ModelKind::gcn, ModelKind::gat}) {
    TrainOptions o = small_options("sync");
    o.model.kind = kind;
    o.epochs = 8;
    o.dump_updates = 8;
    o.eval_every = "1u";
    const auto last_of = [&](const std::string& system) {
      o.system = system;
      StoppableRun run(3);
      const Json result = train_together(o, data, run);
      const auto tensors = tensors_from_safetensors(run.folder.files.at("best/model.safetensors"), "best");
      return std::pair(result, tensors);
    };
    const auto [one, weights] = last_of("sync");
    for (const int workers : {2, 3, 4}) {
      const auto [many, parts] = last_of("sync@" + std::to_string(workers));
      INFO(name_of(kind), " ", workers, " workers");
      CHECK(many["model"]["init_digest"] == one["model"]["init_digest"]);
      CHECK(many["best"] == one["best"]);
      CHECK(many["curve"].size() == one["curve"].size());
      for (std::size_t i = 1; i < one["curve"].size(); ++i)
        CHECK(many["curve"][i]["loss"].get<double>() == doctest::Approx(one["curve"][i]["loss"].get<double>()).epsilon(1e-5));
      REQUIRE(parts.size() == weights.size());
      for (std::size_t i = 0; i < weights.size(); ++i) CHECK(largest_difference(parts[i].second, weights[i].second) < 1e-5);
      CHECK(many["stream_digest"].is_null());
      CHECK(many["system"]["transport"] == "inproc");
    }
  }
}

TEST_CASE("constant features that travel all the same, and A X computed at every update, change nothing") {
  const Dataset data = random_task({.edges = 200, .seed = 34});
  for (const NamedModel& named : all_models()) {
    INFO(named.name);
    TrainOptions o = options_of("sync", named.spec);
    o.model.dropout_input = 0;
    const Gradients one = update_gradients(o, data, 1);
    o.system = "sync@3";
    check_equal(update_gradients(o, data, 1), one);
    o.model.precompute_first = Tristate::off;
    check_equal(update_gradients(o, data, 1), one);
    o.refetch_input = true;
    check_equal(update_gradients(o, data, 1), one);
  }
}

TEST_CASE("sparse features do not travel at every update") {
  const Dataset data = random_task({.edges = 200, .sparse = true, .seed = 34});
  TrainOptions o = small_options("sync@2");
  o.refetch_input = true;
  CHECK_THROWS_AS(update_gradients(o, data, 0), Error);
}

TEST_CASE("features of halo nodes come from their owners once, dense and sparse, and count as set-up") {
  for (const bool sparse : {false, true}) {
    const Dataset data = random_task({.edges = 200, .sparse = sparse, .seed = 35});
    const Partition partition = uneven_parts();
    std::vector<int> equal(3);
    on_exchanges("sync", data, partition, ModelSpec(), torch::kFloat32, 1,
                 [&](Exchange& exchange, const WorkerPart& part, int rank) {
                   const LayerRows fetched = exchange.input(data.features),
                                   expected = gather_feature_rows(data.features, part.ids, torch::kFloat32, true, *one_thread());
                   if (!sparse) {
                     equal[index(rank)] = torch::equal(fetched.dense, expected.dense);
                     return;
                   }
                   const auto same = [](auto a, auto b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); };
                   equal[index(rank)] = same(fetched.sparse->rows.indptr, expected.sparse->rows.indptr) &&
                                        same(fetched.sparse->rows.indices, expected.sparse->rows.indices) &&
                                        torch::equal(fetched.sparse->values, expected.sparse->values) &&
                                        same(fetched.sparse->transposed->edge_of, expected.sparse->transposed->edge_of);
                 });
    CHECK(equal == std::vector<int>{1, 1, 1});
  }
  const Dataset data = random_task({.edges = 200, .seed = 35});
  TrainOptions o = small_options("sync@3");
  o.updates = 1;
  StoppableRun run(3);
  const Json result = train_together(o, data, run);
  const std::int64_t halo = boundary(data.graph, true, partition_graph(data.graph, true, 3, {}, o.partition)).halo_rows();
  // Beside the features: each of the two others is told the parts.
  CHECK(result["bytes"]["setup"] == halo * data.features.width * 4 + 2 * data.nodes() * 4);
}
