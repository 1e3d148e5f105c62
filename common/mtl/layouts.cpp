// Which tasks share which blocks: partitions of the tasks, each refining the one before.
#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/suggest.h"
#include "data/json_reader.h"
#include "mtl/architectures.h"

namespace tenfold::mtl {
namespace {

using Partition = std::vector<std::vector<int>>;

Partition together(int tasks) {
  Partition partition(1);
  for (int i = 0; i < tasks; ++i) partition[0].push_back(i);
  return partition;
}

Partition apart(int tasks) {
  Partition partition;
  for (int i = 0; i < tasks; ++i) partition.push_back({i});
  return partition;
}

// Groups ascending inside, and by their first task.
Partition sorted(Partition partition) {
  for (std::vector<int>& group : partition) std::ranges::sort(group);
  std::ranges::sort(partition);
  return partition;
}

bool refines(const Partition& fine, const Partition& coarse) {
  return std::ranges::all_of(fine, [&](const std::vector<int>& group) {
    return std::ranges::any_of(coarse, [&](const std::vector<int>& whole) {
      return std::ranges::all_of(group, [&](int task) { return std::ranges::find(whole, task) != whole.end(); });
    });
  });
}

std::vector<Partition> all_partitions(int tasks) {
  std::vector<Partition> partitions = {{}};
  for (int task = 0; task < tasks; ++task) {
    std::vector<Partition> longer;
    for (const Partition& partition : partitions) {
      for (std::size_t group = 0; group <= partition.size(); ++group) {
        Partition with = partition;
        if (group == with.size()) with.emplace_back();
        with[group].push_back(task);
        longer.push_back(std::move(with));
      }
    }
    partitions = std::move(longer);
  }
  for (Partition& partition : partitions) partition = sorted(std::move(partition));
  std::ranges::sort(partitions, {}, [](const Partition& p) { return std::make_pair(p.size(), p); });
  return partitions;
}

[[noreturn]] void layout_error(std::string_view layout, const std::string& message) {
  usage_error("layout " + std::string(layout) + ": " + message);
}

Partition read_partition(std::string_view layout, const data::JsonValue& value, int tasks) {
  Partition partition;
  std::vector<int> seen(static_cast<std::size_t>(tasks), 0);
  for (const data::JsonValue& group : value.array()) {
    partition.emplace_back();
    for (const data::JsonValue& task : group.array()) {
      if (!task.fits_int64 || task.integer < 0 || task.integer >= tasks)
        layout_error(layout, "a task is a number from 0 to " + std::to_string(tasks - 1));
      ++seen[static_cast<std::size_t>(task.integer)];
      partition.back().push_back(static_cast<int>(task.integer));
    }
    if (partition.back().empty()) layout_error(layout, "a group of no task");
  }
  if (std::ranges::any_of(seen, [](int n) { return n != 1; }))
    layout_error(layout, "a block does not hold each of the " + std::to_string(tasks) + " tasks once");
  return sorted(std::move(partition));
}

}  // namespace

Layout parse_layout(std::string_view layout, int tasks, int blocks) {
  const auto depth = static_cast<std::size_t>(blocks);
  if (layout == "shared") return Layout(depth, together(tasks));
  if (layout == "independent") return Layout(depth, apart(tasks));
  if (layout.starts_with("branch:")) {
    const std::string_view digits = layout.substr(7);
    std::size_t shared = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), shared);
    if (error != std::errc() || end != digits.data() + digits.size() || shared > depth)
      layout_error(layout, "branch:K shares K blocks, 0 to " + std::to_string(blocks));
    Layout branched(depth, apart(tasks));
    std::fill_n(branched.begin(), shared, together(tasks));
    return branched;
  }
  if (!layout.starts_with("[")) {
    const std::vector<std::string> names = {"shared", "independent", "branch:1"};
    const std::string near = nearest(std::string(layout), names);
    layout_error(layout, near.empty() ? "one of shared, branch:K, independent, or a JSON list of partitions is needed"
                                      : "did you mean " + near + "?");
  }
  Layout read;
  try {
    const data::JsonValue value = data::parse_json(layout, "layout");
    for (const data::JsonValue& block : value.array()) read.push_back(read_partition(layout, block, tasks));
  } catch (const Error& error) {
    usage_error(error.message());
  }
  if (read.size() != depth)
    layout_error(layout, std::to_string(read.size()) + " partitions for " + std::to_string(blocks) + " blocks");
  for (std::size_t i = 1; i < read.size(); ++i)
    if (!refines(read[i], read[i - 1]))
      layout_error(layout, "block " + std::to_string(i) + " joins tasks that were apart before");
  return read;
}

std::vector<Layout> all_layouts(int tasks, int blocks) {
  const std::vector<Partition> partitions = all_partitions(tasks);
  std::vector<Layout> layouts = {{}};
  for (int block = 0; block < blocks; ++block) {
    std::vector<Layout> longer;
    for (const Layout& layout : layouts) {
      for (const Partition& partition : partitions) {
        if (!layout.empty() && !refines(partition, layout.back())) continue;
        longer.push_back(layout);
        longer.back().push_back(partition);
      }
    }
    layouts = std::move(longer);
  }
  return layouts;
}

}  // namespace tenfold::mtl
