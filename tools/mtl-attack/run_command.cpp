#include "mtl-attack/run_command.h"

#include "mtl-attack/attack_run.h"

namespace tenfold::mtl_attack {

cli::Subcommand run_command() {
  return cli::subcommand<RunOptions>(
      "run", "attack the images of a data set and measure the damage", attack_run,
      {.run_directory = true,
       .resumable = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples =
           {"mtl-attack run --data rooms:n=4,size=48x64 --rule gb,total --attack fgsm --eps 8/255 -o build/attack",
            "mtl-attack run --data rooms:n=2,size=48x64 --rule worst,protect:depth --attack pgd --steps 3 --eps 4 --trace",
            "mtl-attack run --data rooms:n=2,size=48x64 --rule gb --attack apgd --steps 5 --restarts 2 --eps 2/255,8/255"},
       .description = "Attacks every image with every rule, attack and budget. The image is brought to 8 bits first, the result "
                      "is written as "
                      "PNG and read back, and what is reported is the damage of the file. Each image is attacked by itself: "
                      "order, threads and "
                      "resumption change no byte. Ends with 3 when images were skipped."});
}

}  // namespace tenfold::mtl_attack
