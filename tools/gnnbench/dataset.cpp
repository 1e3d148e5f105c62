#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

std::vector<NodeId> Dataset::part(Part which) const {
  std::vector<NodeId> out;
  for (std::size_t v = 0; v < split.size(); ++v)
    if (split[v] == static_cast<std::uint8_t>(which)) out.push_back(static_cast<NodeId>(v));
  return out;
}

}  // namespace tenfold::gnnbench
