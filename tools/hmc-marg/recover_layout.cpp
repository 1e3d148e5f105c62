// Where a conditional's numbers come from and go to: its rows and definitions as lists of parts, its components in batches.
#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "hmc-marg/recover_state.h"

namespace tenfold::hmc_marg {

using recovery::Batches;
using recovery::Component;
using recovery::Definition;
using recovery::LocationTerm;
using recovery::Part;
using recovery::Row;

void Recovery::State::build(const FactorGraph& model, const Marginal& marginal) {
  kept_size = constrained_size(model, marginal.kept);
  system = marginal.gaussian ? marginal.gaussian : std::make_shared<BlockSystem>();
  TargetSpec spec;
  std::unordered_map<Slot, bool> given;
  std::uint32_t place = 0;
  for (const int p : marginal.kept) {
    const Value& kept = model.parameters[static_cast<std::size_t>(p)].value;
    for (std::size_t i = 0; i < kept.size(); ++i, ++place) {
      const Slot slot = kept.known() ? 0 : kept.slot[i];
      if (slot == 0 || model.graph.is_constant(slot) || !given.try_emplace(slot, true).second)
        continue;  // known, or met before (a symmetric matrix)
      spec.inputs.push_back(slot);
      input_place.push_back(place);
    }
  }
  std::unordered_map<Slot, std::int32_t> output_of;
  const auto output = [&](Slot slot) -> std::int32_t {
    if (slot == 0) return -1;  // the value 1, which comes to stand last
    const auto [at, is_new] = output_of.try_emplace(slot, static_cast<std::int32_t>(spec.outputs.size()));
    if (is_new) spec.outputs.push_back(slot);
    return at->second;
  };
  for (const std::int32_t z : system->order) {
    const BlockRow& row = system->priors.rows[static_cast<std::size_t>(system->prior[static_cast<std::size_t>(z)])];
    Definition d;
    d.z = z;
    d.first = static_cast<std::uint32_t>(terms.size());
    d.scale = output(row.scale);
    d.known_scale = row.known_scale;
    for (const AffineTerm& term : system->priors.terms_of(row))
      if (term.z >= system->n)
        terms.push_back({term.z - system->n, output(term.ref), -term.number, true});
      else if (term.z != z)
        terms.push_back({term.z, output(term.ref), -term.number});
    d.count = static_cast<std::uint32_t>(terms.size()) - d.first;
    definitions.push_back(d);
  }
  for (std::uint32_t t = 0; t < definitions.size();) {
    const auto group = [&](std::uint32_t k) {
      return system->priors.rows[static_cast<std::size_t>(system->prior[static_cast<std::size_t>(definitions[k].z)])].together;
    };
    std::uint32_t end = t + 1;
    while (group(t) >= 0 && end < definitions.size() && group(end) == group(t)) ++end;
    for (std::uint32_t k = end; k-- > t;) inverse_order.push_back(k);
    t = end;
  }
  const BlockPartition& shape = system->partition;
  const auto add_scalar = [&](std::int32_t z, std::vector<std::size_t>& list) {
    list.push_back(static_cast<std::size_t>(z));
    diagonal.push_back(system->prior[static_cast<std::size_t>(z)] >= 0 ? 1 : 0);
  };
  std::size_t component_size = 0, coupling_size = 0;
  for (const auto& of_component : shape.components) {
    components.push_back({static_cast<int>(of_component.size()), scalars.size(), component_size, coupling_size, {}});
    for (const std::int32_t z : of_component) add_scalar(z, scalars);
    component_size += of_component.size() * of_component.size();
    coupling_size += of_component.size() * shape.border.size();
  }
  components.push_back({0, scalars.size(), component_size, coupling_size, {}});
  for (const std::int32_t z : shape.border) add_scalar(z, border);
  for (const BlockRow& source : system->rows.rows) {
    std::size_t component = shape.components.size();
    for (const AffineTerm& term : system->rows.terms_of(source))
      if (term.z >= 0 && shape.component_of[static_cast<std::size_t>(term.z)] >= 0)
        component = static_cast<std::size_t>(shape.component_of[static_cast<std::size_t>(term.z)]);
    const int d = components[component].d;
    Row row{static_cast<std::uint32_t>(parts.size()), 0, output(source.scale)};
    for (const AffineTerm& term : system->rows.terms_of(source)) {
      const auto z = static_cast<std::size_t>(term.z);
      const std::int32_t column = term.z < 0                  ? d + border_size()
                                  : shape.component_of[z] < 0 ? d + shape.place_of[z]
                                                              : shape.place_of[z];
      parts.push_back({column, output(term.ref), term.number});
    }
    row.count = static_cast<std::uint32_t>(parts.size()) - row.first;
    components[component].rows.push_back(row);
  }
  lay_out_families(model, marginal, output);
  layout = lay_out(*system, block_kernels);
  for (const Slot slot : layout.inputs) layout_place.push_back(output(slot));
  const auto one = static_cast<std::int32_t>(spec.outputs.size());
  const auto settle = [one](std::int32_t& ref) { ref = ref < 0 ? one : ref; };
  for (Part& part : parts) settle(part.ref);
  for (LocationTerm& term : terms) settle(term.ref);
  for (Definition& d : definitions) settle(d.scale);
  numbers.mean.assign(static_cast<std::size_t>(system->n), 0);
  numbers.component.assign(component_size, 0);
  numbers.coupling.assign(coupling_size, 0);
  numbers.border.assign(shape.border.size() * shape.border.size(), 0);
  numbers.values.assign(spec.outputs.size() + 1, 1);
  border_g.assign(shape.border.size(), 0);
  e.assign(static_cast<std::size_t>(system->n), 0);
  y.assign(static_cast<std::size_t>(system->n), 0);
  work.assign(static_cast<std::size_t>(std::max(shape.max_component, 1)) + shape.border.size() + 1, 0);
  input.assign(spec.inputs.size(), 0);
  engine = std::make_unique<Engine>(lower(model.graph, spec));
  find_paths();
  find_alike();
  lay_out_batches();
}

// Scalars of one plate: equal terms and scales. One is no part of its own location, but might be of that of a later one.
void Recovery::State::find_alike() {
  const auto same = [&](const Definition& a, const Definition& b) {
    return a.count == b.count && a.scale == b.scale && a.known_scale == b.known_scale &&
           std::equal(terms.begin() + a.first, terms.begin() + a.first + a.count, terms.begin() + b.first,
                      [](const LocationTerm& s, const LocationTerm& t) {
                        return s.z == t.z && s.ref == t.ref && s.number == t.number && s.standard == t.standard;
                      });
  };
  const auto refers_to = [&](const Definition& d, std::int32_t z) {
    return std::any_of(terms.begin() + d.first, terms.begin() + d.first + d.count,
                       [z](const LocationTerm& t) { return t.z == z; });
  };
  for (std::size_t t = 0; t < definitions.size();) {
    Definition& d = definitions[t];
    std::size_t end = t + 1;
    while (end < definitions.size() && !refers_to(d, definitions[end - 1].z) && same(d, definitions[end])) ++end;
    d.alike = static_cast<std::uint32_t>(end - t);
    t = end;
  }
}

void Recovery::State::lay_out_batches() {
  std::vector<bool> taken(components.size(), false);
  std::size_t work_size = 0, draw_size = 0;
  for (const auto& data : layout.classes) {
    const BlockClass& c = data->shape;
    if (data->kernels.draw == nullptr) continue;
    Batches of_class{data.get(), work_size, {}};
    const auto d = static_cast<std::size_t>(c.d), lanes = static_cast<std::size_t>(c.batches) * kBlockLanes;
    of_class.scalar.resize(lanes * d);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::uint32_t member = data->members[lane < data->members.size() ? lane : 0];
      taken[member] = true;
      for (std::size_t i = 0; i < d; ++i)
        of_class.scalar[(lane / kBlockLanes * d + i) * kBlockLanes + lane % kBlockLanes] =
            static_cast<std::uint32_t>(scalars[components[member].scalars + i]);
    }
    work_size += c.condition_work() * lanes;
    draw_size = std::max(draw_size, lanes * d);
    batches.push_back(std::move(of_class));
  }
  for (std::uint32_t c = 0; c < components.size(); ++c)
    if (!taken[c]) loose.push_back(c);
  factor.assign(layout.factors.size(), 1);
  class_memory.assign(work_size + draw_size + kBlockLanes, 0);
  const auto misaligned = reinterpret_cast<std::uintptr_t>(class_memory.data()) / sizeof(double) % kBlockLanes;
  class_work = class_memory.data() + (kBlockLanes - misaligned) % kBlockLanes;
  class_draw = class_work + work_size;
}

void Recovery::State::lay_out_families(const FactorGraph& model, const Marginal& marginal,
                                       const std::function<std::int32_t(Slot)>& output) {
  eliminated_size = static_cast<std::size_t>(system->n);
  if (marginal.families == nullptr) return;
  std::unordered_map<int, std::size_t> begin;
  eliminated_size = 0;
  for (const int p : marginal.eliminated) {
    begin[p] = eliminated_size;
    eliminated_size += model.parameters[static_cast<std::size_t>(p)].value.size();
  }
  place_in_block.assign(eliminated_size, -1);
  std::size_t within = 0;
  for (std::size_t i = 0; i < system->parameter.size(); ++i) {
    within = i > 0 && system->parameter[i] == system->parameter[i - 1] ? within + 1 : 0;
    place.push_back(static_cast<std::uint32_t>(begin[system->parameter[i]] + within));
    place_in_block[place.back()] = static_cast<std::int32_t>(i);
  }
  block.resize(place.size());
  families = FamilyConditional(*marginal.families, output, [&](int p) { return begin[p]; });
  numbers.family.assign(families.parts(), 0);
}

}  // namespace tenfold::hmc_marg
