// What workers can be told to do.
#include "gnnbench/worker_jobs.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tenfold::gnnbench {

Json run_worker_job(const Json& job, Transport& transport, [[maybe_unused]] TorchPart& part, cli::Run& run) {
  const auto name = job.at("job").get<std::string>();
  if (name == "exchange") return exchange_job(job, transport, run);
  usage_error("no worker's job " + name);
}

}  // namespace tenfold::gnnbench
