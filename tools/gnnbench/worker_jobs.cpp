// What workers can be told to do.
#include "gnnbench/worker_jobs.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gnnbench/train_command.h"

namespace tenfold::gnnbench {

Json run_worker_job(const Json& job, Transport& transport, TorchPart& part, cli::Run& run) {
  const auto name = job.at("job").get<std::string>();
  if (name == "exchange") return exchange_job(job, transport, run);
  if (name == "train") return train_job(job, transport, part, run);
  usage_error("no worker's job " + name);
}

}  // namespace tenfold::gnnbench
