#include "gnnbench/kernels_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "gnnbench/epoch_order.h"
#include "gnnbench/generate.h"
#include "gnnbench/keyed_dropout.h"
#include "gnnbench/machine_rates.h"
#include "gnnbench/sampler.h"
#include "gnnbench/spmm.h"

namespace tenfold::gnnbench {

struct KernelsOptions {
  std::int64_t nodes = 169'000;
  double degree = 14;
  std::vector<std::string> widths = {"64", "128", "256"};
  std::int64_t batch = 1024;
  bool quick = false;
};

void describe(KernelsOptions& o, cli::OptionTable& table) {
  table.add("--nodes", o.nodes, "nodes of the R-MAT graph").between(2, 100'000'000);
  table.add("--degree", o.degree, "its mean degree, before repetitions are dropped").between(1, 1000);
  table.add("--widths", o.widths, "columns of the dense matrices").value_name("N,..");
  table.add("--batch", o.batch, "seeds of a sampled batch").at_least(1);
  table.flag("--quick", o.quick, "a graph of 20,000 nodes and few repetitions");
}

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Rate {
  std::string name;
  std::int64_t width = 0;  // 0: none
  int threads = 1;
  Timing timing;
  std::string unit;      // of work: bytes, edges
  double work = 0;       // of one call
  double limit = 0;      // work a second that the memory would allow; 0: not known
  double per_s() const { return work / timing.least_s; }
};

Json json_of(const Rate& r) {
  Json out;
  out["name"] = r.name;
  out["width"] = r.width > 0 ? Json(r.width) : Json(nullptr);
  out["threads"] = r.threads;
  out["repeats"] = r.timing.repeats;
  out["least_s"] = r.timing.least_s;
  out["median_s"] = r.timing.median_s;
  out["unit"] = r.unit;
  out["work"] = r.work;
  out["rate_per_s"] = r.per_s();
  out["limit_per_s"] = r.limit > 0 ? Json(r.limit) : Json(nullptr);
  out["fraction_of_limit"] = r.limit > 0 ? Json(r.per_s() / r.limit) : Json(nullptr);
  return out;
}

std::string line_of(const Rate& r) {
  const bool bytes = r.unit == "bytes";
  const std::string name = r.width > 0 ? fmt::format("{}, width {}", r.name, r.width) : r.name;
  std::string line = fmt::format("{:<24}{:>8.2f} {:<10}{:>9.2f} ms, {} thread{}", name, r.per_s() / (bytes ? 1e9 : 1e6),
                                 bytes ? "GB/s" : "M edges/s", r.timing.least_s * 1e3, r.threads, r.threads == 1 ? "" : "s");
  // Where a hub's rows stay in a nearer cache, memory's limit is none.
  const double share = r.limit > 0 ? r.per_s() / r.limit : 0;
  if (share > 1)
    line += fmt::format(", {:.2f} times memory's limit: nearer caches serve it", share);
  else if (r.limit > 0)
    line += fmt::format(", {:.2f} of memory's limit", share);
  return line + "\n";
}

std::vector<std::int64_t> widths_of(const std::vector<std::string>& words) {
  std::vector<std::int64_t> widths;
  for (const std::string& word : words) {
    const bool digits = !word.empty() && word.size() <= 5 && word.find_first_not_of("0123456789") == std::string::npos;
    const std::int64_t width = digits ? std::stoll(word) : 0;
    if (width < 1 || width > 16384) usage_error(fmt::format("--widths {}: integers from 1 to 16384 are needed", word));
    widths.push_back(width);
  }
  return widths;
}

class Measurement {
 public:
  Measurement(const KernelsOptions& options, cli::Run& run)
      : run_(run),
        pool_(run.threads()),
        repeats_(options.quick ? 3 : 9),
        batch_(options.batch),
        widths_(widths_of(options.widths)) {
    const std::int64_t nodes = options.quick ? std::min<std::int64_t>(options.nodes, 20'000) : options.nodes;
    const GenerateOptions rmat{.kind = GraphKind::rmat, .nodes = nodes, .degree = options.degree, .seed = run.seed()};
    graph_ = generate_graph(rmat, std::vector<std::int32_t>(at(nodes)), run.threads()).csr;
    batch_ = std::min(batch_, nodes);
    read_ = stream_read_bytes_per_s(pool_, 256 << 20, repeats_);
    step("STREAM read");
  }

  void products() {
    const CsrView graph = graph_.view();
    const auto n = static_cast<double>(graph.rows()), nnz = static_cast<double>(graph.edges());
    for (const std::int64_t width : widths_) {
      const auto w = static_cast<double>(width);
      const AlignedFloats left(at(graph.rows() * width), 1.f), right(at(graph.rows() * width));
      const std::span<float> x = left.values(), out = right.values();
      // What lies in a cache is read faster: the limit is the read of as many bytes, again and again.
      const double limit = stream_read_bytes_per_s(pool_, 4 * graph.rows() * width, repeats_);
      const SpmmInput input{.graph = graph, .x = x, .width = width};
      // Each entry reads a row and an index, each row is written once.
      add({.name = "spmm",
           .width = width,
           .threads = pool_.size(),
           .timing = time_calls(repeats_, [&] { spmm(input, Reduce::mean, out, pool_); }),
           .unit = "bytes",
           .work = nnz * (4 * w + 4) + 4 * n * w,
           .limit = limit});
      add({.name = "gather",
           .width = width,
           .threads = pool_.size(),
           .timing = time_calls(repeats_, [&] { gather_rows<float>(x, width, places(), out, pool_); }),
           .unit = "bytes",
           .work = n * (8 * w + 4),
           .limit = limit});
      const DropoutKey key{.key = {run_.seed()}, .p = 0.5};
      add({.name = "dropout",
           .width = width,
           .threads = pool_.size(),
           .timing = time_calls(repeats_, [&] { dropout_rows(key, {}, x, width, out, pool_); }),
           .unit = "bytes",
           .work = 8 * n * w,
           .limit = limit});
    }
  }

  void samplers() {
    // Two random cache lines an edge: the neighbour's id, and its entry in the relabel table.
    const auto lines = [&](std::int64_t bytes) { return random_lines_per_s(bytes, repeats_); };
    const double limit = 1 / (1 / lines(4 * graph_.view().edges()) + 1 / lines(8 * graph_.view().rows()));
    const SamplerContext context{.graph = graph_.view(), .added_self_loop = true, .key = {run_.seed()}};
    sampler("ns:10:10:10", *make_ns(context, {10, 10, 10}), limit);
    sampler("labor:10:10:10", *make_labor(context, {10, 10, 10}), limit);
  }

  cli::Result result(bool quick) const {
    cli::Result out;
    out.value["instruction_set"] = spmm_instruction_set();
    out.value["threads"] = pool_.size();
    out.value["quick"] = quick;
    out.value["graph"] = {{"kind", "rmat"}, {"nodes", graph_.view().rows()}, {"nnz", graph_.view().edges()}};
    out.value["stream_read_bytes_per_s"] = read_;
    out.human = fmt::format("R-MAT graph of {} nodes, {} entries; {}; STREAM read {:.2f} GB/s\n", graph_.view().rows(),
                            graph_.view().edges(), spmm_instruction_set(), read_ / 1e9);
    out.value["rates"] = Json::array();
    for (const Rate& rate : rates_) {
      out.value["rates"].push_back(json_of(rate));
      out.human += line_of(rate);
    }
    return out;
  }

 private:
  void sampler(const std::string& name, Sampler& sampler, double limit) {
    std::vector<NodeId> all(at(graph_.view().rows()));
    std::iota(all.begin(), all.end(), 0);
    const auto order = epoch_order({run_.seed()}, 0, all);
    std::int64_t edges = 0;
    const auto timing = time_calls(repeats_, [&] {
      const MiniBatch batch = sampler.sample(0, worker_slice(order, 0, 1, 0, batch_));
      edges = 0;
      for (const Block& block : batch.blocks) edges += block.edges();
    });
    add({.name = name, .timing = timing, .unit = "edges", .work = static_cast<double>(edges), .limit = limit});
  }

  const std::vector<NodeId>& places() {
    if (places_.empty()) {
      std::vector<NodeId> all(at(graph_.view().rows()));
      std::iota(all.begin(), all.end(), 0);
      places_ = epoch_order({run_.seed()}, 1, all);
    }
    return places_;
  }

  void add(Rate rate) {
    rates_.push_back(std::move(rate));
    step(rates_.back().name);
  }
  void step(const std::string& done) {
    run_.step({.what = "measuring",
               .done = static_cast<double>(++steps_),
               .total = 3 + 3.0 * static_cast<double>(widths_.size()),
               .unit = "kernels",
               .note = done});
    if (run_.stop()) run_.interrupted();
  }

  cli::Run& run_;
  ThreadPool pool_;
  int repeats_;
  std::int64_t batch_;
  std::vector<std::int64_t> widths_;
  Csr graph_;
  std::vector<NodeId> places_;
  std::vector<Rate> rates_;
  double read_ = 0;  // bytes a second
  int steps_ = 0;
};

cli::Result kernels(const KernelsOptions& options, cli::Run& run) {
  Measurement measurement(options, run);
  measurement.products();
  measurement.samplers();
  return measurement.result(options.quick);
}

}  // namespace

cli::Subcommand kernels_command() {
  return cli::subcommand<KernelsOptions>(
      "kernels", "how fast the kernels are here, and how far from the limit of the memory", kernels,
      {.random = true,
       .threads = true,
       .examples = {"gnnbench kernels --quick", "gnnbench kernels --quick --widths 16,602 --threads 1"},
       .description =
           "Measures STREAM's read, the product of an R-MAT graph with a dense matrix, gathered rows, keyed dropout and the "
           "samplers. Rates are of the fastest repetition; the limit is a read of the matrix's size, and of samplers two random "
           "cache lines an edge."});
}

}  // namespace tenfold::gnnbench
