#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "gnnbench/recording_run.h"
#include "gnnbench/transport_counting.h"
#include "gnnbench/transport_inproc.h"
#include "gnnbench/worker_jobs.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::span<std::byte> room_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

}  // namespace

TEST_CASE("messages of one sender and tag arrive in order, those of other tags do not wait for them") {
  run_inproc(2, [](Transport& transport) {
    const std::string first = "first", second = "second", other = "other";
    if (transport.rank() == 0) {
      std::vector<Ticket> sent = {transport.send(1, 7, bytes_of(first)), transport.send(1, 7, bytes_of(second)),
                                  transport.send(1, 8, bytes_of(other))};
      for (const Ticket ticket : sent) transport.wait(ticket);
    } else {
      std::string a(5, ' '), b(6, ' '), c(5, ' ');
      transport.wait(transport.receive(0, 8, room_of(c)));
      const Ticket ta = transport.receive(0, 7, room_of(a));
      transport.wait(transport.receive(0, 7, room_of(b)));
      transport.wait(ta);
      CHECK(a == "first");
      CHECK(b == "second");
      CHECK(c == "other");
    }
  });
}

TEST_CASE("a message is not done before its partner is there") {
  run_inproc(2, [](Transport& transport) {
    std::string text = "text", room(4, ' ');
    if (transport.rank() == 0) {
      const Ticket expected = transport.receive(1, 1, room_of(room));
      CHECK_FALSE(transport.done(expected));
      transport.barrier();
      transport.wait(expected);
      CHECK(room == "text");
    } else {
      transport.barrier();
      transport.wait(transport.send(0, 1, bytes_of(text)));
    }
  });
}

TEST_CASE("no worker passes a barrier before all have come") {
  for (const int workers : {1, 2, 3, 5, 8}) {
    std::atomic<int> came{0}, passed_early{0};
    run_inproc(workers, [&](Transport& transport) {
      for (int round = 1; round <= 50; ++round) {
        ++came;
        transport.barrier();
        if (came < round * workers) ++passed_early;
        transport.barrier();
      }
    });
    CHECK(passed_early == 0);
  }
}

TEST_CASE("sums are those in rank order, bit for bit, for any length") {
  // (2^30 + 1) - 2^30 in fp32 is 0 in rank order; beginning with the last it is 1.
  const std::array<float, 3> terms = {0x1p30f, 1.0f, -0x1p30f};
  for (const std::size_t length : {0u, 1u, 2u, 3u, 4u, 100u}) {
    run_inproc(3, [&](Transport& transport) {
      std::vector<float> values(length, terms[static_cast<std::size_t>(transport.rank())]);
      std::vector<double> doubles(length, transport.rank() + 0.5);
      transport.all_reduce_sum(std::span<float>(values));
      transport.all_reduce_sum(std::span<double>(doubles));
      CHECK(values == std::vector<float>(length, 0.0f));
      CHECK(doubles == std::vector<double>(length, 4.5));
    });
  }
}

TEST_CASE("bytes are counted where they leave, by purpose; what stays or only tells the time is not") {
  run_inproc(2, [](Transport& engine) {
    CountingTransport transport(engine);
    const std::string text(100, 'x');
    std::string room(100, ' ');
    const int peer = 1 - transport.rank();
    for (const auto& [to, traffic] : {std::pair{peer, Traffic::forward},
                                      {peer, Traffic::forward},
                                      {peer, Traffic::backward},
                                      {peer, Traffic::setup},
                                      {transport.rank(), Traffic::forward}}) {
      const Ticket expected = transport.receive(to, message_tag(traffic, 3, 5), room_of(room));
      transport.wait(transport.send(to, message_tag(traffic, 3, 5), bytes_of(text)));
      transport.wait(expected);
    }
    std::vector<float> values(11);
    transport.all_reduce_sum(std::span<float>(values));
    transport.barrier();
    CHECK(transport.counters().forward == 200);
    CHECK(transport.counters().backward == 100);
    CHECK(transport.counters().setup == 100);
    CHECK(transport.counters().feature_fetch == 0);
    // Of 11 values rank 0 owns 5 and rank 1 owns 6: each sends the other's share and its own sum.
    CHECK(transport.counters().allreduce == 11 * sizeof(float));
    CHECK(transport.counters().total() == 400 + 44);
  });
}

TEST_CASE("tags of other purposes, layers and parities differ") {
  CHECK(message_tag(Traffic::forward, 1, 4) == message_tag(Traffic::forward, 1, 6));
  CHECK(message_tag(Traffic::forward, 1, 4) != message_tag(Traffic::forward, 1, 5));
  CHECK(message_tag(Traffic::forward, 1, 4) != message_tag(Traffic::forward, 2, 4));
  CHECK(message_tag(Traffic::forward, 1, 4) != message_tag(Traffic::backward, 1, 4));
  CHECK(message_tag(Traffic::feature_fetch, 32767, 1) < kTagLimit);
}

TEST_CASE("a length that differs, a peer that is not there, a peer that ended: errors, not waits") {
  const auto message_of = [](const auto& body) {
    try {
      run_inproc(2, body);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  const std::string text = "text";
  CHECK(message_of([&](Transport& transport) {
          std::string room(3, ' ');
          if (transport.rank() == 0) transport.wait(transport.send(1, 0, bytes_of(text)));
          if (transport.rank() == 1) transport.wait(transport.receive(0, 0, room_of(room)));
        }) == "a message of 4 bytes where 3 were expected");
  CHECK(message_of([&](Transport& transport) { transport.send(2, 0, bytes_of(text)); }) == "no worker 2 among 2");
  CHECK(message_of([&](Transport& transport) {
          std::string room(4, ' ');
          if (transport.rank() == 1) transport.wait(transport.receive(0, 0, room_of(room)));
        }) == "worker 0 has ended");
  // The fault, not its consequence, is told.
  CHECK(message_of([&](Transport& transport) {
          if (transport.rank() == 1) input_error("the fault");
          transport.barrier();
        }) == "the fault");
}

TEST_CASE("random messages between threads arrive as they were sent") {
  for (const int workers : {1, 2, 4}) {
    const Json job = {{"job", "exchange"}, {"seed", 5}, {"rounds", 30}, {"largest_bytes", 5000}};
    Json answer;
    run_inproc(workers, [&](Transport& transport) {
      testing::RecordingRun run;
      const Json mine = exchange_job(job, transport, run);
      if (transport.rank() == 0) answer = mine;
    });
    CHECK(answer["ranks"] == workers);
    CHECK(answer["messages"].get<int>() > 0);
  }
}
