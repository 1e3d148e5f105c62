// What is trained: the architecture as the command line gives it, and the names, shapes and initial laws of its parameters.
// Names and shapes are PyTorch Geometric's (SAGEConv, GCNConv, GATConv), so that either side loads the other's safetensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "data/json.h"

namespace tenfold::gnnbench {

enum class ModelKind : std::uint8_t { sage, gcn, gat, mlp };
enum class Aggregator : std::uint8_t { mean, pool, gcn };  // of sage
enum class Norm : std::uint8_t { none, layer };
enum class Order : std::uint8_t { automatic, aggregate_first, gemm_first };
enum class Tristate : std::uint8_t { automatic, on, off };

struct ModelSpec {
  ModelKind kind = ModelKind::sage;
  Aggregator aggregator = Aggregator::mean;
  int layers = 2;               // L
  std::int64_t hidden = 128;    // H: width of h^1 .. h^{L-1}
  double dropout = 0.5;         // of h^1 .. h^{L-1}, where a layer takes them in
  double dropout_input = 0;     // of h^0; on sparse X of its stored entries
  double dropout_attn = 0;      // of gat's attention
  int heads = 4;                // gat: K, must divide H
  int heads_last = 1;           // gat: averaged
  Norm norm = Norm::none;       // between layers
  bool self_loops = true;       // sage mean and pool; gcn, gat and the gcn aggregator always add one
  Order order = Order::automatic;
  Tristate precompute_first = Tristate::automatic;

  bool uses_graph() const { return kind != ModelKind::mlp; }
  // Whether each node is its own in-neighbour once, beside the stored edges.
  bool adds_loop() const;
  // Whether the aggregation is linear in its input, with weights known before training: sage mean and gcn, gcn.
  bool linear_aggregation() const;
};

// --model .. --precompute-first.
void describe_model(ModelSpec& spec, cli::OptionTable& table);
// Throws Error(usage) for H % heads.
void check_model(const ModelSpec& spec);

// The widths D_0 = F, D_1 .. D_{L-1} = H, D_L = C.
std::vector<std::int64_t> layer_widths(const ModelSpec& spec, std::int64_t features, int classes);

// The law of a parameter's initial entries; draws are keyed by its name (init.h).
enum class InitLaw : std::uint8_t { uniform, zero, one };
struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  int layer = 0;
  InitLaw law = InitLaw::zero;
  double bound = 0;  // uniform on [-bound, bound): 1/sqrt(fan_in), or Glorot's sqrt(6/(fan_in + fan_out))
};
// In the order of layers. convs.l.lin_l.weight [out, in], .lin_l.bias, .lin_r.weight; pool also .lin.weight [in, in], .lin.bias;
// gcn convs.l.lin.weight, .bias; gat .lin.weight [K D', in], .att_src and .att_dst [1, K, D'], .bias; mlp lins.l.weight, .bias;
// norms.l.weight, .bias.
std::vector<ParameterSpec> model_parameters(const ModelSpec& spec, std::int64_t features, int classes);
std::int64_t parameter_count(const std::vector<ParameterSpec>& parameters);

// Whether layer l multiplies by its weights before it aggregates: the narrower side wins (aggregation at width D_l or D_{l+1}).
bool gemm_first(const ModelSpec& spec, std::int64_t width_in, std::int64_t width_out, bool sparse_input);

// Between layers: "relu", of gat "elu" (Velickovic et al. 2018).
const char* activation_name(const ModelSpec& spec);

const char* name_of(ModelKind kind);
const char* name_of(Aggregator aggregator);

// The architecture with its sizes, as best/config.json keeps it, and back. Throws Error(input), naming the file.
struct StoredModel {
  ModelSpec spec;
  std::int64_t features = 0;
  int classes = 0;
};
Json model_json(const StoredModel& model);
StoredModel parse_model(const std::string& file);

}  // namespace tenfold::gnnbench
