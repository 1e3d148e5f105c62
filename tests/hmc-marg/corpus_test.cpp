// The 77 posteriordb programs of the test data: log density, gradient and columns as CmdStan and stanli give them.
// At least 74 must run, and all that run must agree; the others, which solve differential equations, are listed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/corpus_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

double number(const data::JsonValue& value) {
  return value.is_string() ? std::strtod(value.string().c_str(), nullptr) : value.number;
}

double error_of(double x, double reference) {
  if (std::isnan(x) && std::isnan(reference)) return 0;
  return x == reference ? 0 : std::abs(x - reference) / std::max(1.0, std::abs(reference));
}

// Values of parameters, transformed parameters and generated quantities by column name.
std::map<std::string, double> columns_at(const testing::BoundModel& model, const std::vector<double>& q) {
  TargetSpec spec = testing::joint(model.graph);
  std::map<std::string, double> columns;
  std::vector<double> parameters, transformed;
  const auto numbers = [&](const Value& value) {
    TargetSpec wanted = spec;
    for (const Slot slot : value.slot) wanted.outputs.push_back(slot ? slot : spec.inputs.at(0));
    std::vector<double> x(value.slot.size());
    if (!x.empty()) Engine(lower(model.graph.graph, wanted)).outputs(q, x);
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value.known() || !value.slot[i]) {
        x.resize(value.size());
        x[i] = value.number[i];
      }
    }
    return x;
  };
  const auto add = [&](const std::string& name, const Value& shape, std::span<const double> x) {
    const Columns names = columns_of(name, shape.type, shape.dims);
    for (std::size_t i = 0; i < names.names.size(); ++i) columns[names.names[i]] = x[names.place[i]];
  };
  for (const Parameter& p : model.graph.parameters) {
    const std::vector<double> x = numbers(p.value);
    parameters.insert(parameters.end(), x.begin(), x.end());
    add(p.name, p.value, x);
  }
  for (const OutputVariable& output : model.graph.outputs) {
    if (output.block != BlockKind::transformed_parameters) continue;
    const std::vector<double> x = numbers(output.value);
    transformed.insert(transformed.end(), x.begin(), x.end());
    add(output.name, output.value, x);
  }
  GeneratedQuantities generated(model.program, model.data, model.graph);
  std::vector<double> quantities(generated.size());
  PhiloxStream random(1, "generated_quantities");
  generated.evaluate(parameters, transformed, random, quantities);
  std::span<const double> rest = quantities;
  for (const OutputVariable& output : model.graph.outputs) {
    if (output.block != BlockKind::generated_quantities) continue;
    std::size_t n = 1;
    for (const int d : output.value.dims) n *= static_cast<std::size_t>(d);
    add(output.name, output.value, rest.first(n));
    rest = rest.subspan(n);
  }
  return columns;
}

// Worst error over the log density and the gradient.
double gradient_error(const testing::BoundModel& model, const std::vector<data::JsonValue>& values,
                      const std::vector<double>& q) {
  std::vector<double> gradient(q.size());
  const double lp =
      Engine(lower(model.graph.graph, testing::joint(model.graph))).log_density(q, gradient) - model.graph.lp_offset;
  double worst = error_of(lp, number(values[0]));
  for (std::size_t i = 0; i < q.size(); ++i) worst = std::max(worst, error_of(gradient[i], number(values[i + 1])));
  return worst;
}

// Columns whose reference value is not reached; those that hold random draws differ and are told by _rng in the program.
int columns_off(const testing::BoundModel& model, const data::JsonValue& wa, const std::vector<double>& q, bool random,
                std::string& first) {
  const std::map<std::string, double> columns = columns_at(model, q);
  const std::string& names = wa.find("names")->string();
  const auto& values = wa.find("values")->array();
  int off = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    const auto found = columns.find(name);
    if (found != columns.end() && error_of(found->second, number(values[i])) <= 1e-9) continue;
    bool drawn = false;
    if (random && found != columns.end()) {
      for (const OutputVariable& output : model.graph.outputs) {
        drawn = drawn ||
                (output.block == BlockKind::generated_quantities && (name == output.name || name.starts_with(output.name + ".")));
      }
    }
    if (drawn) continue;
    if (off++ == 0)
      first =
          name + (found == columns.end() ? " is missing"
                                         : " is " + std::to_string(found->second) + ", not " + std::to_string(number(values[i])));
  }
  return off;
}

}  // namespace

TEST_CASE("the corpus agrees with CmdStan") {
  const testing::Corpus corpus;
  if (corpus.folder.empty()) return;
  int ran = 0;
  std::vector<double> errors;
  std::string stopped;
  for (const data::JsonMember& entry : corpus.references.object()) {
    const char* only = std::getenv("TENFOLD_CORPUS_ONLY");
    if (only && entry.key != only) continue;
    INFO(entry.key);
    std::shared_ptr<testing::BoundModel> model;
    try {
      model = corpus.bind(entry);
    } catch (const Error& error) {
      stopped += "\n  " + entry.key + ": " + error.message();
      continue;
    }
    ++ran;
    const auto& values = entry.value.find("values")->array();
    REQUIRE(values.size() == static_cast<std::size_t>(model->graph.free_size) + 1);
    const std::vector<double> q = testing::point(static_cast<int>(entry.value.find("point")->number), model->graph.free_size);
    const double error = gradient_error(*model, values, q);
    CHECK_MESSAGE(error <= 1e-9, entry.key << ": log density or gradient off by " << error << " (relative)");
    errors.push_back(error);
    if (const data::JsonValue* wa = entry.value.find("wa")) {
      const bool random = read_file(corpus.folder / (entry.key + ".stan")).find("_rng") != std::string::npos;
      std::string first;
      const int off = columns_off(*model, *wa, q, random, first);
      CHECK_MESSAGE(off == 0, entry.key << ": " << off << " columns differ, first: " << first);
    }
  }
  if (std::getenv("TENFOLD_CORPUS_ONLY")) return;
  std::sort(errors.begin(), errors.end());
  MESSAGE(ran << " of " << corpus.references.object().size() << " programs run; these do not:" << stopped);
  CHECK(ran >= 74);
  CHECK(errors.at(errors.size() / 2) <= 1e-13);
}
