// W workers of B seeds each are one worker of W B, for ns and labor: the sum over their shares is the mean over the whole batch.
// [mean of means, random streams a worker]
#include "doctest_torch.h"

#include "workers_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;

TEST_CASE("ns and labor: W workers of B equal one of W B at every update, with dropout, the last short batch among them") {
  const Dataset data = random_task({.edges = 200, .seed = 41});
  for (const std::string name : {"ns:3:2", "labor:3:2"})
    for (const NamedModel& named : all_models())
      for (const int workers : {2, 3, 4}) {
        TrainOptions many = small_options(name + "@" + std::to_string(workers)), one = small_options(name);
        many.model = one.model = named.spec;
        many.model.dropout_input = one.model.dropout_input = 0.25;
        many.batch = 4;
        one.batch = 4 * workers;
        const TrainPlan plan = plan_training(many, data);
        REQUIRE(plan.updates_per_epoch == plan_training(one, data).updates_per_epoch);
        REQUIRE(plan.train_nodes % (4 * workers) != 0);
        for (std::int64_t u = 0; u < plan.updates_per_epoch + 1; ++u) {
          INFO(name, ", ", named.name, ", ", workers, " workers, update ", u);
          const auto update = static_cast<std::uint32_t>(u);
          check_equal(update_gradients(many, data, update), update_gradients(one, data, update));
        }
      }
}

TEST_CASE("a worker without seeds contributes zero") {
  const Dataset data = random_task({.edges = 200, .seed = 42});
  for (const std::string name : {"ns:3:2", "labor:3:2"}) {
    TrainOptions many = small_options(name + "@4"), one = small_options(name);
    const auto train = static_cast<std::int64_t>(data.part(Part::train).size());
    many.batch = train - 1;  // the second worker has one seed, the others none
    one.batch = train;
    check_equal(update_gradients(many, data, 2), update_gradients(one, data, 2));
  }
  // One worker has a part, three have none; then parts without training nodes.
  TrainOptions o = small_options("cluster:1:1@4");
  const Gradients alone = update_gradients(small_options("cluster:1:1"), data, 0);
  check_equal(update_gradients(o, data, 0), alone);
  const Dataset uneven = uneven_task(true, 43);
  o = small_options("cluster:12:1@3");
  o.epochs = 3;
  StoppableRun run(3);
  const Json result = train_together(o, uneven, run);
  CHECK(result["updates"] == 3 * 4);
  for (std::size_t i = 1; i < result["curve"].size(); ++i) CHECK(result["curve"][i]["loss"].get<double>() > 0);
}

TEST_CASE("what the workers draw together is what one draws, in other pieces: the digest is of theirs in rank order") {
  const Dataset data = random_task({.edges = 200, .seed = 44});
  TrainOptions o = small_options("ns:3:2@2");
  StoppableRun a(3), b(3), other(4);
  const Json first = train_together(o, data, a), again = train_together(o, data, b), third = train_together(o, data, other);
  CHECK(first["stream_digest"] == again["stream_digest"]);
  CHECK(first["weights_digest"] == again["weights_digest"]);
  CHECK(first["stream_digest"] != third["stream_digest"]);
}
