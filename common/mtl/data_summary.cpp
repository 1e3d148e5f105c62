#include "mtl/data_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mtl/rooms.h"

namespace tenfold::mtl {

namespace {

bool has_classes(const Task& task) { return task.type == TaskType::segmentation || task.type == TaskType::classification; }

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

void DataSummary::Range::add(double v) {
  low = count == 0 ? v : std::min(low, v);
  high = count == 0 ? v : std::max(high, v);
  sum += v;
  ++count;
}

Json DataSummary::Range::json() const {
  if (count == 0) return {{"min", nullptr}, {"max", nullptr}, {"mean", nullptr}};
  return {{"min", low}, {"max", high}, {"mean", sum / static_cast<double>(count)}};
}

DataSummary::DataSummary(std::vector<Task> tasks) : tasks_(std::move(tasks)), of_task_(tasks_.size()) {
  for (std::size_t t = 0; t < tasks_.size(); ++t)
    if (has_classes(tasks_[t])) of_task_[t].classes.assign(static_cast<std::size_t>(tasks_[t].channels), 0);
}

void DataSummary::add(const Sample& sample) {
  const Image& image = sample.image;
  ++images_;
  auto size = std::find_if(sizes_.begin(), sizes_.end(), [&](const Size& s) {
    return s.channels == image.channels && s.height == image.height && s.width == image.width;
  });
  if (size == sizes_.end()) size = sizes_.insert(size, {image.channels, image.height, image.width, 0});
  ++size->images;
  for (const float v : image.values) image_.add(v);
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const Label& label = sample.labels[t];
    OfTask& of = of_task_[t];
    of.places += static_cast<std::int64_t>(label.valid.size());
    of.without += label.any_valid() ? 0 : 1;
    const std::size_t places = label.valid.size();
    for (std::size_t p = 0; p < places; ++p) {
      if (label.valid[p] == 0) continue;
      for (std::size_t i = p; i < label.values.size(); i += places) of.values.add(label.values[i]);
      if (has_classes(tasks_[t])) ++of.classes[static_cast<std::size_t>(label.values[p])];
    }
  }
}

Json DataSummary::json() const {
  Json sizes = Json::array();
  for (const Size& s : sizes_)
    sizes.push_back({{"channels", s.channels}, {"height", s.height}, {"width", s.width}, {"images", s.images}});
  Json out = {{"images", {{"count", images_}, {"sizes", sizes}, {"values", image_.json()}}}, {"tasks", Json::object()}};
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const OfTask& of = of_task_[t];
    const std::int64_t parts = tasks_[t].type == TaskType::normal ? 3 : 1;
    const std::int64_t valid = of.values.count / parts;
    Json classes = nullptr;
    if (has_classes(tasks_[t])) {
      classes = Json::array();
      for (std::size_t k = 0; k < of.classes.size(); ++k)
        classes.push_back({{"class", k}, {"count", of.classes[k]}, {"share", share(of.classes[k], valid)}});
    }
    out["tasks"][tasks_[t].name] = {
        {"type", name_of(tasks_[t].type)},    {"channels", tasks_[t].channels}, {"valid_share", share(valid, of.places)},
        {"images_without_label", of.without}, {"values", of.values.json()},     {"classes", classes}};
  }
  return out;
}

std::string DataSummary::text() const {
  std::string out;
  for (const Size& s : sizes_) out += fmt::format("{} images of {}x{}, {} channels\n", s.images, s.height, s.width, s.channels);
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const OfTask& of = of_task_[t];
    const std::int64_t valid = of.values.count / (tasks_[t].type == TaskType::normal ? 3 : 1);
    out += fmt::format("{}: {}, {:.1f} % valid, {} images without label", tasks_[t].name, name_of(tasks_[t].type),
                       100 * share(valid, of.places), of.without);
    if (of.values.count > 0 && !has_classes(tasks_[t])) out += fmt::format(", {:.4g} to {:.4g}", of.values.low, of.values.high);
    out += "\n";
    for (std::size_t k = 0; k < of.classes.size(); ++k)
      if (of.classes[k] > 0) out += fmt::format("  class {:<3} {:6.2f} %\n", k, 100 * share(of.classes[k], valid));
  }
  return out;
}

std::vector<report::Table> DataSummary::tables() const {
  report::Table tasks{
      .title = "Tasks", .columns = {"task", "type", "valid", "images without label", "least", "mean", "greatest"}, .rows = {}};
  std::vector<report::Table> out;
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const OfTask& of = of_task_[t];
    const std::int64_t valid = of.values.count / (tasks_[t].type == TaskType::normal ? 3 : 1);
    const auto number = [&](double v) { return of.values.count > 0 ? report::number_text(v) : std::string("-"); };
    tasks.rows.push_back(
        {tasks_[t].name, std::string(name_of(tasks_[t].type)), fmt::format("{:.1f} %", 100 * share(valid, of.places)),
         std::to_string(of.without), number(of.values.low),
         number(of.values.count > 0 ? of.values.sum / static_cast<double>(of.values.count) : 0), number(of.values.high)});
  }
  out.push_back(std::move(tasks));
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const OfTask& of = of_task_[t];
    if (of.classes.empty()) continue;
    report::Table classes{.title = "Classes of " + tasks_[t].name, .columns = {"class", "count", "share"}, .rows = {}};
    for (std::size_t k = 0; k < of.classes.size(); ++k)
      classes.rows.push_back({std::to_string(k), std::to_string(of.classes[k]),
                              fmt::format("{:.2f} %", 100 * share(of.classes[k], of.values.count))});
    out.push_back(std::move(classes));
  }
  return out;
}

}  // namespace tenfold::mtl
