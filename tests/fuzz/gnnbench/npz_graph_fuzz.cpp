// A gnn-benchmark archive of any numbers. The bytes are those of the arrays, not of the archive, whose checksums would keep
// everything out: five lengths, then elements, put together here as stored members without error.
#include <zlib.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "data/zip_bytes.h"
#include "gnnbench/npz_graph.h"

namespace {

using namespace tenfold;

// The next `count` bytes as an int8 array.
test::ZipMember member(const std::string& name, std::string_view& rest, std::size_t count) {
  const std::string elements(rest.substr(0, std::min(count, rest.size())));
  rest.remove_prefix(elements.size());
  const std::int64_t shape[] = {static_cast<std::int64_t>(elements.size())};
  return {.name = name + ".npy", .content = data::npy_header(data::NpyType::i8, shape) + elements};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.size() < 8) return 0;
  const std::string_view lengths = rest.substr(0, 8);
  rest.remove_prefix(8);
  const char* names[] = {"adj_shape",  "adj_indptr", "adj_indices", "labels",
                         "train_mask", "val_idx",    "attr_indptr", "attr_indices"};
  std::vector<test::ZipMember> members;
  for (std::size_t i = 0; i < 8; ++i)
    if (lengths[i] != '-') members.push_back(member(names[i], rest, static_cast<std::size_t>(lengths[i] - '0') & 63));
  members.push_back(member("attr_shape", rest, 2));
  members.push_back(member("attr_data", rest, rest.size()));
  const std::string bytes = test::zip_bytes(members);
  try {
    const auto graph = gnnbench::read_npz_graph(data::Npz::parse(std::as_bytes(std::span(bytes)), "fuzz.npz"));
    for (const gnnbench::Edge& e : graph.edges)
      if (e.source < 0 || e.source >= graph.nodes || e.target < 0 || e.target >= graph.nodes) std::abort();
    for (const std::int32_t y : graph.labels)
      if (y < -1 || y >= graph.classes) std::abort();
  } catch (const Error&) {
  }
  return 0;
}
