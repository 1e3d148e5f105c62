// The work of a layer, counted by hand for a graph of 10 destinations, 30 sources, 50 edges, 4 to 2 columns.
#include <doctest/doctest.h>

#include "gnnbench/layer_work.h"

using namespace tenfold::gnnbench;

namespace {

constexpr LayerShape kShape{.rows_in = 30, .rows_out = 10, .edges = 50, .width_in = 4, .width_out = 2};

LayerWork work(ModelKind kind, Aggregator aggregator, LayerShape shape) {
  ModelSpec spec;
  spec.kind = kind;
  spec.aggregator = aggregator;
  return layer_work(spec, shape);
}

}  // namespace

TEST_CASE("gcn multiplies first where that is narrower; inputs that want no gradient save the product for it") {
  const LayerWork hidden = work(ModelKind::gcn, Aggregator::mean, kShape);
  // 2 * 30 * 4 * 2 for x W, 2 * 50 * 2 over the edges.
  CHECK(flops_of(hidden.forward) == 480 + 200);
  CHECK(bytes_of(hidden.forward) == 4 * (120 + 8 + 60) + 50 * 12 + 4 * 10 * 2);
  CHECK(flops_of(hidden.backward) == 2 * 480 + 200);
  LayerShape first = kShape;
  first.first = true;
  CHECK(flops_of(work(ModelKind::gcn, Aggregator::mean, first).backward) == 480 + 200);
}

TEST_CASE("a widening layer aggregates first, and a first one needs no transposed product") {
  LayerShape shape = kShape;
  shape.width_out = 8;
  const LayerWork hidden = work(ModelKind::gcn, Aggregator::mean, shape);
  CHECK(flops_of(hidden.forward) == 2 * 50 * 4 + 2 * 10 * 4 * 8);
  CHECK(flops_of(hidden.backward) == 2 * 50 * 4 + 2 * 2 * 10 * 4 * 8);
  shape.first = true;
  CHECK(flops_of(work(ModelKind::gcn, Aggregator::mean, shape).backward) == 2 * 10 * 4 * 8);
}

TEST_CASE("sage adds the destinations' own product; known A X leaves two of them and no edges") {
  LayerShape shape = kShape;
  shape.first = shape.aggregated = true;
  const LayerWork known = work(ModelKind::sage, Aggregator::mean, shape);
  CHECK(flops_of(known.forward) == 2 * 160);
  CHECK(flops_of(known.backward) == 2 * 160);
  CHECK(flops_of(work(ModelKind::sage, Aggregator::mean, kShape).forward) == 480 + 200 + 160);
  CHECK(flops_of(work(ModelKind::sage, Aggregator::gcn, kShape).forward) == 480 + 200);
  // A square layer before the maximum, and one after it.
  CHECK(flops_of(work(ModelKind::sage, Aggregator::pool, kShape).forward) == 2 * 30 * 16 + 2 * 50 * 4 + 2 * 160);
}

TEST_CASE("sparse rows cost by their entries, the destinations' by their share") {
  LayerShape shape = kShape;
  shape.first = true;
  shape.entries = 60;
  const LayerWork sparse = work(ModelKind::sage, Aggregator::mean, shape);
  CHECK(flops_of(sparse.forward) == 2 * 60 * 2 + 200 + 2 * 20 * 2);
  CHECK(flops_of(sparse.backward) == flops_of(sparse.forward));
}

TEST_CASE("mlp has no edges, gat aggregates what it has multiplied") {
  LayerShape rows = kShape;
  rows.rows_in = 10;
  CHECK(flops_of(work(ModelKind::mlp, Aggregator::mean, rows).forward) == 160);
  CHECK(flops_of(work(ModelKind::gat, Aggregator::mean, kShape).forward) == 480 + 200);
}
