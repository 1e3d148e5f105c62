// The digest of draws: the bytes it hashes, and that it goes on from a checkpoint.
#include "gnnbench/stream_digest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

// Seeds 40, 7; hop 1: 40 <- 7, 7 <- 90; hop 2: 40 <- 40, 7 <- nothing, 90 <- 5.
MiniBatch two_hops() {
  MiniBatch batch;
  batch.seeds = {40, 7};
  batch.blocks = {{.destinations = 3,
                   .sources = {40, 7, 90, 5},
                   .indptr = {0, 1, 1, 2},
                   .indices = {0, 3},
                   .weights = {},
                   .inverse_inclusion = {}},
                  {.destinations = 2,
                   .sources = {40, 7, 90},
                   .indptr = {0, 1, 2},
                   .indices = {1, 2},
                   .weights = {},
                   .inverse_inclusion = {}}};
  return batch;
}

std::string little_endian(const std::vector<std::int64_t>& ids) {
  std::string bytes;
  for (const std::int64_t id : ids)
    for (int byte = 0; byte < 8; ++byte) bytes += static_cast<char>(id >> 8 * byte & 255);
  return bytes;
}

}  // namespace

TEST_CASE("the stream is (destination, source) of hop 1, then of hop 2, then the next update's") {
  StreamDigest digest;
  digest.add_edges(two_hops());
  const std::vector<std::int64_t> ids = {40, 7, 7, 90, 40, 40, 90, 5};
  CHECK(digest.hex() == sha256_hex(std::string_view(little_endian(ids))));
  const std::vector<NodeId> more = {1, 2147483646};
  digest.add_nodes(more);
  auto all = ids;
  all.insert(all.end(), {1, 2147483646});
  CHECK(digest.hex() == sha256_hex(std::string_view(little_endian(all))));
}

TEST_CASE("a digest goes on from its checkpoint") {
  StreamDigest whole, first;
  for (int update = 0; update < 5; ++update) whole.add_edges(two_hops());
  for (int update = 0; update < 3; ++update) first.add_edges(two_hops());
  StreamDigest second(first.save());
  for (int update = 3; update < 5; ++update) second.add_edges(two_hops());
  CHECK(second.hex() == whole.hex());
  CHECK(second.hex() != first.hex());
  CHECK_THROWS_AS(StreamDigest("nothing"), Error);
}

TEST_CASE("workers' digests in rank order make the run's; one worker's is the run's") {
  const std::vector<std::string> one = {"ab"}, two = {"ab", "cd"}, turned = {"cd", "ab"};
  CHECK(combine_digests(one) == "ab");
  CHECK(combine_digests(two) == sha256_hex(std::string_view("abcd")));
  CHECK(combine_digests(turned) != combine_digests(two));
}
