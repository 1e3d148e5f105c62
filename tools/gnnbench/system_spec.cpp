#include "gnnbench/system_spec.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {
namespace {

constexpr Method kMethods[] = {Method::sync,  Method::pipe,    Method::bns, Method::ns,
                               Method::labor, Method::cluster, Method::mlp, Method::labelprop};

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> split(std::string_view text, char mark) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == mark)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

[[noreturn]] void unknown_name(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const Method method : kMethods) names.emplace_back(name_of(method));
  const std::string near = nearest(name, names);
  usage_error(where + "no system " + (name.empty() ? "without a name" : name) +
              (near.empty() ? "; one of sync, pipe, bns, ns, labor, cluster, mlp, labelprop" : "; did you mean " + near + "?"));
}

std::int64_t count(std::string_view text, const std::string& where, const char* what) {
  std::int64_t value = 0;
  if (!parse_number(text, value) || value < 1)
    usage_error(fmt::format("{}{}: {}: an integer at least 1 is needed", where, what, text));
  return value;
}

void set_parameters(SystemSpec& system, const std::vector<std::string>& words, const std::string& where) {
  const std::size_t n = words.size() - 1;
  const auto at_most = [&](std::size_t most) {
    if (n > most) usage_error(fmt::format("{}{} takes {} parameters, not {}", where, words[0], most, n));
  };
  switch (system.method) {
    case Method::ns:
    case Method::labor:
      for (std::size_t i = 1; i <= n; ++i) system.fanouts.push_back(parse_fanout(words[i], where + words[0]));
      break;
    case Method::bns: {
      at_most(1);
      if (n == 0) break;
      if (!parse_number(words[1], system.bns_rate) || !(system.bns_rate > 0 && system.bns_rate <= 1))
        usage_error(fmt::format("{}bns:{}: the rate is a number above 0 and at most 1, as in bns:0.1", where, words[1]));
      break;
    }
    case Method::cluster:
      at_most(2);
      if (n >= 1) system.cluster_parts = count(words[1], where, "parts of cluster");
      if (n >= 2) system.cluster_per_batch = count(words[2], where, "parts a batch of cluster");
      break;
    default: at_most(0);
  }
}

void set_override(SystemSpec& system, const std::string& text, const std::string& where) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    usage_error(fmt::format("{}+{}: an option of this system alone reads +lr=0.005", where, text));
  std::string key = text.substr(0, equals);
  if (key.starts_with("--")) key = key.substr(2);
  system.overrides.emplace_back(std::move(key), text.substr(equals + 1));
}

}  // namespace

Family SystemSpec::family() const {
  switch (method) {
    case Method::sync:
    case Method::pipe:
    case Method::bns: return Family::full_graph;
    case Method::ns:
    case Method::labor:
    case Method::cluster: return Family::mini_batch;
    case Method::mlp:
    case Method::labelprop: return Family::baseline;
  }
  return Family::full_graph;
}

std::int64_t parse_fanout(std::string_view text, const std::string& where) {
  if (text == "all") return kAllNeighbours;
  std::int64_t value = 0;
  if (!parse_number(text, value) || value < 1)
    usage_error(fmt::format("{}: fanout {}: an integer at least 1, or all, is needed", where, text));
  return value;
}

SystemSpec parse_system(std::string_view text) {
  const std::string where = fmt::format("system {}: ", text);
  std::vector<std::string> parts = split(text, '+');
  // A number may hold a plus, as in +lr=1e+0: such a piece belongs to the one before.
  for (std::size_t i = 1; i < parts.size();)
    if (i > 1 && parts[i].find('=') == std::string::npos && parts[i - 1].ends_with('e')) {
      parts[i - 1] += '+' + parts[i];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  SystemSpec system;
  const std::vector<std::string> head = split(parts[0], '@');
  const std::vector<std::string> words = split(head[0], ':');
  bool known = false;
  for (const Method method : kMethods)
    if (words[0] == name_of(method)) {
      system.method = method;
      known = true;
    }
  if (!known) unknown_name(words[0], where);
  set_parameters(system, words, where);
  if (head.size() > 2) usage_error(where + "@ stands once, before the number of workers");
  if (head.size() == 2) {
    const std::int64_t workers = count(head[1], where, "workers");
    if (workers > 4096) usage_error(where + "at most 4096 workers");
    if (workers > 1 && system.family() == Family::baseline) usage_error(where + "a baseline has one worker");
    system.workers = static_cast<int>(workers);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) set_override(system, parts[i], where);
  return system;
}

std::string to_string(const SystemSpec& system) {
  std::string text = name_of(system.method);
  for (const std::int64_t k : system.fanouts) text += k == kAllNeighbours ? ":all" : ":" + std::to_string(k);
  if (system.method == Method::bns) text += fmt::format(":{}", system.bns_rate);
  if (system.cluster_parts > 0) text += ":" + std::to_string(system.cluster_parts);
  if (system.cluster_parts > 0 && system.cluster_per_batch > 0) text += ":" + std::to_string(system.cluster_per_batch);
  if (system.workers > 1) text += "@" + std::to_string(system.workers);
  for (const auto& [key, value] : system.overrides) text += "+" + key + "=" + value;
  return text;
}

const char* name_of(Method method) {
  switch (method) {
    case Method::sync: return "sync";
    case Method::pipe: return "pipe";
    case Method::bns: return "bns";
    case Method::ns: return "ns";
    case Method::labor: return "labor";
    case Method::cluster: return "cluster";
    case Method::mlp: return "mlp";
    case Method::labelprop: return "labelprop";
  }
  return "";
}

const char* name_of(Family family) {
  switch (family) {
    case Family::full_graph: return "fg";
    case Family::mini_batch: return "mb";
    case Family::baseline: return "baseline";
  }
  return "";
}

Json system_json(const SystemSpec& system, const std::string& transport) {
  Json params = Json::object();
  if (system.method == Method::bns) params["rate"] = system.bns_rate;
  if (system.method == Method::ns || system.method == Method::labor) {
    params["fanouts"] = Json::array();
    for (const std::int64_t k : system.fanouts) params["fanouts"].push_back(k == kAllNeighbours ? Json("all") : Json(k));
  }
  if (system.method == Method::cluster) {
    params["parts"] = system.cluster_parts;
    params["per_batch"] = system.cluster_per_batch;
  }
  return {{"family", name_of(system.family())}, {"name", name_of(system.method)},
          {"text", to_string(system)},          {"params", params},
          {"workers", system.workers},          {"transport", transport.empty() ? Json(nullptr) : Json(transport)}};
}

}  // namespace tenfold::gnnbench
