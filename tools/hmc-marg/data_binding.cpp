// Reads data and runs transformed data. Every fault names the variable, its declaration and the place in the data file.
#include "hmc-marg/data_binding.h"

#include <climits>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/transforms.h"

namespace tenfold::hmc_marg {
namespace {

std::string at_declaration(const Program& program, const Declaration& d) {
  return at_position(program.file, static_cast<std::size_t>(d.at.line), static_cast<std::size_t>(d.at.column),
                     "`" + d.name + "`");
}

std::string with_article(const std::string& noun) {
  return (std::string_view("aeiou").find(noun.front()) == std::string_view::npos ? "a " : "an ") + noun;
}

// The shape that nested lists have, judged by their first elements.
std::string json_shape(const data::JsonValue& json) {
  if (!json.is_array()) return with_article(data::name_of(json.kind));
  std::string sizes;
  const data::JsonValue* level = &json;
  while (level->is_array()) {
    sizes += (sizes.empty() ? "" : ", ") + std::to_string(level->array().size());
    if (level->array().empty()) break;
    level = &level->array().front();
  }
  return "[" + sizes + "]";
}

// Fills one value; keeps what the messages need.
class JsonReader {
 public:
  JsonReader(Value& value, const std::string& file, const std::string& where) : value_(value), file_(file), where_(where) {}

  void read(const data::JsonValue& json) {
    top_ = &json;
    dimension(json, 0, 0, value_.number.size());
  }

 private:
  [[noreturn]] void fail(const data::JsonValue& json, const std::string& text) const {
    input_error(where_ + " in " + at_position(file_, json.line, json.col, text));
  }

  void dimension(const data::JsonValue& json, std::size_t d, std::size_t place, std::size_t block) {
    if (d == value_.dims.size()) {
      value_.number[place] = number(json);
      return;
    }
    const auto size = static_cast<std::size_t>(value_.dims[d]);
    if (json.is_array() && json.array().empty() && value_.number.empty()) return;
    if (!json.is_array() || json.array().size() != size) {
      fail(json, "declared " + to_string(value_.type) + " with size " + shape_text(value_.dims) + ", found " + json_shape(*top_) +
                     (json.line == top_->line && json.col == top_->col ? "" : " with a part of size " + json_shape(json)));
    }
    const bool rows = value_.type.base == Base::matrix && d == static_cast<std::size_t>(value_.type.array_rank);
    const bool columns = value_.type.base == Base::matrix && d == static_cast<std::size_t>(value_.type.array_rank) + 1;
    for (std::size_t i = 0; i < size; ++i) {
      // A matrix is listed by rows and kept by columns.
      const std::size_t step = rows ? 1 : columns ? static_cast<std::size_t>(value_.dims[d - 1]) : size ? block / size : 0;
      dimension(json.array()[i], d + 1, place + i * step, rows ? block : size ? block / size : 0);
    }
  }

  double number(const data::JsonValue& json) const {
    if (value_.type.base == Base::integer) {
      if (json.is_number() && json.is_integer_literal && json.fits_int64 && json.integer >= INT_MIN && json.integer <= INT_MAX) {
        return static_cast<double>(json.integer);
      }
      if (json.is_number() && json.is_integer_literal) fail(json, "an int has 32 bits, the number here is larger");
      if (json.is_number() && json.number == std::floor(json.number) && std::fabs(json.number) <= INT_MAX)
        fail(json, fmt::format(
                       "declared int, found an integer written as a real number; write {0:.0f}, not {0:.1f} or with an exponent",
                       json.number));
      if (json.is_number()) fail(json, fmt::format("declared int, found {:g}, which is no integer of 32 bits", json.number));
      fail(json, "declared " + to_string(value_.type) + (value_.dims.empty() ? "" : " with size " + shape_text(value_.dims)) +
                     ", found " + json_shape(json) + " where an integer belongs");
    }
    const auto real = json.real();
    if (!real) {
      fail(json, "declared " + to_string(value_.type) + (value_.dims.empty() ? "" : " with size " + shape_text(value_.dims)) +
                     ", found " + json_shape(json) + " where a number belongs");
    }
    if (std::isnan(*real)) fail(json, "found NaN; data have to be numbers");
    return *real;
  }

  Value& value_;
  const std::string& file_;
  const std::string& where_;
  const data::JsonValue* top_ = nullptr;
};

void read_data(const Program& program, Interpreter& interpreter, const data::JsonValue* json, const std::string& file) {
  for (const StmtPtr& statement : program.block(BlockKind::data)) {
    const Declaration& d = statement->declaration;
    const std::string where = at_declaration(program, d);
    const std::vector<int> dims = interpreter.sizes(d);
    const data::JsonValue* found = json ? json->find(d.name) : nullptr;
    Value value;
    if (found) {
      value = value_from_json(*found, file, d.type, dims, where);
    } else if (!dims.empty() && product(dims) == 0) {
      value.type = d.type;
      value.dims = dims;
    } else if (!json) {
      input_error(where + " is data, and no data were given; pass --data FILE.json");
    } else {
      input_error(where + " (" + to_string(d.type) + (dims.empty() ? "" : " of size " + shape_text(dims)) + ") is missing in " +
                  file + "; add it there");
    }
    if (const auto fault = declaration_fault(interpreter, d, value)) {
      input_error(where + (found ? " in " + at_position(file, found->line, found->col, *fault) : ": " + *fault));
    }
    interpreter.cell(d.slot).value = std::move(value);
  }
}

}  // namespace

std::string element_text(const Value& value, std::size_t place) {
  if (value.dims.empty()) return "";
  std::vector<std::size_t> index(value.dims.size());
  const auto arrays = static_cast<std::size_t>(value.type.array_rank);
  std::size_t rest = place;
  const auto take = [&](std::size_t d) {
    index[d] = rest % static_cast<std::size_t>(value.dims[d]);
    rest /= static_cast<std::size_t>(value.dims[d]);
  };
  for (std::size_t d = arrays; d < value.dims.size(); ++d) take(d);  // a matrix: rows fastest
  for (std::size_t d = arrays; d-- > 0;) take(d);
  std::string text = "element [";
  for (std::size_t d = 0; d < index.size(); ++d) text += (d ? ", " : "") + std::to_string(index[d] + 1);
  return text + "]: ";
}

Value value_from_json(const data::JsonValue& json, const std::string& file, const Type& type, const std::vector<int>& dims,
                      const std::string& where) {
  Value value;
  value.type = type;
  value.dims = dims;
  value.number.assign(product(dims), 0);
  JsonReader(value, file, where).read(json);
  return value;
}

std::optional<std::string> declaration_fault(Interpreter& interpreter, const Declaration& d, const Value& value) {
  if (d.constraint == ConstraintKind::none || d.constraint == ConstraintKind::affine) return std::nullopt;
  if (d.constraint == ConstraintKind::bounded) {
    const double infinity = std::numeric_limits<double>::infinity();
    Value lower, upper;
    if (d.lower) lower = interpreter.evaluate(*d.lower);
    if (d.upper) upper = interpreter.evaluate(*d.upper);
    for (const Value* bound : {&lower, &upper}) {
      if (bound->size() > 1 && bound->dims != value.dims)
        return "its bound has size " + shape_text(bound->dims) + ", the variable " + shape_text(value.dims);
    }
    const auto at = [](const Value& bound, std::size_t i, double absent) {
      return bound.size() == 0 ? absent : bound.number[bound.size() == 1 ? 0 : i];
    };
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (const auto fault = bound_fault(value.number[i], at(lower, i, -infinity), at(upper, i, infinity)))
        return element_text(value, i) + *fault;
    }
    return std::nullopt;
  }
  const std::span<const int> inner = std::span(value.dims).subspan(static_cast<std::size_t>(value.type.array_rank));
  const std::size_t block = product(inner);
  for (std::size_t first = 0; block > 0 && first < value.size(); first += block) {
    if (const auto fault = constraint_fault(d.constraint, std::span(value.number).subspan(first, block), inner)) return *fault;
  }
  return std::nullopt;
}

void lend_data(Interpreter& interpreter, const BoundData& data) {
  for (std::size_t slot = 0; slot < data.values.size(); ++slot) {
    if (data.is_set[slot]) interpreter.cell(static_cast<int>(slot)).borrowed = &data.values[slot];
  }
}

std::shared_ptr<const BoundData> bind_data(const Program& program, const data::JsonValue* json, const std::string& file,
                                           std::uint64_t seed, EvaluationLimits limits) {
  if (json && !json->is_object()) {
    input_error(at_position(file, json->line, json->col,
                            "data are a JSON object of variables by name, found " + with_article(data::name_of(json->kind))));
  }
  auto data = std::make_shared<BoundData>();
  data->calls = resolve_calls(program);
  data->limits = limits;
  PhiloxStream random(seed, "transformed_data");
  Interpreter interpreter(program, data->calls, nullptr, &random, limits);
  read_data(program, interpreter, json, file);
  const auto& transformed = program.block(BlockKind::transformed_data);
  interpreter.run(transformed);
  data->values.resize(static_cast<std::size_t>(program.frame_size));
  data->is_set.assign(static_cast<std::size_t>(program.frame_size), 0);
  const auto keep = [&](const Declaration& d) {
    data->values[static_cast<std::size_t>(d.slot)] = std::move(interpreter.cell(d.slot).value);
    data->is_set[static_cast<std::size_t>(d.slot)] = 1;
  };
  for (const StmtPtr& statement : transformed) {
    if (statement->kind != StmtKind::declare) continue;
    const Declaration& d = statement->declaration;
    if (const auto fault = declaration_fault(interpreter, d, interpreter.cell(d.slot).get())) {
      input_error(at_declaration(program, d) + " of transformed data: " + *fault);
    }
  }
  for (const auto* block : {&program.block(BlockKind::data), &transformed}) {
    for (const StmtPtr& statement : *block) {
      if (statement->kind == StmtKind::declare) keep(statement->declaration);
    }
  }
  return data;
}

}  // namespace tenfold::hmc_marg
