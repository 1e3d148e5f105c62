// The batches of ns and labor as a file has them, in place of drawing.
#pragma once

#include <memory>

#include "gnnbench/draws_file.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {

// sample() takes the seeds that the file has for this worker and update. `file` must outlive it; fanouts and method are the
// file's plan's. Throws Error(input), with the file's line, for an edge that the graph has not, an edge that stands twice, a
// destination that the batch has not, and a number of neighbours that the method cannot draw (ns: min(k, d); labor: all of d <=
// k).
std::unique_ptr<Sampler> make_replayed(const SamplerContext& context, const SystemSpec& system, DrawsFile& file, int worker);

}  // namespace tenfold::gnnbench
