// One pass over the rows of each chain, which conditions on the kept values, and then the figures of each scalar over all chains.
// A chain's sums run over its rows in order, the chains' are merged in order.
#include "hmc-marg/rao_blackwell.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/stop.h"
#include "base/threads.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/recover.h"
#include "hmc-marg/scalar_conditional.h"
#include "stats/mcmc.h"

namespace tenfold::hmc_marg {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kFewestRows = 4;  // a chain, for an effective sample size
constexpr std::size_t kBetweenLooks = 16;  // rows between looks at the stop flag

// Where the kept scalars stand in a row, in Recovery's order, and the eliminated columns in the file's order.
struct Places {
  std::vector<std::size_t> kept;  // [Recovery::kept_size()] columns of a row
  std::vector<std::size_t> eliminated;  // [eliminated columns] places in Recovery's z
  std::vector<std::string> names;  // of the eliminated columns
};

Places places(const Model& model, const Marginal& marginal) {
  Places out;
  std::size_t column = kSamplerColumns;
  for (std::size_t p = 0; p < model.graph.parameters.size(); ++p) {
    const Parameter& parameter = model.graph.parameters[p];
    Columns columns = columns_of(parameter.name, parameter.value.type, parameter.value.dims);
    const bool gone = std::binary_search(marginal.eliminated.begin(), marginal.eliminated.end(), static_cast<int>(p));
    const std::size_t first = gone ? out.eliminated.size() : out.kept.size();
    if (!gone) out.kept.resize(first + columns.place.size());
    for (std::size_t c = 0; c < columns.place.size(); ++c, ++column) {
      if (gone) {
        out.eliminated.push_back(first + columns.place[c]);
        out.names.push_back(std::move(columns.names[c]));
      } else {
        out.kept[first + columns.place[c]] = column;
      }
    }
  }
  return out;
}

// Mean and sum of squared deviations of a list, extended by one number or by another list of the same length (Welford; Chan,
// Golub and LeVeque): exact for equal numbers.
struct Moments {
  double mean = 0, square = 0;
};

// What a chain leaves of its conditionals; z in Recovery's order.
struct ChainConditionals {
  std::vector<Moments> mean;  // [z] of E[z | theta_s]
  std::vector<double> variance;  // [z] mean of Var[z | theta_s]
  std::vector<double> means;  // stored: [row][z] E[z | theta_s]
  std::vector<double> batch_means;  // not stored: [batch][z]
  std::vector<double> first, second;  // quantiles: [row][z] parameters of the conditional
  std::vector<std::uint8_t> infinite;  // [z] 1: Var[z | theta_s] is, at some row
  std::vector<double> start;  // kept values of the first row
  bool moved = false;  // some row has others
};

class Pass {
 public:
  Pass(const Model& model, const Marginal& marginal, const SamplerOutput& output, bool quantiles, bool stored)
      : model_(model),
        marginal_(marginal),
        output_(output),
        places_(places(model, marginal)),
        rows_(output.rows),
        batches_(stored ? 0 : std::max<std::size_t>(static_cast<std::size_t>(std::sqrt(static_cast<double>(rows_))), 1)),
        stored_(stored),
        chains_(output.values.size()) {
    if (quantiles && stored) conditionals_ = scalar_conditionals(model.graph, marginal);
  }

  RaoBlackwellSummary run(int threads) {
    RaoBlackwellSummary out;
    out.stored = stored_;
    out.figures.resize(places_.eliminated.size());
    if (out.figures.empty() || rows_ == 0) return out;
    const bool stop_was_raised = stop_requested();  // by the last step of the chains, which are complete
    in_parallel(chains_.size(), threads, [&](std::size_t first, std::size_t step) {
      Recovery recovery(model_.graph, marginal_);
      for (std::size_t c = first; c < chains_.size(); c += step) condition_chain(c, recovery, stop_was_raised);
    });
    for (const ChainConditionals& chain : chains_) moved_ = moved_ || chain.moved || chain.start != chains_.front().start;
    in_parallel(out.figures.size(), threads, [&](std::size_t first, std::size_t step) {
      Buffers buffers(chains_.size(), rows_);
      for (std::size_t i = first; i < out.figures.size(); i += step) {
        if (!stop_was_raised) leave_if_stopped();
        out.figures[i] = figures(places_.eliminated[i], buffers);
      }
    });
    for (std::size_t i = 0; i < out.figures.size(); ++i) {
      const auto is_infinite = [&](const ChainConditionals& chain) { return chain.infinite[places_.eliminated[i]] != 0; };
      if (std::any_of(chains_.begin(), chains_.end(), is_infinite)) out.infinite.push_back(places_.names[i]);
    }
    out.cpu_s = cpu_s_;
    return out;
  }

 private:
  struct Buffers {
    std::vector<std::vector<double>> chains;  // [chain][row]
    std::vector<double> first, second, weight;  // [chain * row]
    Buffers(std::size_t chain_count, std::size_t rows) : chains(chain_count, std::vector<double>(rows)) {}
  };

  // body(first, step) takes the indices first, first + step, ... below n. Sums up CPU time.
  template <class Body>
  void in_parallel(std::size_t n, int threads, Body body) {
    const std::size_t workers = std::min(n, static_cast<std::size_t>(threads));
    std::vector<double> cpu_s(workers);
    parallel_for(static_cast<int>(workers), threads, [&](int w) {
      const double start = thread_cpu_s();
      body(static_cast<std::size_t>(w), workers);
      cpu_s[static_cast<std::size_t>(w)] = thread_cpu_s() - start;
    });
    for (const double s : cpu_s) cpu_s_ += s;
  }

  void condition_chain(std::size_t index, Recovery& recovery, bool stop_was_raised) {
    ChainConditionals& chain = chains_[index];
    const std::size_t n = recovery.eliminated_size(), columns = output_.column_names.size();
    chain.mean.resize(n);
    chain.variance.resize(n);
    chain.infinite.resize(n);
    if (stored_) chain.means.resize(rows_ * n);
    chain.batch_means.resize(batches_ * n);
    if (!conditionals_.empty()) {
      chain.first.resize(rows_ * n);
      chain.second.resize(rows_ * n);
    }
    std::vector<double> kept(places_.kept.size()), before, mean(n), variance(n);
    std::size_t batch = 0, batch_begin = 0;
    for (std::size_t row = 0; row < rows_; ++row) {
      if (row % kBetweenLooks == 0 && !stop_was_raised) leave_if_stopped();
      const double* const values = output_.values[index].data() + row * columns;
      for (std::size_t k = 0; k < kept.size(); ++k) kept[k] = values[places_.kept[k]];
      if (row == 0) chain.start = kept;
      if (row == 0 || kept != before) {
        if (recovery.condition(kept)) {
          recovery.mean(mean);
          recovery.variance(variance);
        } else {
          std::fill(mean.begin(), mean.end(), kNaN);
          std::fill(variance.begin(), variance.end(), kNaN);
        }
        chain.moved = chain.moved || row > 0;
        before = kept;
      }
      const double share = 1 / static_cast<double>(row + 1);
      for (std::size_t i = 0; i < n; ++i) {
        const double d = mean[i] - chain.mean[i].mean;
        chain.mean[i].mean += d * share;
        chain.mean[i].square += d * (mean[i] - chain.mean[i].mean);
        chain.variance[i] += (variance[i] - chain.variance[i]) * share;
        chain.infinite[i] |= std::isinf(variance[i]);
      }
      if (stored_) std::copy(mean.begin(), mean.end(), chain.means.begin() + static_cast<std::ptrdiff_t>(row * n));
      if (!conditionals_.empty()) keep_conditionals(recovery, mean, variance, row, chain);
      if (batches_ == 0) continue;
      while ((batch + 1) * rows_ / batches_ <= row) batch_begin = ++batch * rows_ / batches_;
      double* const batch_mean = chain.batch_means.data() + batch * n;
      const double batch_share = 1 / static_cast<double>(row - batch_begin + 1);
      for (std::size_t i = 0; i < n; ++i) batch_mean[i] += (mean[i] - batch_mean[i]) * batch_share;
    }
  }

  void keep_conditionals(Recovery& recovery, std::span<const double> mean, std::span<const double> variance, std::size_t row,
                         ChainConditionals& chain) const {
    const std::span<const double> parts =
        marginal_.families ? std::span<const double>(recovery.numbers().family) : std::span<const double>();
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const std::size_t at = row * mean.size() + i;
      std::tie(chain.first[at], chain.second[at]) =
          std::isnan(mean[i]) ? std::pair(kNaN, kNaN) : conditionals_[i].parameters(parts, mean[i], variance[i]);
    }
  }

  ConditionalFigures figures(std::size_t z, Buffers& buffers) const {
    Moments all;
    double variance = 0;
    for (std::size_t c = 0; c < chains_.size(); ++c) {
      const Moments& m = chains_[c].mean[z];
      const double share = 1 / static_cast<double>(c + 1), d = m.mean - all.mean;
      all.mean += d * share;
      all.square += m.square + d * (m.mean - all.mean) * static_cast<double>(rows_);
      variance += (chains_[c].variance[z] - variance) * share;
    }
    const bool fixed = marginal_.target.inputs.empty();  // nothing is sampled: one conditional
    const double draws = static_cast<double>(rows_ * chains_.size());
    ConditionalFigures out;
    out.mean = all.mean;
    out.sd = std::sqrt(variance + (fixed ? 0 : all.square / (draws - 1)));
    for (double* const x : {&out.mean, &out.sd})
      if (std::isinf(*x)) *x = kNaN;  // of a single row
    if (fixed)
      out.mcse = 0;
    else if (rows_ >= kFewestRows && moved_)
      out.mcse = all.square == 0 ? 0 : stored_ ? mcse_of_stored(z, buffers) : mcse_of_batches(z);
    if (!conditionals_.empty()) put_quantiles(z, buffers, out);
    return out;
  }

  // Of (x - mid) / range, since an effective sample size is not given to a column of range below 2^-52.
  double mcse_of_stored(std::size_t z, Buffers& buffers) const {
    const std::size_t n = chains_.front().mean.size();
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t c = 0; c < chains_.size(); ++c)
      for (std::size_t row = 0; row < rows_; ++row) {
        const double x = buffers.chains[c][row] = chains_[c].means[row * n + z];
        if (!std::isfinite(x)) return kNaN;
        low = std::min(low, x);
        high = std::max(high, x);
      }
    for (std::vector<double>& chain : buffers.chains)
      for (double& x : chain) x = (x - low) / (high - low);
    return (high - low) * stats::mcse_mean(stats::Draws(buffers.chains));
  }

  // Batches of about sqrt(rows) rows (Flegal and Jones, "Batch means and spectral variance estimators in Markov chain Monte
  // Carlo", Annals of Statistics 2010), about the mean over all chains, so that chains that disagree count.
  double mcse_of_batches(std::size_t z) const {
    const std::size_t n = chains_.front().mean.size();
    Moments all;
    double count = 0;
    for (const ChainConditionals& chain : chains_)
      for (std::size_t b = 0; b < batches_; ++b) {
        const double x = chain.batch_means[b * n + z], d = x - all.mean;
        all.mean += d / ++count;
        all.square += d * (x - all.mean);
      }
    return std::sqrt(all.square / (count - 1) / count);
  }

  void put_quantiles(std::size_t z, Buffers& buffers, ConditionalFigures& out) const {
    const std::size_t n = chains_.front().mean.size(), all = rows_ * chains_.size();
    buffers.first.resize(all);
    buffers.second.resize(all);
    buffers.weight.assign(all, 1);
    for (std::size_t c = 0; c < chains_.size(); ++c)
      for (std::size_t row = 0; row < rows_; ++row) {
        buffers.first[c * rows_ + row] = chains_[c].first[row * n + z];
        buffers.second[c * rows_ + row] = chains_[c].second[row * n + z];
      }
    const Mixture mixture{conditionals_[z].family, buffers.weight, buffers.first, buffers.second};
    constexpr double kNormal95 = 1.6448536269514722;  // where the search begins
    out.q5 = quantile(mixture, 0.05, out.mean - kNormal95 * out.sd);
    out.q50 = quantile(mixture, 0.5, out.mean);
    out.q95 = quantile(mixture, 0.95, out.mean + kNormal95 * out.sd);
  }

  const Model& model_;
  const Marginal& marginal_;
  const SamplerOutput& output_;
  const Places places_;
  const std::size_t rows_, batches_;
  const bool stored_;
  std::vector<ScalarConditional> conditionals_;  // [z], empty: no quantiles
  std::vector<ChainConditionals> chains_;
  bool moved_ = false;  // theta is not the same at all draws: a chain that is stuck has no error to speak of
  double cpu_s_ = 0;
};

}  // namespace

RaoBlackwellSummary rao_blackwell(const Model& model, const Marginal& marginal, const SamplerOutput& output, bool quantiles,
                                  int threads, double max_stored) {
  double scalars = 0;
  for (const int p : marginal.eliminated)
    scalars += static_cast<double>(model.graph.parameters[static_cast<std::size_t>(p)].value.size());
  const double draws = static_cast<double>(output.rows) * static_cast<double>(output.values.size());
  return Pass(model, marginal, output, quantiles, scalars * draws <= max_stored).run(threads);
}

void attach(const RaoBlackwellSummary& summary, std::vector<SummaryRow>& rows) {
  std::size_t at = 0;
  for (SummaryRow& row : rows)
    if (row.kind == name_of(ColumnKind::eliminated)) row.conditional = summary.figures.at(at++);
}

}  // namespace tenfold::hmc_marg
