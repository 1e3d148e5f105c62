#include "mtl-attack/demo_command.h"

#include "mtl-attack/attack_run.h"
#include "mtl-attack/recorded_run.h"

namespace tenfold::mtl_attack {

struct DemoOptions {
  std::int64_t images = 16;
};

void describe(DemoOptions& o, cli::OptionTable& table) { table.add("--images", o.images, "rooms to attack").between(1, 100'000); }

namespace {

cli::Result demo(const DemoOptions& options, cli::Run& run) { return attack_run(demo_options(options.images), run); }

}  // namespace

cli::Subcommand demo_command() {
  return cli::subcommand<DemoOptions>(
      "demo", "five rules, two attacks and two budgets on a small network, well under a minute on two cores", demo,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples = {"mtl-attack demo", "mtl-attack demo --images 4 -o build/demo-small"},
       .description =
           "Sixteen rendered rooms and a network inside the program that tells segmentation, depth and normals; rules single "
           "(each task), total, signsum, gb and worst; fgsm and pgd of ten steps; 2 and 8 grey levels."});
}

}  // namespace tenfold::mtl_attack
