// The sample network, taken into the programs by the assembler from sample_data/mtl.
#include "mtl/sample.h"

#include <span>
#include <string_view>

#include "data/safetensors.h"

// Defines the byte range SYMBOL_begin .. SYMBOL_end with the content of a file.
#define TENFOLD_EMBED(symbol, file)                                                                   \
  __asm__(".section .rodata\n.balign 8\n.global " #symbol "_begin\n.global " #symbol "_end\n" #symbol \
          "_begin:\n"                                                                                 \
          ".incbin \"" TENFOLD_SAMPLE_MTL "/" file "\"\n" #symbol "_end:\n.byte 0\n.previous\n");     \
  extern "C" const char symbol##_begin[];                                                             \
  extern "C" const char symbol##_end[]

TENFOLD_EMBED(tenfold_rooms_shared_graph, "rooms_shared.mtg.json");
TENFOLD_EMBED(tenfold_rooms_shared_weights, "rooms_shared.safetensors");

namespace tenfold::mtl {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

Model sample_model() {
  const std::string_view bytes = between(tenfold_rooms_shared_weights_begin, tenfold_rooms_shared_weights_end);
  const data::Safetensors file = data::Safetensors::parse(std::as_bytes(std::span(bytes)), kSampleModel);
  Weights weights;
  for (const data::TensorView& view : file.tensors()) weights.emplace(view.name, Tensor{view.shape, view.values<float>()});
  return parse_mtg(between(tenfold_rooms_shared_graph_begin, tenfold_rooms_shared_graph_end), kSampleModel, std::move(weights));
}

}  // namespace tenfold::mtl
