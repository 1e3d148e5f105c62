#include "gnnbench/torch/layer_profile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "gnnbench/machine_rates.h"
#include "gnnbench/torch/exchange.h"
#include "stats/quantile.h"

namespace tenfold::gnnbench {
namespace {

constexpr std::int64_t kLargeRead = 256 << 20;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : stats::quantile(values, 0.5);
}

// What LibTorch's GEMM does a second at this shape. More rows than this make it no faster.
double gemm_rate(const Product& p) {
  const auto rows = std::max<std::int64_t>(1, std::min<std::int64_t>(static_cast<std::int64_t>(p.rows), 16384));
  const auto in = static_cast<std::int64_t>(p.in), out = static_cast<std::int64_t>(p.out);
  const torch::NoGradGuard no_gradients;
  const torch::Tensor x = torch::ones({rows, in}), w = torch::ones({out, in});
  const Timing timing = time_calls(5, [&] { torch::mm(x, w.t()); });
  return 2 * static_cast<double>(rows) * p.in * p.out / timing.least_s;
}

// Bytes a second of reading the dense operand again and again, as a product does: nearer caches may hold it.
double read_rate(const Product& p, ThreadPool& pool) {
  const double operand = 4 * p.in * p.out;
  return stream_read_bytes_per_s(pool, std::clamp<std::int64_t>(static_cast<std::int64_t>(operand), 1 << 18, kLargeRead), 5);
}

}  // namespace

LayerShape layer_shape(const LayerRows& in, const GraphPtr& graph, const torch::Tensor& out) {
  LayerShape shape;
  shape.rows_in = in.count();
  shape.rows_out = out.size(0);
  if (graph) shape.edges = graph->forward.edges() + (graph->add_self ? graph->destinations() : 0);
  shape.width_in = in.width();
  shape.width_out = out.size(1);
  if (in.sparse) shape.entries = in.sparse->rows.edges();
  shape.first = in.sparse || !in.dense.requires_grad();
  shape.aggregated = in.aggregated.defined();
  return shape;
}

LayerProfile::Mark LayerProfile::mark(Traffic traffic) const {
  Mark m{.at_s = wall_s(), .exchange_s = exchange_ ? exchange_->spent_s() : 0, .exchanged = 0};
  if (counting_) {
    TrafficCounters counters = counting_->counters();
    m.exchanged = counters.of(traffic);
  }
  return m;
}

void LayerProfile::count(Pass& pass, const Mark& from, const Mark& to) {
  const double exchange_s = to.exchange_s - from.exchange_s;
  pass.exchange_s.push_back(exchange_s);
  pass.time_s.push_back(to.at_s - from.at_s - exchange_s);
  pass.exchanged += static_cast<double>(to.exchanged - from.exchanged);
}

void LayerProfile::add(Pass& pass, const std::vector<Product>& products) {
  if (pass.products.empty()) {
    pass.products = products;
    return;
  }
  for (std::size_t i = 0; i < products.size(); ++i) {
    Product& sum = pass.products[i];
    sum.rows += products[i].rows;
    if (!sum.dense) sum.in += products[i].in;
    sum.flops += products[i].flops;
    sum.bytes += products[i].bytes;
  }
}

void LayerProfile::begin_update(const Exchange* exchange) {
  exchange_ = exchange;
  gradients_.assign(static_cast<std::size_t>(model_.layers), Mark());
  layers_.resize(gradients_.size());
}

void LayerProfile::layer_begins() { began_ = mark(Traffic::forward); }

void LayerProfile::layer_ends(int layer, LayerShape shape, const torch::Tensor& out) {
  const auto l = static_cast<std::size_t>(layer);
  Layer& sums = layers_[l];
  count(sums.forward, began_, mark(Traffic::forward));
  sums.last = shape;
  sums.rows_in += static_cast<double>(shape.rows_in);
  sums.rows_out += static_cast<double>(shape.rows_out);
  sums.edges += static_cast<double>(shape.edges);
  // gat's averaged heads are as wide as all of them until then.
  if (model_.kind == ModelKind::gat && layer == model_.layers - 1) shape.width_out *= model_.heads_last;
  const LayerWork work = layer_work(model_, shape);
  add(sums.forward, work.forward);
  add(sums.backward, work.backward);
  out.register_hook([this, l](const torch::Tensor&) { gradients_[l] = mark(Traffic::backward); });
}

void LayerProfile::backward_ends() {
  Mark end = mark(Traffic::backward);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    count(layers_[l].backward, gradients_[l], end);
    end = gradients_[l];
  }
}

Json LayerProfile::pass_json(const Pass& pass, double updates, ThreadPool& pool) const {
  double limit_s = 0;
  for (Product p : pass.products) {
    p.rows /= updates;
    if (!p.dense) p.in /= updates;
    const double bytes_s = p.bytes / updates / read_rate(p, pool);
    limit_s += p.dense ? std::max(p.flops / updates / gemm_rate(p), bytes_s) : bytes_s;
  }
  const double time_s = median(pass.time_s);
  return {{"flops", flops_of(pass.products) / updates},
          {"bytes", bytes_of(pass.products) / updates},
          {"time_s", time_s},
          {"limit_s", limit_s},
          {"fraction_of_limit", time_s > 0 ? Json(limit_s / time_s) : Json(nullptr)},
          {"exchanged_bytes", pass.exchanged / updates},
          {"exchange_s", median(pass.exchange_s)}};
}

Json LayerProfile::explain(Compute& compute) const {
  const double read = stream_read_bytes_per_s(compute.pool, kLargeRead, 5);
  const std::size_t count = layers_.empty() ? 0 : layers_[0].forward.time_s.size();
  const auto updates = static_cast<double>(std::max<std::size_t>(count, 1));
  Json layers = Json::array();
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    layers.push_back({{"layer", l},
                      {"width_in", layer.last.width_in},
                      {"width_out", layer.last.width_out},
                      {"rows_in", layer.rows_in / updates},
                      {"rows_out", layer.rows_out / updates},
                      {"edges", layer.edges / updates},
                      {"forward", pass_json(layer.forward, updates, compute.pool)},
                      {"backward", pass_json(layer.backward, updates, compute.pool)}});
  }
  return {{"updates", count}, {"threads", compute.pool.size()}, {"read_bytes_per_s", read}, {"layers", layers}};
}

}  // namespace tenfold::gnnbench
