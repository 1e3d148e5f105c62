// The sample network is what its script says: the file's bytes, its counts, and how well it does on rooms it has not seen.
#include "doctest_torch.h"

#include "base/threads.h"
#include "mtl/sample.h"
#include "mtl/shapes.h"
#include "mtl/torch/evaluate.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl {
namespace {

double metric(const Evaluation& evaluation, std::size_t task, const std::string& name) {
  for (const MetricValue& value : evaluation.metrics[task])
    if (value.name == name) return value.value;
  FAIL("no metric " << name);
  return 0;
}

// The share of the most frequent class: what saying "wall" everywhere would get.
double wall_share(const DataSet& data) {
  double wall = 0, all = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Sample sample = data.load(i);
    for (std::size_t p = 0; p < sample.labels[0].values.size(); ++p) {
      if (!sample.labels[0].valid[p]) continue;
      wall += sample.labels[0].values[p] == 11;
      ++all;
    }
  }
  return wall / all;
}

TEST_CASE("the embedded network is the file in sample_data") {
  const Model embedded = sample_model();
  const Model file = read_mtg(TENFOLD_SOURCE_DIR "/sample_data/mtl/rooms_shared.mtg.json");
  CHECK(mtg_json(embedded) == mtg_json(file));
  CHECK(weights_sha256(embedded.weights) == weights_sha256(file.weights));
  CHECK(cost(embedded, 96, 128).params == 249153);
  CHECK(cost(embedded, 96, 128).macs == 83927040);
}

TEST_CASE("on 64 rooms it has not seen: pixel accuracy over the wall's share + 0.2, mean IoU over 0.75") {
  set_up_training();
  const TaskModel model = load_task_model({kSampleModel, ""}, 96, 128);
  const auto data = open_data("rooms:n=64,seed=1,size=96x128", model.tasks, model.input, "test");
  const Evaluation evaluation = evaluate(*make_network(model), *data, 0, available_cores());
  const double share = wall_share(*data);
  MESSAGE("wall share " << share << ", pixel accuracy " << metric(evaluation, 0, "pixel_accuracy") << ", mIoU "
                        << metric(evaluation, 0, "miou") << ", depth " << metric(evaluation, 1, "abs") << " m, normals "
                        << metric(evaluation, 2, "median_deg") << " degrees");
  CHECK(evaluation.images == 64);
  CHECK(share > 0.3);
  CHECK(metric(evaluation, 0, "pixel_accuracy") >= share + 0.2);
  CHECK(metric(evaluation, 0, "miou") >= 0.75);
  CHECK(metric(evaluation, 1, "abs") <= 0.4);
  CHECK(metric(evaluation, 2, "median_deg") <= 13);
}

}  // namespace
}  // namespace tenfold::mtl
