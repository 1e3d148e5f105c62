#include "mtl-attack/image_record.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Json by_task(const std::vector<double>& values, const std::vector<std::string>& tasks) {
  Json out = Json::object();
  for (std::size_t i = 0; i < tasks.size(); ++i) out[tasks[i]] = values[i];
  return out;
}

double number(const Json& value) { return value.is_number() ? value.get<double>() : kNaN; }

std::vector<double> from_tasks(const Json& object, const std::vector<std::string>& tasks) {
  std::vector<double> out;
  for (const std::string& task : tasks) out.push_back(number(object.at(task)));
  return out;
}

Json trace_json(const std::vector<StepTrace>& trace) {
  Json out = Json::array();
  for (const StepTrace& step : trace)
    out.push_back({{"f", step.objective},
                   {"size", step.size},
                   {"gap", step.gap},
                   {"predicted", step.predicted},
                   {"realised", step.realised},
                   {"cuts", step.cuts}});
  return out;
}

ImageRecord parsed(const Json& line, const std::vector<std::string>& tasks) {
  ImageRecord record;
  record.id = line.at("id").get<std::string>();
  if (line.contains("failure")) {
    record.failure = line.at("failure").get<std::string>();
    return record;
  }
  record.J = number(line.at("J"));
  record.r = from_tasks(line.at("r"), tasks);
  record.loss = from_tasks(line.at("loss"), tasks);
  record.J_dataset = number(line.at("J_dataset"));
  record.J_min = number(line.at("J_min"));
  record.J_before_png = number(line.at("J_before_png"));
  record.J_8bit = number(line.at("J_8bit"));
  record.linf_levels = number(line.at("linf_levels"));
  record.l2 = number(line.at("l2"));
  record.ssim = number(line.at("ssim"));
  for (const Json& flag : line.at("floored")) record.floored.push_back(flag.get<bool>());
  record.restart = line.at("restart").get<int>();
  record.forward_passes = line.at("forward_passes").get<int>();
  record.backward_passes = line.at("backward_passes").get<int>();
  record.dual_converged = line.at("dual_converged").get<bool>();
  record.cpu_s = number(line.at("cpu_s"));
  if (record.floored.size() != tasks.size()) throw std::out_of_range("floored");
  return record;
}

}  // namespace

Json to_json(const ImageRecord& record, const std::string& cell, const std::vector<std::string>& tasks) {
  Json line = {{"cell", cell}, {"id", record.id}};
  if (!record.failure.empty()) {
    line["failure"] = record.failure;
    return line;
  }
  line["J"] = record.J;
  line["r"] = by_task(record.r, tasks);
  line["loss"] = by_task(record.loss, tasks);
  line["J_dataset"] = record.J_dataset;
  line["J_min"] = record.J_min;
  line["J_before_png"] = record.J_before_png;
  line["J_8bit"] = record.J_8bit;
  line["linf_levels"] = record.linf_levels;
  line["l2"] = record.l2;
  line["ssim"] = record.ssim;
  line["floored"] = record.floored;
  line["restart"] = record.restart;
  line["forward_passes"] = record.forward_passes;
  line["backward_passes"] = record.backward_passes;
  line["dual_converged"] = record.dual_converged;
  line["cpu_s"] = record.cpu_s;
  if (!record.trace.empty()) line["trace"] = trace_json(record.trace);
  return line;
}

ImageRecord record_from_json(const Json& line, const std::vector<std::string>& tasks, const std::string& file) {
  try {
    return parsed(line, tasks);
  } catch (const std::exception&) {
    input_error(file + ": a line that is no record of an image: " + line.dump().substr(0, 80));
  }
}

std::vector<LoggedLine> parse_log(std::string_view text, const std::string& file) {
  std::vector<LoggedLine> lines;
  std::size_t row = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    ++row;
    Json value = Json::parse(text.substr(begin, end - begin), nullptr, false);
    if (!value.is_object() || !value.contains("cell") || !value["cell"].is_string())
      input_error(file + ":" + std::to_string(row) + ": no line of an attack's log");
    std::string cell = value["cell"].get<std::string>();
    lines.push_back({std::move(cell), std::move(value)});
    begin = end + 1;
  }
  return lines;
}

}  // namespace tenfold::mtl_attack
