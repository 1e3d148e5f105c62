// The subcommands' jobs behind the seam: torch_part.h says what each returns.
#pragma once

#include <string>

#include "cli/run.h"
#include "data/json.h"
#include "mtl-prune/options.h"
#include "mtl-prune/torch/source.h"
#include "mtl-prune/training_options.h"

namespace tenfold::mtl_prune {

Json inspect_job(const InspectOptions& options, cli::Run& run);
Json score_job(const ScoreOptions& options, cli::Run& run);
Json prune_job(const PruneOptions& options, cli::Run& run);
Json apply_job(const ApplyOptions& options, cli::Run& run);
Json verify_job(const VerifyOptions& options, cli::Run& run);
Json latency_job(const LatencyOptions& options, cli::Run& run);
Json iterate_job(const IterateOptions& options, cli::Run& run);
Json retrain_job(const RetrainOptions& options, cli::Run& run);
Json demo_job(const DemoOptions& options, cli::Run& run);

// Checks the files below `folder` against what `result` (prune's or apply's, or an arm of demo's) says of them:
// [{"name", "holds", "value", "tolerance"}]. Of the numbers: costs, sets, what follows from them, the certificate, the speed
// ratio. recorded_seed: of the run that wrote `result`; seed: of the images that are new here. same_images: `source` reads the
// images that the run read, so that the certificate's tolerances can be recounted.
Json check_files(const Source& source, const std::filesystem::path& folder, const Json& result, std::uint64_t recorded_seed,
                 std::uint64_t seed, bool same_images);

}  // namespace tenfold::mtl_prune
