#include "report/vega.h"

// TENFOLD_VEGA_DIR: the folder where scripts/setup puts the three files.
#define TENFOLD_EMBED(symbol, file)                         \
  asm(".section .rodata\n"                                  \
      ".global " #symbol                                    \
      "_begin\n"                                            \
      ".global " #symbol "_end\n" #symbol                   \
      "_begin:\n"                                           \
      ".incbin \"" TENFOLD_VEGA_DIR "/" file "\"\n" #symbol \
      "_end:\n"                                             \
      ".byte 0\n"                                           \
      ".previous\n");                                       \
  extern "C" const char symbol##_begin[];                   \
  extern "C" const char symbol##_end[]

TENFOLD_EMBED(tenfold_vega, "vega.js");
TENFOLD_EMBED(tenfold_vega_lite, "vega-lite.js");
TENFOLD_EMBED(tenfold_vega_embed, "vega-embed.js");

namespace tenfold::report {

std::string_view vega_script() { return {tenfold_vega_begin, tenfold_vega_end}; }
std::string_view vega_lite_script() { return {tenfold_vega_lite_begin, tenfold_vega_lite_end}; }
std::string_view vega_embed_script() { return {tenfold_vega_embed_begin, tenfold_vega_embed_end}; }

}  // namespace tenfold::report
