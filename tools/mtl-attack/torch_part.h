// The LibTorch part, as coarse as whole subcommands; no LibTorch type crosses.
#pragma once

#include "cli/result.h"
#include "cli/run.h"

namespace tenfold::mtl_attack {

class TorchPart {
 public:
  virtual ~TorchPart() = default;
};

}  // namespace tenfold::mtl_attack
