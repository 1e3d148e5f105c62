// mtl-attack: one image against all tasks of a network at once. See man/mtl-attack.1.
#include "cli/tool.h"
#include "mtl-attack/audit_command.h"
#include "mtl-attack/demo_command.h"
#include "mtl-attack/inspect_command.h"
#include "mtl-attack/run_command.h"
#include "mtl-attack/train_command.h"
#include "mtl-attack/transfer_command.h"
#include "mtl/data_commands.h"

int main(int argc, char** argv) {
  using namespace tenfold;
  using namespace tenfold::mtl_attack;
  return cli::tool_main(argc, argv,
                        {.name = "mtl-attack",
                         .summary = "attack all tasks of a multi-task network at once, and measure the damage",
                         .subcommands = {
                             run_command(),
                             audit_command(),
                             inspect_command(),
                             transfer_command(),
                             train_command(),
                             mtl::data_render_command("mtl-attack"),
                             mtl::data_convert_command("mtl-attack"),
                             mtl::data_inspect_command("mtl-attack"),
                             mtl::data_hash_command("mtl-attack"),
                             demo_command(),
                         }});
}
