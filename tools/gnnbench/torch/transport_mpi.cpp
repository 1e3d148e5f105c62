// Workers as processes joined by Open MPI.
#include "gnnbench/torch/transport_mpi.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#define OMPI_SKIP_MPICXX
#include <mpi.h>

#include "base/error.h"
#include "gnnbench/collective.h"

namespace tenfold::gnnbench {

namespace {

void check_mpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  machine_error(std::string("Open MPI: ") + what + ": " + std::string(text, static_cast<std::size_t>(length)));
}

std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// The page in which the launcher reads that this worker lives.
class Pulse {
 public:
  Pulse(const std::filesystem::path& file, int rank, int size) {
    if (file.empty()) return;
    length_ = sizeof(WorkerPulse) * static_cast<std::size_t>(size);
    const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC);
    void* page = descriptor < 0 ? MAP_FAILED : mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor >= 0) close(descriptor);
    if (page == MAP_FAILED) machine_error(file.string() + ": cannot be mapped");
    page_ = static_cast<WorkerPulse*>(page);
    mine_ = page_ + rank;
    std::atomic_ref(mine_->pid).store(getpid());
    beat();
  }
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;
  ~Pulse() {
    if (page_ != nullptr) munmap(page_, length_);
  }
  void beat() {
    if (mine_ != nullptr) std::atomic_ref(mine_->beat_ns).store(monotonic_ns());
  }

 private:
  WorkerPulse* page_ = nullptr;
  WorkerPulse* mine_ = nullptr;
  std::size_t length_ = 0;
};

// A message under way: its pieces, and what became of them.
struct Operation {
  std::size_t open_pieces = 0;
  bool receives = false;
  std::string fault;
};

// One piece as the communication thread holds it.
struct Piece {
  Ticket ticket = 0;
  std::size_t bytes = 0;
  MPI_Request request = MPI_REQUEST_NULL;
};

class MpiTransport final : public MessageTransport {
 public:
  explicit MpiTransport(std::size_t chunk_bytes, const std::filesystem::path& heartbeats)
      : rank_(world_rank()), size_(world_size()), chunk_(chunk_bytes), pulse_(heartbeats, rank_, size_), thread_([this] {
          drive();
        }) {}
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;
  ~MpiTransport() override { end_thread(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return "mpi"; }

  Ticket send(int peer, int tag, std::span<const std::byte> bytes) override {
    check_message(*this, peer, tag);
    return start(false, bytes.size(), [&](std::size_t offset, int count, MPI_Request* request) {
      check_mpi(MPI_Isend(bytes.data() + offset, count, MPI_BYTE, peer, tag, MPI_COMM_WORLD, request), "sending");
    });
  }
  Ticket receive(int peer, int tag, std::span<std::byte> bytes) override {
    check_message(*this, peer, tag);
    return start(true, bytes.size(), [&](std::size_t offset, int count, MPI_Request* request) {
      check_mpi(MPI_Irecv(bytes.data() + offset, count, MPI_BYTE, peer, tag, MPI_COMM_WORLD, request), "receiving");
    });
  }
  void wait(Ticket ticket) override {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return find(ticket).open_pieces == 0; });
    close_operation(ticket);
  }
  bool done(Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    if (find(ticket).open_pieces != 0) return false;
    close_operation(ticket);
    return true;
  }

  void end_thread() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    started_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  static int world_rank() {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
  }
  static int world_size() {
    int size = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
  }

  // Pieces of one message have one tag: MPI keeps their order. The buffer belongs to MPI until the last one is done.
  template <class Begin>
  Ticket start(bool receives, std::size_t bytes, const Begin& begin) {
    std::vector<Piece> pieces;
    std::size_t offset = 0;
    do {
      Piece& piece = pieces.emplace_back();
      piece.bytes = std::min(chunk_, bytes - offset);
      begin(offset, static_cast<int>(piece.bytes), &piece.request);
      offset += piece.bytes;
    } while (offset < bytes);
    Ticket ticket = 0;
    {
      const std::lock_guard lock(mutex_);
      ticket = next_++;
      Operation& operation = operations_[ticket];
      operation.open_pieces = pieces.size();
      operation.receives = receives;
      for (Piece& piece : pieces) {
        piece.ticket = ticket;
        fresh_.push_back(piece);
      }
    }
    started_.notify_one();
    return ticket;
  }

  Operation& find(Ticket ticket) {
    const auto found = operations_.find(ticket);
    if (found == operations_.end()) machine_error("a message was waited for twice");
    return found->second;
  }
  void close_operation(Ticket ticket) {
    const std::string fault = std::move(find(ticket).fault);
    operations_.erase(ticket);
    if (!fault.empty()) machine_error(fault);
  }

  // The communication thread. A message is looked for often at first, as most come soon, then every 0.1 ms, then every ms.
  void drive() {
    std::vector<Piece> pieces;
    std::vector<MPI_Request> requests;
    int looks_in_vain = 0;
    for (;;) {
      pulse_.beat();
      {
        std::unique_lock lock(mutex_);
        const auto woken = [&] { return ending_ || !fresh_.empty(); };
        if (pieces.empty()) {
          started_.wait_for(lock, std::chrono::milliseconds(200), woken);
        } else if (looks_in_vain >= kEagerLooks) {
          const bool long_wait = looks_in_vain >= kEagerLooks + kQuickSleeps;
          started_.wait_for(lock, std::chrono::microseconds(long_wait ? 1000 : 100), woken);
        }
        if (ending_) return;  // what is still under way belongs to a run that failed
        if (!fresh_.empty()) looks_in_vain = 0;
        for (const Piece& piece : fresh_) {
          pieces.push_back(piece);
          requests.push_back(piece.request);
        }
        fresh_.clear();
      }
      if (pieces.empty()) continue;
      looks_in_vain = take_finished(pieces, requests) ? 0 : looks_in_vain + 1;
      if (looks_in_vain > 0 && looks_in_vain < kEagerLooks) std::this_thread::yield();
    }
  }

  bool take_finished(std::vector<Piece>& pieces, std::vector<MPI_Request>& requests) {
    std::vector<int> which(requests.size());
    std::vector<MPI_Status> statuses(requests.size());
    int count = 0;
    const int code = MPI_Testsome(static_cast<int>(requests.size()), requests.data(), &count, which.data(), statuses.data());
    if (count <= 0) return false;
    {
      const std::lock_guard lock(mutex_);
      for (int i = 0; i < count; ++i) {
        const Piece& piece = pieces[static_cast<std::size_t>(which[static_cast<std::size_t>(i)])];
        Operation& operation = operations_.at(piece.ticket);
        note_fault(operation, piece, statuses[static_cast<std::size_t>(i)], code == MPI_ERR_IN_STATUS);
        --operation.open_pieces;
      }
    }
    finished_.notify_all();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i] == MPI_REQUEST_NULL) continue;
      requests[kept] = requests[i];
      pieces[kept++] = pieces[i];
    }
    requests.resize(kept);
    pieces.resize(kept);
    return true;
  }

  static void note_fault(Operation& operation, const Piece& piece, const MPI_Status& status, bool some_failed) {
    if (!operation.fault.empty()) return;
    if (some_failed && status.MPI_ERROR != MPI_SUCCESS) {
      operation.fault = status.MPI_ERROR == MPI_ERR_TRUNCATE
                            ? "a message of more than the " + std::to_string(piece.bytes) + " bytes that were expected"
                            : "Open MPI: a message failed with error " + std::to_string(status.MPI_ERROR);
      return;
    }
    int arrived = 0;
    if (operation.receives) MPI_Get_count(&status, MPI_BYTE, &arrived);
    if (operation.receives && static_cast<std::size_t>(arrived) != piece.bytes)
      operation.fault =
          "a message of " + std::to_string(arrived) + " bytes where " + std::to_string(piece.bytes) + " were expected";
  }

  static constexpr int kEagerLooks = 200, kQuickSleeps = 200;

  const int rank_, size_;
  const std::size_t chunk_;
  std::mutex mutex_;
  std::condition_variable started_, finished_;
  std::unordered_map<Ticket, Operation> operations_;
  std::vector<Piece> fresh_;  // not yet seen by the communication thread
  Ticket next_ = 1;
  bool ending_ = false;
  Pulse pulse_;
  std::thread thread_;  // last: it uses all of the above
};

class MpiWorker final : public WorkerTransport {
 public:
  explicit MpiWorker(const JoinOptions& options) : messages_(initialised(options.chunk_bytes), options.heartbeats) {}

  int rank() const override { return messages_.rank(); }
  int size() const override { return messages_.size(); }
  std::string name() const override { return messages_.name(); }
  Ticket send(int peer, int tag, std::span<const std::byte> bytes) override { return messages_.send(peer, tag, bytes); }
  Ticket receive(int peer, int tag, std::span<std::byte> bytes) override { return messages_.receive(peer, tag, bytes); }
  void wait(Ticket ticket) override { messages_.wait(ticket); }
  bool done(Ticket ticket) override { return messages_.done(ticket); }
  void all_reduce_sum(std::span<float> values) override { messages_.all_reduce_sum(values); }
  void all_reduce_sum(std::span<double> values) override { messages_.all_reduce_sum(values); }
  void barrier() override { messages_.barrier(); }

  void leave() override {
    barrier();
    messages_.end_thread();
    MPI_Finalize();
  }
  void abort(int exit_code) override {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
  }

 private:
  static std::size_t initialised(std::size_t chunk_bytes) {
    int granted = 0;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &granted), "starting");
    if (granted < MPI_THREAD_MULTIPLE) machine_error("Open MPI was built without support for threads; several workers need it");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    void* limit = nullptr;
    int known = 0;
    MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, static_cast<void*>(&limit), &known);
    if (known == 0 || *static_cast<int*>(limit) < kTagLimit + 1) machine_error("Open MPI allows too few message tags");
    return chunk_bytes;
  }

  MpiTransport messages_;
};

}  // namespace

std::unique_ptr<WorkerTransport> join_mpi(const JoinOptions& options) { return std::make_unique<MpiWorker>(options); }

}  // namespace tenfold::gnnbench
