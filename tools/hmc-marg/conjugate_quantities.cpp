// Scalar nodes, one at a time: lowering packs equal ones.
#include "hmc-marg/conjugate_quantities.h"

#include <algorithm>

namespace tenfold::hmc_marg {

Quantity Quantities::apply(Op op, const Quantity& x) {
  return x.slot == 0 ? known(info(op).value(x.number, 0)) : of(nodes_.unary(op, x.slot));
}

Quantity Quantities::apply(Op op, const Quantity& x, const Quantity& y) {
  return x.slot == 0 && y.slot == 0 ? known(info(op).value(x.number, y.number)) : of(nodes_.binary(op, slot(x), slot(y)));
}

Quantity Quantities::power(Slot s, int halves) {
  const Quantity x = of(s);
  switch (halves) {
    case 2: return x;
    case -2: return apply(Op::inv, x);
    case 1: return apply(Op::sqrt, x);
    case -1: return apply(Op::inv_sqrt, x);
    case 4: return apply(Op::square, x);
    case -4: return apply(Op::inv_square, x);
    default: return apply(Op::pow, x, known(0.5 * halves));
  }
}

Quantity Quantities::value(const Monomial& m) {
  Quantity product = known(m.number);
  for (const auto& [s, halves] : m.slots) product = mul(product, power(s, halves));
  return product;
}

Quantity Quantities::sum(double number, std::vector<Weighted> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const Weighted& a, const Weighted& b) { return a.slot != b.slot ? a.slot < b.slot : a.weight < b.weight; });
  std::vector<Slot> slots;
  std::vector<double> weights;
  for (const Weighted& part : parts) {
    if (!slots.empty() && slots.back() == part.slot) {
      weights.back() += part.weight;
    } else {
      slots.push_back(part.slot);
      weights.push_back(part.weight);
    }
  }
  if (slots.empty()) return known(number);
  if (slots.size() == 1) return add(known(number), mul(known(weights[0]), of(slots[0])));
  const std::vector<double> zeros(slots.size(), 0);
  const std::uint32_t offsets[2] = {0, static_cast<std::uint32_t>(slots.size())};
  const Scalars list{zeros, slots};
  if (std::all_of(weights.begin(), weights.end(), [&](double w) { return w == weights[0]; }))
    return add(known(number), mul(known(weights[0]), of(graph_.segmented(Op::sum, {&list, 1}, offsets))));
  const Scalars operands[2] = {{weights, {}}, list};
  return add(known(number), of(graph_.segmented(Op::dot, operands, offsets)));
}

}  // namespace tenfold::hmc_marg
