#include "gnnbench/model_spec.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "data/json_reader.h"

namespace tenfold::gnnbench {
namespace {

double fan_bound(std::int64_t fan_in) { return 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(fan_in, 1))); }
double glorot_bound(std::int64_t fan_in, std::int64_t fan_out) {
  return std::sqrt(6.0 / static_cast<double>(std::max<std::int64_t>(fan_in + fan_out, 1)));
}

// Collects the parameters of one layer.
struct LayerParameters {
  std::vector<ParameterSpec>& out;
  int layer;
  std::string prefix;

  void linear(const std::string& name, std::int64_t rows, std::int64_t columns, bool bias) {
    const double bound = fan_bound(columns);
    out.push_back({prefix + name + "weight", {rows, columns}, layer, InitLaw::uniform, bound});
    if (bias) out.push_back({prefix + name + "bias", {rows}, layer, InitLaw::uniform, bound});
  }
  void glorot(const std::string& name, std::vector<std::int64_t> shape, std::int64_t fan_in, std::int64_t fan_out) {
    out.push_back({prefix + name, std::move(shape), layer, InitLaw::uniform, glorot_bound(fan_in, fan_out)});
  }
  void constant(const std::string& name, std::int64_t size, InitLaw law) {
    out.push_back({prefix + name, {size}, layer, law, 0});
  }
};

void add_layer(const ModelSpec& spec, int l, std::int64_t in, std::int64_t width, std::vector<ParameterSpec>& out) {
  const bool last = l == spec.layers - 1;
  LayerParameters p{out, l, fmt::format("{}.{}.", spec.kind == ModelKind::mlp ? "lins" : "convs", l)};
  switch (spec.kind) {
    case ModelKind::mlp: p.linear("", width, in, true); break;
    case ModelKind::gcn:
      p.glorot("lin.weight", {width, in}, in, width);
      p.constant("bias", width, InitLaw::zero);
      break;
    case ModelKind::sage:
      if (spec.aggregator == Aggregator::pool) p.linear("lin.", in, in, true);
      p.linear("lin_l.", width, in, true);
      if (spec.aggregator != Aggregator::gcn) p.linear("lin_r.", width, in, false);
      break;
    case ModelKind::gat: {
      const std::int64_t heads = last ? spec.heads_last : spec.heads;
      const std::int64_t per_head = last ? width : width / heads;
      p.glorot("lin.weight", {heads * per_head, in}, in, heads * per_head);
      p.glorot("att_src", {1, heads, per_head}, heads, per_head);  // fans as PyG takes them: the last two sizes
      p.glorot("att_dst", {1, heads, per_head}, heads, per_head);
      p.constant("bias", last ? per_head : heads * per_head, InitLaw::zero);
      break;
    }
  }
  if (spec.norm == Norm::layer && !last) {
    LayerParameters norm{out, l, fmt::format("norms.{}.", l)};
    norm.constant("weight", width, InitLaw::one);
    norm.constant("bias", width, InitLaw::zero);
  }
}

const char* name_of(Tristate value) { return value == Tristate::automatic ? "auto" : value == Tristate::on ? "on" : "off"; }
const char* name_of(Order order) {
  return order == Order::automatic ? "auto" : order == Order::aggregate_first ? "aggregate" : "gemm";
}

// A member of a stored model, of the kind asked for.
const data::JsonValue& member(const data::JsonValue& json, const std::string& key, const std::string& file) {
  const data::JsonValue* value = json.find(key);
  if (!value) input_error(fmt::format("{}: no key {}; it is not the configuration of a trained model", file, key));
  return *value;
}

}  // namespace

bool ModelSpec::adds_loop() const {
  switch (kind) {
    case ModelKind::mlp: return false;
    case ModelKind::sage: return aggregator == Aggregator::gcn || self_loops;
    case ModelKind::gcn:
    case ModelKind::gat: return true;
  }
  return false;
}

bool ModelSpec::linear_aggregation() const {
  return kind == ModelKind::gcn || (kind == ModelKind::sage && aggregator != Aggregator::pool);
}

void describe_model(ModelSpec& s, cli::OptionTable& table) {
  table.choice("--model", s.kind,
               {{"sage", ModelKind::sage}, {"gcn", ModelKind::gcn}, {"gat", ModelKind::gat}, {"mlp", ModelKind::mlp}},
               "architecture; mlp ignores the graph");
  table.choice("--aggregator", s.aggregator, {{"mean", Aggregator::mean}, {"pool", Aggregator::pool}, {"gcn", Aggregator::gcn}},
               "sage: how neighbours are summed up");
  table.add("--layers", s.layers, "layers").between(1, 100);
  table.add("--hidden", s.hidden, "width of the hidden layers").between(1, 1 << 20);
  table.add("--dropout", s.dropout, "dropout of hidden rows").at_least(0).below(1);
  table.add("--dropout-input", s.dropout_input, "dropout of the features; of the stored ones where they are sparse")
      .at_least(0)
      .below(1);
  table.add("--dropout-attn", s.dropout_attn, "gat: dropout of the attention").at_least(0).below(1);
  table.add("--heads", s.heads, "gat: heads of the hidden layers, a divisor of --hidden").between(1, 1024);
  table.add("--heads-last", s.heads_last, "gat: heads of the last layer, averaged").between(1, 1024);
  table.choice("--norm", s.norm, {{"none", Norm::none}, {"layer", Norm::layer}}, "normalisation between layers");
  table.add("--self-loops", s.self_loops, "sage mean and pool: each node is its own neighbour, too");
  table.choice("--order", s.order,
               {{"auto", Order::automatic}, {"aggregate", Order::aggregate_first}, {"gemm", Order::gemm_first}},
               "what a layer does first; auto takes the narrower");
  table.choice("--precompute-first", s.precompute_first,
               {{"auto", Tristate::automatic}, {"on", Tristate::on}, {"off", Tristate::off}},
               "full-graph: aggregate the constant features once, on the clock");
}

void check_model(const ModelSpec& spec) {
  if (spec.kind == ModelKind::gat && spec.layers > 1 && spec.hidden % spec.heads != 0)
    usage_error(fmt::format("--heads {}: does not divide --hidden {}; take --hidden {}", spec.heads, spec.hidden,
                            (spec.hidden / spec.heads + 1) * spec.heads));
}

std::vector<std::int64_t> layer_widths(const ModelSpec& spec, std::int64_t features, int classes) {
  std::vector<std::int64_t> widths(static_cast<std::size_t>(spec.layers) + 1, spec.hidden);
  widths.front() = features;
  widths.back() = classes;
  return widths;
}

std::vector<ParameterSpec> model_parameters(const ModelSpec& spec, std::int64_t features, int classes) {
  check_model(spec);
  const std::vector<std::int64_t> widths = layer_widths(spec, features, classes);
  std::vector<ParameterSpec> out;
  for (int l = 0; l < spec.layers; ++l)
    add_layer(spec, l, widths[static_cast<std::size_t>(l)], widths[static_cast<std::size_t>(l) + 1], out);
  return out;
}

std::int64_t parameter_count(const std::vector<ParameterSpec>& parameters) {
  std::int64_t count = 0;
  for (const ParameterSpec& p : parameters) {
    std::int64_t size = 1;
    for (const std::int64_t side : p.shape) size *= side;
    count += size;
  }
  return count;
}

bool gemm_first(const ModelSpec& spec, std::int64_t width_in, std::int64_t width_out, bool sparse_input) {
  if (sparse_input) return true;
  if (spec.order != Order::automatic) return spec.order == Order::gemm_first;
  return width_out <= width_in;
}

const char* name_of(ModelKind kind) {
  switch (kind) {
    case ModelKind::sage: return "sage";
    case ModelKind::gcn: return "gcn";
    case ModelKind::gat: return "gat";
    case ModelKind::mlp: return "mlp";
  }
  return "";
}

const char* name_of(Aggregator aggregator) {
  switch (aggregator) {
    case Aggregator::mean: return "mean";
    case Aggregator::pool: return "pool";
    case Aggregator::gcn: return "gcn";
  }
  return "";
}

const char* activation_name(const ModelSpec& spec) { return spec.kind == ModelKind::gat ? "elu" : "relu"; }

Json model_json(const StoredModel& m) {
  const ModelSpec& s = m.spec;
  return {{"model", name_of(s.kind)},
          {"aggregator", name_of(s.aggregator)},
          {"layers", s.layers},
          {"hidden", s.hidden},
          {"dropout", s.dropout},
          {"dropout_input", s.dropout_input},
          {"dropout_attn", s.dropout_attn},
          {"heads", s.heads},
          {"heads_last", s.heads_last},
          {"norm", s.norm == Norm::layer ? "layer" : "none"},
          {"activation", activation_name(s)},
          {"self_loops", s.self_loops},
          {"order", name_of(s.order)},
          {"precompute_first", name_of(s.precompute_first)},
          {"features", m.features},
          {"classes", m.classes}};
}

StoredModel parse_model(const std::string& file) {
  const data::JsonValue json = data::read_json(file);
  StoredModel m;
  ModelSpec& s = m.spec;
  // The same table that the command line is read by: equal words, equal bounds.
  cli::OptionTable table;
  describe_model(s, table);
  for (cli::OptionSpec& option : table.specs()) {
    std::string key = option.name;
    for (char& c : key)
      if (c == '-') c = '_';
    try {
      cli::set_option(option, data::to_json(member(json, key, file)), file + ": " + key);
    } catch (const Error& error) {
      input_error(error.message());
    }
  }
  // A model of another activation would load, and answer something else.
  if (const data::JsonValue* activation = json.find("activation"); activation && data::to_json(*activation) != activation_name(s))
    input_error(fmt::format("{}: activation: {} has {}", file, name_of(s.kind), activation_name(s)));
  const auto size = [&](const char* key) {
    const Json value = data::to_json(member(json, key, file));
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > (std::int64_t{1} << 31))
      input_error(fmt::format("{}: {}: not a size", file, key));
    return value.get<std::int64_t>();
  };
  m.features = size("features");
  m.classes = static_cast<int>(size("classes"));
  check_model(s);
  return m;
}

}  // namespace tenfold::gnnbench
