// Attacks the images of one cell: the stored image is what is measured. Also how audit attacks again, and how transfer does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/run.h"
#include "mtl-attack/attack_batch.h"
#include "mtl-attack/attack_options.h"
#include "mtl-attack/clean_pass.h"
#include "mtl-attack/image_record.h"
#include "mtl-attack/scene.h"
#include "mtl-attack/summary.h"

namespace tenfold::mtl_attack {

struct CellSettings {
  StartOptions start;
  int batch = 1;
  bool floats = false;
  std::size_t save = 0;  // of so many images of the cell the file is kept
};

// The clean images of one forward pass, with what is known of them.
struct CleanBatch {
  std::vector<std::size_t> indices;
  std::vector<Prepared> images;
  std::unique_ptr<Oracle> oracle;

  std::size_t size() const { return images.size(); }
};
// Images of one size; the first ones of `indices` where sizes differ. Throws Error input for an item that cannot be used.
CleanBatch load_batch(const Scene& scene, const Victim& victim, const std::vector<std::size_t>& indices, bool floats);

std::vector<Attacked> attack_clean(CleanBatch& batch, const AttackPlan& plan, const CleanPass& clean, const StartOptions& start);

// What an image becomes when it is stored: 8-bit values (as planar bytes and as Q / 255), or the floats as they are.
struct StoredImage {
  std::vector<std::uint8_t> bytes;  // Q; with floats, the values rounded, to be looked at
  std::vector<float> values;        // what is evaluated
  bool floats = false;              // the file holds the values, and all that is measured is theirs
};
StoredImage stored_image(std::span<const float> x, const Prepared& clean, const AttackPlan& plan, bool floats);
// The same from the file that is there. Throws Error input.
StoredImage read_stored(const std::filesystem::path& path, const Prepared& clean, bool floats);

// Losses of stored images in the batch's order -> all that a record says of an image but its passes.
void measure(ImageRecord& record, const StoredImage& stored, const Prepared& clean, std::span<const double> losses,
             const CleanImage& facts, const LossScale& scale);

// Runs the cell over clean.attacked in batches; logs, stores, steps. `done` holds the records of a resumed run, by id.
// `first_step` of `all_steps` is where the progress of the whole run stands.
struct CellProgress {
  double done = 0, total = 0;
};
CellOutcome run_cell(const Scene& scene, const Cell& cell, const CleanPass& clean, const CellSettings& settings,
                     const std::map<std::string, ImageRecord>& done, CellProgress& progress, cli::Run& run);

}  // namespace tenfold::mtl_attack
