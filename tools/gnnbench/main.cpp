// gnnbench: full-graph against mini-batch training of graph neural networks, by time to accuracy. See man/gnnbench.1.
#include <string_view>

#include "cli/tool.h"
#include "gnnbench/compare_command.h"
#include "gnnbench/data_convert_command.h"
#include "gnnbench/data_generate_command.h"
#include "gnnbench/data_info_command.h"
#include "gnnbench/data_sample_command.h"
#include "gnnbench/demo_command.h"
#include "gnnbench/import_curve_command.h"
#include "gnnbench/kernels_command.h"
#include "gnnbench/partition_command.h"
#include "gnnbench/predict_command.h"
#include "gnnbench/report_command.h"
#include "gnnbench/train_command.h"
#include "gnnbench/verify_command.h"
#include "gnnbench/worker_main.h"

int main(int argc, char** argv) {
  using namespace tenfold;
  using namespace tenfold::gnnbench;
  if (argc > 1 && std::string_view(argv[1]) == "worker") return worker_main(argc, argv);
  return cli::tool_main(argc, argv,
                        {.name = "gnnbench",
                         .summary = "compare full-graph with mini-batch training of graph neural networks, by time to accuracy",
                         .subcommands = {
                             data_info_command(),
                             data_convert_command(),
                             data_split_command(),
                             data_generate_command(),
                             data_sample_command(),
                             partition_command(),
                             train_command(),
                             predict_command(),
                             compare_command(),
                             report_command(),
                             import_curve_command(),
                             demo_command(),
                             kernels_command(),
                             verify_command(),
                         }});
}
