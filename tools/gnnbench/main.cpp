// gnnbench: full-graph against mini-batch training of graph neural networks, by time to accuracy. See man/gnnbench.1.
#include "cli/tool.h"
#include "gnnbench/data_convert_command.h"
#include "gnnbench/data_info_command.h"

int main(int argc, char** argv) {
  using namespace tenfold;
  using namespace tenfold::gnnbench;
  return cli::tool_main(argc, argv,
                        {.name = "gnnbench",
                         .summary = "compare full-graph with mini-batch training of graph neural networks, by time to accuracy",
                         .subcommands = {
                             data_info_command(),
                             data_convert_command(),
                             data_split_command(),
                         }});
}
