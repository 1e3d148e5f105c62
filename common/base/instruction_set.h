// Which vector instructions kernels use. All sets give the same bits: sums go in one fixed order, and no multiply-add is fused.
#pragma once

#include <cstdint>

namespace tenfold {

enum class InstructionSet : std::uint8_t { base, avx2, avx512 };  // base: x86-64-v2

bool supported(InstructionSet set);  // by this processor
InstructionSet best_instruction_set();
const char* name_of(InstructionSet set);  // plain, avx2, avx512

}  // namespace tenfold
