// Workers as threads of one process: one table of messages under one lock.
#include "gnnbench/transport_inproc.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>

#include "base/error.h"
#include "gnnbench/collective.h"

namespace tenfold::gnnbench {

namespace {

// Thrown to workers that wait for one that failed.
class PeerEnded : public Error {
 public:
  explicit PeerEnded(int peer) : Error(ExitCode::machine, "worker " + std::to_string(peer) + " has ended") {}
};

struct Sending {
  Ticket ticket;
  std::span<const std::byte> bytes;
};
struct Receiving {
  Ticket ticket;
  std::span<std::byte> bytes;
};
// Messages of one (sender, receiver, tag) that have met no partner yet; one of the two is empty.
struct Lane {
  std::deque<Sending> sent;
  std::deque<Receiving> expected;
};

struct Pending {
  int peer = 0;
  bool done = false;
  std::string fault;
};

struct Post {
  std::mutex mutex;
  std::condition_variable moved;
  std::map<std::tuple<int, int, int>, Lane> lanes;
  std::unordered_map<Ticket, Pending> pending;
  std::vector<bool> ended;
  Ticket next = 1;

  Ticket open(int peer) {
    pending[next].peer = peer;
    return next++;
  }

  void deliver(const Sending& from, const Receiving& to) {
    if (from.bytes.size() == to.bytes.size()) {
      std::copy(from.bytes.begin(), from.bytes.end(), to.bytes.begin());
    } else {
      pending[to.ticket].fault = "a message of " + std::to_string(from.bytes.size()) + " bytes where " +
                                 std::to_string(to.bytes.size()) + " were expected";
    }
    pending[from.ticket].done = pending[to.ticket].done = true;
    moved.notify_all();
  }
};

class InprocTransport final : public MessageTransport {
 public:
  InprocTransport(std::shared_ptr<Post> post, int rank, int size) : post_(std::move(post)), rank_(rank), size_(size) {}
  ~InprocTransport() override {
    const std::lock_guard lock(post_->mutex);
    post_->ended[static_cast<std::size_t>(rank_)] = true;
    // Its buffers go with it.
    for (auto& [key, lane] : post_->lanes) {
      if (std::get<0>(key) == rank_) lane.sent.clear();
      if (std::get<1>(key) == rank_) lane.expected.clear();
    }
    post_->moved.notify_all();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return "inproc"; }

  Ticket send(int peer, int tag, std::span<const std::byte> bytes) override {
    check_message(*this, peer, tag);
    const std::lock_guard lock(post_->mutex);
    Lane& lane = post_->lanes[{rank_, peer, tag}];
    const Sending message{post_->open(peer), bytes};
    if (lane.expected.empty()) {
      lane.sent.push_back(message);
    } else {
      post_->deliver(message, lane.expected.front());
      lane.expected.pop_front();
    }
    return message.ticket;
  }

  Ticket receive(int peer, int tag, std::span<std::byte> bytes) override {
    check_message(*this, peer, tag);
    const std::lock_guard lock(post_->mutex);
    Lane& lane = post_->lanes[{peer, rank_, tag}];
    const Receiving message{post_->open(peer), bytes};
    if (lane.sent.empty()) {
      lane.expected.push_back(message);
    } else {
      post_->deliver(lane.sent.front(), message);
      lane.sent.pop_front();
    }
    return message.ticket;
  }

  void wait(Ticket ticket) override {
    std::unique_lock lock(post_->mutex);
    post_->moved.wait(lock, [&] { return over(ticket); });
    finish(ticket);
  }

  bool done(Ticket ticket) override {
    const std::lock_guard lock(post_->mutex);
    if (!over(ticket)) return false;
    finish(ticket);
    return true;
  }

 private:
  Pending& find(Ticket ticket) const {
    const auto found = post_->pending.find(ticket);
    if (found == post_->pending.end()) machine_error("a message was waited for twice");
    return found->second;
  }
  bool over(Ticket ticket) const {
    const Pending& pending = find(ticket);
    return pending.done || post_->ended[static_cast<std::size_t>(pending.peer)];
  }
  void finish(Ticket ticket) {
    const Pending pending = find(ticket);
    post_->pending.erase(ticket);
    if (!pending.done) throw PeerEnded(pending.peer);
    if (!pending.fault.empty()) machine_error(pending.fault);
  }

  std::shared_ptr<Post> post_;
  int rank_, size_;
};

}  // namespace

std::vector<std::unique_ptr<Transport>> make_inproc(int workers) {
  auto post = std::make_shared<Post>();
  post->ended.assign(static_cast<std::size_t>(workers), false);
  std::vector<std::unique_ptr<Transport>> out;
  for (int rank = 0; rank < workers; ++rank) out.push_back(std::make_unique<InprocTransport>(post, rank, workers));
  return out;
}

void run_inproc(int workers, const std::function<void(Transport&)>& body) {
  std::vector<std::unique_ptr<Transport>> transports = make_inproc(workers);
  std::vector<std::exception_ptr> failures(transports.size()), consequences(transports.size());
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < transports.size(); ++rank)
    threads.emplace_back([&, rank] {
      try {
        body(*transports[rank]);
      } catch (const PeerEnded&) {
        consequences[rank] = std::current_exception();
      } catch (...) {
        failures[rank] = std::current_exception();
      }
      transports[rank].reset();
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& list : {failures, consequences})
    for (const std::exception_ptr& failure : list)
      if (failure) std::rethrow_exception(failure);
}

}  // namespace tenfold::gnnbench
