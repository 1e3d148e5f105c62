// Densities on values: lanes of the univariate families, what propto drops of them, and a density as one number.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hmc-marg/densities.h"
#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

DensityLaneReader::DensityLaneReader(const CallContext& context, std::string_view family, Arguments args)
    : context_(context), args_(args) {
  const Value* sized = nullptr;
  for (const Value* arg : args) {
    all_known_ &= arg->known();
    if (is_scalar(*arg)) continue;
    if (sized && sized->size() != arg->size())
      call_error(context, fmt::format("{}: arguments of sizes {} and {} do not match", family, sized->size(), arg->size()));
    sized = arg;
    count_ = arg->size();
  }
}

DensityLane DensityLaneReader::lane(std::size_t i) const {
  constexpr double kAdmissible = 0.5;  // every family admits it in every place
  DensityLane lane;
  for (std::size_t k = 0; k < args_.size(); ++k) {
    const Value& arg = *args_[k];
    const std::size_t place = is_scalar(arg) ? 0 : i;
    lane.x[k] = arg.known() || arg.slot[place] == 0 ? arg.number[place] : kAdmissible;
  }
  return lane;
}

bool DensityLaneReader::checkable(Density family) const {
  return family != Density::uniform || (args_[1]->known() && args_[2]->known());
}

void DensityLaneReader::check(Density family, const DensityLane& lane) const {
  if (const auto fault = argument_fault(family, lane.x)) call_error(context_, fmt::format("{}: {}", info(family).name, *fault));
}

namespace {

unsigned data_mask(const DensityInfo& density, std::span<const bool> is_data) {
  unsigned mask = density.integer_arguments;
  for (std::size_t k = 0; k < is_data.size(); ++k) mask |= is_data[k] ? 1u << k : 0u;
  return mask;
}

}  // namespace

void add_density_lanes(CallContext& context, Density family, Arguments args, std::span<const bool> is_data,
                       DensityResult& result) {
  const DensityInfo& density = info(family);
  if (args.size() != static_cast<std::size_t>(density.arguments))
    call_error(context, fmt::format("{} takes {} arguments, not {}", density.name, density.arguments, args.size()));
  const DensityLaneReader reader(context, density.name, args);
  const std::size_t count = reader.count();
  if (count == 0) return;
  const bool all_known = reader.all_known();
  const unsigned mask = data_mask(density, is_data);
  const bool all_data = mask == (1u << density.arguments) - 1;
  const bool checkable = reader.checkable(family);
  for (std::size_t i = 0; i < count; ++i) {
    const DensityLane lane = reader.lane(i);
    if (all_known || checkable) {
      const double value = density.log_density(lane.x);
      // A value that is no number, whatever the parameters are, is a fault of the data.
      if (!std::isfinite(value)) reader.check(family, lane);
      if (all_known) result.constant += value;
      if (all_known && all_data) result.dropped += value;
    }
    // Summands that drop depend on data alone, so what stands for a parameter does not matter.
    if (context.graph && !(all_known && all_data)) result.dropped += density.dropped(lane.x, mask);
  }
  if (all_known) return;
  Scalars operands[kMaxDensityArguments];
  for (std::size_t k = 0; k < args.size(); ++k) operands[k] = scalars(*args[k]);
  Graph& graph = graph_of(context);
  const Slot first = graph.density(family, {operands, args.size()}, static_cast<std::uint32_t>(count));
  result.factors.push_back({graph.node_of(first), static_cast<std::uint8_t>(mask)});
}

DensityResult apply_density(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data) {
  DensityResult result;
  if (const auto density = density_named(family))
    add_density_lanes(context, *density, args, is_data, result);
  else if (!apply_vector_density(context, family, args, is_data, result))
    call_error(context, fmt::format("the density {} runs in CmdStan, not here", family));
  return result;
}

Value density_value(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data, bool propto) {
  const DensityResult result = apply_density(context, family, args, is_data);
  Value parts;
  for (const DensityResult::Lanes& lanes : result.factors) {
    const Node& node = context.graph->nodes()[lanes.node];
    for (std::uint32_t i = 0; i < node.lanes; ++i) parts.slot.push_back(node.first + i);
  }
  parts.slot.insert(parts.slot.end(), result.terms.begin(), result.terms.end());
  parts.number.assign(parts.slot.size(), 0.0);
  const Value constant = real_scalar(propto ? result.constant - result.dropped : result.constant);
  if (parts.slot.empty()) return constant;
  return binary(context, Op::add, reduce_all(context, Op::sum, parts), constant);
}

}  // namespace tenfold::hmc_marg
