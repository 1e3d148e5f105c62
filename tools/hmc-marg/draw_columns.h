// From a draw of the kept parameters to everything a CSV row holds besides the sampler's own columns: all declared parameters
// (kept or drawn from their conditional), transformed parameters, generated quantities.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hmc-marg/model.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

enum class ColumnKind : std::uint8_t { sampled, eliminated, transformed, generated };
const char* name_of(ColumnKind kind);

struct Column {
  std::string name;  // "theta.3"
  ColumnKind kind = ColumnKind::sampled;
};

// Names in the CSV's order.
std::vector<Column> draw_columns(const Model& model, const Marginal& marginal);

// Computes rows; one a thread. Recovery uses the stream (seed, "recover", chain, draw), generated quantities (seed, "generated",
// chain, draw), so that a row depends on the kept values and these ids alone.
class DrawColumns {
 public:
  DrawColumns(const Model& model, const Marginal& marginal, std::uint64_t seed);
  ~DrawColumns();
  DrawColumns(DrawColumns&&) noexcept;

  // kept: unconstrained values of the kept parameters, as they are sampled. out [size()].
  void row(std::span<const double> kept, std::uint32_t chain, std::uint32_t draw, std::span<double> out);
  std::size_t size() const;
  int generated_faults() const;            // rows whose generated quantities failed and are NaN
  const std::string& first_fault() const;  // why the first of them did

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::hmc_marg
