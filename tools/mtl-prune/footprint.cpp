#include "mtl-prune/footprint.h"

#include <map>

#include "mtl/shapes.h"

namespace tenfold::mtl_prune {

double Footprint::Weight::elements() const {
  double product = 1;
  for (const double size : sizes) product *= size;
  return product;
}

Footprint::Footprint(const mtl::Model& model, const Units& units, const std::vector<mtl::Shape>& shapes) : units_(units) {
  std::map<std::string, int> index;
  for (const auto& [name, reaches] : mtl::reached_by_parameter(model.graph)) {
    index.emplace(name, static_cast<int>(weights_.size()));
    const mtl::Shape& shape = model.weights.at(name).shape;
    weights_.emplace_back().sizes.assign(shape.begin(), shape.end());
  }
  for (std::size_t n = 0; n < model.graph.nodes.size(); ++n) {
    const mtl::Node& node = model.graph.nodes[n];
    for (const char* role : {"running_mean", "running_var"})
      if (const auto found = node.parameters.find(role); found != node.parameters.end())
        weights_[static_cast<std::size_t>(index.at(found->second))].is_parameter = 0;
    const std::int64_t macs = mtl::node_macs(model, static_cast<int>(n), shapes);
    if (macs == 0) continue;
    Weight& weight = weights_[static_cast<std::size_t>(index.at(node.parameters.at("weight")))];
    weight.positions += static_cast<double>(macs) / weight.elements();
  }
  for (const Dimension& dimension : units.dimensions) weight_of_dimension_.push_back(index.at(dimension.parameter));
  for (const Weight& weight : weights_) {
    params_ += weight.elements() * weight.is_parameter;
    macs_ += weight.elements() * weight.positions;
  }
}

void Footprint::change(const Unit& unit, int sign) {
  for (const Slice& slice : units_.slices(unit)) {
    const Dimension& dimension = units_.dimension(slice);
    Weight& weight = weights_[static_cast<std::size_t>(weight_of_dimension_[static_cast<std::size_t>(slice.dimension)])];
    const double before = weight.elements();
    weight.sizes[static_cast<std::size_t>(dimension.dim)] += sign * slice.count / static_cast<double>(dimension.groups);
    const double difference = weight.elements() - before;
    params_ += difference * weight.is_parameter;
    macs_ += difference * weight.positions;
  }
}

}  // namespace tenfold::mtl_prune
