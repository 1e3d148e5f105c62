// The marginal density by plain autograd: rows of the Gaussian block from residuals at zero and at unit vectors, then a dense
// Cholesky. log p(y) = -sum log s - (m/2) log 2 pi - 1/2 sum (r/s)^2 - 1/2 log |M| + (n/2) log 2 pi, M = A' S^-2 A, r = c - A
// M^-1 A' S^-2 c. Parameters of conjugate families are integrated out of what is not a row (family_integral.h).
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include "base/error.h"
#include "cli/torch_part.h"
#include "hmc-marg/torch/family_integral.h"
#include "hmc-marg/torch/graph_tensors.h"
#include "hmc-marg/torch_part.h"

namespace tenfold::hmc_marg::oracle {
namespace {

using torch::Tensor;
using torch::indexing::None;
using torch::indexing::Slice;

const double kLog2Pi = std::log(2 * std::numbers::pi);

class DenseOracle final : public TorchPart {
 public:
  double log_density(const FactorGraph& model, const std::vector<int>& eliminated, std::span<const double> kept,
                     std::span<double> gradient) override {
    const torch::NoGradGuard off;
    torch::AutoGradMode on(true);
    const Tensor q = torch::tensor(std::vector<double>(kept.begin(), kept.end()), torch::kFloat64).requires_grad_(true);
    const Tensor value = marginal(model, eliminated, q);
    if (!gradient.empty() && q.numel() > 0) {
      const Tensor g = torch::autograd::grad({value}, {q}, {}, false, false, /*allow_unused=*/true)[0];
      for (std::size_t i = 0; i < gradient.size(); ++i)
        gradient[i] = g.defined() ? g[static_cast<std::int64_t>(i)].item<double>() : 0;
    }
    return value.item<double>();
  }

  double rounding() const override { return rounding_; }

 private:
  // Rows of the block: residuals [n + 1, rows] at z = 0 and at the unit vectors, and scales [rows].
  struct Rows {
    std::vector<Tensor> residuals, scales;
  };

  // The eliminated parameters: those of families, and the scalars z of the block, by their declarations.
  struct Eliminated {
    std::vector<int> families;
    std::vector<FamilyVariable> variables;
    std::set<int> block;
    std::int64_t n = 0;
  };

  static Eliminated sort_out(const FactorGraph& model, const std::vector<int>& eliminated) {
    Eliminated out;
    for (const int i : eliminated) {
      const Parameter& p = model.parameters[static_cast<std::size_t>(i)];
      const auto size = static_cast<std::int64_t>(p.value.size());
      if (size > 0 && p.constraint == ConstraintKind::simplex) {
        out.families.push_back(i);
        out.variables.push_back({Support::simplex, size, p.dims.back()});
      } else if (size > 0 && p.constraint == ConstraintKind::bounded && (p.lower.size() > 0 || p.upper.size() > 0)) {
        out.families.push_back(i);
        out.variables.push_back({p.upper.size() > 0 ? Support::unit : Support::positive, size, 1});
      } else {
        out.block.insert(i);
        out.n += size;
      }
    }
    return out;
  }

  Tensor marginal(const FactorGraph& model, const std::vector<int>& eliminated, const Tensor& q) {
    const Eliminated gone = sort_out(model, eliminated);
    if (gone.n > kOracleLimit) input_error("the oracle's dense block is too large for this model");
    rounding_ = 0;
    Rows rows;
    if (gone.families.empty()) {
      const Tensor sum = joint(model, gone, q, {}, rows);
      return gone.n == 0 ? sum : sum + block(rows, gone.n);
    }
    const FamilyIntegral integral = integrate_families(gone.variables, [&](const std::vector<Tensor>& x) {
      rows = {};
      return joint(model, gone, q, x, rows);
    });
    rounding_ = integral.rounding;
    return gone.n == 0 ? integral.value : integral.value + block(rows, gone.n);
  }

  // The value of a parameter, wherever its scalars lie among the nodes: x is [batch, scalars].
  static void set_value(const Graph& graph, GraphTensors& tensors, const Parameter& p, const Tensor& x) {
    std::map<std::uint32_t, std::vector<std::int64_t>> lanes;  // by node: which scalar of the parameter each lane is
    for (std::size_t i = 0; i < p.value.slot.size(); ++i) {
      const std::uint32_t node = graph.node_of(p.value.slot[i]);
      std::vector<std::int64_t>& list = lanes.try_emplace(node, graph.nodes()[node].lanes, -1).first->second;
      list[p.value.slot[i] - graph.nodes()[node].first] = static_cast<std::int64_t>(i);
    }
    for (const auto& [node, list] : lanes) {
      if (std::find(list.begin(), list.end(), -1) != list.end())
        input_error("the oracle met a parameter that shares an operation with another value");
      tensors.set(node, x.index_select(1, torch::tensor(list, torch::kInt64)));
    }
  }

  // What is left of the joint density once rows of the block are taken out of it, into `rows`. x: a value for each family.
  static Tensor joint(const FactorGraph& model, const Eliminated& gone, const Tensor& q, const std::vector<Tensor>& x,
                      Rows& rows) {
    const Graph& graph = model.graph;
    GraphTensors tensors(graph);
    const Tensor probes = torch::cat({torch::zeros({1, gone.n}, torch::kFloat64), torch::eye(gone.n, torch::kFloat64)}, 0);
    std::vector<Slot> jacobians;
    std::int64_t z = 0, at = 0;
    for (std::size_t i = 0; i < model.parameters.size(); ++i) {
      const Parameter& p = model.parameters[i];
      const auto size = static_cast<std::int64_t>(p.free_size), scalars = static_cast<std::int64_t>(p.value.size());
      const auto family = std::find(gone.families.begin(), gone.families.end(), static_cast<int>(i));
      if (family != gone.families.end()) {
        set_value(graph, tensors, p, x[static_cast<std::size_t>(family - gone.families.begin())].unsqueeze(0));
      } else if (gone.block.contains(static_cast<int>(i))) {
        if (scalars == 0) continue;
        set_value(graph, tensors, p, probes.index({Slice(), Slice(z, z + scalars)}));
        z += scalars;
      } else {
        if (size > 0) tensors.set(graph.node_of(p.free_first), q.index({Slice(at, at + size)}).unsqueeze(0));
        at += size;
        jacobians.insert(jacobians.end(), p.log_jacobian.begin(), p.log_jacobian.end());
      }
    }
    Tensor sum = torch::full({}, model.constant, torch::kFloat64);
    for (const Slot slot : jacobians) sum = sum + tensors.slots({slot}).sum();
    for (const Term& term : model.terms) {
      const Tensor t = tensors.slots({term.slot});
      if (t.size(0) > 1) input_error("a leftover term depends on an eliminated parameter");
      sum = sum + term.coefficient * t.sum();
    }
    for (const Factor& factor : model.factors) sum = sum + add_factor(graph, tensors, graph.nodes()[factor.node], rows);
    return sum;
  }

  // The factor's density where no eliminated scalar enters; otherwise a row a lane, and what is left besides.
  static Tensor add_factor(const Graph& graph, GraphTensors& tensors, const Node& node, Rows& rows) {
    std::vector<Tensor> x;
    std::int64_t batch = 1;
    for (const Operand& operand : graph.operands(node)) {
      x.push_back(tensors.operand(operand));
      batch = std::max(batch, x.back().size(0));
    }
    const auto lanes = static_cast<std::int64_t>(node.lanes);
    if (batch == 1) return oracle::log_density(node.density, x).expand({1, lanes}).sum();
    Tensor residual, scale = torch::ones({1, lanes}, torch::kFloat64), rest = torch::zeros({}, torch::kFloat64);
    switch (node.density) {
      case Density::normal:
        residual = x[0] - x[1];
        scale = x[2];
        break;
      case Density::std_normal: residual = x[0]; break;
      case Density::lognormal:
        residual = torch::log(x[0]) - x[1];
        scale = x[2];
        rest = -torch::log(x[0]).expand({x[0].size(0), lanes})[0].sum();
        break;
      default: input_error("the oracle met an eliminated parameter in the density " + std::string(info(node.density).name));
    }
    if (scale.size(0) > 1) input_error("the oracle met a scale that depends on an eliminated parameter");
    rows.residuals.push_back(residual.expand({batch, lanes}));
    rows.scales.push_back(scale.expand({1, lanes})[0]);
    return rest;
  }

  static Tensor block(const Rows& rows, std::int64_t n) {
    const Tensor residuals = torch::cat(rows.residuals, 1), scales = torch::cat(rows.scales, 0);
    const Tensor c = residuals[0] / scales;                                                 // [rows]
    const Tensor a =
        ((residuals.index({Slice(0, 1)}) - residuals.index({Slice(1, None)})) / scales).transpose(0, 1);  // [rows, n]
    const auto [factor, failed] = torch::linalg_cholesky_ex(a.transpose(0, 1).matmul(a));
    if (failed.item<int>() != 0)
      infeasible_error(
          "the oracle's matrix of the eliminated scalars is not positive definite in floating point; --oracle none leaves it "
          "out");
    const Tensor mean = torch::cholesky_solve(a.transpose(0, 1).matmul(c.unsqueeze(1)), factor);
    const Tensor r = c - a.matmul(mean).squeeze(1);
    const double constants = 0.5 * static_cast<double>(n - scales.size(0)) * kLog2Pi;
    return -torch::log(scales).sum() + constants - 0.5 * r.dot(r) - torch::log(torch::diagonal(factor)).sum();
  }

  double rounding_ = 0;
};

}  // namespace
}  // namespace tenfold::hmc_marg::oracle

TENFOLD_TORCH_PART(tenfold::hmc_marg::TorchPart, tenfold::hmc_marg::oracle::DenseOracle)
