// The systems under comparison, as one word names them: name[:param..][@workers][+flag=value..], "ns:15:10", "pipe@4+lr=0.005".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/json.h"

namespace tenfold::gnnbench {

enum class Method : std::uint8_t { sync, pipe, bns, ns, labor, cluster, mlp, labelprop };
// Full-graph systems update once an epoch, mini-batch ones once a batch. The baselines are no systems of either.
enum class Family : std::uint8_t { full_graph, mini_batch, baseline };

struct SystemSpec {
  Method method = Method::sync;
  int workers = 1;                        // W
  double bns_rate = 0.1;                  // bns:p
  std::vector<std::int64_t> fanouts;      // ns, labor: as typed, hop 1 first; kAllNeighbours for "all"; empty: --fanout
  std::int64_t cluster_parts = 0;         // cluster:P:q; 0: from the data
  std::int64_t cluster_per_batch = 0;     // q
  std::vector<std::pair<std::string, std::string>> overrides;  // ("lr", "0.005"), in the order typed

  Family family() const;
};

// Throws Error(usage): an unknown name with the nearest, a parameter that is none, fanout < 1, p outside (0, 1], workers < 1.
SystemSpec parse_system(std::string_view text);
// The word that parses to the same.
std::string to_string(const SystemSpec& system);
const char* name_of(Method method);
const char* name_of(Family family);  // fg, mb, baseline
// "5" or "all", at least 1; throws Error(usage) naming `where`.
std::int64_t parse_fanout(std::string_view text, const std::string& where);

// {family, name, params, workers, transport}; transport is null for one worker.
Json system_json(const SystemSpec& system, const std::string& transport);

}  // namespace tenfold::gnnbench
