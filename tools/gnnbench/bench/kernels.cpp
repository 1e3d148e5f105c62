// SpMM against the read bandwidth, sampling against 10 million edges a second.
#include <algorithm>
#include <iostream>
#include <numeric>
#include <span>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "gnnbench/epoch_order.h"
#include "gnnbench/generate.h"
#include "gnnbench/machine_rates.h"
#include "gnnbench/sampler.h"
#include "gnnbench/spmm.h"
#include "rows.h"
#include "stats/interval.h"

namespace tenfold::gnnbench::bench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

double median(std::vector<double> x) {
  std::ranges::sort(x);
  return 0.5 * (x[(x.size() - 1) / 2] + x[x.size() / 2]);
}

// STREAM's read: eight sums of eight words, so that only the loads take time.
std::uint64_t read_all(std::span<const std::uint64_t> x) {
  std::uint64_t lane[64] = {}, total = 0;
  for (std::size_t i = 0; i + 64 <= x.size(); i += 64)
    for (std::size_t j = 0; j < 64; ++j) lane[j] += x[i + j];
  for (const std::uint64_t l : lane) total += l;
  return total;
}

template <class Element>
std::vector<Element> read_array(const std::string& path) {
  const std::string bytes = read_file(path);
  std::vector<Element> out(bytes.size() / sizeof(Element));
  std::copy_n(bytes.data(), out.size() * sizeof(Element), reinterpret_cast<char*>(out.data()));
  return out;
}

}  // namespace

Row compare(const std::string& name, const std::string& unit, const Side& ours, const Side& peer, const std::string& peer_name,
            int rounds) {
  std::vector<double> mine, other, best;
  for (const Side* side : {&ours, &peer}) side->call();
  for (int round = 0; round < rounds; ++round) {
    for (const Side* side : {&ours, &peer}) {
      const double start = thread_cpu_s();
      side->call();
      (side == &ours ? mine : other).push_back(side->work / (thread_cpu_s() - start));
    }
  }
  const stats::PairedRatio ratio = stats::compare_ratio(mine, other);
  return {.name = name,
          .unit = unit,
          .ours = median(mine),
          .peer = median(other),
          .peer_name = peer_name,
          .ratio = ratio.ratio,
          .low = ratio.interval.low,
          .high = ratio.interval.high,
          .best_ratio = *std::ranges::max_element(mine) / *std::ranges::max_element(other),
          .limit_share = std::nullopt};
}

Csr arxiv_like() {
  constexpr std::int64_t kNodes = 169'000;
  const GenerateOptions rmat{.kind = GraphKind::rmat, .nodes = kNodes, .degree = 14.4, .seed = 1};
  return generate_graph(rmat, std::vector<std::int32_t>(kNodes), 1).csr;
}

std::vector<Row> spmm_rows() {
  const Csr graph = arxiv_like();
  const auto n = static_cast<double>(graph.view().rows()), nnz = static_cast<double>(graph.view().edges());
  ThreadPool pool(1);
  const std::vector<std::uint64_t> memory(32 << 20, 1);  // 256 MiB
  std::vector<Row> rows;
  std::uint64_t sink = 0;
  for (const std::int64_t width : {64, 128, 256}) {
    const AlignedFloats left(at(graph.view().rows() * width), 1.f), right(at(graph.view().rows() * width));
    const std::span<float> x = left.values(), out = right.values();
    const auto w = static_cast<double>(width);
    const Side ours{[&] { spmm({.graph = graph.view(), .x = x, .width = width}, Reduce::mean, out, pool); },
                    (nnz * (4 * w + 4) + 4 * n * w) / 1e9};
    const Side read{[&] { sink += read_all(memory); }, static_cast<double>(memory.size()) * 8 / 1e9};
    Row row = compare("spmm_read_" + std::to_string(width), "GB/s", ours, read, "STREAM read", 21);
    row.limit_share = row.ratio;
    rows.push_back(row);
  }
  if (sink == 1) std::cerr << ' ';  // keeps the reads
  return rows;
}

std::vector<Row> sampler_rows() {
  const Csr graph = arxiv_like();
  constexpr std::int64_t kBatch = 1024;
  std::vector<NodeId> all(at(graph.view().rows()));
  std::iota(all.begin(), all.end(), 0);
  const auto order = epoch_order({1}, 0, all);
  const auto sampler = make_ns({.graph = graph.view(), .added_self_loop = false, .key = {1}}, {10, 10, 10});
  std::vector<double> rates;
  for (std::uint32_t update = 0; update < 100; ++update) {
    const double start = thread_cpu_s();
    const MiniBatch batch = sampler->sample(update, worker_slice(order, update, 1, 0, kBatch));
    const double seconds = thread_cpu_s() - start;
    std::int64_t edges = 0;
    for (const Block& block : batch.blocks) edges += block.edges();
    if (update >= 3) rates.push_back(static_cast<double>(edges) / seconds / 1e6);
  }
  constexpr double kReach = 10;
  return {{.name = "ns_10_10_10",
           .unit = "M edges/s",
           .ours = median(rates),
           .peer = kReach,
           .peer_name = "10 M edges/s",
           .ratio = median(rates) / kReach,
           .low = std::nullopt,
           .high = std::nullopt,
           .best_ratio = *std::ranges::max_element(rates) / kReach,
           .limit_share = std::nullopt}};
}

int serve_spmm(const std::string& folder, std::int64_t width, int threads) {
  const Csr graph{read_array<EdgeIndex>(folder + "/indptr.bin"), read_array<NodeId>(folder + "/indices.bin")};
  const AlignedFloats left(at(graph.view().rows() * width)), right(at(graph.view().rows() * width));
  const std::span<float> x = left.values(), out = right.values();
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7919 % 1009) / 1009.f;
  ThreadPool pool(threads);
  for (std::string word; std::getline(std::cin, word);) {
    if (word == "dump") {
      write_file_atomic(folder + "/out.bin", {reinterpret_cast<const char*>(out.data()), out.size() * sizeof(float)});
      std::cout << "done" << std::endl;
      continue;
    }
    const double start = threads > 1 ? wall_s() : thread_cpu_s();
    spmm({.graph = graph.view(), .x = x, .width = width}, word == "mean" ? Reduce::mean : Reduce::sum, out, pool);
    std::cout << (threads > 1 ? wall_s() : thread_cpu_s()) - start << std::endl;
  }
  return 0;
}

}  // namespace tenfold::gnnbench::bench
