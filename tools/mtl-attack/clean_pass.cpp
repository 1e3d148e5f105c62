#include "mtl-attack/clean_pass.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/state.h"
#include "mtl-attack/image_store.h"
#include "mtl-attack/ordered_work.h"

namespace tenfold::mtl_attack {
namespace {

struct CleanItem {
  std::string fault;  // not empty: nothing else holds
  CleanImage image;
  Metrics metrics;
  bool from_log = false;
};

Json line_of(const std::string& id, const CleanItem& item, const std::vector<std::string>& tasks) {
  Json line = {{"cell", "clean"}, {"id", id}};
  if (!item.fault.empty()) {
    line["failure"] = item.fault;
    return line;
  }
  line["loss"] = Json::object();
  for (std::size_t t = 0; t < tasks.size(); ++t)
    line["loss"][tasks[t]] = item.image.present[t] ? Json(item.image.loss[t]) : Json(nullptr);
  return line;
}

// What the log says, as far as no prediction is needed.
bool from_log(const Json& line, const std::vector<std::string>& tasks, CleanItem& item) {
  if (line.contains("failure")) return false;
  for (const std::string& task : tasks) {
    const Json& loss = line.at("loss").at(task);
    item.image.present.push_back(!loss.is_null());
    item.image.loss.push_back(loss.is_null() ? 0 : loss.get<double>());
  }
  item.from_log = true;
  return true;
}

void evaluate(const Scene& scene, std::size_t index, bool attacked, const CleanOptions& options, cli::Run& run, CleanItem& item) {
  const Prepared image = prepare(*scene.data, index, options.floats);
  if (attacked && options.store && run.directory())
    store_png(*run.directory(), clean_path(image.sample.id), image.bytes, size_of(image.sample.image));
  const std::unique_ptr<Oracle> oracle = scene.victim->oracle({&image.sample});
  std::vector<std::vector<Prediction>> predictions;
  item.image.loss = oracle->losses(image.sample.image.values, attacked ? &predictions : nullptr);
  item.image.present = oracle->present(0);
  for (std::size_t t = 0; t < item.image.loss.size(); ++t)
    if (item.image.present[t] && !std::isfinite(item.image.loss[t]))
      input_error("task " + scene.tasks[t] + ": a loss that is not finite on the clean image");
  if (attacked) item.metrics = metrics_of(scene.victim->tasks(), predictions[0], image.sample);
}

void count_tasks(const CleanPass& pass, std::vector<std::int64_t>& floored, std::vector<std::int64_t>& absent) {
  for (const std::size_t index : pass.attacked) {
    const CleanImage& image = *pass.images[index];
    for (std::size_t t = 0; t < floored.size(); ++t) {
      absent[t] += image.present[t] ? 0 : 1;
      floored[t] += image.present[t] && image.loss[t] < pass.scale.floor[t] ? 1 : 0;
    }
  }
}

}  // namespace

Metrics no_metrics(const std::vector<mtl::Task>& tasks) {
  Metrics out;
  for (const mtl::Task& task : tasks) out.emplace_back(task);
  return out;
}

void add_metrics(Metrics& to, const Metrics& more) {
  for (std::size_t t = 0; t < to.size(); ++t) to[t].merge(more[t]);
}

Metrics metrics_of(const std::vector<mtl::Task>& tasks, const std::vector<Prediction>& predictions, const mtl::Sample& sample) {
  Metrics out = no_metrics(tasks);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const Prediction& p = predictions[t];
    if (sample.labels[t].any_valid()) out[t].add(p.values, p.channels, p.height, p.width, sample.labels[t]);
  }
  return out;
}

CleanPass clean_pass(const Scene& scene, const CleanOptions& options, const std::map<std::string, Json>& done, cli::Run& run) {
  const std::size_t count = scene.data->size(), tasks = scene.tasks.size();
  const std::size_t limit = options.limit == 0 ? count : std::min(options.limit, count);
  CleanPass pass;
  pass.images.resize(count);
  pass.metrics = no_metrics(scene.victim->tasks());
  pass.floored.assign(tasks, 0);
  pass.absent.assign(tasks, 0);
  const auto work = [&](int i) {
    const auto index = static_cast<std::size_t>(i);
    CleanItem item;
    const auto known = done.find(scene.data->id(index));
    try {
      const bool logged = known != done.end() && from_log(known->second, scene.tasks, item);
      if (!logged || index < limit) {
        item.image = {};
        evaluate(scene, index, index < limit, options, run, item);
      }
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::input) throw;
      item.fault = error.what();
    }
    return item;
  };
  const auto take = [&](int i, CleanItem& item) {
    const auto index = static_cast<std::size_t>(i);
    const std::string id = scene.data->id(index);
    if (!item.fault.empty()) {
      pass.faults.push_back({id, item.fault});
    } else {
      pass.images[index] = item.image;
      if (index < limit) {
        pass.attacked.push_back(index);
        add_metrics(pass.metrics, item.metrics);
      }
    }
    if (!done.contains(id)) run.log(line_of(id, item, scene.tasks));
    run.step({.what = "clean pass", .done = i + 1.0, .total = static_cast<double>(count), .unit = "images", .note = {}});
  };
  const int taken = ordered_work<CleanItem>(static_cast<int>(count), run.threads(), work, take, [&] { return run.stop(); });
  if (taken < static_cast<int>(count)) {
    run.save({});
    run.interrupted();
  }
  if (pass.attacked.empty()) input_error(scene.data->spec() + ": no image can be used; the first: " + pass.faults.front().reason);
  std::vector<CleanImage> usable;
  for (const std::optional<CleanImage>& image : pass.images)
    if (image) usable.push_back(*image);
  pass.scale = loss_scale(usable, tasks, options.loss_floor);
  count_tasks(pass, pass.floored, pass.absent);
  return pass;
}

}  // namespace tenfold::mtl_attack
