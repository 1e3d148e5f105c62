// Whole runs: resumption to the same bits at any update, keyed randomness, stopping rules, what is evaluated when.
#include "doctest_torch.h"

#include "base/philox.h"
#include "gnnbench/torch/evaluate.h"
#include "model_support.h"
#include "training_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;

namespace {

const std::vector<std::string> kSystems = {"sync", "ns", "labor", "cluster:5:2", "mlp"};

void check_same_run(const Json& a, const Json& b) {
  for (const char* key : {"curve_digest", "weights_digest", "stream_digest", "best", "updates", "stopped_by", "converged"})
    CHECK_MESSAGE(a.at(key) == b.at(key), key);
}

}  // namespace

TEST_CASE("a run stopped at random updates and resumed ends with the same bits") {
  PhiloxStream random(20260101, "stops");
  for (const bool sparse : {false, true}) {
    const Dataset data = random_task({.edges = 200, .sparse = sparse, .seed = 12});
    for (const std::string& system : kSystems)
      for (const ModelKind kind : {ModelKind::sage, ModelKind::gat}) {
        TrainOptions o = small_options(system);
        o.model.kind = kind;
        o.model.dropout_input = 0.2;
        o.wd = 1e-3;
        StoppableRun whole(3);
        const Json expected = train(o, data, whole);
        const std::vector<int> stops = {1 + static_cast<int>(random.below(4)), 1 + static_cast<int>(random.below(5)), 1};
        INFO(system, " stopped after ", stops[0], " + ", stops[1], " + 1 updates, sparse ", sparse);
        check_same_run(train_in_pieces(o, data, 3, stops), expected);
      }
  }
}

TEST_CASE("equal seeds give equal runs, another seed another one") {
  const Dataset data = random_task({.edges = 200, .seed = 13});
  for (const std::string& system : kSystems) {
    INFO(system);
    const TrainOptions o = small_options(system);
    StoppableRun one(3), again(3), other(4);
    const Json a = train(o, data, one), b = train(o, data, again), c = train(o, data, other);
    check_same_run(a, b);
    CHECK(a["weights_digest"] != c["weights_digest"]);
    CHECK(a["model"]["init_digest"] != c["model"]["init_digest"]);
    if (!a["stream_digest"].is_null()) CHECK(a["stream_digest"] != c["stream_digest"]);
  }
}

TEST_CASE("all systems begin from the same weights") {
  const Dataset data = random_task({.edges = 200, .seed = 14});
  std::string digest;
  for (const char* system : {"sync", "ns:2:2", "labor:2:2", "cluster:5:2"}) {
    TrainOptions o = small_options(system);
    o.updates = 1;
    StoppableRun run(3);
    const Json result = train(o, data, run);
    if (digest.empty()) digest = result["model"]["init_digest"];
    CHECK(result["model"]["init_digest"] == digest);
  }
}

TEST_CASE("the curve follows the schedule and ends with the last update") {
  const Dataset data = random_task({.edges = 200, .seed = 15});
  TrainOptions o = small_options("sync");
  o.epochs = 20;
  o.patience = 0;
  o.eval_every = "geo:1.5";
  StoppableRun run(3);
  const Json result = train(o, data, run);
  std::vector<int> updates;
  for (const Json& point : result["curve"]) updates.push_back(point["update"]);
  CHECK(updates == std::vector<int>{0, 1, 2, 3, 5, 8, 12, 18, 20});
  CHECK(result["stopped_by"] == "epochs");
  CHECK(result["converged"] == false);
  CHECK(result["curve"][0]["loss"].is_null());
  CHECK(run.logged.size() == updates.size());
  CHECK(run.folder.files.contains("best/model.safetensors"));
  CHECK(run.folder.files.contains("best/config.json"));
  CHECK(run.folder.files.contains("curve.csv"));
}

TEST_CASE("the loss of a point is the mean over the updates since the point before") {
  const Dataset data = random_task({.edges = 200, .seed = 16});
  TrainOptions every = small_options("ns"), seldom = every;
  every.eval_every = "1u";
  seldom.eval_every = "4u";
  StoppableRun a(3), b(3);
  const Json fine = train(every, data, a), coarse = train(seldom, data, b);
  double sum = 0;
  for (int u = 1; u <= 4; ++u) sum += fine["curve"][u]["loss"].get<double>();
  CHECK(coarse["curve"][1]["update"] == 4);
  CHECK(coarse["curve"][1]["loss"].get<double>() == doctest::Approx(sum / 4));
  // When is evaluated has no part in the training.
  CHECK(fine["weights_digest"] == coarse["weights_digest"]);
}

TEST_CASE("patience ends a run that many epochs after its best validation") {
  const Dataset data = random_task({.edges = 200, .seed = 17});
  TrainOptions o = small_options("sync");
  o.epochs = 400;
  o.patience = 5;
  o.eval_every = "1u";
  StoppableRun run(3);
  const Json result = train(o, data, run);
  CHECK(result["converged"] == true);
  CHECK(result["stopped_by"] == "patience");
  CHECK(result["updates"].get<int>() == result["best"]["update"].get<int>() + 5);
  double best = -1;
  for (const Json& point : result["curve"]) best = std::max(best, point["val"].get<double>());
  CHECK(result["best"]["val"] == best);
}

TEST_CASE("training beats the class frequencies, and the best weights give the reported accuracy") {
  const Dataset data = random_task({.nodes = 200, .features = 16, .edges = 900, .seed = 18});
  for (const std::string& system : kSystems) {
    INFO(system);
    TrainOptions o = small_options(system);
    o.epochs = 60;
    o.model.dropout = 0.2;
    StoppableRun run(3);
    const Json result = train(o, data, run);
    CHECK(result["best"]["val"].get<double>() > 0.4);  // a quarter by chance
    const TrainPlan plan = plan_training(o, data);
    Network network(plan.options.model, data.features.width, data.classes, RandomKey{99}, torch::kFloat32, two_threads());
    load_parameters(network.parameters(), run.folder.files.at("best/model.safetensors"), "best");
    const Correct correct = count_correct(predicted_classes(infer(network, data, 64)), data);
    const auto sizes = result["split"];
    CHECK(static_cast<double>(correct.test) / sizes["test"].get<double>() == result["best"]["test"].get<double>());
    CHECK(static_cast<double>(correct.val) / sizes["val"].get<double>() == result["best"]["val"].get<double>());
  }
}

TEST_CASE("dumped updates hold the nodes, their logits and the gradients that Adam took") {
  const Dataset data = random_task({.edges = 200, .seed = 19});
  for (const std::string system : {"sync", "ns"}) {
    INFO(system);
    TrainOptions o = small_options(system);
    o.dump_updates = 2;
    o.epochs = 2;
    StoppableRun run(3);
    train(o, data, run);
    CHECK(run.folder.files.contains("dump/update_1.safetensors"));
    CHECK(!run.folder.files.contains("dump/update_2.safetensors"));
    const auto tensors = tensors_from_safetensors(run.folder.files.at("dump/update_0.safetensors"), "dump");
    std::map<std::string, torch::Tensor> by_name(tensors.begin(), tensors.end());
    CHECK(by_name.at("nodes").size(0) == (system == "sync" ? data.nodes() : 7));
    CHECK(by_name.at("logits").size(1) == data.classes);
    CHECK(by_name.at("gradient.convs.1.lin_l.weight").abs().max().item<float>() > 0);
  }
}

TEST_CASE("a learning rate beyond all measure ends with exit code 4 and names the update") {
  const Dataset data = random_task({.edges = 200, .seed = 20});
  TrainOptions o = small_options("sync");
  o.lr = 1e30;
  StoppableRun run(3);
  try {
    train(o, data, run);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::infeasible);
    CHECK(error.message().find("update ") == 0);
  }
}

TEST_CASE("a checkpoint of other data is refused") {
  const Dataset data = random_task({.edges = 200, .seed = 21});
  TrainOptions o = small_options("ns");
  StoppableRun run(3);
  run.stop_after = 2;
  CHECK_THROWS_AS(train(o, data, run), Error);
  Dataset other = random_task({.edges = 200, .seed = 22});
  other.digest = "another";
  StoppableRun resumed(3);
  resumed.state = run.state;
  try {
    train(o, other, resumed);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
  }
}
