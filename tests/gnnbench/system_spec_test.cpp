// The words that name systems, and the plan that follows from one.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include "base/error.h"
#include "gnnbench/sampler.h"

#include "gnnbench/system_spec.h"
#include "gnnbench/train_options.h"
#include "torch/task_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::string refusal(const std::string& text) {
  try {
    parse_system(text);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("systems are read with their parameters, workers and own options") {
  const SystemSpec ns = parse_system("ns:15:all@4+lr=0.005+dropout=0.3");
  CHECK(ns.method == Method::ns);
  CHECK(ns.family() == Family::mini_batch);
  CHECK(ns.fanouts == std::vector<std::int64_t>{15, kAllNeighbours});
  CHECK(ns.workers == 4);
  CHECK(ns.overrides == std::vector<std::pair<std::string, std::string>>{{"lr", "0.005"}, {"dropout", "0.3"}});
  CHECK(parse_system("bns:0.25@2").bns_rate == 0.25);
  CHECK(parse_system("bns").bns_rate == 0.1);
  const SystemSpec cluster = parse_system("cluster:50:5");
  CHECK(cluster.cluster_parts == 50);
  CHECK(cluster.cluster_per_batch == 5);
  CHECK(parse_system("sync").family() == Family::full_graph);
  CHECK(parse_system("labelprop").family() == Family::baseline);
  CHECK(parse_system("ns+lr=1e+0+wd=0").overrides.size() == 2);
}

TEST_CASE("what is printed parses to the same") {
  for (const char* text : {"sync", "pipe@2", "bns:0.1@2", "ns:15:10", "labor:all", "cluster:10:2+lr=0.01", "ns@3+batch=5", "mlp"})
    CHECK(to_string(parse_system(text)) == text);
}

TEST_CASE("what is no system is refused with the nearest") {
  CHECK(refusal("pipes@2").find("did you mean pipe?") != std::string::npos);
  CHECK(refusal("clutser").find("did you mean cluster?") != std::string::npos);
  for (const char* text : {"", "ns:0", "ns:-1", "ns:x", "bns:0", "bns:1.5", "bns:nan", "cluster:0", "cluster:1:2:3", "sync:1",
                           "ns@0", "ns@2@3", "ns@x", "mlp@2", "sync+lr", "sync+=3"})
    CHECK_MESSAGE(!refusal(text).empty(), text);
}

TEST_CASE("a plan: batches, fanouts, learning rates and a system's own options") {
  const Dataset data = testing::random_task({.nodes = 100, .seed = 3});
  const auto train = static_cast<std::int64_t>(data.part(Part::train).size());
  TrainOptions o;
  o.batch = 8;
  o.fanout = {"5"};
  o.model.layers = 3;
  o.system = "ns@2+lr=0.5";
  const TrainPlan ns = plan_training(o, data);
  CHECK(ns.system.fanouts == std::vector<std::int64_t>{5, 5, 5});
  CHECK(ns.updates_per_epoch == (train + 15) / 16);
  CHECK(ns.max_updates == 1000 * ns.updates_per_epoch);
  CHECK(ns.lr == 0.5);
  o.system = "labor";
  CHECK(plan_training(o, data).lr == 0.003);
  o.system = "sync+hidden=32+self-loops=off";
  const TrainPlan sync = plan_training(o, data);
  CHECK(sync.lr == 0.01);
  CHECK(sync.updates_per_epoch == 1);
  CHECK(sync.options.model.hidden == 32);
  CHECK(!sync.options.model.self_loops);
  o.system = "cluster:10:3";
  CHECK(plan_training(o, data).updates_per_epoch == 4);
  CHECK(plan_training(o, data).gcn_norm == GcnNorm::sub);
  o.system = "mlp";
  CHECK(plan_training(o, data).options.model.kind == ModelKind::mlp);
}

TEST_CASE("plans that cannot be are refused") {
  const Dataset data = testing::random_task({.nodes = 50, .seed = 3});
  TrainOptions o;
  for (const char* system :
       {"ns:1:2:3", "cluster:51", "sync@51", "sync+seed=3", "sync+learning-rate=3", "sync+lr=-1", "sync+lr=x"}) {
    o.system = system;
    CHECK_THROWS_AS(plan_training(o, data), Error);
  }
  o.system = "sync";
  o.model.kind = ModelKind::gat;
  o.model.hidden = 10;
  o.model.heads = 4;
  CHECK_THROWS_AS(plan_training(o, data), Error);
}

TEST_CASE("options cross to another process as they are") {
  TrainOptions o;
  o.load.data = "graph.gnnb";
  o.system = "ns:5@2";
  o.model.kind = ModelKind::gat;
  o.lr = 0.125;
  o.budget = 3.5;
  o.fanout = {"4", "all"};
  o.select = SelectBy::test_max;
  o.bns_floor = true;
  const TrainOptions back = options_from_json(options_json(o));
  CHECK(options_json(back) == options_json(o));
  CHECK(back.load.data == "graph.gnnb");
  CHECK(back.model.kind == ModelKind::gat);
  CHECK(back.lr == 0.125);
  CHECK(!back.target);
  CHECK(back.fanout == std::vector<std::string>{"4", "all"});
}
