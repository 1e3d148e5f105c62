// The marginal density of a hierarchical normal model, found by the planner, against the same worked out by hand.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "hmc-marg/model.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan.h"
#include "rows.h"

namespace tenfold::hmc_marg::bench {

namespace {

constexpr int kRows = 10000, kGroups = 1000;

constexpr const char* kProgram = R"(
data { int N; int G; array[N] int<lower=1, upper=G> group; vector[N] y; }
parameters { real mu; real<lower=0> tau; real<lower=0> sigma; vector[G] theta; }
model {
  mu ~ normal(0, 5);
  tau ~ normal(0, 2);
  sigma ~ normal(0, 2);
  theta ~ normal(mu, tau);
  y ~ normal(theta[group], sigma);
}
)";

struct Observations {
  std::vector<int> group;
  std::vector<double> y;
  Observations() {
    for (int i = 0; i < kRows; ++i) {
      group.push_back(i < kGroups ? i : static_cast<int>((i * 7919L + i / 13) % kGroups));
      y.push_back(1 + 0.7 * std::sin(group.back() * 1.7) + 1.5 * std::cos(i * 0.37));
    }
  }
  std::string json() const {
    std::string groups, values;
    for (int i = 0; i < kRows; ++i) {
      groups += (i ? "," : "") + std::to_string(group[static_cast<std::size_t>(i)] + 1);
      values += (i ? "," : "") + std::to_string(y[static_cast<std::size_t>(i)]);
    }
    return "{\"N\":" + std::to_string(kRows) + ",\"G\":" + std::to_string(kGroups) + ",\"group\":[" + groups + "],\"y\":[" +
           values + "]}";
  }
};

// q = log tau, log sigma. Group means are N(mu, u_g), u_g = tau^2 + sigma^2 / n_g; mu and theta are integrated out; groups are
// known by count and mean, all that is left of the rows is a sum of squares. One pass over the groups, divisions once a group,
// logarithms once for sixteen. As one would write it who wants it fast; constants are left out.
class ByHand {
 public:
  explicit ByHand(const Observations& data) : inverse_count_(kGroups), mean_(kGroups) {
    std::vector<double> count(kGroups, 0), sum(kGroups, 0);
    for (int i = 0; i < kRows; ++i) {
      const auto g = static_cast<std::size_t>(data.group[static_cast<std::size_t>(i)]);
      const double y = std::stod(std::to_string(data.y[static_cast<std::size_t>(i)]));
      count[g] += 1;
      sum[g] += y;
      squares_ += y * y;
    }
    for (std::size_t g = 0; g < kGroups; ++g) {
      inverse_count_[g] = 1 / count[g];
      mean_[g] = sum[g] / count[g];
      squares_ -= sum[g] * mean_[g];
    }
  }

  __attribute__((target_clones("avx512f", "avx2", "default"))) double log_density(const double* q, double* gradient) const {
    const double tau = std::exp(q[0]), sigma = std::exp(q[1]), s = tau * tau, t = sigma * sigma;
    double logs = 0;
    // Sums of w, w^2 and w^2 / n, by powers of the mean; eight partial sums, which the compiler makes vectors of.
    constexpr std::size_t kLanes = 8;
    double w0[kLanes] = {}, w1[kLanes] = {}, w2[kLanes] = {}, s0[kLanes] = {}, s1[kLanes] = {}, s2[kLanes] = {}, t0[kLanes] = {},
           t1[kLanes] = {}, t2[kLanes] = {};
    for (std::size_t g = 0; g < kGroups; g += 2 * kLanes) {
      double product[kLanes] = {1, 1, 1, 1, 1, 1, 1, 1};
      const std::size_t end = std::min<std::size_t>(g + 2 * kLanes, kGroups);
      for (std::size_t i = g; i < end; i += kLanes) {
        for (std::size_t k = 0; k < kLanes; ++k) {
          const double n = inverse_count_[i + k], m = mean_[i + k], u = s + t * n, w = 1 / u, v = w * w, wm = w * m, vm = v * m;
          product[k] *= u;
          w0[k] += w;
          w1[k] += wm;
          w2[k] += wm * m;
          s0[k] += v;
          s1[k] += vm;
          s2[k] += vm * m;
          t0[k] += v * n;
          t1[k] += vm * n;
          t2[k] += vm * m * n;
        }
      }
      logs += std::log(((product[0] * product[1]) * (product[2] * product[3])) *
                       ((product[4] * product[5]) * (product[6] * product[7])));
    }
    const auto total = [](const double* x) { return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])); };
    const double precision = total(w0) + 1.0 / 25, mu = total(w1) / precision, spread = mu * mu + 1 / precision;
    const double along_s = 0.5 * (total(s2) - 2 * mu * total(s1) + spread * total(s0) - total(w0));
    const double w_n = total_w_over_n(s, total(w0), t);
    const double along_t = 0.5 * (total(t2) - 2 * mu * total(t1) + spread * total(t0) - w_n) - 0.5 * (kRows - kGroups) / t +
                           0.5 * squares_ / (t * t);
    gradient[0] = 2 * s * along_s + 1 - s / 4;
    gradient[1] = 2 * t * along_t + 1 - t / 4;
    return q[0] + q[1] - (s + t) / 8 - (kRows - kGroups) * q[1] - 0.5 * squares_ / t - 0.5 * logs -
           0.5 * (total(w2) - mu * mu * precision) - 0.5 * std::log(precision);
  }

 private:
  // sum of w / n, from w (s + t / n) = 1.
  static double total_w_over_n(double s, double w, double t) { return (kGroups - s * w) / t; }

  std::vector<double> inverse_count_, mean_;
  double squares_ = 0;
};

}  // namespace

Row hierarchical_normal_gradient() {
  const Observations data;
  ModelSource source;
  source.program_file = "hierarchical.stan";
  source.program_text = kProgram;
  source.data_file = "hierarchical.json";
  source.data_text = data.json();
  Model model = load_model(std::move(source), 1);
  const Marginal marginal = marginalize(model.graph, {});
  if (marginal.kept.size() != 2) machine_error("hierarchical_normal_gradient: the plan keeps more than the two scales");
  Engine engine(lower(model.graph.graph, marginal.target));
  const ByHand hand(data);

  std::vector<std::vector<double>> points;
  for (int i = 0; i < 16; ++i) points.push_back({-0.4 + 0.1 * std::sin(i), 0.1 * std::cos(i * 1.3)});
  std::vector<double> gradient(2), other(2);
  const double offset = engine.log_density(points[0], gradient) - hand.log_density(points[0].data(), other.data());
  for (const auto& q : points) {
    const double difference = engine.log_density(q, gradient) - hand.log_density(q.data(), other.data()) - offset;
    if (!(std::fabs(difference) < 1e-6) || !(std::fabs(gradient[0] - other[0]) < 1e-6) ||
        !(std::fabs(gradient[1] - other[1]) < 1e-6))
      machine_error("hierarchical_normal_gradient: the marginal density and the one by hand disagree");
  }
  double sink = 0;
  Row row = compare(
      "hierarchical_normal_gradient",
      [&](int calls) {
        for (int i = 0; i < calls; ++i) sink += engine.log_density(points[static_cast<std::size_t>(i) & 15], gradient);
      },
      [&](int calls) {
        for (int i = 0; i < calls; ++i)
          sink += hand.log_density(points[static_cast<std::size_t>(i) & 15].data(), gradient.data());
      },
      "by hand in C++", 2000, 31);
  if (sink == 0.123) row.name += " ";  // keeps the calls
  return row;
}

}  // namespace tenfold::hmc_marg::bench
