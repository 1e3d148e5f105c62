// Files taken into the program by the assembler:
//   TENFOLD_EMBED(tenfold_karate_csv, TENFOLD_SAMPLE_DATA "/karate.csv");   at global scope, the path a string literal
//   std::string_view text = TENFOLD_EMBEDDED(tenfold_karate_csv);
#pragma once

#include <cstddef>
#include <string_view>

// Defines the byte range SYMBOL_begin .. SYMBOL_end with the content of the file.
#define TENFOLD_EMBED(symbol, path)                                                                                   \
  __asm__(".section .rodata\n.global " #symbol "_begin\n.global " #symbol "_end\n" #symbol "_begin:\n.incbin \"" path \
          "\"\n" #symbol "_end:\n.byte 0\n.previous\n");                                                              \
  extern "C" const char symbol##_begin[];                                                                             \
  extern "C" const char symbol##_end[]

#define TENFOLD_EMBEDDED(symbol) \
  std::string_view { symbol##_begin, static_cast<std::size_t>(symbol##_end - symbol##_begin) }
