// One of the workers of a run.
#include "gnnbench/worker_main.h"

#include <signal.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stop.h"
#include "cli/torch_part.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/worker_jobs.h"
#include "gnnbench/worker_link.h"

namespace tenfold::gnnbench {

namespace {

// Workers share the fate of mpirun, and finish a step when the launcher asks for it.
void take_signals() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct sigaction action = {};
  action.sa_handler = [](int) { request_stop(); };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}

int rank_of_environment() {
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  if (rank == nullptr) usage_error("worker is started by gnnbench itself, under mpirun");
  return std::atoi(rank);
}

// What ended the job, as an Error.
template <class Job>
std::optional<Error> error_of(const Job& job) {
  try {
    job();
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ExitCode::machine, "out of memory");
  } catch (const std::exception& error) {
    return Error(ExitCode::machine, std::string("a worker failed: ") + error.what());
  }
  return std::nullopt;
}

int work(const std::filesystem::path& folder) {
  const int rank = rank_of_environment();
  const Json job = Json::parse(read_file(folder / "job.json"));
  WorkerRun run(folder, job, rank);
  std::unique_ptr<TorchPart> part;
  std::unique_ptr<WorkerTransport> transport;
  const std::optional<Error> error = error_of([&] {
    part = cli::open_torch_part<TorchPart>("gnnbench");
    JoinOptions join{.heartbeats = folder / "heartbeats"};
    join.chunk_bytes = job.value("chunk_bytes", join.chunk_bytes);
    transport = part->join_workers(join);
    const Json answer = run_worker_job(job, *transport, *part, run);
    if (rank == 0) run.result(answer);
  });
  if (error) run.fail(*error);
  // All workers leave an interrupted run together; any other error is one worker's, and ends the rest.
  if (error && error->exit_code() != ExitCode::interrupted) {
    if (transport) transport->abort(static_cast<int>(error->exit_code()));
    return static_cast<int>(error->exit_code());
  }
  if (transport) transport->leave();
  return 0;
}

}  // namespace

int worker_main(int argc, char** argv) {
  take_signals();
  int code = 0;
  const std::optional<Error> error = error_of([&] {
    if (argc != 3) usage_error("worker is started by gnnbench itself, under mpirun");
    code = work(argv[2]);
  });
  if (!error) return code;
  Log("gnnbench").error(error->message());
  return static_cast<int>(error->exit_code());
}

}  // namespace tenfold::gnnbench
