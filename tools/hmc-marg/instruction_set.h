// Which vector instructions the kernels use. All sets give the same bits: sums go over eight lanes in one fixed tree, and no
// multiply-add is fused.
#pragma once

#include <cstdint>

namespace tenfold::hmc_marg {

enum class InstructionSet : std::uint8_t { base, avx2, avx512 };  // base: x86-64-v2

bool supported(InstructionSet set);  // by this processor
InstructionSet best_instruction_set();

}  // namespace tenfold::hmc_marg
