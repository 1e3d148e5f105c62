// Rows of bench-gnnbench: what is measured, against whom, and how.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench::bench {

// One JSON line. Rates are of the median round in CPU time of the one thread that works; ratio = ours / peer with the 95 %
// interval of its mean over interleaved rounds, best_ratio that of the fastest round of each. limit_share: our rate over the
// machine's limit.
struct Row {
  std::string name, unit;
  double ours = 0;
  double peer = 0;
  std::string peer_name;
  double ratio = 0;
  std::optional<double> low, high;
  double best_ratio = 0;
  std::optional<double> limit_share;
};

// Rates work / seconds of two functions timed by turns.
struct Side {
  std::function<void()> call;
  double work = 0;  // of a call, in the row's unit times a second
};
Row compare(const std::string& name, const std::string& unit, const Side& ours, const Side& peer, const std::string& peer_name,
            int rounds);

// R-MAT of 169,000 nodes and about 2.3 million entries, ids in random order.
Csr arxiv_like();

std::vector<Row> spmm_rows();     // spmm_read_64, _128, _256: gathered bytes a second against STREAM's read
std::vector<Row> sampler_rows();  // ns_10_10_10: edges a second with relabelling, against 10 million

// For the bench in Python, which times a peer in its own process by turns: multiplies the graph in `folder` (indptr.bin int64,
// indices.bin int32) by x[i] = (7919 i mod 1009) / 1009 at each line of standard input ("sum", "mean"), answers with the seconds
// taken, and with "dump" writes the last result to folder/out.bin. Threads > 1: wall seconds, else CPU seconds.
int serve_spmm(const std::string& folder, std::int64_t width, int threads);

}  // namespace tenfold::gnnbench::bench
