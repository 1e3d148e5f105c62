// Starts the workers of a run under mpirun.
#include "gnnbench/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/stop.h"
#include "gnnbench/locked_folder.h"
#include "gnnbench/mpirun_report.h"
#include "gnnbench/transport.h"
#include "gnnbench/worker_link.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;

namespace {

constexpr double kLookEvery = 0.2;   // seconds between looks at the stop flag and the heartbeats
constexpr double kTimeToStart = 60;  // seconds that a worker may take to join
constexpr double kLastWords = 5;     // seconds that mpirun gets to end its workers

// Where the job's folder stands, with all that Open MPI leaves in it: in memory where that is to be had.
fs::path job_place() {
  std::error_code ignored;
  return access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path(ignored);
}

// When each worker was last heard of.
class Heartbeats {
 public:
  Heartbeats(const fs::path& file, int workers) : count_(static_cast<std::size_t>(workers)), start_ns_(now_ns()) {
    const std::string zeros(sizeof(WorkerPulse) * count_, '\0');
    write_file_atomic(file, zeros);
    const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC);
    void* page = descriptor < 0 ? MAP_FAILED : mmap(nullptr, zeros.size(), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor >= 0) close(descriptor);
    if (page == MAP_FAILED) machine_error(file.string() + ": cannot be mapped: " + std::strerror(errno));
    pulses_ = static_cast<WorkerPulse*>(page);
  }
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;
  ~Heartbeats() { munmap(pulses_, sizeof(WorkerPulse) * count_); }

  bool all_there() const {
    for (std::size_t w = 0; w < count_; ++w)
      if (std::atomic_ref(pulses_[w].beat_ns).load() == 0) return false;
    return true;
  }

  // The worker that has been silent for longest of those silent for more than timeout_s; -1: none. Until it has joined a worker
  // has kTimeToStart at least.
  int silent(double timeout_s) const {
    int worst = -1;
    double longest = 0;
    for (std::size_t w = 0; w < count_; ++w) {
      const std::uint64_t beat = std::atomic_ref(pulses_[w].beat_ns).load();
      const double allowed = beat == 0 ? std::max(timeout_s, kTimeToStart) : timeout_s;
      const std::uint64_t now = now_ns(), last = beat == 0 ? start_ns_ : beat;
      const double silence = now > last ? static_cast<double>(now - last) * 1e-9 : 0;
      if (silence <= allowed || silence <= longest) continue;
      longest = silence;
      worst = static_cast<int>(w);
    }
    return worst;
  }

  // Whether the system says that it was stopped (SIGSTOP, a debugger).
  bool stopped(int worker) const {
    std::ifstream file("/proc/" + std::to_string(pulses_[worker].pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const std::size_t name_end = text.rfind(") ");
    return name_end != std::string::npos && (text[name_end + 2] == 'T' || text[name_end + 2] == 't');
  }

 private:
  static std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
  }

  std::size_t count_;
  std::uint64_t start_ns_;
  WorkerPulse* pulses_ = nullptr;
};

// The thread that serves rank 0's calls on the launcher's Run.
class CallServer {
 public:
  CallServer(const fs::path& folder, cli::Run& run) : run_(run) {
    for (const char* name : {"calls", "answers"})
      if (mkfifo((folder / name).c_str(), 0600) != 0) machine_error((folder / name).string() + ": " + std::strerror(errno));
    // Both ends are held here, so that neither side sees an end before the other one opens it.
    calls_ = open((folder / "calls").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    answers_ = open((folder / "answers").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    end_ = eventfd(0, EFD_CLOEXEC);
    if (calls_ < 0 || answers_ < 0 || end_ < 0) machine_error(folder.string() + ": " + std::strerror(errno));
    thread_ = std::thread([this] { listen(); });
  }
  CallServer(const CallServer&) = delete;
  CallServer& operator=(const CallServer&) = delete;
  ~CallServer() {
    finish();
    for (const int descriptor : {calls_, answers_, end_})
      if (descriptor >= 0) close(descriptor);
  }

  // After the workers have ended: serves what they still said. Returns rank 0's result.
  std::optional<Json> finish() {
    if (thread_.joinable()) {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = write(end_, &one, sizeof one);
      thread_.join();
    }
    return result_;
  }
  // A call could not be served; the workers wait in vain.
  bool failed() const { return failed_; }
  // After finish().
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void listen() {
    try {
      for (bool ending = false; !ending;) {
        std::array<pollfd, 2> watched = {pollfd{calls_, POLLIN, 0}, pollfd{end_, POLLIN, 0}};
        poll(watched.data(), watched.size(), -1);
        ending = watched[1].revents != 0;
        serve_what_is_there();
      }
    } catch (...) {
      failure_ = std::current_exception();
      failed_ = true;
    }
  }

  void serve_what_is_there() {
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t n = read(calls_, buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      unread_.append(buffer.data(), static_cast<std::size_t>(n));
      for (const Frame& frame : take_frames(unread_)) {
        const std::string answer = serve(frame, run_, result_);
        // Shorter than a pipe holds, and rank 0 reads it before it asks again.
        if (!answer.empty() && write(answers_, answer.data(), answer.size()) != static_cast<ssize_t>(answer.size()))
          machine_error(std::string("the pipe to worker 0: ") + std::strerror(errno));
      }
    }
  }

  cli::Run& run_;
  int calls_ = -1, answers_ = -1, end_ = -1;
  std::string unread_;
  std::optional<Json> result_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  std::thread thread_;
};

std::string this_program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) machine_error("/proc/self/exe: " + error.message());
  return path.string();
}

// Open MPI's settings: as root, more workers than cores, no binding, no ssh, shared memory and nothing else, yielding while it
// waits, no second's grace when a worker dies, no stack dumps. Whatever an mpirun around us has set is removed.
std::map<std::string, std::optional<std::string>> mpi_environment(const fs::path& folder, int threads) {
  std::map<std::string, std::optional<std::string>> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    for (const std::string_view prefix : {"OMPI_", "PMIX_", "ORTE_", "OPAL_"})
      if (text.starts_with(prefix)) out[std::string(text.substr(0, text.find('=')))] = std::nullopt;
  }
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                                                  {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                                                  {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
                                                                  {"OMPI_MCA_hwloc_base_binding_policy", "none"},
                                                                  {"OMPI_MCA_plm", "isolated"},
                                                                  {"OMPI_MCA_pml", "ob1"},
                                                                  {"OMPI_MCA_btl", "self,vader"},
                                                                  {"OMPI_MCA_mpi_yield_when_idle", "1"},
                                                                  {"OMPI_MCA_odls_base_sigkill_timeout", "0"},
                                                                  {"OMPI_MCA_opal_signal", ""},
                                                                  {"OMPI_MCA_orte_base_help_aggregate", "0"},
                                                                  {"OMPI_MCA_orte_tmpdir_base", folder.string()},
                                                                  {"OMPI_MCA_btl_vader_backing_directory", folder.string()},
                                                                  {"OMP_NUM_THREADS", std::to_string(threads)}})
    out[name] = value;
  return out;
}

ProcessCommand mpirun_command(const std::string& mpirun, const std::string& program, const fs::path& folder, int workers,
                              int threads) {
  ProcessCommand command;
  command.arguments = {mpirun, "-n", std::to_string(workers), program, "worker", folder.string()};
  command.environment = mpi_environment(folder, threads);
  command.signal_when_orphaned = SIGTERM;  // mpirun then ends its workers
  return command;
}

// The error that a worker left, of the lowest rank.
std::optional<Error> error_left_in(const fs::path& folder, int workers) {
  for (int rank = 0; rank < workers; ++rank) {
    const fs::path file = folder / ("error-" + std::to_string(rank) + ".json");
    if (!fs::exists(file)) continue;
    const Json text = Json::parse(read_file(file));
    return Error(static_cast<ExitCode>(text.at("error").get<int>()), text.at("message").get<std::string>());
  }
  return std::nullopt;
}

std::string seconds_text(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

// Passes lines on and signals down until mpirun has ended, or the server has failed. Throws Error(machine) for a worker that
// keeps silent.
void look_after(ChildProcess& mpirun, const CallServer& server, const Heartbeats& heartbeats, const LaunchOptions& options,
                MpirunReport& report, cli::Run& run) {
  bool stop_told = false;
  while (!server.failed()) {
    const ProcessEvent event = mpirun.next(kLookEvery);
    if (event.kind == ProcessEvent::Kind::ended) return;
    if (event.kind == ProcessEvent::Kind::output || (event.kind == ProcessEvent::Kind::error && !report.take(event.line)))
      run.note(event.line);
    if (!stop_told && stop_requested() && heartbeats.all_there()) {  // a worker that is not there yet would die of the signal
      mpirun.signal(SIGUSR1);
      stop_told = true;
    }
    if (const int worker = heartbeats.silent(options.timeout_s); worker >= 0) {
      const std::string how = heartbeats.stopped(worker) ? " (it is stopped)" : "";
      mpirun.signal(SIGTERM);
      mpirun.wait(kLastWords);
      machine_error("worker " + std::to_string(worker) + " gave no sign of life for " + seconds_text(options.timeout_s) + how +
                    "; the others were ended");
    }
  }
}

[[noreturn]] void tell_failure(const ProcessStatus& status, const MpirunReport& report) {
  if (const std::string cause = report.cause(); !cause.empty()) machine_error(cause);
  if (status.signal != 0) machine_error("mpirun was killed by signal " + std::to_string(status.signal));
  const std::string words = report.first_words();
  machine_error("mpirun could not run the workers (exit code " + std::to_string(status.code) + ")" +
                (words.empty() ? "" : ": " + words));
}

}  // namespace

Json launch_workers(Json job, const LaunchOptions& options, cli::Run& run) {
  const std::string mpirun = find_program("mpirun");
  if (mpirun.empty())
    machine_error("mpirun is not in PATH, and several workers need it; install openmpi-bin, or take one worker");
  const std::string program = options.program.empty() ? this_program() : options.program.string();
  const int threads = std::max(1, run.threads() / options.workers);

  const LockedFolder folder(job_place(), "gnnbench-job-");
  job["workers"] = options.workers;
  job["threads"] = threads;
  job["seed"] = run.seed();
  job["verbose"] = run.verbose();
  job["config"] = run.config();
  job["directory"] = run.directory() != nullptr ? Json(run.directory()->path().string()) : Json();
  write_file_atomic(folder.path() / "job.json", data::dump_json(job));
  if (const std::optional<cli::State> state = run.resume_from()) write_state(folder.path() / "resume", *state);
  const Heartbeats heartbeats(folder.path() / "heartbeats", options.workers);

  MpirunReport report;
  std::optional<ProcessStatus> status;
  std::optional<Json> result;
  {
    CallServer server(folder.path(), run);
    ChildProcess child(mpirun_command(mpirun, program, folder.path(), options.workers, threads));
    look_after(child, server, heartbeats, options, report, run);
    status = child.status();
    result = server.finish();
    server.rethrow();
  }
  if (const std::optional<Error> error = error_left_in(folder.path(), options.workers)) {
    if (error->exit_code() == ExitCode::interrupted) run.interrupted();
    throw *error;
  }
  if (status->code != 0) tell_failure(*status, report);
  if (!result) machine_error("worker 0 ended without an answer");
  return *result;
}

}  // namespace tenfold::gnnbench
