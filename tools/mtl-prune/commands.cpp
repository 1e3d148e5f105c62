#include "mtl-prune/commands.h"

#include "base/error.h"
#include "cli/torch_part.h"
#include "mtl-prune/options.h"
#include "mtl-prune/reports.h"
#include "mtl-prune/torch_part.h"
#include "mtl-prune/training_options.h"
#include "mtl/train_options.h"

namespace tenfold::mtl_prune {
namespace {

// No kernel here runs on a GPU: to take the option and compute on the CPU would be a lie.
std::unique_ptr<TorchPart> part(const cli::Run& run) {
  if (run.device().starts_with("cuda"))
    usage_error("--device " + run.device() + ": mtl-prune runs on the CPU; leave --device out");
  return cli::open_torch_part<TorchPart>("mtl-prune");
}

cli::Result inspect(const InspectOptions& options, cli::Run& run) { return inspect_report(part(run)->inspect(options, run)); }
cli::Result score(const ScoreOptions& options, cli::Run& run) { return score_report(part(run)->score(options, run)); }
cli::Result prune(const PruneOptions& options, cli::Run& run) { return prune_report(part(run)->prune(options, run)); }
cli::Result apply(const ApplyOptions& options, cli::Run& run) { return apply_report(part(run)->apply(options, run)); }
cli::Result verify(const VerifyOptions& options, cli::Run& run) { return verify_report(part(run)->verify(options, run)); }
cli::Result latency(const LatencyOptions& options, cli::Run& run) { return latency_report(part(run)->latency(options, run)); }
cli::Result train(const mtl::TrainOptions& options, cli::Run& run) { return part(run)->train(options, run); }
cli::Result iterate(const IterateOptions& options, cli::Run& run) { return iterate_report(part(run)->iterate(options, run)); }
cli::Result retrain(const RetrainOptions& options, cli::Run& run) { return retrain_report(part(run)->retrain(options, run)); }
cli::Result demo(const DemoOptions& options, cli::Run& run) { return demo_report(part(run)->demo(options, run)); }

}  // namespace

cli::Subcommand inspect_command() {
  return cli::subcommand<InspectOptions>(
      "inspect", "what a network holds and costs, and which of its channels can go together", inspect,
      {.random = true,
       .torch = true,
       .examples = {"mtl-prune inspect", "mtl-prune inspect --arch vgg16-mtl-small --size 64x80"},
       .description =
           "Lists the sets of channels that are made together, who makes and reads them, which tasks they reach, and what "
           "locks those that cannot go. The seed draws the weights of --arch."});
}

cli::Subcommand score_command() {
  return cli::subcommand<ScoreOptions>(
      "score", "score every unit by one or more criteria, on the same images", score,
      {.run_directory = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples =
           {"mtl-prune score --criterion cosprune,taylor,l1 --data rooms:n=16,size=48x64 --batches 2 -o build/mtl-prune-score"},
       .description =
           "Writes scores.csv: a line a unit with its scores and their standard errors, the norm of each task's gradient, the "
           "cosine of each pair of tasks. Two criteria on one run take one walk back through the network."});
}

cli::Subcommand prune_command() {
  return cli::subcommand<PruneOptions>(
      "prune", "remove the lowest channels until a target holds, and say what it costs each task", prune,
      {.run_directory = true,
       .random = true,
       .threads = true,
       .torch = true,
       .timed = true,
       .examples = {"mtl-prune prune --data rooms:n=16,size=48x64 --batches 2 --test-images 4 --latency-runs 5 -o "
                    "build/mtl-prune-cosprune",
                    "mtl-prune prune --criterion l1 --target params=0.4 --data rooms:n=16,size=48x64 --test-images 4 --finetune "
                    "2 --train-batch "
                    "2 --latency-runs 5 -o build/mtl-prune-l1"},
       .description =
           "Channels are removed physically: the files written hold smaller tensors. Masking and removing are compared on "
           "images before anything is written. A TorchScript model comes back as the same module, with the call and the "
           "output that it had."});
}

cli::Subcommand apply_command() {
  return cli::subcommand<ApplyOptions>(
      "apply", "remove from a model what a plan drops", apply,
      {.run_directory = true,
       .random = true,
       .torch = true,
       .examples = {"mtl-prune apply sample_data/mtl/rooms_half/plan.json -o build/mtl-prune-apply"},
       .description =
           "The same plan on the same model gives the same bytes. A plan that was made for other weights is refused."});
}

cli::Subcommand verify_command() {
  return cli::subcommand<VerifyOptions>(
      "verify", "recompute what a run of prune or apply says of its files", verify,
      {.random = true,
       .torch = true,
       .examples = {"mtl-prune verify sample_data/mtl/rooms_half"},
       .description =
           "Removes the plan's units from the source again, takes the certificate again, recounts parameters, multiply-adds and "
           "what follows from them, compares hashes, and the outputs of the files written with one another. Ends with 1 if any "
           "of that differs. Metrics, losses, scores and times are not measured again."});
}

cli::Subcommand latency_command() {
  return cli::subcommand<LatencyOptions>(
      "latency", "time models against each other, in turn in one process", latency,
      {.random = true,
       .threads = true,
       .torch = true,
       .timed = true,
       .examples = {"mtl-prune latency --runs 5 --size 48x64", "mtl-prune latency --runs 5 --size 48x64 --batch 1,4 --per-layer"},
       .description = "The ratio of medians carries a bootstrap interval; where it holds 1, no difference was shown."});
}

cli::Subcommand train_command() {
  return cli::subcommand<mtl::TrainOptions>("train", mtl::kTrainSummary, train, mtl::train_traits("mtl-prune"));
}

cli::Subcommand iterate_command() {
  return cli::subcommand<IterateOptions>(
      "iterate", "prune step by step, training and scoring in between", iterate,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples = {"mtl-prune iterate --data rooms:n=16,size=32x48 --test-images 4 --every 3 --step 20 --until macs=0.85 "
                    "--batch 4 -o build/mtl-prune-iterate"},
       .description =
           "Trains --every steps, scoring each batch by the gradients that train it, removes the --step lowest units, slices the "
           "optimiser's moments alike, and goes on until the target holds; one more window of training follows. Trains on one "
           "thread. A resumed run gives the files of one that was never interrupted."});
}

cli::Subcommand retrain_command() {
  return cli::subcommand<RetrainOptions>(
      "retrain", "train a plan's network from new weights and from its pruned ones, and compare them", retrain,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples =
           {"mtl-prune retrain sample_data/mtl/rooms_half/plan.json --data rooms:n=16,size=32x48 --test-images 4 --seeds 2 "
            "--steps 6 --validate 3 --batch 4 -o build/mtl-prune-retrain"},
       .description =
           "Both starts get the same network, data, steps and seeds; the losses on the test images are compared in pairs of seed "
           "and image, with bootstrap intervals. Of several learning rates, and of the looks at the validation split every "
           "--validate steps, the best mean relative metric counts."});
}

cli::Subcommand demo_command() {
  return cli::subcommand<DemoOptions>(
      "demo", "the sample network to half its multiply-adds by two criteria, about a minute on two cores", demo,
      {.run_directory = true,
       .random = true,
       .threads = true,
       .torch = true,
       .timed = true,
       .examples = {"mtl-prune demo", "mtl-prune demo --batches 2 --steps 1 --latency-runs 5 -o build/mtl-prune-demo"},
       .description =
           "Scores once for cosprune, taylor and l1, prunes by the first two, trains each pruned network a little, measures "
           "and verifies them, and writes a report that explains itself."});
}

}  // namespace tenfold::mtl_prune
