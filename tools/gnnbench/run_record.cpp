#include "gnnbench/run_record.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"
#include "data/json_reader.h"

namespace tenfold::gnnbench {
namespace {

using data::JsonKind;
using data::JsonValue;

// Members of a result that must be there and of a kind.
class Fields {
 public:
  Fields(std::string file, JsonValue value) : file_(std::move(file)), value_(std::move(value)) {}

  Fields object(const char* key) const { return {file_, member(key, JsonKind::object)}; }
  std::string text(const char* key) const { return member(key, JsonKind::string).string(); }
  bool boolean(const char* key) const { return member(key, JsonKind::boolean).boolean; }
  // NaN where it is null.
  double number(const char* key) const {
    const JsonValue& found = any(key);
    if (found.kind == JsonKind::null) return kUnknown;
    if (!found.is_number()) wrong(found, key, "a number");
    return found.number;
  }
  std::vector<Fields> objects(const char* key) const {
    std::vector<Fields> out;
    for (const JsonValue& element : member(key, JsonKind::array).array()) {
      if (element.kind != JsonKind::object) wrong(element, key, "a list of objects");
      out.emplace_back(file_, element);
    }
    return out;
  }
  std::vector<double> numbers(const char* key) const {
    std::vector<double> out;
    for (const JsonValue& element : member(key, JsonKind::array).array()) {
      if (!element.is_number()) wrong(element, key, "a list of numbers");
      out.push_back(element.number);
    }
    return out;
  }
  std::map<std::string, double> table() const {
    std::map<std::string, double> out;
    for (const data::JsonMember& entry : value_.object()) out[entry.key] = number(entry.key.c_str());
    return out;
  }

 private:
  [[noreturn]] void wrong(const JsonValue& where, const char* key, const std::string& expected) const {
    data::input_error_at(file_, where, fmt::format("{}: {} is needed; is this the result of gnnbench train?", key, expected));
  }
  const JsonValue& any(const char* key) const {
    const JsonValue* found = value_.find(key);
    if (!found) wrong(value_, key, "an entry");
    return *found;
  }
  const JsonValue& member(const char* key, JsonKind kind) const {
    const JsonValue& found = any(key);
    if (found.kind != kind) wrong(found, key, std::string("a value of kind ") + data::name_of(kind));
    return found;
  }

  std::string file_;
  JsonValue value_;
};

Family parse_family(const std::string& name) {
  return name == name_of(Family::full_graph)   ? Family::full_graph
         : name == name_of(Family::mini_batch) ? Family::mini_batch
                                               : Family::baseline;
}

// What a seed's rows of an imported curve tell besides.
void settle_imported(RunRecord& record) {
  const RunPoint* best = &record.curve.front();
  for (const RunPoint& point : record.curve)
    if (point.val > best->val) best = &point;
  record.best_val = best->val;
  record.test = best->test;
}

}  // namespace

RunRecord read_run(const std::filesystem::path& folder) {
  const std::string file = (folder / "result.json").string();
  const Fields envelope(file, data::read_json(file));
  const Fields result = envelope.object("result");
  const Fields system = result.object("system");
  RunRecord record;
  record.system = record.text = system.text("text");
  record.family = parse_family(system.text("family"));
  record.workers = static_cast<int>(system.number("workers"));
  record.seed = static_cast<std::uint64_t>(envelope.number("seed"));
  record.data_digest = result.object("data").text("digest");
  for (const Fields& p : result.objects("curve"))
    record.curve.push_back({.update = p.number("update"),
                            .epoch = p.number("epoch"),
                            .train_s = p.number("train_s"),
                            .wall_s = p.number("wall_s"),
                            .cpu_s = p.number("cpu_s"),
                            .val = p.number("val"),
                            .test = p.number("test")});
  if (record.curve.empty()) input_error(file + ": a curve without points");
  const Fields best = result.object("best");
  record.best_val = best.number("val");
  record.test = best.number("test");
  record.best_update = best.number("update");
  record.converged = result.boolean("converged");
  record.stopped_by = result.text("stopped_by");
  record.updates_per_epoch = result.number("updates_per_epoch");
  record.lr = result.number("lr");
  record.epoch_s = result.object("epoch_s").number("median");
  record.breakdown_s = result.object("breakdown_s").table();
  record.setup_s = result.object("breakdown_s").number("setup");
  record.bytes = result.object("bytes").table();
  const std::vector<double> peaks = result.numbers("peak_bytes");
  if (!peaks.empty()) record.peak_bytes = *std::max_element(peaks.begin(), peaks.end());
  return record;
}

std::vector<RunRecord> read_curve_file(const std::filesystem::path& file, const std::string& name) {
  const data::CsvTable table = data::read_csv(file);
  const std::string where = file.string();
  const auto seed = table.find("seed"), time = table.find("time_s"), val = table.find("val"), test = table.find("test");
  if (!seed || !time || !val)
    input_error(fmt::format("{}:{}: the header seed,time_s,val and perhaps test is needed", where, table.header_line));
  for (const std::string& column : table.names)
    if (column != "seed" && column != "time_s" && column != "val" && column != "test")
      input_error(
          fmt::format("{}:{}: column {}: seed, time_s, val and test are known; leave it out", where, table.header_line, column));
  if (table.rows == 0) input_error(where + ": no row below the header");
  std::vector<RunRecord> records;
  for (std::size_t row = 0; row < table.rows; ++row) {
    const auto bad = [&](const std::string& what) {
      input_error(fmt::format("{}: row {} below the header: {}", where, row + 1, what));
    };
    const double key = table.at(row, *seed);
    if (!(key >= 0) || key != std::floor(key) || key > 9e15) bad(fmt::format("seed {}: a whole number is needed", key));
    const RunPoint point{.train_s = table.at(row, *time),
                         .wall_s = table.at(row, *time),
                         .val = table.at(row, *val),
                         .test = test ? table.at(row, *test) : kUnknown};
    if (!(point.train_s >= 0) || std::isinf(point.train_s)) bad(fmt::format("time_s {}: at least 0 is needed", point.train_s));
    if (!(point.val >= 0 && point.val <= 1)) bad(fmt::format("val {}: an accuracy between 0 and 1 is needed", point.val));
    if (test && !std::isnan(point.test) && !(point.test >= 0 && point.test <= 1))
      bad(fmt::format("test {}: an accuracy between 0 and 1 is needed", point.test));
    const auto number = static_cast<std::uint64_t>(key);
    auto record = std::find_if(records.begin(), records.end(), [&](const RunRecord& r) { return r.seed == number; });
    if (record == records.end()) {
      RunRecord fresh;
      fresh.system = fresh.text = name;
      fresh.imported = true;
      fresh.seed = number;
      fresh.stopped_by = "imported";
      record = records.insert(records.end(), std::move(fresh));
    }
    if (!record->curve.empty() && point.train_s < record->curve.back().train_s)
      bad(fmt::format("time_s {} of seed {} comes after {}", point.train_s, number, record->curve.back().train_s));
    record->curve.push_back(point);
  }
  for (RunRecord& record : records) settle_imported(record);
  return records;
}

}  // namespace tenfold::gnnbench
