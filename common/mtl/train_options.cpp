#include "mtl/train_options.h"

namespace tenfold::mtl {

void describe(TrainOptions& o, cli::OptionTable& table) {
  table.input("MODEL", o.model, "a model whose weights to start from; without one --arch is trained from new weights");
  table.add("--arch", o.arch, "the network: rooms-net, vgg16-mtl or vgg16-mtl-small").value_name("NAME");
  table.add("--layout", o.layout, "which blocks tasks share: shared, branch:K, independent, or a JSON list of partitions")
      .value_name("LAYOUT");
  table.add("--widths", o.widths, "channels of vgg16's 13 convolutions").value_name("N,N,..");
  table.add("--tasks", o.tasks, "tasks.json; without it the model's own, or those of rooms").value_name("FILE");
  table.add("--data", o.data, "what is trained on: rooms:KEYS, nyuv2:ROOT or folder:DIR; its train split unless SPEC says")
      .value_name("SPEC");
  table.add("--test", o.test, "what is evaluated at the end; without it the test split of --data").value_name("SPEC");
  table.add("--test-images", o.test_images, "at most so many images of it").between(1, 1e9);
  table.add("--steps", o.steps, "steps of the optimiser").between(1, 1e9);
  table.add("--batch", o.batch, "images a step").between(1, 65536);
  table.add("--lr", o.lr, "learning rate").above(0);
  table.add("--optimizer", o.optimizer, "adamw, adam (decay added to the gradient) or sgd (momentum 0.9)")
      .one_of({"adamw", "adam", "sgd"});
  table.add("--weight-decay", o.weight_decay, "weight decay").at_least(0);
  table.add("--schedule", o.schedule, "cosine to 0, step (halved after each third), or const")
      .one_of({"cosine", "step", "const"});
  table
      .add("--weights", o.weights,
           "of the tasks' losses: equal, uw (uncertainty), dwa (averaging), or a JSON file {TASK: weight}")
      .value_name("equal|uw|dwa|FILE");
  table.flag("--augment", o.augment, "scale, crop and mirror the training images as MTAN does");
  table.add("--every", o.every, "steps between points of the curve").between(1, 1e9);
}

cli::Traits train_traits(const std::string& tool) {
  return {
      .run_directory = true,
      .resumable = true,
      .random = true,
      .threads = true,
      .torch = true,
      .examples = {tool + " train --data rooms:n=16,size=32x48 --steps 10 --every 5 --test-images 4 -o build/" + tool + "-train",
                   tool +
                       " train --arch vgg16-mtl-small --data rooms:n=16,size=32x48 --steps 4 --batch 4 --augment "
                       "--test-images 4 -o build/" +
                       tool + "-vgg"},
      .description =
          "Trains on one thread, so that weights do not depend on --threads, and writes model.mtg.json beside "
          "model.safetensors, which every subcommand takes as MODEL. Each epoch goes through the data in an order of "
          "its own that follows from --seed. A resumed run gives the weights of one that was never interrupted."};
}

}  // namespace tenfold::mtl
