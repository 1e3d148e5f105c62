// A chain's iterations: transition, adaptation, rows of its file.
#include "hmc-marg/chain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/philox.h"
#include "data/safetensors.h"
#include "hmc-marg/adapt.h"
#include "hmc-marg/certificate_failure.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {
namespace {

class EngineDensity final : public LogDensity {
 public:
  explicit EngineDensity(std::shared_ptr<const OpProgram> program) : engine_(std::move(program)) {}
  int dimension() const override { return engine_.dimension(); }
  double evaluate(std::span<const double> q, std::span<double> gradient) override { return engine_.log_density(q, gradient); }

 private:
  Engine engine_;
};

// The numbers of a state in the order in which a checkpoint holds them, beside the iteration.
constexpr double ChainState::* kScalars[] = {&ChainState::step_size,
                                             &ChainState::window_count,
                                             &ChainState::mu,
                                             &ChainState::counter,
                                             &ChainState::s_bar,
                                             &ChainState::x_bar,
                                             &ChainState::accept_sum,
                                             &ChainState::warmup_leapfrogs,
                                             &ChainState::leapfrogs,
                                             &ChainState::divergences,
                                             &ChainState::depth_hits,
                                             &ChainState::gradients,
                                             &ChainState::energy_count,
                                             &ChainState::energy_mean,
                                             &ChainState::energy_m2,
                                             &ChainState::energy_steps,
                                             &ChainState::energy_last,
                                             &ChainState::warmup_cpu_s,
                                             &ChainState::sampling_cpu_s,
                                             &ChainState::recover_cpu_s,
                                             &ChainState::write_s,
                                             &ChainState::generated_faults};

}  // namespace

std::string to_safetensors(const ChainState& s) {
  std::vector<double> scalars = {static_cast<double>(s.iteration)};
  for (double ChainState::* const field : kScalars) scalars.push_back(s.*field);
  const auto size = [](const std::vector<double>& v) { return std::vector<std::int64_t>{static_cast<std::int64_t>(v.size())}; };
  const std::vector<data::TensorSource> tensors = {
      data::tensor_source("q", size(s.q), s.q),
      data::tensor_source("inverse_mass", size(s.inverse_mass), s.inverse_mass),
      data::tensor_source("window_mean", size(s.window_mean), s.window_mean),
      data::tensor_source("window_m2", size(s.window_m2), s.window_m2),
      data::tensor_source("scalars", size(scalars), scalars),
  };
  return data::safetensors_bytes(tensors);
}

ChainState chain_state_from(const std::string& bytes, const std::string& file) {
  const auto tensors = data::Safetensors::parse(std::as_bytes(std::span(bytes)), file);
  ChainState s;
  s.started = true;
  s.q = tensors.at("q").values<double>();
  s.inverse_mass = tensors.at("inverse_mass").values<double>();
  s.window_mean = tensors.at("window_mean").values<double>();
  s.window_m2 = tensors.at("window_m2").values<double>();
  const std::vector<double> v = tensors.at("scalars").values<double>();
  if (v.size() != 1 + std::size(kScalars)) input_error(file + ": saved by another version; start again with --force");
  s.iteration = static_cast<std::int64_t>(v[0]);
  for (std::size_t i = 0; i < std::size(kScalars); ++i) s.*kScalars[i] = v[i + 1];
  return s;
}

struct Chain::Parts {
  const ChainSetting& setting;
  const SamplerOptions& options;
  int id;
  std::string path, relative_path;
  EngineDensity density;
  std::optional<Nuts> nuts;  // empty where nothing is sampled
  DrawColumns columns;
  WarmupWindows windows;
  WindowMoments moments;
  DualAveraging averaging;
  std::optional<data::CsvWriter> csv;
  Metric no_metric;

  std::int64_t iteration = 0;
  double fixed_density = 0;  // where nothing is sampled
  double accept_sum = 0, warmup_leapfrogs = 0, leapfrogs = 0, divergences = 0, depth_hits = 0, gradients_before = 0;
  double energy_count = 0, energy_mean = 0, energy_m2 = 0, energy_steps = 0, energy_last = 0;
  double warmup_cpu_s = 0, sampling_cpu_s = 0, recover_cpu_s = 0, write_s = 0;
  double faults_before = 0;  // of the run that this one resumes
  std::string fault_before;
  std::vector<double> values;
  std::array<std::uint32_t, 2> nuts_key, step_key;

  // Rows of the block under way: kept coordinates and sampler columns.
  struct Pending {
    std::uint32_t draw;
    std::array<double, kSamplerColumns> sampler;
  };
  std::vector<Pending> pending;
  bool pending_warmup = false;  // a block lies on one side of the end of warm-up
  std::vector<double> pending_q, rows;
  std::size_t row_size;

  Parts(const ChainSetting& s, int chain, std::string file, std::string relative)
      : setting(s),
        options(*s.options),
        id(chain),
        path(std::move(file)),
        relative_path(std::move(relative)),
        density(s.program),
        columns(*s.model, *s.marginal, s.seed),
        windows(s.options->metric == MetricKind::unit ? 0 : s.options->warmup),
        moments(s.options->metric, density.dimension()),
        nuts_key(philox_key(s.seed, "nuts")),
        step_key(philox_key(s.seed, "step_size")) {
    if (density.dimension() > 0) {
      Metric metric(options.metric, density.dimension());
      if (!s.inverse_mass.empty()) metric.set(s.inverse_mass);
      nuts.emplace(density, std::move(metric), NutsOptions{.max_depth = options.max_depth});
      nuts->set_step_size(s.step_size);
    }
    averaging.delta = options.delta;
    row_size = kSamplerColumns + columns.size();
    // At once: growing by doubling would copy, and touch new memory, as often again.
    constexpr std::size_t kMostReserved = 1 << 24;
    values.reserve(
        std::min(static_cast<std::size_t>((options.draws + options.thin - 1) / options.thin) * row_size, kMostReserved));
  }

  std::uint32_t stream_id() const { return static_cast<std::uint32_t>(id); }
  std::int64_t warmup() const { return nuts ? options.warmup : 0; }
  std::int64_t total() const { return warmup() + options.draws; }

  void initial_point() {
    const auto d = static_cast<std::size_t>(density.dimension());
    std::vector<double> q(d);
    if (!setting.initial.empty()) {
      if (!nuts->set_position(setting.initial)) no_initial(setting.initial, "the initial point of --init");
      return;
    }
    const auto key = philox_key(setting.seed, "init");
    const int tries = setting.radius == 0 ? 1 : 100;
    for (int i = 0; i < tries; ++i) {
      PhiloxStream random(key, stream_id(), static_cast<std::uint32_t>(i));
      for (double& v : q) v = setting.radius * (2 * random.uniform() - 1);
      if (nuts->set_position(q)) return;
    }
    no_initial(q, tries == 1 ? "zero" : "any of 100 initial points");
  }

  [[noreturn]] void no_initial(std::span<const double> q, const std::string& where) {
    const std::string& file = setting.model->source.program_file;
    const int line = first_failing_line(setting.model->graph, setting.marginal->target, q);
    const std::string what =
        fmt::format("density or gradient is not finite at {}; check bounds and data, or give --init FILE", where);
    infeasible_error(line > 0 ? fmt::format("{}:{}: {}", file, line, what) : what);
  }

  void fill(std::size_t i, std::span<double> row) {
    const auto d = static_cast<std::size_t>(density.dimension());
    std::copy(pending[i].sampler.begin(), pending[i].sampler.end(), row.begin());
    columns.row({pending_q.data() + i * d, d}, stream_id(), pending[i].draw, row.subspan(kSamplerColumns));
  }

  void keep(std::uint32_t draw, bool in_warmup, double log_density, double step, const Transition& t) {
    pending_warmup = in_warmup;
    pending.push_back({draw,
                       {log_density - setting.model->graph.lp_offset, t.accept_stat, step, static_cast<double>(t.depth),
                        static_cast<double>(t.leapfrogs), t.divergent ? 1.0 : 0.0, t.energy + setting.model->graph.lp_offset}});
    if (nuts) pending_q.insert(pending_q.end(), nuts->position().begin(), nuts->position().end());
  }

  void adapt(const Transition& t) {
    nuts->set_step_size(averaging.learn(t.accept_stat));
    if (windows.estimates(iteration)) moments.add(nuts->position());
    if (!windows.window_ends(static_cast<int>(iteration))) return;
    nuts->set_metric(moments.regularised());
    moments.restart();
    PhiloxStream random(step_key, stream_id(), static_cast<std::uint32_t>(iteration + 1));
    nuts->find_step_size(random);
    averaging.restart(nuts->step_size());
  }

  void count(const Transition& t) {
    accept_sum += t.accept_stat;
    leapfrogs += t.leapfrogs;
    divergences += t.divergent;
    depth_hits += t.depth >= options.max_depth;
    if (energy_count > 0) energy_steps += (t.energy - energy_last) * (t.energy - energy_last);
    energy_last = t.energy;
    energy_count += 1;
    const double delta = t.energy - energy_mean;
    energy_mean += delta / energy_count;
    energy_m2 += delta * (t.energy - energy_mean);
  }

  void iterate(const std::function<bool()>& stop) {
    const bool in_warmup = iteration < warmup();
    Transition t;
    double log_density = fixed_density;
    double step = 0;
    if (nuts) {
      PhiloxStream random(nuts_key, stream_id(), static_cast<std::uint32_t>(iteration));
      step = nuts->step_size();
      t = nuts->transition(random, stop);
      if (t.abandoned) return;  // to be done again by whoever goes on from here
      log_density = nuts->log_density();
      if (in_warmup) {
        warmup_leapfrogs += t.leapfrogs;
        adapt(t);
      } else {
        count(t);
      }
    } else {
      t.accept_stat = 1;
      accept_sum += 1;
    }
    const std::int64_t within = in_warmup ? iteration : iteration - warmup();
    if ((!in_warmup || options.save_warmup) && within % options.thin == 0)
      // Draws count from 0, warm-up from 2^31: thinning, saving and the length of warm-up change no stream of another row.
      keep(static_cast<std::uint32_t>(within) | (in_warmup ? 0x80000000u : 0u), in_warmup, log_density, step, t);
    ++iteration;
  }

  void write_rows(double clock) {  // clock: thread_cpu_s() just now
    rows.resize(pending.size() * row_size);
    for (std::size_t i = 0; i < pending.size(); ++i) fill(i, std::span(rows).subspan(i * row_size, row_size));
    if (!pending_warmup) values.insert(values.end(), rows.begin(), rows.end());
    double now = thread_cpu_s();
    recover_cpu_s += now - clock;
    clock = now;
    for (std::size_t i = 0; csv && i < pending.size(); ++i) csv->row({rows.data() + i * row_size, row_size});
    pending.clear();
    pending_q.clear();
    write_s += thread_cpu_s() - clock;
  }

  void end_warmup() {
    if (!nuts) return;
    if (options.warmup > 0) nuts->set_step_size(averaging.final_step_size());
    if (csv) write_adaptation(*csv, nuts->step_size(), nuts->metric());
  }
};

Chain::Chain(const ChainSetting& setting, int id, std::string path, std::string relative_path)
    : parts_(std::make_unique<Parts>(setting, id, std::move(path), std::move(relative_path))) {}
Chain::~Chain() = default;

void Chain::start() {
  Parts& c = *parts_;
  if (c.nuts) {
    c.initial_point();
    if (c.options.warmup > 0) {
      PhiloxStream random(c.step_key, c.stream_id(), 0);
      c.averaging.restart(c.setting.step_size);
      c.nuts->find_step_size(random);
    }
  } else {
    c.fixed_density = c.density.evaluate({}, {});
  }
  if (!c.path.empty()) write_header();
  if (c.warmup() == 0) c.end_warmup();
  if (c.csv) c.csv->flush();
}

void Chain::write_header() {
  Parts& c = *parts_;
  c.csv.emplace(c.path);
  const SamplerOptions& o = c.options;
  const ModelSource& source = c.setting.model->source;
  const std::string name = std::filesystem::path(source.program_file).stem().string();
  write_chain_header(*c.csv,
                     {.model = name.starts_with("embedded:") ? name.substr(9) : name,
                      .data_file = source.data_file,
                      .draws = o.draws,
                      .warmup = o.warmup,
                      .thin = o.thin,
                      .max_depth = o.max_depth,
                      .chain = c.id,
                      .save_warmup = o.save_warmup,
                      .fixed = !c.nuts.has_value(),
                      .delta = o.delta,
                      .step_size = c.setting.step_size,
                      .metric = o.metric,
                      .init = o.init,
                      .metric_file = o.init_metric,
                      .output_file = c.relative_path,
                      .seed = c.setting.seed},
                     c.setting.column_names);
}

void Chain::resume(const ChainState& s) {
  Parts& c = *parts_;
  check_state(s);
  if (c.nuts) {
    c.nuts->set_metric(s.inverse_mass);
    c.nuts->set_step_size(s.step_size);
    if (!c.nuts->set_position(s.q))
      input_error(c.relative_path + ": the saved position does not fit the model; start again with --force");
  } else {
    c.fixed_density = c.density.evaluate({}, {});
  }
  c.iteration = s.iteration;
  c.moments.count = s.window_count;
  c.moments.mean = s.window_mean;
  c.moments.m2 = s.window_m2;
  c.averaging.mu = s.mu;
  c.averaging.counter = s.counter;
  c.averaging.s_bar = s.s_bar;
  c.averaging.x_bar = s.x_bar;
  c.accept_sum = s.accept_sum;
  c.warmup_leapfrogs = s.warmup_leapfrogs;
  c.leapfrogs = s.leapfrogs;
  c.divergences = s.divergences;
  c.depth_hits = s.depth_hits;
  c.gradients_before = s.gradients - (c.nuts ? static_cast<double>(c.nuts->gradients()) : 0);
  c.energy_count = s.energy_count;
  c.energy_mean = s.energy_mean;
  c.energy_m2 = s.energy_m2;
  c.energy_steps = s.energy_steps;
  c.energy_last = s.energy_last;
  c.warmup_cpu_s = s.warmup_cpu_s;
  c.sampling_cpu_s = s.sampling_cpu_s;
  c.recover_cpu_s = s.recover_cpu_s;
  c.write_s = s.write_s;
  c.faults_before = s.generated_faults;
  c.fault_before = s.first_fault;
  read_back(s);
}

// A state that another program, or nothing sensible, wrote.
void Chain::check_state(const ChainState& s) const {
  const Parts& c = *parts_;
  const ChainState fresh = state();
  const bool fits = s.q.size() == fresh.q.size() && s.inverse_mass.size() == fresh.inverse_mass.size() &&
                    s.window_mean.size() == fresh.window_mean.size() && s.window_m2.size() == fresh.window_m2.size() &&
                    s.iteration >= 0 && s.iteration <= c.total() && (!c.nuts || (s.step_size > 0 && std::isfinite(s.step_size)));
  if (!fits)
    input_error(
        fmt::format("checkpoint of chain {}: does not fit the model and its configuration; start again with --force", c.id));
}

// The file up to its recorded length must be what this chain wrote; only then is it cut there.
void Chain::read_back(const ChainState& s) {
  Parts& c = *parts_;
  std::string text = read_file(c.path);
  if (text.size() < s.csv_bytes)
    input_error(fmt::format("{}: holds {} bytes, fewer than the {} at the checkpoint; start again with --force", c.path,
                            text.size(), s.csv_bytes));
  text.resize(static_cast<std::size_t>(s.csv_bytes));
  data::CsvTable table = data::parse_csv(text, c.path);
  const auto rows = [&](std::int64_t iterations) {
    return static_cast<std::size_t>((iterations + c.options.thin - 1) / c.options.thin);
  };
  const std::size_t warmup_rows = c.options.save_warmup ? rows(std::min(s.iteration, c.warmup())) : 0;
  const std::size_t all_rows = warmup_rows + rows(std::max<std::int64_t>(s.iteration - c.warmup(), 0));
  if (table.names != c.setting.column_names)
    input_error(c.path + ": its columns are not those of this model; start again with --force");
  if (table.rows != all_rows)
    input_error(fmt::format("{}: holds {} rows up to the checkpoint, which counts {}; start again with --force", c.path,
                            table.rows, all_rows));
  const auto says = [&](const std::string& line) {
    return std::any_of(table.comments.begin(), table.comments.end(),
                       [&](const data::CsvComment& comment) { return comment.text == line; });
  };
  if (!says(fmt::format("id = {}", c.id)) || !says(fmt::format("  seed = {}", c.setting.seed)))
    input_error(fmt::format("{}: is not chain {} of seed {}; start again with --force", c.path, c.id, c.setting.seed));
  c.csv.emplace(data::CsvWriter::resume(c.path, s.csv_bytes));
  table.values.erase(table.values.begin(), table.values.begin() + static_cast<std::ptrdiff_t>(warmup_rows * table.columns()));
  c.values = std::move(table.values);
}

bool Chain::done() const { return parts_->iteration >= parts_->total(); }

void Chain::advance(int limit, cli::Run& run) {
  Parts& c = *parts_;
  const bool in_warmup = c.iteration < c.warmup();
  const std::int64_t end = std::min<std::int64_t>(c.iteration + limit, in_warmup ? c.warmup() : c.total());
  const double clock = thread_cpu_s();
  const std::function<bool()> stop = [&run] { return run.stop(); };
  while (c.iteration < end && !run.stop()) c.iterate(stop);
  const double now = thread_cpu_s();
  (in_warmup ? c.warmup_cpu_s : c.sampling_cpu_s) += now - clock;
  if (!c.pending.empty()) c.write_rows(now);
  if (in_warmup && c.iteration == c.warmup()) c.end_warmup();
  if (!c.csv) return;
  if (done()) {
    const bool timing = c.options.csv_timing;
    write_elapsed(*c.csv, timing ? c.warmup_cpu_s : 0, timing ? c.sampling_cpu_s + c.recover_cpu_s : 0);
  }
  c.csv->flush();
}

ChainState Chain::state() const {
  const Parts& c = *parts_;
  ChainState s;
  s.started = true;
  s.iteration = c.iteration;
  if (c.nuts) {
    s.q.assign(c.nuts->position().begin(), c.nuts->position().end());
    s.inverse_mass = c.nuts->metric().inverse_mass();
    s.step_size = c.nuts->step_size();
  }
  s.window_count = c.moments.count;
  s.window_mean = c.moments.mean;
  s.window_m2 = c.moments.m2;
  s.mu = c.averaging.mu;
  s.counter = c.averaging.counter;
  s.s_bar = c.averaging.s_bar;
  s.x_bar = c.averaging.x_bar;
  s.accept_sum = c.accept_sum;
  s.warmup_leapfrogs = c.warmup_leapfrogs;
  s.leapfrogs = c.leapfrogs;
  s.divergences = c.divergences;
  s.depth_hits = c.depth_hits;
  s.gradients = c.gradients_before + (c.nuts ? static_cast<double>(c.nuts->gradients()) : 0);
  s.energy_count = c.energy_count;
  s.energy_mean = c.energy_mean;
  s.energy_m2 = c.energy_m2;
  s.energy_steps = c.energy_steps;
  s.energy_last = c.energy_last;
  s.warmup_cpu_s = c.warmup_cpu_s;
  s.sampling_cpu_s = c.sampling_cpu_s;
  s.recover_cpu_s = c.recover_cpu_s;
  s.write_s = c.write_s;
  s.generated_faults = generated_faults();
  s.first_fault = first_fault();
  s.csv_bytes = c.csv ? c.csv->bytes() : 0;
  return s;
}

ChainReport Chain::report() const {
  const Parts& c = *parts_;
  ChainReport r;
  r.id = c.id;
  r.step_size = c.nuts ? c.nuts->step_size() : 0;
  r.accept_stat = c.accept_sum / static_cast<double>(std::max<std::int64_t>(c.iteration - c.warmup(), 1));
  r.leapfrogs = static_cast<long>(c.leapfrogs);
  r.warmup_leapfrogs = static_cast<long>(c.warmup_leapfrogs);
  r.divergences = static_cast<int>(c.divergences);
  r.treedepth_hits = static_cast<int>(c.depth_hits);
  r.ebfmi = c.nuts && c.energy_m2 > 0 ? c.energy_steps / c.energy_m2 : std::nan("");
  r.warmup_cpu_s = c.warmup_cpu_s;
  r.sampling_cpu_s = c.sampling_cpu_s;
  r.recover_cpu_s = c.recover_cpu_s;
  r.write_s = c.write_s;
  r.gradients = static_cast<std::uint64_t>(state().gradients);
  return r;
}

std::int64_t Chain::iteration() const { return parts_->iteration; }
std::vector<double> Chain::take_values() { return std::move(parts_->values); }
const Metric& Chain::metric() const { return parts_->nuts ? parts_->nuts->metric() : parts_->no_metric; }
int Chain::generated_faults() const { return static_cast<int>(parts_->faults_before) + parts_->columns.generated_faults(); }
std::string Chain::first_fault() const {
  return parts_->faults_before > 0 ? parts_->fault_before : parts_->columns.first_fault();
}

}  // namespace tenfold::hmc_marg
