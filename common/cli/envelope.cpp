#include "cli/envelope.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/host.h"
#include "base/version.h"

namespace tenfold::cli {
namespace {

void null_non_finite(Json& value, const std::string& path, std::vector<std::string>& found) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    value = nullptr;
    found.push_back(path);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.items()) null_non_finite(member, path + "/" + key, found);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) null_non_finite(value[i], path + "/" + std::to_string(i), found);
  }
}

std::string non_finite_warning(const std::vector<std::string>& paths) {
  std::string listed;
  for (std::size_t i = 0; i < paths.size() && i < 5; ++i) listed += (i ? ", " : "") + paths[i];
  if (paths.size() > 5) listed += ", ...";
  return std::to_string(paths.size()) + (paths.size() == 1 ? " value of the result is" : " values of the result are") +
         " not finite and null here: " + listed;
}

Json host_facts(int threads) {
  const std::string libtorch = libtorch_version();
  return {{"cpu", cpu_model()},
          {"cores", online_cores()},
          {"threads", threads},
          {"memory_bytes", memory_bytes()},
          {"gpu", nullptr},
          {"libtorch", libtorch.empty() ? Json(nullptr) : Json(libtorch)},
          {"blas", libtorch.empty() ? Json(nullptr) : Json("MKL")}};  // the one inside the LibTorch that scripts/setup gets
}

}  // namespace

std::vector<std::string> null_non_finite(Json& value) {
  std::vector<std::string> found;
  null_non_finite(value, "", found);
  return found;
}

Json make_envelope(const EnvelopeFacts& facts, const Json& config, Json result, std::vector<std::string> warnings) {
  if (const std::vector<std::string> found = null_non_finite(result); !found.empty())
    warnings.push_back(non_finite_warning(found));
  return {{"schema", facts.schema},
          {"version", version()},
          {"git", git_revision()},
          {"argv", facts.argv},
          {"config", config},
          {"seed", facts.seed ? Json(*facts.seed) : Json(nullptr)},
          {"host", host_facts(facts.threads)},
          {"started_at", facts.started_at},
          {"elapsed_s", facts.elapsed_s},
          {"cpu_s", facts.cpu_s},
          {"peak_rss_bytes", peak_rss_bytes()},
          {"warnings", warnings},
          {"result", std::move(result)}};
}

}  // namespace tenfold::cli
