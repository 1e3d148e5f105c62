// What crosses between the workers and the process that started them.
#include "gnnbench/worker_link.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/stop.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLengths = 16;  // two u64: of the JSON, of the bytes
constexpr std::uint64_t kLongest = std::uint64_t{1} << 40;

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) machine_error(std::string("the pipe to the launcher: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

int open_pipe(const fs::path& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) machine_error(path.string() + ": " + std::strerror(errno));
  return descriptor;
}

Json progress_json(const Progress& p) {
  return {{"do", "step"}, {"what", p.what}, {"done", p.done}, {"total", p.total}, {"unit", p.unit}, {"note", p.note}};
}

// Blobs one behind the other, their names and lengths in the head.
Json state_head(const cli::State& state, std::string& bytes) {
  Json blobs = Json::array();
  for (const auto& [name, blob] : state.blobs) {
    blobs.push_back({{"name", name}, {"bytes", blob.size()}});
    bytes += blob;
  }
  return {{"do", "save"}, {"json", state.json}, {"blobs", blobs}};
}

cli::State state_of(const Frame& frame) {
  cli::State state{.json = frame.head.at("json"), .blobs = {}};
  std::size_t offset = 0;
  for (const Json& blob : frame.head.at("blobs")) {
    const auto length = blob.at("bytes").get<std::size_t>();
    state.blobs[blob.at("name").get<std::string>()] = frame.bytes.substr(offset, length);
    offset += length;
  }
  return state;
}

}  // namespace

std::string encode(const Json& head, std::string_view bytes) {
  const std::string text = data::dump_json(head);
  const std::array<std::uint64_t, 2> lengths = {text.size(), bytes.size()};
  std::string out(kLengths, '\0');
  std::memcpy(out.data(), lengths.data(), kLengths);
  out += text;
  out += bytes;
  return out;
}

std::vector<Frame> take_frames(std::string& buffer) {
  std::vector<Frame> out;
  std::size_t begin = 0;
  while (buffer.size() - begin >= kLengths) {
    std::array<std::uint64_t, 2> lengths{};
    std::memcpy(lengths.data(), buffer.data() + begin, kLengths);
    if (lengths[0] > kLongest || lengths[1] > kLongest) machine_error("a worker sent a message that makes no sense");
    const std::size_t whole = kLengths + lengths[0] + lengths[1];
    if (buffer.size() - begin < whole) break;
    const std::string_view text = std::string_view(buffer).substr(begin + kLengths, lengths[0]);
    out.push_back({Json::parse(text), buffer.substr(begin + kLengths + lengths[0], lengths[1])});
    begin += whole;
  }
  buffer.erase(0, begin);
  return out;
}

void write_state(const fs::path& folder, const cli::State& state) {
  fs::create_directories(folder);
  for (const auto& [name, blob] : state.blobs) write_file_atomic(folder / ("blob-" + name), blob);
  write_file_atomic(folder / "state.json", data::dump_json(state.json));
}

std::optional<cli::State> read_state(const fs::path& folder) {
  if (!fs::exists(folder / "state.json")) return std::nullopt;
  cli::State state{.json = Json::parse(read_file(folder / "state.json")), .blobs = {}};
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (const std::string name = entry.path().filename().string(); name.starts_with("blob-"))
      state.blobs[name.substr(5)] = read_file(entry.path());
  return state;
}

class WorkerRun::Directory final : public cli::RunDirectory {
 public:
  Directory(WorkerRun& run, fs::path path) : run_(run), path_(std::move(path)) {}
  const fs::path& path() const override { return path_; }
  fs::path claim(std::string_view relative) override {
    return run_.ask({{"do", "claim"}, {"file", relative}}).get<std::string>();
  }
  void write(std::string_view relative, std::string_view bytes) override {
    run_.ask({{"do", "write"}, {"file", relative}}, bytes);
  }

 private:
  WorkerRun& run_;
  fs::path path_;
};

WorkerRun::WorkerRun(fs::path folder, const Json& job, int rank)
    : folder_(std::move(folder)), job_(std::make_unique<Json>(job)), rank_(rank) {
  if (rank_ != 0) return;
  calls_ = open_pipe(folder_ / "calls", O_WRONLY);
  answers_ = open_pipe(folder_ / "answers", O_RDONLY);
  if (const Json& path = job.at("directory"); path.is_string())
    directory_ = std::make_unique<Directory>(*this, path.get<std::string>());
}

WorkerRun::~WorkerRun() {
  for (const int descriptor : {calls_, answers_})
    if (descriptor >= 0) close(descriptor);
}

void WorkerRun::tell(const Json& head, std::string_view bytes) {
  if (rank_ != 0) return;
  const std::string frame = encode(head, bytes);
  const std::lock_guard lock(mutex_);
  write_all(calls_, frame);
}

Json WorkerRun::ask(const Json& head, std::string_view bytes) {
  const std::string frame = encode(head, bytes);
  const std::lock_guard lock(mutex_);
  write_all(calls_, frame);
  for (;;) {
    for (const Frame& answer : take_frames(unread_)) {
      if (answer.head.contains("ok")) return answer.head["ok"];
      throw Error(static_cast<ExitCode>(answer.head.at("error").get<int>()), answer.head.at("message").get<std::string>());
    }
    std::array<char, 4096> buffer;
    const ssize_t n = read(answers_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) machine_error("the launcher is gone");
    unread_.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

bool WorkerRun::stop() { return stop_requested(); }
void WorkerRun::step(const Progress& progress) {
  count_step();
  tell(progress_json(progress));
}
void WorkerRun::log(const Json& line) { tell({{"do", "log"}, {"line", line}}); }
void WorkerRun::warn(std::string message) { tell({{"do", "warn"}, {"message", message}}); }
void WorkerRun::note(std::string message) { tell({{"do", "note"}, {"message", message}}); }
std::optional<cli::State> WorkerRun::resume_from() { return read_state(folder_ / "resume"); }

void WorkerRun::save(const cli::State& state) {
  if (rank_ != 0) return;
  std::string bytes;
  const Json head = state_head(state, bytes);
  ask(head, bytes);
}

void WorkerRun::interrupted() { throw Error(ExitCode::interrupted, kInterrupted); }
cli::RunDirectory* WorkerRun::directory() { return directory_.get(); }
std::ostream& WorkerRun::product() { machine_error("a worker has no product to write"); }
std::uint64_t WorkerRun::seed() const { return job_->at("seed").get<std::uint64_t>(); }
int WorkerRun::threads() const { return job_->at("threads").get<int>(); }
bool WorkerRun::verbose() const { return job_->at("verbose").get<bool>(); }
const Json& WorkerRun::config() const { return job_->at("config"); }

void WorkerRun::result(const Json& value) { tell({{"do", "result"}, {"value", value}}); }

void WorkerRun::fail(const Error& error) {
  const Json text = {{"error", static_cast<int>(error.exit_code())}, {"message", error.message()}};
  write_file_atomic(folder_ / ("error-" + std::to_string(rank_) + ".json"), data::dump_json(text));
}

std::string serve(const Frame& frame, cli::Run& run, std::optional<Json>& result) {
  const Json& head = frame.head;
  const auto action = head.at("do").get<std::string>();
  const auto text = [&](const char* key) { return head.at(key).get<std::string>(); };
  if (action == "step") {
    run.step({text("what"), head.at("done").get<double>(), head.at("total").get<double>(), text("unit"), text("note")});
  } else if (action == "result") {
    result = head.at("value");
  } else if (action == "log") {
    run.log(head.at("line"));
  } else if (action == "warn") {
    run.warn(text("message"));
  } else if (action == "note") {
    run.note(text("message"));
  } else {
    try {
      Json answer = true;
      if (action == "save") run.save(state_of(frame));
      if (action == "claim") answer = run.directory()->claim(text("file")).string();
      if (action == "write") run.directory()->write(text("file"), frame.bytes);
      return encode({{"ok", answer}}, {});
    } catch (const Error& error) {
      return encode({{"error", static_cast<int>(error.exit_code())}, {"message", error.message()}}, {});
    }
  }
  return "";
}

}  // namespace tenfold::gnnbench
