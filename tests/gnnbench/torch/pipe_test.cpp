// PipeGCN's delay, exactly one update: what is used at t is what its owner had at t - 1, to the bit; own rows are fresh; and the
// first update sees no boundary in exchanged layers, under the whole graph's degrees. [a sleeping sync, all rows late]
#include "doctest_torch.h"

#include "gnnbench/torch/aggregate.h"
#include "gnnbench/torch/engine.h"
#include "workers_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;
using torch::Tensor;

namespace {

Tensor random_rows(std::uint32_t update, int layer, int purpose) {
  PhiloxStream random(7, "pipe rows", update, static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(purpose));
  std::vector<float> values(60 * 3);
  for (float& v : values) v = static_cast<float>(random.normal());
  return torch::tensor(values).view({60, 3});
}

// The whole graph without edges between parts, under its own degrees.
GraphPtr without_cut_edges(const Dataset& data, const Partition& partition, const ModelSpec& model) {
  const bool loop = model.adds_loop();
  auto rows = std::make_shared<Csr>();
  for (std::int64_t v = 0; v < data.nodes(); ++v) {
    std::vector<NodeId> row;
    for (const NodeId u : data.graph.row(v))
      if (partition.part_of[index(u)] == partition.part_of[index(v)]) row.push_back(u);
    if (loop) row.push_back(static_cast<NodeId>(v));
    std::sort(row.begin(), row.end());
    rows->indices.insert(rows->indices.end(), row.begin(), row.end());
    rows->indptr.push_back(static_cast<EdgeIndex>(rows->indices.size()));
  }
  auto graph = c10::make_intrusive<LayerGraph>();
  graph->forward = rows->view();
  graph->sources = data.nodes();
  graph->storage = rows;
  const std::vector<EdgeIndex> whole = whole_degrees(data.graph, loop);
  const std::vector<double> degrees(whole.begin(), whole.end());
  set_linear_weights(*graph, model, degrees, degrees, torch::kFloat32);
  graph->transposed = std::make_shared<TransposedGraph>(transpose_with_edges(graph->forward, graph->sources));
  return graph;
}

}  // namespace

TEST_CASE("boundary rows and their gradients are those of the update before, to the bit; inner rows are of this one") {
  const Dataset data = random_task({.edges = 200, .seed = 61});
  std::vector<std::int32_t> part_of(60);
  for (std::size_t v = 0; v < 60; ++v) part_of[v] = v % 7 < 3 ? 0 : v % 7 < 5 ? 1 : 2;
  const Partition partition = parts_of(part_of, 3);
  const Boundary border = boundary(data.graph, true, partition);
  std::vector<int> wrong(3), compared(3);
  on_exchanges("pipe", data, partition, ModelSpec{.layers = 3}, torch::kFloat32, 1,
               [&](Exchange& exchange, const WorkerPart& part, int rank) {
                 const auto halo = std::span(part.ids).subspan(index(part.inner));
                 for (std::uint32_t t = 0; t < 5; ++t) {
                   exchange.begin(t);
                   std::vector<Tensor> inner(3), out(3);
                   for (const int l : {1, 2}) {
                     inner[index(l)] = rows_at(random_rows(t, l, 0), part.inner_ids()).requires_grad_(true);
                     out[index(l)] = exchange.rows(inner[index(l)], l);
                     const Tensor now = out[index(l)].detach().narrow(0, 0, part.inner);
                     const Tensor late = out[index(l)].detach().narrow(0, part.inner, out[index(l)].size(0) - part.inner);
                     wrong[index(rank)] += !torch::equal(now, rows_at(random_rows(t, l, 0), part.inner_ids()));
                     const Tensor expected = t == 0 ? torch::zeros_like(late) : rows_at(random_rows(t - 1, l, 0), halo);
                     wrong[index(rank)] += !torch::equal(late, expected);
                   }
                   for (const int l : {2, 1}) {
                     // The gradient of every copy of a row is known: purpose 1 + the worker that holds the copy.
                     out[index(l)].backward(rows_at(random_rows(t, l, 1 + rank), part.ids));
                     Tensor expected = rows_at(random_rows(t, l, 1 + rank), part.inner_ids());
                     for (int peer = 0; peer < 3 && t > 0; ++peer)
                       for (const NodeId v : border.send[index(rank)][index(peer)]) {
                         const auto place = std::lower_bound(part.inner_ids().begin(), part.inner_ids().end(), v);
                         expected[place - part.inner_ids().begin()] += random_rows(t - 1, l, 1 + peer)[v];
                         ++compared[index(rank)];
                       }
                     wrong[index(rank)] += !torch::equal(inner[index(l)].grad(), expected);
                   }
                   exchange.end();
                 }
               });
  CHECK(wrong == std::vector<int>{0, 0, 0});
  for (const int n : compared) CHECK(n > 50);
}

TEST_CASE(
    "the first update of pipe: layer 0 is exact, the exchanged layer lacks its boundary edges, degrees are the whole graph's") {
  const Dataset data = random_task({.edges = 200, .seed = 62});
  for (const NamedModel& named : all_models()) {
    if (!named.spec.linear_aggregation()) continue;
    INFO(named.name);
    TrainOptions o = small_options("pipe@3");
    o.model = named.spec;
    o.partition.method = PartitionMethod::random;
    const Partition partition = partition_graph(data.graph, true, 3, {}, o.partition);
    const Gradients pipe = update_gradients(o, data, 0);

    Network network(o.model, data.features.width, data.classes, RandomKey{5}, torch::kFloat32, one_thread());
    const std::vector<GraphPtr> graphs = {whole_graph(data.graph, true, o.model, torch::kFloat32, true),
                                          without_cut_edges(data, partition, o.model)};
    const Draws draws{.key = RandomKey{5}, .update = 0, .on = true};
    const Tensor logits = network.forward(all_feature_rows(data.features, data.nodes(), torch::kFloat32, true), graphs, draws);
    std::vector<std::int64_t> rows, labels;
    for (const NodeId v : data.part(Part::train)) {
      rows.push_back(v);
      labels.push_back(data.labels[index(v)]);
    }
    const Tensor loss = cross_entropy(logits, torch::tensor(rows), torch::tensor(labels), static_cast<std::int64_t>(rows.size()));
    loss.backward();
    Gradients expected{.loss = loss.item<double>(), .values = {}};
    for (const Parameter& p : network.parameters().all()) expected.values.push_back(p.value.grad());
    check_equal(pipe, expected);

    o.system = "sync@3";  // which is another thing
    CHECK(update_gradients(o, data, 0).loss != doctest::Approx(pipe.loss).epsilon(1e-5));
  }
}

TEST_CASE("pipe on parts without boundary is sync, and trains on others") {
  const Dataset data = uneven_task(true, 63);
  TrainOptions o = small_options("pipe@2");
  o.partition.method = PartitionMethod::range;
  o.epochs = 60;
  StoppableRun run(3);
  const Json result = train_together(o, data, run);
  CHECK(result["curve"].back()["loss"].get<double>() < 0.6 * result["curve"][1]["loss"].get<double>());

  // Two closed halves.
  TaskStorage s;
  std::vector<Edge> edges;
  PhiloxStream random(64, "halves");
  for (NodeId e = 0; e < 60; ++e) {
    const auto half = static_cast<NodeId>(e % 2 * 20);
    edges.push_back({half + static_cast<NodeId>(random.below(20)), half + static_cast<NodeId>(random.below(20))});
  }
  for (int v = 0; v < 40; ++v) {
    s.labels.push_back(static_cast<std::int32_t>(random.below(3)));
    s.split.push_back(static_cast<std::uint8_t>(v % 2 == 0 ? Part::train : Part::val));
    for (int j = 0; j < 4; ++j) s.x.push_back(static_cast<float>(random.normal()));
  }
  s.graph = build_graph(40, edges, Direction::symmetric).csr;
  const Dataset halves = dataset_of(std::move(s), 4, 3, Direction::symmetric, false);
  o.epochs = 10;
  StoppableRun a(3), b(3);
  const Json pipe = train_together(o, halves, a);
  o.system = "sync@2";
  CHECK(pipe["weights_digest"] == train_together(o, halves, b)["weights_digest"]);
  CHECK(pipe["bytes"]["forward"] == 0);
}
