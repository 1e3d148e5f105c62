// CosPrune and Taylor: cases by hand, identities, streamed against whole, explicit gates, PyTorch's own gradients.
#include "doctest_torch.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "mtl-prune/torch/scorer.h"
#include "mtl/architectures.h"
#include "mtl/torch/hand_net.h"

namespace tenfold::mtl_prune {
namespace {

using at::Tensor;
using mtl::drawn;
using mtl::hand_net;

// Task i of a hand net: output "o<i>" of one channel, its loss the mean of |o - label| or (o - label)^2.
mtl::TaskModel with_maps(mtl::Model model, int tasks, mtl::LossType loss) {
  mtl::TaskModel out;
  for (int t = 0; t < tasks; ++t) {
    mtl::Task task;
    task.name = task.output = "o" + std::to_string(t);
    task.type = mtl::TaskType::depth;
    task.loss = loss;
    out.tasks.push_back(task);
    out.output_of_task.push_back(t);
  }
  out.model = std::move(model);
  return out;
}

// Images of float64, and for each task a constant label.
mtl::Batch batch_of(const Tensor& images, const std::vector<double>& labels) {
  mtl::Batch batch;
  batch.images = images;
  for (const double label : labels)
    batch.labels.push_back({at::full({images.size(0), 1, images.size(2), images.size(3)}, label, at::kDouble),
                            at::ones({images.size(0), images.size(2), images.size(3)}, at::kBool)});
  return batch;
}

struct Setting {
  mtl::TaskModel model;
  Units units;
  mtl::Executor executor;
  std::vector<double> weights;
  bool stream = true;
  Couple couple = Couple::mean;
  mtl::RunHooks hooks;

  Setting(mtl::TaskModel m, const mtl::Shape& image, at::ScalarType dtype = at::kDouble)
      : model(std::move(m)),
        units(find_units(model.model, mtl::infer_shapes(model.model, image), model.output_of_task)),
        executor(model.model, dtype),
        weights(model.tasks.size(), 1) {
    executor.require_grad(true);
  }

  mtl::Problem problem(const mtl::Batch& batch) const {
    return {.executor = executor,
            .tasks = model.tasks,
            .output_of_task = model.output_of_task,
            .batch = batch,
            .weights = weights,
            .hooks = hooks};
  }
  ScoreTable score(const std::vector<mtl::Batch>& batches) const {
    Scorer scorer(model, units, {.couple = couple, .stream = stream, .activity = true});
    for (const mtl::Batch& batch : batches) (void)scorer.add(problem(batch));
    return scorer.table();
  }
};

std::vector<double> values(const ScoreTable& table, const std::string& criterion, std::size_t set) {
  std::vector<double> out;
  for (const UnitScore& score : table.scores.at(criterion).at(set)) out.push_back(score.value);
  return out;
}

// Two inputs, two filters; o0 = f1 + f2, o1 = f1 - f2, o2 = f1. Losses are |o + 1000|: dL/do = 1 where o > -1000.
mtl::Model two_filters() {
  mtl::Weights weights = {{"w", {{2, 2, 1, 1}, {1, 2, 3, 4}}},
                          {"h0", {{1, 2, 1, 1}, {1, 1}}},
                          {"h1", {{1, 2, 1, 1}, {1, -1}}},
                          {"h2", {{1, 2, 1, 1}, {1, 0}}}};
  return hand_net(R"({"id":"f","op":"conv2d","in":["image"],"param":{"weight":"w"}},
    {"id":"o0","op":"conv2d","in":["f"],"param":{"weight":"h0"}},{"id":"o1","op":"conv2d","in":["f"],"param":{"weight":"h1"}},
    {"id":"o2","op":"conv2d","in":["f"],"param":{"weight":"h2"}})",
                  R"("o0":"o0","o1":"o1","o2":"o2")", weights);
}

TEST_CASE("two tasks that agree on filter 1 and disagree on filter 2: +1 and -1; a third that reads filter 1 alone: 1 and -1/3") {
  const Tensor pixel = at::tensor({3., 4.}, at::kDouble).view({1, 2, 1, 1});
  const Setting two(with_maps(two_filters(), 2, mtl::LossType::l1), {1, 2, 1, 1});
  CHECK(values(two.score({batch_of(pixel, {-1000, -1000})}), "cosprune", 0) == std::vector<double>{1, -1});
  const Setting three(with_maps(two_filters(), 3, mtl::LossType::l1), {1, 2, 1, 1});
  const ScoreTable table = three.score({batch_of(pixel, {-1000, -1000, -1000})});
  const std::vector<double> scores = values(table, "cosprune", 0);
  CHECK(scores[0] == doctest::Approx(1));
  CHECK(scores[1] == doctest::Approx(-1. / 3));
  CHECK(table.pair_cosine[0][1] == std::vector<double>{-1, 0, 0});
  CHECK(table.gradient_norm[0][0] == std::vector<double>{5, 5, 5});
  CHECK(table.gradient_norm[0][1] == std::vector<double>{5, 5, 0});
}

TEST_CASE("the mean of cosines, not the cosine of means; nothing is left over between batches") {
  // o = h (w . x), (o - label)^2: dL/dw = 2 (o - label) h x. With x = (1, 0), w = (1, 0), h = 1/2 both tasks: o = 1/2 and the
  // gradient is (o - label) x: labels -0.5 and -2.5 give 1 and 3, label 1.5 gives -1.
  mtl::Weights weights = {{"w", {{1, 2, 1, 1}, {1, 0}}}, {"h0", {{1, 1, 1, 1}, {0.5}}}, {"h1", {{1, 1, 1, 1}, {0.5}}}};
  const mtl::Model model = hand_net(R"({"id":"f","op":"conv2d","in":["image"],"param":{"weight":"w"}},
    {"id":"o0","op":"conv2d","in":["f"],"param":{"weight":"h0"}},{"id":"o1","op":"conv2d","in":["f"],"param":{"weight":"h1"}})",
                                    R"("o0":"o0","o1":"o1")", weights);
  const Setting setting(with_maps(model, 2, mtl::LossType::mse), {1, 2, 1, 1});
  const Tensor pixel = at::tensor({1., 0.}, at::kDouble).view({1, 2, 1, 1});
  const ScoreTable table = setting.score({batch_of(pixel, {-0.5, -2.5}), batch_of(pixel, {-0.5, 1.5})});
  CHECK(table.scores.at("cosprune")[0][0].value == 0);
  CHECK(table.scores.at("cosprune")[0][0].standard_error == 1);  // of +1 and -1
  CHECK(table.gradient_norm[0][0] == std::vector<double>{1, 2});
  CHECK(table.forward_passes == 2);
  CHECK(table.backward_passes == 4);
}

TEST_CASE("taylor: the mean over batches of the squared derivative of a gate; o = g (w.x), L = o^2, w.x = 2 and 1: 34") {
  mtl::Weights weights = {{"w", {{1, 1, 1, 1}, {1}}}, {"h", {{1, 1, 1, 1}, {1}}}};
  const mtl::Model model = hand_net(R"({"id":"f","op":"conv2d","in":["image"],"param":{"weight":"w"}},
    {"id":"o0","op":"conv2d","in":["f"],"param":{"weight":"h"}})",
                                    R"("o0":"o0")", weights);
  const Setting setting(with_maps(model, 1, mtl::LossType::mse), {1, 1, 1, 1});
  const auto pixel = [](double x) { return at::full({1, 1, 1, 1}, x, at::kDouble); };
  const ScoreTable table = setting.score({batch_of(pixel(2), {0}), batch_of(pixel(1), {0})});
  CHECK(values(table, "taylor", 0) == std::vector<double>{34});
  CHECK(values(table, "taylor-task:max", 0) == std::vector<double>{2});  // |dL/dg| / L = 2 o^2 / o^2
  CHECK_FALSE(table.scores.at("cosprune")[0][0].ranked);
}

// `act` where a filter must not be dead by chance, relu where it is to be.
std::string trunk(const std::string& act) {
  return R"({"id":"c1","op":"conv2d","in":["image"],"param":{"weight":"c1.w","bias":"c1.b"},"attr":{"padding":1}},
  {"id":"n1","op":"batch_norm","in":["c1"],"param":{"weight":"n.w","bias":"n.b","running_mean":"n.mean","running_var":"n.var"}},
  {"id":"r1","op":")" +
         act + R"(","in":["n1"]},{"id":"c2","op":"conv2d","in":["r1"],"param":{"weight":"c2.w"},"attr":{"padding":1}},
  {"id":"r2","op":"silu","in":["c2"]},)";
}

const std::map<std::string, mtl::Shape> kTrunkShapes = {{"c1.w", {6, 3, 3, 3}}, {"c1.b", {6}},        {"n.w", {6}},
                                                        {"n.b", {6}},           {"n.mean", {6}},      {"n.var", {6}},
                                                        {"c2.w", {5, 6, 3, 3}}, {"h0", {1, 5, 1, 1}}, {"h1", {1, 5, 1, 1}}};

mtl::Model two_heads(mtl::Weights weights, const std::string& act = "silu") {
  return hand_net(trunk(act) + R"({"id":"o0","op":"conv2d","in":["r2"],"param":{"weight":"h0"}},
    {"id":"o1","op":"conv2d","in":["r2"],"param":{"weight":"h1"}})",
                  R"("o0":"o0","o1":"o1")", std::move(weights));
}

// Labels far off, so that |o - label| is linear in o.
std::vector<mtl::Batch> noise_batches(const std::vector<double>& labels, int count = 2) {
  torch::manual_seed(11);
  std::vector<mtl::Batch> out;
  for (int i = 0; i < count; ++i) out.push_back(batch_of(at::rand({2, 3, 6, 5}, at::kDouble), labels));
  return out;
}

TEST_CASE("L2 = a L1: +1 for every filter if a > 0, -1 if a < 0") {
  for (const float a : {3.f, -3.f}) {
    mtl::Weights weights = drawn(kTrunkShapes);
    for (std::size_t i = 0; i < 5; ++i) weights.at("h1").values[i] = a * weights.at("h0").values[i];
    Setting setting(with_maps(two_heads(weights), 2, mtl::LossType::l1), {2, 3, 6, 5});
    for (const bool stream : {true, false}) {
      setting.stream = stream;
      const ScoreTable table = setting.score(noise_batches({-1000, -1000}, 3));
      for (const auto& set : table.scores.at("cosprune"))
        for (const UnitScore& score : set)
          if (score.ranked) CHECK(score.value == doctest::Approx(a > 0 ? 1 : -1).epsilon(1e-9));
    }
  }
}

TEST_CASE("heads that read disjoint filters: no conflict, 0") {
  const mtl::Model model =
      hand_net(R"({"id":"f","op":"conv2d","in":["image"],"param":{"weight":"w"}},{"id":"r","op":"relu","in":["f"]},
    {"id":"a","op":"slice","in":["r"],"attr":{"dim":1,"start":0,"end":2}},
    {"id":"b","op":"slice","in":["r"],"attr":{"dim":1,"start":2,"end":4}},
    {"id":"o0","op":"conv2d","in":["a"],"param":{"weight":"h0"}},{"id":"o1","op":"conv2d","in":["b"],"param":{"weight":"h1"}})",
               R"("o0":"o0","o1":"o1")", drawn({{"w", {4, 3, 1, 1}}, {"h0", {1, 2, 1, 1}}, {"h1", {1, 2, 1, 1}}}));
  const Setting setting(with_maps(model, 2, mtl::LossType::l1), {2, 3, 6, 5});
  CHECK(values(setting.score(noise_batches({-1000, -1000})), "cosprune", 0) == std::vector<double>(4, 0));
}

void check_close(const ScoreTable& a, const ScoreTable& b, const std::string& criterion, double tolerance) {
  INFO(criterion);
  for (std::size_t s = 0; s < a.scores.at(criterion).size(); ++s)
    for (std::size_t u = 0; u < a.scores.at(criterion)[s].size(); ++u) {
      const UnitScore x = a.scores.at(criterion)[s][u], y = b.scores.at(criterion)[s][u];
      CHECK(x.ranked == y.ranked);
      CHECK(std::abs(x.value - y.value) <= tolerance * std::max({1e-12, std::abs(x.value), std::abs(y.value)}));
    }
}

TEST_CASE("factors on a task's loss change taylor and not cosprune, cosprune-mag, taylor-task; nor does the tasks' order") {
  const auto scores = [](float factor, bool swapped) {
    mtl::Weights weights = drawn(kTrunkShapes);
    for (float& value : weights.at("h1").values) value *= factor;
    mtl::TaskModel model = with_maps(two_heads(weights), 2, mtl::LossType::l1);
    std::vector<double> labels = {-8, -4. * factor};
    if (swapped) {
      std::swap(model.tasks[0], model.tasks[1]);
      std::swap(model.output_of_task[0], model.output_of_task[1]);
      std::swap(labels[0], labels[1]);
    }
    return Setting(model, {2, 3, 6, 5}).score(noise_batches(labels));
  };
  const ScoreTable plain = scores(1, false);
  for (const float factor : {1024.f, 1.f / 1024}) {
    const ScoreTable scaled = scores(factor, false);
    for (const char* criterion : {"cosprune", "taylor-task:max", "taylor-task:mean", "taylor-task:min"})
      check_close(plain, scaled, criterion, 1e-9);
    CHECK(std::abs(plain.scores.at("taylor")[0][0].value / scaled.scores.at("taylor")[0][0].value - 1) > 0.01);
    // The last layer of the trunk feeds the scaled head; its own filters keep their size.
    check_close(plain, scaled, "cosprune-mag", 1e-9);
  }
  const ScoreTable swapped = scores(1, true);
  for (const char* criterion : {"cosprune", "cosprune-mag", "taylor", "taylor-task:max", "taylor-task:mean", "taylor-task:min"})
    check_close(plain, swapped, criterion, 1e-12);
}

mtl::TaskModel rooms_net(std::uint64_t seed) {
  mtl::TaskFile file;
  const auto add = [&](const char* name, mtl::TaskType type, mtl::LossType loss, int channels) {
    mtl::Task task;
    task.name = task.output = name;
    task.type = type;
    task.loss = loss;
    task.channels = channels;
    file.tasks.push_back(task);
  };
  add("seg", mtl::TaskType::segmentation, mtl::LossType::ce, 13);
  add("depth", mtl::TaskType::depth, mtl::LossType::l1, 1);
  add("normal", mtl::TaskType::normal, mtl::LossType::cosine, 3);
  mtl::Model model = mtl::build({}, file, seed);
  model.tasks = file;
  return mtl::with_tasks(std::move(model), "", "rooms-net", 32, 32);
}

mtl::Batch rooms_batch(std::int64_t images, std::uint64_t seed) {
  torch::manual_seed(seed);
  mtl::Batch batch;
  batch.images = at::rand({images, 3, 32, 32}, at::kDouble);
  const Tensor valid = at::rand({images, 32, 32}) > 0.2;
  batch.labels = {{at::randint(0, 13, {images, 32, 32}, at::kLong), valid},
                  {at::rand({images, 1, 32, 32}, at::kDouble), valid},
                  {at::randn({images, 3, 32, 32}, at::kDouble), valid}};
  return batch;
}

const std::vector<std::string> kCriteria = {"cosprune",        "cosprune-mag",     "taylor",
                                            "taylor-task:max", "taylor-task:mean", "taylor-task:min"};

TEST_CASE("streamed scores are those of T passes of autograd on the whole graph") {
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    for (const bool train : {false, true}) {
      Setting setting(rooms_net(3), {2, 3, 32, 32}, dtype);
      setting.hooks.train = train;
      const std::vector<mtl::Batch> batches = {rooms_batch(2, 1), rooms_batch(2, 2)};
      const ScoreTable streamed = setting.score(batches);
      setting.stream = false;
      const ScoreTable whole = setting.score(batches);
      for (const std::string& criterion : kCriteria) check_close(streamed, whole, criterion, dtype == at::kDouble ? 1e-6 : 2e-3);
      for (std::size_t i = 0; i < whole.apoz.size(); ++i)
        for (std::size_t u = 0; u < whole.apoz[i].size(); ++u)
          CHECK((streamed.apoz[i][u] == whole.apoz[i][u] || std::isnan(whole.apoz[i][u])));
      CHECK(streamed.dead == whole.dead);
      CHECK(streamed.backward_passes == 6);
    }
  }
}

TEST_CASE("the gradients that come along are those of the weighted sum of the losses") {
  Setting setting(rooms_net(3), {2, 3, 32, 32});
  setting.weights = {1, 0.5, 3};
  setting.hooks.train = true;
  const mtl::Batch batch = rooms_batch(2, 1);
  Scorer scorer(setting.model, setting.units, {});
  const mtl::Gradients ours = scorer.add(setting.problem(batch), true);
  const mtl::Gradients direct = mtl::differentiate(setting.problem(batch));
  REQUIRE(ours.total.size() == direct.total.size());
  for (const auto& [name, gradient] : direct.total) {
    INFO(name);
    CHECK((ours.total.at(name) - gradient).abs().max().item<double>() <= 1e-10 * (1 + gradient.abs().max().item<double>()));
  }
  for (std::size_t t = 0; t < 3; ++t) CHECK(ours.losses[t] == doctest::Approx(direct.losses[t]).epsilon(1e-12));
}

TEST_CASE("a weight that two nodes use: its gradients are summed before anything else") {
  const mtl::Model model = hand_net(
      R"({"id":"a","op":"conv2d","in":["image"],"param":{"weight":"w"}},{"id":"r","op":"relu","in":["a"]},
    {"id":"m","op":"conv2d","in":["r"],"param":{"weight":"m"}},{"id":"b","op":"conv2d","in":["m"],"param":{"weight":"w"}},
    {"id":"s","op":"add","in":["b","r"]},
    {"id":"o0","op":"conv2d","in":["s"],"param":{"weight":"h0"}},{"id":"o1","op":"conv2d","in":["s"],"param":{"weight":"h1"}})",
      R"("o0":"o0","o1":"o1")", drawn({{"w", {4, 3, 1, 1}}, {"m", {3, 4, 1, 1}}, {"h0", {1, 4, 1, 1}}, {"h1", {1, 4, 1, 1}}}));
  Setting setting(with_maps(model, 2, mtl::LossType::mse), {2, 3, 6, 5});
  const std::vector<mtl::Batch> batches = noise_batches({0.3, -0.2});
  const ScoreTable streamed = setting.score(batches);
  setting.stream = false;
  const ScoreTable whole = setting.score(batches);
  for (const std::string& criterion : kCriteria) check_close(streamed, whole, criterion, 1e-9);

  // By hand: PyTorch's gradient of the shared weight has both uses in it.
  std::map<std::string, Tensor> w = setting.executor.weights();
  const auto loss = [&](const mtl::Batch& batch, const char* head, double label) {
    const Tensor r = at::relu(at::conv2d(batch.images, w.at("w")));
    const Tensor s = at::conv2d(at::conv2d(r, w.at("m")), w.at("w")) + r;
    return (at::conv2d(s, w.at(head)) - label).square().mean();
  };
  double expected = 0;
  for (const mtl::Batch& batch : batches) {
    const Tensor a = torch::autograd::grad({loss(batch, "h0", 0.3)}, {w.at("w")})[0][0].flatten();
    const Tensor b = torch::autograd::grad({loss(batch, "h1", -0.2)}, {w.at("w")})[0][0].flatten();
    expected += (a.dot(b) / (a.norm() * b.norm())).item<double>() / 2;
  }
  std::size_t set = 0;
  while (parameters(setting.units, setting.units.sets[set], Role::producer)[0] != "w") ++set;
  CHECK(streamed.scores.at("cosprune")[set][0].value == doctest::Approx(expected).epsilon(1e-9));
}

// dL_i/dg by explicit gates on everything that is read of each unit.
std::vector<std::vector<std::vector<double>>> explicit_gates(const Setting& setting, const mtl::Batch& batch) {
  mtl::RunHooks hooks = setting.hooks;
  std::vector<Tensor> gates;
  std::vector<int> nodes;
  const mtl::Graph& graph = setting.model.model.graph;
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const mtl::Op op = graph.nodes[i].op;
    if (op != mtl::Op::conv2d && op != mtl::Op::linear && op != mtl::Op::conv_transpose2d) continue;
    const ChannelMap& read = setting.units.nodes[static_cast<std::size_t>(graph.nodes[i].inputs[0].node)];
    if (read.axis != 1) continue;
    gates.push_back(at::ones({static_cast<std::int64_t>(read.units.size())}, at::kDouble).requires_grad_(true));
    nodes.push_back(static_cast<int>(i));
    hooks.read_scale[nodes.back()] = gates.back();
  }
  mtl::Problem problem = setting.problem(batch);
  const std::vector<Tensor> outputs = setting.executor.run(batch.images, hooks);
  std::vector<std::vector<std::vector<double>>> out;
  for (const UnitSet& set : setting.units.sets)
    out.emplace_back(set.units.size(), std::vector<double>(setting.model.tasks.size()));
  for (std::size_t t = 0; t < setting.model.tasks.size(); ++t) {
    const Tensor loss = problem.loss(t, outputs[static_cast<std::size_t>(setting.model.output_of_task[t])]);
    const std::vector<Tensor> d = torch::autograd::grad({loss}, gates, {}, true, false, true);
    for (std::size_t k = 0; k < gates.size(); ++k) {
      if (!d[k].defined()) continue;
      const auto& read =
          setting.units.nodes[static_cast<std::size_t>(graph.nodes[static_cast<std::size_t>(nodes[k])].inputs[0].node)];
      for (std::size_t c = 0; c < read.units.size(); ++c)
        if (read.units[c].set >= 0)
          out[static_cast<std::size_t>(read.units[c].set)][static_cast<std::size_t>(read.units[c].unit)][t] +=
              d[k][static_cast<std::int64_t>(c)].item<double>();
    }
  }
  return out;
}

TEST_CASE("gates by columns are explicit gates, on a residual net too") {
  Setting setting(rooms_net(4), {2, 3, 32, 32});
  const mtl::Batch batch = rooms_batch(2, 5);
  const ScoreTable table = setting.score({batch});
  const auto gates = explicit_gates(setting, batch);
  std::size_t compared = 0;
  for (std::size_t s = 0; s < gates.size(); ++s)
    for (std::size_t u = 0; u < gates[s].size(); ++u) {
      if (!table.scores.at("taylor")[s][u].ranked) continue;
      const double total = gates[s][u][0] + gates[s][u][1] + gates[s][u][2];
      CHECK(table.scores.at("taylor")[s][u].value == doctest::Approx(total * total).epsilon(1e-6));
      ++compared;
    }
  CHECK(compared == 304 + 3 * 64);  // the trunk's units and the heads' hidden ones
}

TEST_CASE("a task without a valid label in a batch does not count there") {
  Setting setting(with_maps(two_filters(), 3, mtl::LossType::l1), {1, 2, 1, 1});
  const Tensor pixel = at::tensor({3., 4.}, at::kDouble).view({1, 2, 1, 1});
  mtl::Batch batch = batch_of(pixel, {-1000, -1000, -1000});
  batch.labels[2].valid.zero_();
  const ScoreTable table = setting.score({batch});
  CHECK(values(table, "cosprune", 0) == std::vector<double>{1, -1});
  CHECK(table.task_absent == std::vector<std::int64_t>{0, 0, 1});
  batch.labels[1].valid.zero_();
  const ScoreTable alone = setting.score({batch});
  CHECK_FALSE(alone.scores.at("cosprune")[0][0].ranked);
}

TEST_CASE("dead: never read as anything but 0, or without any gradient") {
  mtl::Weights weights = drawn(kTrunkShapes);
  for (std::size_t i = 0; i < 27; ++i) weights.at("c1.w").values[i] = 0;  // channel 0 is a constant that the norm makes negative
  weights.at("c1.b").values[0] = 0;
  weights.at("n.mean").values[0] = 0;
  weights.at("n.b").values[0] = -1;
  weights.at("h0").values[2] = weights.at("h1").values[2] = 0;  // nobody asks for channel 2 of c2
  const Setting setting(with_maps(two_heads(weights, "relu"), 2, mtl::LossType::l1), {2, 3, 6, 5});
  const ScoreTable table = setting.score(noise_batches({-1000, -1000}));
  CHECK(table.dead[0] == std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0});
  CHECK(table.apoz[0][0] == 0);
  CHECK(table.apoz[0][1] > 0);
  CHECK(table.dead[1][2] == 1);
}

TEST_CASE("a loss that is not finite leaves its batch out") {
  const Setting setting(with_maps(two_filters(), 2, mtl::LossType::l1), {1, 2, 1, 1});
  const Tensor pixel = at::tensor({3., 4.}, at::kDouble).view({1, 2, 1, 1});
  const ScoreTable table = setting.score({batch_of(pixel, {-1000, -1000}), batch_of(pixel * INFINITY, {-1000, -1000})});
  CHECK(table.batches == 1);
  CHECK(table.batches_skipped == 1);
  CHECK(values(table, "cosprune", 0) == std::vector<double>{1, -1});
}

TEST_CASE("a scorer that is saved and restored goes on as if it had not been") {
  const Setting setting(rooms_net(3), {2, 3, 32, 32});
  Scorer whole(setting.model, setting.units, {}), first(setting.model, setting.units, {}),
      second(setting.model, setting.units, {});
  const mtl::Batch a = rooms_batch(2, 1), b = rooms_batch(2, 2);
  (void)whole.add(setting.problem(a));
  (void)first.add(setting.problem(a));
  second.restore(first.state());
  (void)whole.add(setting.problem(b));
  (void)second.add(setting.problem(b));
  CHECK(whole.state() == second.state());
}

Tensor of_json(const nlohmann::ordered_json& list, std::vector<std::int64_t> shape) {
  return at::tensor(list.get<std::vector<double>>(), at::kDouble).view(shape);
}

TEST_CASE("PyTorch, one autograd call a task: cosines of filters, derivatives of gates") {
  const nlohmann::ordered_json golden =
      nlohmann::ordered_json::parse(std::ifstream(TENFOLD_SOURCE_DIR "/tests/parity/mtl-prune/cosprune.json"));
  mtl::Weights weights;
  for (const auto& [name, tensor] : golden["weights"].items())
    weights.emplace(name, mtl::Tensor{tensor["shape"], tensor["values"].get<std::vector<float>>()});
  mtl::TaskModel model;
  model.model = mtl::parse_mtg(golden["mtg"].dump(), "cosprune.json", std::move(weights));
  for (const auto& [name, type, loss, channels] :
       {std::tuple{"seg", mtl::TaskType::segmentation, mtl::LossType::ce, golden["classes"].get<int>()},
        std::tuple{"depth", mtl::TaskType::depth, mtl::LossType::l1, 1},
        std::tuple{"normal", mtl::TaskType::normal, mtl::LossType::cosine, 3}}) {
    mtl::Task task;
    task.name = task.output = name;
    task.type = type;
    task.loss = loss;
    task.channels = channels;
    model.tasks.push_back(task);
    model.output_of_task.push_back(static_cast<int>(model.output_of_task.size()));
  }
  std::map<std::string, std::vector<double>> conflict, gates;  // by producer: mean over batches
  std::vector<mtl::Batch> batches;
  const double count = static_cast<double>(golden["batches"].size());
  for (const auto& b : golden["batches"]) {
    mtl::Batch batch;
    batch.images = of_json(b["image"], {2, 3, 6, 8});
    const Tensor valid = at::ones({2, 6, 8}, at::kBool);
    batch.labels = {{of_json(b["seg"], {2, 6, 8}).to(at::kLong), valid},
                    {of_json(b["depth"], {2, 1, 6, 8}), valid},
                    {of_json(b["normal"], {2, 3, 6, 8}), valid}};
    batches.push_back(batch);
    for (const auto& [name, list] : b["conflict"].items()) {
      conflict[name].resize(list.size());
      for (std::size_t f = 0; f < list.size(); ++f) conflict[name][f] += list[f].get<double>() / count;
    }
    for (const auto& [name, by_task] : b["gates"].items()) {
      gates[name + ".w"].resize(by_task[0].size());
      for (std::size_t c = 0; c < by_task[0].size(); ++c) {
        const double total = by_task[0][c].get<double>() + by_task[1][c].get<double>() + by_task[2][c].get<double>();
        gates[name + ".w"][c] += total * total / count;
      }
    }
  }
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat}) {
    const double tolerance = dtype == at::kDouble ? 1e-6 : 1e-4;
    const Setting setting(model, {2, 3, 6, 8}, dtype);
    const ScoreTable table = setting.score(batches);
    std::size_t seen = 0;
    for (std::size_t s = 0; s < setting.units.sets.size(); ++s) {
      const std::vector<std::string> producers = parameters(setting.units, setting.units.sets[s], Role::producer);
      for (std::size_t u = 0; u < setting.units.sets[s].units.size(); ++u) {
        const Unit& unit = setting.units.sets[s].units[u];
        if (unit.locked) continue;
        double expected = 0, gate = 0;
        int filters = 0;
        for (const Slice& slice : setting.units.slices(unit)) {
          const Dimension& dimension = setting.units.dimension(slice);
          const auto found = conflict.find(dimension.parameter);
          if (dimension.role != Role::producer || found == conflict.end()) continue;
          for (const std::int64_t index : setting.units.indices(slice)) {
            expected += found->second[static_cast<std::size_t>(index)];
            if (filters++ == 0 && gates.contains(dimension.parameter))
              gate = gates.at(dimension.parameter)[static_cast<std::size_t>(index)];
          }
        }
        if (filters == 0) continue;
        INFO(producers[0] << " unit " << u);
        CHECK(table.scores.at("cosprune")[s][u].value == doctest::Approx(expected / filters).epsilon(tolerance));
        CHECK(table.scores.at("taylor")[s][u].value == doctest::Approx(gate).epsilon(tolerance));
        ++seen;
      }
    }
    CHECK(seen >= 6 + 4 + 8);
  }
}

}  // namespace
}  // namespace tenfold::mtl_prune
