// What goes with a channel, against torch-pruning: records and removed weights of torchvision's networks and a U-Net, as
// tests/parity/mtl-prune/dependency_graph.py wrote them. The networks come as graphs with shapes; weights are a formula.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "base/sha256.h"
#include "mtl-prune/removal.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"
#include "small_nets.h"

using namespace tenfold;
using mtl_prune::Role;
using mtl_prune::Units;

namespace {

const std::string kFolder = TENFOLD_SOURCE_DIR "/tests/parity/mtl-prune/";
using Record = std::tuple<std::string, int, std::int64_t>;

const nlohmann::json& golden() {
  static const nlohmann::json json = nlohmann::json::parse(read_file(kFolder + "dependency_graph.json"));
  return json;
}

// The script's fill(): 16 bits of a multiplicative hash of index and name.
void fill(const std::string& name, mtl::Tensor& tensor) {
  const std::uint64_t seed = std::stoull(sha256_hex(name).substr(0, 8), nullptr, 16);
  tensor.values.resize(static_cast<std::size_t>(mtl::elements(tensor.shape)));
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    std::uint64_t h = (i + seed) * 2654435761ULL & 0xFFFFFFFFU;
    h = (h ^ h >> 15) & 0xFFFF;
    float v = static_cast<float>(static_cast<double>(h) / 65536 - 0.5);
    if (name.ends_with("running_var")) v = 0.5F + std::abs(v);
    tensor.values[i] = v;
  }
}

struct Net {
  mtl::Model model;
  std::vector<mtl::Shape> shapes;
  Units units;
};

Net load(const std::string& name, bool with_values) {
  const nlohmann::json file = nlohmann::json::parse(read_file(kFolder + "graphs/" + name + ".json"));
  mtl::Weights weights;
  for (const auto& [parameter, shape] : file["shapes"].items()) {
    mtl::Tensor& tensor = weights[parameter];
    tensor.shape = shape.get<mtl::Shape>();
    if (with_values) fill(parameter, tensor);
  }
  Net net;
  net.model = mtl::parse_mtg(file["mtg"].dump(), name, std::move(weights));
  const std::int64_t size = golden()[name]["size"];
  net.shapes = mtl::infer_shapes(net.model, {1, 3, size, size});
  net.units = mtl_prune::find_units(net.model, net.shapes);
  return net;
}

// The unit that owns index i of the filters of `layer`; null where it is locked.
const mtl_prune::Unit* unit_of(const Units& units, const std::string& weight, std::int64_t index) {
  for (const mtl_prune::UnitSet& set : units.sets) {
    for (const mtl_prune::Unit& unit : set.units) {
      for (const mtl_prune::Slice& slice : units.slices(unit)) {
        const mtl_prune::Dimension& dimension = units.dimension(slice);
        if (dimension.role == Role::consumer || dimension.parameter != weight) continue;
        if (std::ranges::find(units.indices(slice), index) != units.indices(slice).end()) return unit.locked ? nullptr : &unit;
      }
    }
  }
  return nullptr;
}

std::vector<Record> records(const Units& units, const mtl_prune::Unit& unit) {
  std::vector<Record> found;
  for (const mtl_prune::Slice& slice : units.slices(unit))
    for (const std::int64_t index : units.indices(slice))
      found.emplace_back(units.dimension(slice).parameter, units.dimension(slice).dim, index);
  std::ranges::sort(found);
  return found;
}

// Layers in the order of their names, as the script goes through them: those with filters that are not locked.
std::map<std::string, std::int64_t> layers(const Net& net) {
  std::map<std::string, std::int64_t> found;
  for (const mtl::Node& node : net.model.graph.nodes) {
    if (node.op != mtl::Op::conv2d && node.op != mtl::Op::conv_transpose2d && node.op != mtl::Op::linear) continue;
    const std::string weight = node.parameters.at("weight");
    if (unit_of(net.units, weight, 0) == nullptr) continue;
    const mtl::Shape& shape = net.model.weights.at(weight).shape;
    found[weight.substr(0, weight.size() - 7)] = shape[node.op == mtl::Op::conv_transpose2d ? 1 : 0];
  }
  return found;
}

const char* const kNets[] = {"unet",     "vgg16_bn",     "resnet18",    "resnet34",
                             "resnet50", "mobilenet_v2", "densenet121", "deeplabv3_resnet50"};

}  // namespace

TEST_CASE("the records of every prunable layer are torch-pruning's") {
  for (const std::string name : kNets) {
    CAPTURE(name);
    const nlohmann::json& expected = golden()[name];
    const Net net = load(name, false);
    Sha256 digest;
    std::int64_t count = 0;
    const auto of_net = layers(net);
    for (const auto& [layer, channels] : of_net) {
      std::vector<std::int64_t> indices = {0, channels / 2, channels - 1};
      indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
      for (const std::int64_t index : indices) {
        const mtl_prune::Unit* unit = unit_of(net.units, layer + ".weight", index);
        REQUIRE_MESSAGE(unit != nullptr, layer << " " << index);
        const std::vector<Record> found = records(net.units, *unit);
        std::string text = layer + " " + std::to_string(index) + "\n";
        for (const auto& [parameter, dim, i] : found)
          text += parameter + " " + std::to_string(dim) + " " + std::to_string(i) + "\n";
        digest.update(text);
        count += static_cast<std::int64_t>(found.size());
        if (expected.contains("full")) {
          std::vector<Record> theirs;
          for (const nlohmann::json& r : expected["full"][layer + " " + std::to_string(index)])
            theirs.emplace_back(r[0], r[1], r[2]);
          CHECK_MESSAGE(found == theirs, layer << " " << index);
        }
      }
    }
    CHECK(of_net.size() == expected["layers"].get<std::size_t>());
    CHECK(count == expected["records"].get<std::int64_t>());
    CHECK(digest.hex() == expected["records_sha256"].get<std::string>());
  }
}

TEST_CASE("the same channels removed leave the bytes that torch-pruning leaves") {
  for (const std::string name : kNets) {
    const nlohmann::json& expected = golden()[name];
    if (expected["pruned_weights_sha256"].is_null()) continue;
    CAPTURE(name);
    const Net net = load(name, true);
    mtl_prune::Plan plan = keep_everything(net.model, net.units);
    for (mtl_prune::KeptSet& set : plan.sets)
      if (!set.locked) std::erase_if(set.keep, [](std::int64_t u) { return u % 5 == 2; });
    const mtl::Model small = remove_units(net.model, net.units, plan);
    CHECK(mtl::weights_sha256(small.weights) == expected["pruned_weights_sha256"].get<std::string>());
  }
}
