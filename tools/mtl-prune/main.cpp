// mtl-prune: smaller multi-task networks by removing channels, with a proof and a price for each task. See man/mtl-prune.1.
#include "cli/tool.h"
#include "mtl-prune/commands.h"
#include "mtl/data_commands.h"

int main(int argc, char** argv) {
  using namespace tenfold;
  using namespace tenfold::mtl_prune;
  return cli::tool_main(argc, argv,
                        {.name = "mtl-prune",
                         .summary = "prune multi-task networks by structure, to smaller files that run faster",
                         .subcommands = {
                             inspect_command(),
                             score_command(),
                             prune_command(),
                             apply_command(),
                             verify_command(),
                             latency_command(),
                             iterate_command(),
                             retrain_command(),
                             train_command(),
                             mtl::data_render_command("mtl-prune"),
                             mtl::data_convert_command("mtl-prune"),
                             mtl::data_inspect_command("mtl-prune"),
                             mtl::data_hash_command("mtl-prune"),
                             demo_command(),
                         }});
}
