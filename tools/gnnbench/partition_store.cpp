#include "gnnbench/partition_store.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "data/npy.h"

namespace tenfold::gnnbench {
namespace {

std::string file_name(const Dataset& data, int k, const PartitionOptions& o) {
  const bool metis = o.method == PartitionMethod::metis;
  return fmt::format("parts-{}-{}{}{}-k{}-seed{}.npy", data.digest.substr(0, 16), name_of(o.method),
                     metis ? std::string("-") + name_of(o.objective) : "", metis && o.balance_train ? "-balanced" : "", k,
                     o.seed);
}

}  // namespace

Partition stored_partition(const Dataset& data, int k, std::span<const std::uint8_t> train, const PartitionOptions& options,
                           const std::filesystem::path& folder) {
  const auto compute = [&] { return partition_graph(data.graph, data.direction == Direction::symmetric, k, train, options); };
  if (folder.empty() || k == 1) return compute();
  const std::filesystem::path file = folder / file_name(data, k, options);
  if (std::filesystem::exists(file)) {
    const data::NpyArray array = data::NpyArray::map(file);
    const std::span<const std::int32_t> parts = array.view<std::int32_t>();
    if (static_cast<std::int64_t>(parts.size()) != data.nodes() ||
        std::any_of(parts.begin(), parts.end(), [&](std::int32_t part) { return part < 0 || part >= k; }))
      input_error(file.string() + ": not a partition of this graph; remove the file");
    return {.parts = k, .part_of = {parts.begin(), parts.end()}};
  }
  Partition partition = compute();
  std::filesystem::create_directories(folder);
  const std::array<std::int64_t, 1> shape = {data.nodes()};
  data::write_npy(file, data::NpyType::i32, shape, std::as_bytes(std::span(partition.part_of)));
  return partition;
}

}  // namespace tenfold::gnnbench
