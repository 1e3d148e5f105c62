// Names of CSV columns, in CmdStan's order: the first index fastest.
#include "hmc-marg/evaluate.h"

namespace tenfold::hmc_marg {

Columns columns_of(const std::string& name, const Type& type, std::span<const int> dims) {
  Columns columns;
  std::size_t count = 1;
  for (const int d : dims) count *= static_cast<std::size_t>(d);
  if (dims.empty()) {
    columns.names.push_back(name);
    columns.place.push_back(0);
    return columns;
  }
  // Distance between neighbours of each dimension in the layout: arrays last index fastest, inside them a matrix by columns.
  const auto arrays = static_cast<std::size_t>(type.array_rank);
  std::vector<std::size_t> stride(dims.size());
  std::size_t step = 1;
  for (std::size_t d = arrays; d < dims.size(); ++d) {
    stride[d] = step;
    step *= static_cast<std::size_t>(dims[d]);
  }
  for (std::size_t d = arrays; d-- > 0;) {
    stride[d] = step;
    step *= static_cast<std::size_t>(dims[d]);
  }
  std::vector<int> index(dims.size(), 0);
  columns.names.reserve(count);
  columns.place.reserve(count);
  for (std::size_t k = 0; k < count; ++k) {
    std::string column = name;
    std::size_t place = 0;
    for (std::size_t d = 0; d < dims.size(); ++d) {
      column += '.' + std::to_string(index[d] + 1);
      place += stride[d] * static_cast<std::size_t>(index[d]);
    }
    columns.names.push_back(std::move(column));
    columns.place.push_back(static_cast<std::uint32_t>(place));
    for (std::size_t d = 0; d < dims.size() && ++index[d] == dims[d]; ++d) index[d] = 0;
  }
  return columns;
}

}  // namespace tenfold::hmc_marg
