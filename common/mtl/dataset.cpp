// Opening a data set by its specification, and reading many of its items at once.
#include "mtl/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/suggest.h"
#include "base/threads.h"
#include "mtl/data_sources.h"

namespace tenfold::mtl {

bool Label::any_valid() const {
  return std::any_of(valid.begin(), valid.end(), [](std::uint8_t v) { return v != 0; });
}

std::unique_ptr<DataSet> open_data(std::string_view spec, const std::vector<Task>& tasks, const InputSpec& input,
                                   std::string_view split) {
  const std::size_t colon = spec.find(':');
  const std::string kind(spec.substr(0, colon));
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : spec.substr(colon + 1);
  if (kind == "rooms") return open_rooms(parse_rooms_spec(rest, split), tasks, input);
  const std::vector<std::string> kinds = {"rooms", "nyuv2", "folder"};
  if (kind == "nyuv2" || kind == "folder") {
    const std::size_t comma = rest.rfind(",split=");
    const std::string place(rest.substr(0, comma));
    const std::string chosen(comma == std::string_view::npos ? split : rest.substr(comma + 7));
    if (place.empty()) usage_error(fmt::format("data {}: the folder is missing; write {}:DIR", spec, kind));
    return (kind == "nyuv2" ? open_nyuv2 : open_folder)(place, chosen, tasks, input);
  }
  const std::string near = nearest(kind, kinds);
  usage_error(fmt::format("data {}: no such kind of data set; {}", spec,
                          near.empty() ? "rooms:n=64, nyuv2:ROOT and folder:DIR are known" : "did you mean " + near + ":?"));
}

Loaded load_all(const DataSet& data, const std::vector<std::size_t>& indices, int threads) {
  std::vector<std::optional<Sample>> samples(indices.size());
  std::vector<std::string> reasons(indices.size());
  parallel_for(static_cast<int>(indices.size()), threads, [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      samples[at] = data.load(indices[at]);
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::input) throw;
      reasons[at] = error.message();
    }
  });
  Loaded out;
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (samples[i])
      out.samples.push_back(std::move(*samples[i]));
    else
      out.faults.push_back({.item = data.id(indices[i]), .reason = reasons[i]});
  return out;
}

TaskFile rooms_tasks() {
  TaskFile file;
  file.tasks.resize(3);
  file.tasks[0] = {.name = "seg",
                   .output = "seg",
                   .type = TaskType::segmentation,
                   .channels = kRoomsClasses,
                   .loss = LossType::ce,
                   .ignore = -1,
                   .class_weights = {}};
  file.tasks[1] = {.name = "depth",
                   .output = "depth",
                   .type = TaskType::depth,
                   .channels = 1,
                   .loss = LossType::l1,
                   .ignore = {},
                   .class_weights = {}};
  file.tasks[2] = {.name = "normal",
                   .output = "normal",
                   .type = TaskType::normal,
                   .channels = 3,
                   .loss = LossType::cosine,
                   .ignore = {},
                   .class_weights = {}};
  return file;
}

}  // namespace tenfold::mtl
