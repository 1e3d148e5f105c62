#include "gnnbench/draws_file.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace tenfold::gnnbench {
namespace {

constexpr const char* kSchema = "tenfold.gnnbench.draws/1";

bool layered(Method method) { return method == Method::ns || method == Method::labor; }

Json read_header(std::ifstream& file, const std::string& path) {
  if (!file) input_error(path + ": cannot be read");
  std::string text;
  std::getline(file, text);
  Json header = Json::parse(text, nullptr, false);
  if (!header.is_object() || header.value("schema", Json()) != kSchema)
    input_error(
        fmt::format("{}:1: this is no header of draws; a recorded file begins with {{\"schema\": \"{}\"}}", path, kSchema));
  return header;
}

std::string brackets(std::span<const NodeId> nodes) { return fmt::format("[{}]", fmt::join(nodes, ", ")); }

}  // namespace

void require_draws(const SystemSpec& system, const std::string& option) {
  const bool drawing = system.family() == Family::mini_batch || system.method == Method::bns;
  const std::string who = option + ": " + name_of(system.method);
  if (!drawing) usage_error(who + " draws neither nodes nor edges; bns, ns, labor and cluster do");
  if (system.method == Method::bns && system.workers == 1) usage_error(who + " with one worker keeps all rows and draws nothing");
}

void require_draws_file(const std::string& path) {
  std::ifstream file(path);
  (void)read_header(file, path);
}

Json draws_header(const TrainPlan& plan, const Dataset& data) {
  SystemSpec bare = plan.system;
  bare.overrides.clear();
  Json header = {{"schema", kSchema}, {"data_digest", data.digest}, {"system", to_string(bare)}};
  if (layered(bare.method)) {
    header["batch"] = plan.options.batch;
    header["self_loops"] = plan.options.model.adds_loop();
  }
  return header;
}

std::string batch_lines(std::uint32_t update, int worker, const MiniBatch& batch) {
  std::string text = fmt::format("{{\"update\": {}, \"worker\": {}, \"seeds\": {}}}\n", update, worker, brackets(batch.seeds));
  std::vector<NodeId> dst, src;
  for (std::size_t hop = 1; hop <= batch.blocks.size(); ++hop) {
    const Block& block = batch.blocks[batch.blocks.size() - hop];
    dst.clear();
    src.clear();
    for (std::int64_t v = 0; v < block.destinations; ++v)
      for (const NodeId u : block.view().row(v)) {
        dst.push_back(block.sources[static_cast<std::size_t>(v)]);
        src.push_back(block.sources[static_cast<std::size_t>(u)]);
      }
    text += fmt::format("{{\"update\": {}, \"worker\": {}, \"hop\": {}, \"dst\": {}, \"src\": {}}}\n", update, worker, hop,
                        brackets(dst), brackets(src));
  }
  return text;
}

std::string nodes_line(std::uint32_t update, int worker, std::span<const NodeId> nodes) {
  return fmt::format("{{\"update\": {}, \"worker\": {}, \"nodes\": {}}}\n", update, worker, brackets(nodes));
}

std::string kept_line(std::uint32_t update, int from, int to, std::span<const NodeId> nodes) {
  return fmt::format("{{\"update\": {}, \"from\": {}, \"to\": {}, \"keep\": {}}}\n", update, from, to, brackets(nodes));
}

DrawsWriter::DrawsWriter(std::filesystem::path path, const Json& header, std::int64_t kept) : path_(std::move(path)) {
  if (kept > 0) {
    std::error_code error;
    const auto length = std::filesystem::file_size(path_, error);
    if (error || static_cast<std::int64_t>(length) < kept)
      input_error(path_.string() + ": shorter than the interrupted run left it; --force begins again");
    std::filesystem::resize_file(path_, static_cast<std::uintmax_t>(kept), error);
    if (error) machine_error(path_.string() + ": " + error.message());
  }
  file_.open(path_, kept > 0 ? std::ios::app : std::ios::trunc);
  bytes_ = kept;
  if (kept == 0) append(data::dump_json(header) + "\n");
  check();
}

void DrawsWriter::append(std::string_view lines) {
  file_ << lines;
  bytes_ += static_cast<std::int64_t>(lines.size());
  check();
}

std::int64_t DrawsWriter::flush() {
  file_.flush();
  check();
  return bytes_;
}

void DrawsWriter::check() {
  if (!file_) machine_error(path_.string() + ": cannot be written");
}

DrawsFile::DrawsFile(const TrainPlan& plan, const Dataset& data)
    : plan_(plan), data_(data), path_(plan.options.replay_draws), file_(path_ == "-" ? "/dev/stdin" : path_) {
  check_header();
}

void DrawsFile::refuse(std::int64_t line, const std::string& message) const {
  const std::string where = line > 0 ? fmt::format("{}:{}", path_, line) : path_;
  input_error(fmt::format("{}: {}{}", where, update_ >= 0 ? fmt::format("update {}: ", update_) : "", message));
}

void DrawsFile::check_header() {
  const Json header = read_header(file_, path_);
  lines_ = 1;
  // A file from elsewhere may say less.
  const Json own = draws_header(plan_, data_);
  for (const auto& [key, value] : own.items())
    if (header.contains(key) && header[key] != value)
      refuse(1, fmt::format("these draws are another run's: {} is {}, here {}", key, data::dump_json(header[key]),
                            data::dump_json(value)));
}

bool DrawsFile::read_line() {
  next_.reset();
  for (std::string text; std::getline(file_, text);) {
    ++lines_;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    Line line{.json = Json::parse(text, nullptr, false), .number = lines_, .update = 0};
    if (!line.json.is_object()) refuse(lines_, "not a JSON object");
    const Json update = line.json.value("update", Json());
    if (!update.is_number_unsigned() || update.get<std::uint64_t>() > 0xffffffffu)
      refuse(lines_, "\"update\" must be a whole number from 0");
    line.update = update.get<std::uint32_t>();
    next_ = std::move(line);
    return true;
  }
  return false;
}

const UpdateDraws& DrawsFile::of(std::uint32_t update) {
  if (update_ == update) return current_;
  if (!next_) read_line();
  while (next_ && next_->update < update) read_line();  // a resumed run has them behind it
  const std::int64_t before = update_;
  update_ = update;
  if (!next_ || next_->update != update)
    refuse(0,
           next_ || before < 0 ? "no draws in the file" : fmt::format("the file ends before it; --updates {} uses all", update));
  current_ = UpdateDraws();
  current_.workers.resize(static_cast<std::size_t>(plan_.system.workers));
  if (layered(plan_.system.method))
    for (WorkerDraws& worker : current_.workers) worker.hops.resize(plan_.system.fanouts.size());
  while (next_ && next_->update == update) {
    add(*next_);
    read_line();
  }
  if (next_ && next_->update < update) refuse(next_->number, "updates must ascend in the file");
  if (layered(plan_.system.method)) settle_seeds();
  return current_;
}

void DrawsFile::add(const Line& line) {
  const auto once = [&](bool fresh) {
    if (!fresh) refuse(line.number, "these draws stand there twice");
  };
  if (plan_.system.method == Method::bns) {
    const std::pair<int, int> pair(worker_of(line, "from", true), worker_of(line, "to", true));
    KeptNodes kept{.nodes = nodes_of(line, "keep"), .line = line.number};
    std::sort(kept.nodes.begin(), kept.nodes.end());
    once(current_.kept.emplace(pair, std::move(kept)).second);
    return;
  }
  WorkerDraws& worker = current_.workers[static_cast<std::size_t>(worker_of(line, "worker", false))];
  if (plan_.system.method == Method::cluster) {
    once(!worker.nodes);
    worker.nodes = nodes_of(line, "nodes");
    std::sort(worker.nodes->begin(), worker.nodes->end());
    if (const auto twice = std::adjacent_find(worker.nodes->begin(), worker.nodes->end()); twice != worker.nodes->end())
      refuse(line.number, fmt::format("node {} stands there twice", *twice));
    return;
  }
  if (!line.json.contains("hop")) {
    once(!worker.seeds);
    worker.seeds = nodes_of(line, "seeds");
    return;
  }
  const Json hop = line.json["hop"];
  if (!hop.is_number_unsigned() || hop == 0 || hop.get<std::uint64_t>() > worker.hops.size())
    refuse(line.number, fmt::format("\"hop\" must be a number from 1 to {}", worker.hops.size()));
  HopDraws& drawn = worker.hops[hop.get<std::size_t>() - 1];
  once(drawn.line == 0);
  drawn = {.dst = nodes_of(line, "dst"), .src = nodes_of(line, "src"), .line = line.number};
  if (drawn.dst.size() != drawn.src.size())
    refuse(line.number, fmt::format("{} in dst, {} in src", drawn.dst.size(), drawn.src.size()));
}

// An update's seeds are taken once each, by whichever worker.
void DrawsFile::settle_seeds() {
  std::vector<NodeId> all;
  for (WorkerDraws& worker : current_.workers) {
    if (!worker.seeds) {
      std::vector<NodeId> seeds;
      std::vector<bool> met(static_cast<std::size_t>(data_.nodes()));
      for (const NodeId v : worker.hops.front().dst) {
        if (!met[static_cast<std::size_t>(v)]) seeds.push_back(v);
        met[static_cast<std::size_t>(v)] = true;
      }
      worker.seeds = std::move(seeds);
    }
    all.insert(all.end(), worker.seeds->begin(), worker.seeds->end());
  }
  if (all.empty()) refuse(0, "there are no seeds");
  std::sort(all.begin(), all.end());
  if (const auto twice = std::adjacent_find(all.begin(), all.end()); twice != all.end())
    refuse(0, fmt::format("node {} is a seed twice", *twice));
  for (const NodeId v : all)
    if (static_cast<Part>(data_.split[static_cast<std::size_t>(v)]) != Part::train)
      refuse(0, fmt::format("the seed {} is no training node", v));
}

int DrawsFile::worker_of(const Line& line, const char* key, bool needed) const {
  const Json value = line.json.value(key, needed ? Json() : Json(0u));
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(plan_.system.workers))
    refuse(line.number, fmt::format("\"{}\" must be a worker's number, from 0 to {}", key, plan_.system.workers - 1));
  return value.get<int>();
}

std::vector<NodeId> DrawsFile::nodes_of(const Line& line, const char* key) const {
  const auto there = line.json.find(key);
  if (there == line.json.end() || !there->is_array()) refuse(line.number, fmt::format("\"{}\" must be a list of nodes", key));
  std::vector<NodeId> nodes;
  nodes.reserve(there->size());
  for (const Json& value : *there) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(data_.nodes()))
      refuse(line.number,
             fmt::format("{} in \"{}\" is no node; they are 0 to {}", data::dump_json(value), key, data_.nodes() - 1));
    nodes.push_back(value.get<NodeId>());
  }
  return nodes;
}

}  // namespace tenfold::gnnbench
