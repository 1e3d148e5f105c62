// What a run drew, as a file (train --record-draws), and its use in place of drawing (--replay-draws). JSON lines: a header, then
// update by update, in each worker by worker,
//   {"update": 0, "worker": 0, "seeds": [..]}                          ns, labor
//   {"update": 0, "worker": 0, "hop": 1, "dst": [..], "src": [..]}     their sampled edges; hop 1 is next to the seeds
//   {"update": 0, "worker": 0, "nodes": [..]}                          cluster: whose subgraph is trained on
//   {"update": 0, "from": 0, "to": 1, "keep": [..]}                    bns: the boundary nodes whose rows travel
// with the graph's own node numbers. Without "worker" a line is worker 0's; without seeds they are hop 1's destinations, in
// order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/json.h"
#include "gnnbench/block.h"
#include "gnnbench/dataset.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

// Throws Error(usage), naming the option, for a system that draws neither nodes nor edges.
void require_draws(const SystemSpec& system, const std::string& option);

// Throws Error(input) where this is no file of draws, whatever they are of.
void require_draws_file(const std::string& path);

// The header of a run's draws: schema, and what they depend on apart from the seed.
Json draws_header(const TrainPlan& plan, const Dataset& data);

// Lines, each with its line feed.
std::string batch_lines(std::uint32_t update, int worker, const MiniBatch& batch);
std::string nodes_line(std::uint32_t update, int worker, std::span<const NodeId> nodes);
std::string kept_line(std::uint32_t update, int from, int to, std::span<const NodeId> nodes);

// draws.jsonl of a run directory.
class DrawsWriter {
 public:
  // A new file with the header, or, where `kept` > 0, the one that a checkpoint left at that length. Throws Error(input) where
  // it has become shorter, Error(machine) where it cannot be written, as the others do.
  DrawsWriter(std::filesystem::path path, const Json& header, std::int64_t kept);
  void append(std::string_view lines);
  std::int64_t flush();  // the length, all of it handed to the system

 private:
  void check();
  std::filesystem::path path_;
  std::ofstream file_;
  std::int64_t bytes_ = 0;
};

struct HopDraws {
  std::vector<NodeId> dst, src;
  std::int64_t line = 0;  // 0: the file has none
};
struct KeptNodes {
  std::vector<NodeId> nodes;  // ascending
  std::int64_t line = 0;
};
struct WorkerDraws {
  std::optional<std::vector<NodeId>> seeds;  // ns, labor
  std::vector<HopDraws> hops;  // [layers], hop 1 first
  std::optional<std::vector<NodeId>> nodes;  // cluster, ascending
};
struct UpdateDraws {
  std::vector<WorkerDraws> workers;
  std::map<std::pair<int, int>, KeptNodes> kept;  // by sender and receiver
};

class DrawsFile {
 public:
  // Opens and reads the header; plan and data must outlive this. Throws Error(input) with file and line: what does not read, and
  // draws of other data or of another system.
  DrawsFile(const TrainPlan& plan, const Dataset& data);

  // Of this update, whose number must not fall from call to call; valid until the next one. Throws Error(input) as above, and
  // where the file has nothing for it. Seeds train, differ from one another and are there for some worker; numbers are nodes.
  const UpdateDraws& of(std::uint32_t update);

  // Throws Error(input) that names the file, the line (0: none) and the update of the last of().
  [[noreturn]] void refuse(std::int64_t line, const std::string& message) const;

 private:
  struct Line {
    Json json;
    std::int64_t number = 0;
    std::uint32_t update = 0;
  };
  bool read_line();  // into next_
  void add(const Line& line);
  void settle_seeds();
  int worker_of(const Line& line, const char* key, bool needed) const;
  std::vector<NodeId> nodes_of(const Line& line, const char* key) const;
  void check_header();

  const TrainPlan& plan_;
  const Dataset& data_;
  std::string path_;
  std::ifstream file_;
  std::int64_t lines_ = 0;
  std::optional<Line> next_;
  std::int64_t update_ = -1;  // current_'s
  UpdateDraws current_;
};

}  // namespace tenfold::gnnbench
