// Training steps against LibTorch's own optimisers, order of the batches, resumption to the byte, loss weightings, augmentation.
#include "doctest_torch.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "mtl/torch/augment.h"
#include "mtl/torch/epoch.h"
#include "mtl/torch/hand_net.h"
#include "mtl/torch/trainer.h"

namespace tenfold::mtl {
namespace {

using at::Tensor;

// Images of noise; a depth that follows from them, and a class for every pixel.
class NoiseSet final : public DataSet {
 public:
  explicit NoiseSet(std::size_t n, std::size_t faulty = 1000) : n_(n), faulty_(faulty) {}
  std::size_t size() const override { return n_; }
  std::string id(std::size_t index) const override { return "n" + std::to_string(index); }
  Sample load(std::size_t index) const override {
    if (index == faulty_) input_error(id(index) + ": torn");
    PhiloxStream random(7, "noise set", static_cast<std::uint32_t>(index));
    Sample sample;
    sample.id = id(index);
    sample.image = {3, 8, 8, std::vector<float>(192)};
    for (float& value : sample.image.values) value = static_cast<float>(random.uniform());
    Label classes{1, 8, 8, std::vector<float>(64), std::vector<std::uint8_t>(64, 1)}, depth = classes;
    for (std::size_t i = 0; i < 64; ++i) {
      classes.values[i] = sample.image.values[i] > 0.5f;
      depth.values[i] = 1 + sample.image.values[64 + i];
    }
    sample.labels = {classes, depth};
    return sample;
  }
  std::string sha256(std::vector<std::string>* /*unreadable*/) const override { return ""; }
  const std::string& spec() const override { return spec_; }

 private:
  std::size_t n_, faulty_;
  std::string spec_ = "noise";
};

TaskModel two_tasks() {
  Task seg, depth;
  seg.name = seg.output = "seg";
  seg.channels = 2;
  depth.name = depth.output = "depth";
  depth.type = TaskType::depth;
  depth.loss = LossType::l1;
  TaskModel model;
  model.tasks = {seg, depth};
  model.output_of_task = {0, 1};
  model.model = hand_net(R"({"id":"c","op":"conv2d","in":["image"],"param":{"weight":"c.w","bias":"c.b"},"attr":{"padding":1}},
    {"id":"n","op":"batch_norm","in":["c"],"param":{"weight":"n.w","bias":"n.b","running_mean":"n.mean","running_var":"n.var"}},
    {"id":"r","op":"relu","in":["n"]},{"id":"d","op":"dropout","in":["r"],"attr":{"p":0.1}},
    {"id":"s","op":"conv2d","in":["d"],"param":{"weight":"s.w"}},{"id":"e","op":"conv2d","in":["d"],"param":{"weight":"e.w"}})",
                         R"("seg":"s","depth":"e")",
                         drawn({{"c.w", {6, 3, 3, 3}},
                                {"c.b", {6}},
                                {"n.w", {6}},
                                {"n.b", {6}},
                                {"n.mean", {6}},
                                {"n.var", {6}},
                                {"s.w", {2, 6, 1, 1}},
                                {"e.w", {1, 6, 1, 1}}}));
  return model;
}

TrainSettings settings_of(const std::string& optimiser) {
  TrainSettings settings;
  settings.optimiser.kind = optimiser;
  settings.optimiser.weight_decay = 0.1;
  settings.schedule = "const";
  settings.batch = 4;
  settings.steps = 20;
  settings.lr = 0.01;
  return settings;
}

// The same steps by LibTorch's optimiser, from the gradients that the trainer saw.
void check_optimiser(const std::string& kind) {
  INFO(kind);
  at::set_num_threads(1);
  Trainer trainer(two_tasks(), settings_of(kind), 1);
  std::vector<std::string> names = trainer.executor().parameter_names();
  std::vector<Tensor> values;
  for (const std::string& name : names)
    values.push_back(trainer.executor().weights().at(name).detach().clone().requires_grad_(true));
  std::unique_ptr<torch::optim::Optimizer> peer;
  if (kind == "sgd")
    peer = std::make_unique<torch::optim::SGD>(values, torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(0.1));
  else if (kind == "adam")
    peer = std::make_unique<torch::optim::Adam>(values, torch::optim::AdamOptions(0.01).weight_decay(0.1));
  else
    peer = std::make_unique<torch::optim::AdamW>(values, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  const NoiseSet data(12);
  for (int s = 0; s < 5; ++s) {
    trainer.step(data, [&](const Problem& problem) {
      Gradients gradients = differentiate(problem);
      for (std::size_t i = 0; i < names.size(); ++i) values[i].mutable_grad() = gradients.total.at(names[i]).clone();
      return gradients;
    });
    peer->step();
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO(names[i]);
    CHECK(at::allclose(trainer.executor().weights().at(names[i]), values[i], 1e-5, 1e-6));
  }
}

TEST_CASE("the steps are those of LibTorch's optimisers") {
  for (const char* kind : {"adamw", "adam", "sgd"}) check_optimiser(kind);
}

TEST_CASE("each epoch is a permutation of its own, the same for the same seed") {
  const std::vector<std::size_t> first = epoch_order(100, 3, 0), second = epoch_order(100, 3, 1);
  CHECK(std::set<std::size_t>(first.begin(), first.end()).size() == 100);
  CHECK(first != second);
  CHECK(first != epoch_order(100, 4, 0));
  CHECK(first == epoch_order(100, 3, 0));
}

TEST_CASE("an epoch shows each item once; a torn item is left out and listed once") {
  const NoiseSet data(12, 5);
  EpochReader reader(1, 4);
  std::multiset<std::string> seen;
  for (std::int64_t s = 0; s < 6; ++s)
    for (const auto& sample : reader.read(data, s)) seen.insert(sample->id);
  CHECK(seen.size() == 22);
  CHECK(seen.count("n3") == 2);
  REQUIRE(reader.faults().size() == 1);
  CHECK(reader.faults()[0].item == "n5");
  CHECK(reader.faults()[0].reason == "n5: torn");
}

TEST_CASE("a restored run gives the bytes of one that went on") {
  at::set_num_threads(1);
  const NoiseSet data(12);
  for (const char* weights : {"equal", "uw", "dwa"}) {
    TrainSettings settings = settings_of("adamw");
    settings.weights = weights;
    settings.schedule = "cosine";
    settings.augment = true;
    Trainer whole(two_tasks(), settings, 1), first(two_tasks(), settings, 1), second(two_tasks(), settings, 1);
    for (int s = 0; s < 11; ++s) whole.step(data);
    for (int s = 0; s < 7; ++s) first.step(data);
    second.restore(first.save());
    for (int s = 0; s < 4; ++s) second.step(data);
    CHECK(whole.save() == second.save());
    CHECK(whole.save() != first.save());
    CHECK(second.steps_done() == 11);
  }
}

TEST_CASE("training lowers the losses") {
  at::set_num_threads(1);
  const NoiseSet data(16);
  for (const char* weights : {"equal", "uw", "dwa"}) {
    TrainSettings settings = settings_of("adamw");
    settings.weights = weights;
    settings.steps = 60;
    settings.lr = 0.03;
    Trainer trainer(two_tasks(), settings, 1);
    const Evaluation before = evaluate(*make_network(trainer.snapshot()), data, 0, 1);
    for (int s = 0; s < 60; ++s) trainer.step(data);
    const Evaluation after = evaluate(*make_network(trainer.snapshot()), data, 0, 1);
    CHECK(after.loss[0] < 0.8 * before.loss[0]);
    CHECK(after.loss[1] < 0.8 * before.loss[1]);
  }
}

TEST_CASE("the learning rate follows its schedule") {
  const NoiseSet data(4);
  const auto rates = [&](const std::string& schedule) {
    TrainSettings settings = settings_of("sgd");
    settings.schedule = schedule;
    settings.steps = 6;
    settings.lr = 1;
    Trainer trainer(two_tasks(), settings, 1);
    std::vector<double> seen;
    for (int s = 0; s < 6; ++s) {
      seen.push_back(trainer.lr());
      trainer.step(data);
    }
    return seen;
  };
  CHECK(rates("const") == std::vector<double>(6, 1));
  CHECK(rates("step") == std::vector<double>{1, 1, 0.5, 0.5, 0.25, 0.25});
  const std::vector<double> cosine = rates("cosine");
  CHECK(cosine[0] == 1);
  CHECK(cosine[2] == doctest::Approx(0.75));
  CHECK(cosine[3] == doctest::Approx(0.5));
}

TEST_CASE("uncertainty weights are trained: one step of gradient descent by hand") {
  at::set_num_threads(1);
  TrainSettings settings = settings_of("sgd");
  settings.weights = "uw";
  settings.optimiser.weight_decay = 0;
  Trainer trainer(two_tasks(), settings, 1);
  const NoiseSet data(4);
  const Trainer::StepResult result = trainer.step(data);
  CHECK(result.total == doctest::Approx((result.losses[0] + result.losses[1]) / 2));
  std::vector<double> second;
  trainer.step(data, [&](const Problem& problem) {
    second = problem.weights;
    return differentiate(problem);
  });
  // d/ds of L/(2 e^s) + s/2 at s = 0 is (1 - L)/2; the weight is then e^-s / 2.
  for (std::size_t t = 0; t < 2; ++t)
    CHECK(second[t] == doctest::Approx(0.5 * std::exp(0.01 * (1 - result.losses[t]) / 2)).epsilon(1e-6));
}

TEST_CASE("dynamic weights: softmax of the losses' last ratio at temperature 2, from the third epoch on") {
  at::set_num_threads(1);
  TrainSettings settings = settings_of("sgd");
  settings.weights = "dwa";
  settings.lr = 0.05;
  Trainer trainer(two_tasks(), settings, 1);
  const NoiseSet data(4);  // one batch an epoch
  const auto first = trainer.step(data).losses, second = trainer.step(data).losses;
  std::vector<double> weights;
  trainer.step(data, [&](const Problem& problem) {
    weights = problem.weights;
    return differentiate(problem);
  });
  const double a = std::exp(second[0] / first[0] / 2), b = std::exp(second[1] / first[1] / 2);
  CHECK(weights[0] == doctest::Approx(2 * a / (a + b)));
  CHECK(weights[1] == doctest::Approx(2 * b / (a + b)));
  CHECK(weights[0] != doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE("augmentation: depth over the scale, x of normals turned, labels go where the image goes") {
  Task depth, normal, marks;
  depth.type = TaskType::depth;
  normal.type = TaskType::normal;
  normal.channels = 3;
  marks.type = TaskType::segmentation;
  Sample sample;
  sample.image = {1, 12, 12, std::vector<float>(144)};
  for (std::size_t i = 0; i < 144; ++i) sample.image.values[i] = static_cast<float>(i % 12);
  Label d{1, 12, 12, std::vector<float>(144, 6), std::vector<std::uint8_t>(144, 1)};
  Label n{3, 12, 12, std::vector<float>(432, 0), std::vector<std::uint8_t>(144, 1)};
  std::fill_n(n.values.begin(), 144, 1.f);
  Label m{1, 12, 12, sample.image.values, std::vector<std::uint8_t>(144, 1)};
  sample.labels = {d, n, m};
  std::set<float> scales;
  std::set<bool> mirrored;
  for (std::uint32_t i = 0; i < 40; ++i) {
    PhiloxStream random(1, "augment test", i);
    const Sample out = augment(sample, {depth, normal, marks}, random);
    const float scale = 6 / out.labels[0].values[0];
    const bool mirror = out.labels[1].values[0] < 0;
    scales.insert(std::round(scale * 10) / 10);
    mirrored.insert(mirror);
    CHECK(std::abs(out.labels[1].values[0]) == 1);
    const float left = out.image.values[0], right = out.image.values[11];
    CHECK((mirror ? left > right : left < right));
    CHECK(std::abs(left - right) == doctest::Approx(static_cast<int>(12 / scale + 1e-4f) - 1));
    for (std::size_t p = 0; p < 144; ++p) CHECK(std::abs(out.labels[2].values[p] - out.image.values[p]) <= 1);
  }
  CHECK(scales == std::set<float>{1.f, 1.2f, 1.5f});
  CHECK(mirrored.size() == 2);
}

TEST_CASE("a step whose loss is not finite changes no weight and says so") {
  TaskModel model = two_tasks();
  model.model.weights.at("e.w").values[0] = INFINITY;
  Trainer trainer(model, settings_of("adamw"), 1);
  const Tensor before = trainer.executor().weights().at("s.w").detach().clone();
  CHECK_FALSE(trainer.step(NoiseSet(4)).finite);
  CHECK(at::equal(before, trainer.executor().weights().at("s.w")));
}

TEST_CASE("evaluation does not depend on threads") {
  const NoiseSet data(30, 11);
  const auto network = make_network(two_tasks());
  const Evaluation one = evaluate(*network, data, 0, 1), two = evaluate(*network, data, 0, 2);
  CHECK(one.loss == two.loss);
  CHECK(one.images == 29);
  REQUIRE(one.faults.size() == 1);
  CHECK(one.faults[0].item == "n11");
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t m = 0; m < one.metrics[t].size(); ++m) CHECK(one.metrics[t][m].value == two.metrics[t][m].value);
}

}  // namespace
}  // namespace tenfold::mtl
