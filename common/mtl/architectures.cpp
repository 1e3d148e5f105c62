#include "mtl/architectures.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "base/suggest.h"
#include "mtl/graph_builder.h"
#include "mtl/op_table.h"

namespace tenfold::mtl {
namespace {

constexpr int kBlocks = 5;

struct Stage {
  int node = 0;
  std::int64_t channels = 3;
};

// 1x1 convolution and norm where shapes change, else the input itself.
Stage residual_block(GraphBuilder& graph, const std::string& name, Stage in, std::int64_t out, std::int64_t stride) {
  int main = graph.conv(name + ".conv1", in.node, in.channels, out, 3, {{"stride", stride}, {"padding", std::int64_t{1}}});
  main = graph.relu(name + ".relu1", graph.batch_norm(name + ".bn1", main, out));
  main = graph.conv(name + ".conv2", main, out, out, 3, {{"padding", std::int64_t{1}}});
  main = graph.batch_norm(name + ".bn2", main, out);
  int shortcut = in.node;
  if (stride != 1 || in.channels != out) {
    shortcut = graph.conv(name + ".shortcut.conv", in.node, in.channels, out, 1, {{"stride", stride}});
    shortcut = graph.batch_norm(name + ".shortcut.bn", shortcut, out);
  }
  const int sum = graph.add(name + ".add", Op::add, {main, shortcut});
  return {graph.relu(name + ".relu2", sum), out};
}

Stage rooms_block(GraphBuilder& graph, int block, const std::string& name, Stage in) {
  if (block == 0) {
    const int conv =
        graph.conv(name + ".conv", in.node, in.channels, 16, 3, {{"stride", std::int64_t{2}}, {"padding", std::int64_t{1}}});
    return {graph.relu(name + ".relu", graph.batch_norm(name + ".bn", conv, 16)), 16};
  }
  constexpr std::int64_t kChannels[kBlocks] = {16, 32, 32, 64, 64}, kStride[kBlocks] = {2, 2, 1, 2, 1};
  return residual_block(graph, name, in, kChannels[block], kStride[block]);
}

// What a task without a map makes of its last one: the mean over it.
void finish_head(GraphBuilder& graph, const std::string& name, const Task& task, int map, bool to_image) {
  if (!task.is_map()) {
    map = graph.add(name + ".mean", Op::mean, std::vector<int>{map}, {{"dim", std::vector<std::int64_t>{2, 3}}});
  } else if (to_image) {
    map = graph.add(name + ".up", Op::upsample, std::vector<int>{map},
                    {{"mode", std::string("bilinear")}, {"size_of", std::string("image")}});
  }
  graph.output(task.output, map);
}

void rooms_head(GraphBuilder& graph, const Task& task, Stage trunk, int size_of) {
  const std::string name = "heads." + task.name;
  const std::map<std::string, Attribute> same = {{"padding", std::int64_t{1}}};
  int map = graph.conv(name + ".conv1", trunk.node, trunk.channels, 32, 3, same);
  map = graph.relu(name + ".relu1", graph.batch_norm(name + ".bn1", map, 32));
  map = graph.add(
      name + ".up1", Op::upsample, std::vector<int>{map},
      {{"mode", std::string("bilinear")}, {"size_of", graph.model().graph.nodes[static_cast<std::size_t>(size_of)].id}});
  map = graph.conv(name + ".conv2", map, 32, 32, 3, same);
  map = graph.relu(name + ".relu2", graph.batch_norm(name + ".bn2", map, 32));
  map = graph.conv(name + ".out", map, 32, task.channels, 1, {}, true);
  finish_head(graph, name, task, map, true);
}

struct VggSpec {
  std::vector<std::int64_t> widths;
  std::int64_t head_width = 1024;
  bool last_pool = true;
};

Stage vgg_block(GraphBuilder& graph, const VggSpec& spec, int block, const std::string& name, Stage stage) {
  constexpr int kConvs[kBlocks] = {2, 2, 3, 3, 3};
  int first = 0;
  for (int i = 0; i < block; ++i) first += kConvs[i];
  for (int i = 0; i < kConvs[block]; ++i) {
    const std::int64_t out = spec.widths[static_cast<std::size_t>(first + i)];
    const std::string layer = name + ".conv" + std::to_string(i + 1);
    const int conv = graph.conv(layer, stage.node, stage.channels, out, 3, {{"padding", std::int64_t{1}}}, true);
    stage = {graph.relu(name + ".relu" + std::to_string(i + 1), conv), out};
  }
  if (block < kBlocks - 1 || spec.last_pool)
    stage.node = graph.add(name + ".pool", Op::max_pool2d, std::vector<int>{stage.node}, {{"kernel_size", std::int64_t{2}}});
  return stage;
}

// The sum of four branches of different reach (the atrous pyramid of DeepLab).
void vgg_head(GraphBuilder& graph, const VggSpec& spec, const Task& task, Stage trunk) {
  const std::string head = "heads." + task.name;
  int sum = -1;
  for (const std::int64_t dilation : {1, 2, 4, 6}) {
    const std::string name = head + ".d" + std::to_string(dilation);
    const std::int64_t width = spec.head_width;
    int map =
        graph.conv(name + ".conv1", trunk.node, trunk.channels, width, 3, {{"padding", dilation}, {"dilation", dilation}}, true);
    map = graph.add(name + ".drop1", Op::dropout, std::vector<int>{graph.relu(name + ".relu1", map)});
    map = graph.conv(name + ".conv2", map, width, width, 1, {}, true);
    map = graph.add(name + ".drop2", Op::dropout, std::vector<int>{graph.relu(name + ".relu2", map)});
    map = graph.conv(name + ".out", map, width, task.channels, 1, {}, true);
    sum = sum < 0 ? map : graph.add(name + ".sum", Op::add, {sum, map});
  }
  finish_head(graph, head, task, sum, false);
}

VggSpec vgg_spec(const ArchitectureSpec& spec) {
  VggSpec vgg;
  vgg.widths = {64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512};
  if (spec.arch == "vgg16-mtl-small") {
    for (std::int64_t& width : vgg.widths) width /= 8;
    vgg.head_width = 64;
    vgg.last_pool = false;
  }
  if (spec.widths.empty()) return vgg;
  if (spec.widths.size() != vgg.widths.size())
    usage_error("widths: " + std::to_string(spec.widths.size()) + " numbers for vgg16's " + std::to_string(vgg.widths.size()) +
                " convolutions");
  for (const std::int64_t width : spec.widths)
    if (width < 1 || width > 65536) usage_error("widths: " + std::to_string(width) + " is not in [1, 65536]");
  vgg.widths = spec.widths;
  return vgg;
}

// Builds the blocks of every group and the heads. `block(B, name, stage)` and `head(task, stage at b4, node of b2)`.
template <class Block, class Head>
void build_blocks(const Layout& layout, const TaskFile& tasks, std::int64_t image_channels, const Block& block,
                  const Head& head) {
  std::vector<std::vector<Stage>> by_task(tasks.tasks.size());  // [task][block]
  for (int b = 0; b < kBlocks; ++b) {
    for (std::size_t g = 0; g < layout[static_cast<std::size_t>(b)].size(); ++g) {
      const std::vector<int>& group = layout[static_cast<std::size_t>(b)][g];
      const std::vector<Stage>& before = by_task[static_cast<std::size_t>(group[0])];
      const Stage in = before.empty() ? Stage{0, image_channels} : before.back();
      const Stage out = block(b, "blocks." + std::to_string(b) + "." + std::to_string(g), in);
      for (const int task : group) by_task[static_cast<std::size_t>(task)].push_back(out);
    }
  }
  for (std::size_t t = 0; t < tasks.tasks.size(); ++t) head(tasks.tasks[t], by_task[t][4], by_task[t][2].node);
}

}  // namespace

Model build(const ArchitectureSpec& spec, const TaskFile& tasks, std::uint64_t seed) {
  const std::vector<std::string> names = {"rooms-net", "vgg16-mtl", "vgg16-mtl-small"};
  if (std::find(names.begin(), names.end(), spec.arch) == names.end()) {
    const std::string near = nearest(spec.arch, names);
    usage_error("no architecture " + spec.arch +
                (near.empty() ? "; one of rooms-net, vgg16-mtl, vgg16-mtl-small" : "; did you mean " + near + "?"));
  }
  if (tasks.tasks.empty()) usage_error("an architecture needs at least one task");
  const Layout layout = parse_layout(spec.layout, static_cast<int>(tasks.tasks.size()), kBlocks);
  GraphBuilder graph;
  const std::int64_t channels = tasks.input.value_or(InputSpec{}).channels();
  if (spec.arch == "rooms-net") {
    if (!spec.widths.empty()) usage_error("widths: rooms-net's are fixed; vgg16-mtl takes them");
    build_blocks(
        layout, tasks, channels, [&](int b, const std::string& name, Stage in) { return rooms_block(graph, b, name, in); },
        [&](const Task& task, Stage trunk, int b2) { rooms_head(graph, task, trunk, b2); });
  } else {
    const VggSpec vgg = vgg_spec(spec);
    build_blocks(
        layout, tasks, channels, [&](int b, const std::string& name, Stage in) { return vgg_block(graph, vgg, b, name, in); },
        [&](const Task& task, Stage trunk, int) { vgg_head(graph, vgg, task, trunk); });
  }
  graph.model().input = tasks.input.value_or(InputSpec{});
  graph.model().tasks = tasks;
  Model model = graph.finish();
  initialise(model, seed);
  return model;
}

namespace {

void fill(Model& model, const Node& node, const std::string& role, float value) {
  if (const auto found = node.parameters.find(role); found != node.parameters.end()) {
    Tensor& tensor = model.weights.at(found->second);
    tensor.values.assign(tensor.values.size(), value);
  }
}

// Kaiming normal (He et al. 2015, equation 14): deviation sqrt(2 / fan_out), fan_out = size of dimension 0 times the kernel's
// area.
void draw_kaiming(Tensor& tensor, const std::string& name, std::uint64_t seed) {
  std::int64_t fan_out = tensor.shape[0];
  for (std::size_t i = 2; i < tensor.shape.size(); ++i) fan_out *= tensor.shape[i];
  const double deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
  PhiloxStream stream(seed, "weight " + name);
  for (float& value : tensor.values) value = static_cast<float>(deviation * stream.normal());
}

}  // namespace

void initialise(Model& model, std::uint64_t seed) {
  for (const Node& node : model.graph.nodes) {
    switch (node.op) {
      case Op::conv2d:
      case Op::conv_transpose2d:
      case Op::linear:
        draw_kaiming(model.weights.at(node.parameters.at("weight")), node.parameters.at("weight"), seed);
        fill(model, node, "bias", 0);
        break;
      case Op::prelu: fill(model, node, "weight", 0.25F); break;
      default:
        fill(model, node, "weight", 1);
        fill(model, node, "bias", 0);
        fill(model, node, "running_mean", 0);
        fill(model, node, "running_var", 1);
    }
  }
}

}  // namespace tenfold::mtl
