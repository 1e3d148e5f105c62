// Running an op program: forward with factors, then the other instructions in reverse.
//
// What a small program costs (eight schools: 10 inputs, 6 instructions) is not arithmetic but the way there. Hence: instructions
// of one cache line each in two arrays in running order; one indirect call an instruction, which the branch predictor learns;
// kernels of their own for single lanes; known summands taken out by lowering; and no clearing pass: reverse kernels clear the
// adjoints they consume, so that only inputs are left to clear here, together with copying the gradient out.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "hmc-marg/lowered.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

namespace {

static_assert(sizeof(Instruction) == 64);

// Zeroed doubles at a cache line's begin. Pages that are never written cost nothing.
class Arena {
 public:
  explicit Arena(std::size_t size) : allocation_(static_cast<double*>(std::calloc(size + 2 * kPad, sizeof(double)))) {
    if (allocation_ == nullptr) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(allocation_);
    begin_ = reinterpret_cast<double*>((address + 63) / 64 * 64);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { std::free(allocation_); }
  double* begin() const { return begin_; }

 private:
  static constexpr std::size_t kPad = 8;  // for alignment, and for reading whole blocks at the end
  double* allocation_;
  double* begin_;
};

}  // namespace

struct Engine::State {
  explicit State(std::shared_ptr<const OpProgram> p)
      : program(std::move(p)),
        values(program->computed_end + program->constants.size()),
        adjoints(program->computed_end + program->constants.size()),
        workspace(program->workspace) {
    std::ranges::copy(program->constants, values.begin() + program->computed_end);
    machine.value = values.begin();
    machine.adjoint = adjoints.begin();
    machine.index = program->index.data();
    machine.workspace = workspace.begin();
  }

  std::shared_ptr<const OpProgram> program;
  Arena values, adjoints, workspace;
  Machine machine;
  bool finite = false;

  double forward(bool with_factor_adjoints);
  void clear() { std::memset(machine.adjoint, 0, program->computed_end * sizeof(double)); }
};

double Engine::State::forward(bool with_factor_adjoints) {
  const OpProgram& p = *program;
  machine.log_density = p.constant;
  const Instruction* in = p.forward.data();
  const Instruction* const end = in + p.forward.size();
  for (const Instruction* const before = in + p.before_factors; in != before; ++in) in->forward(*in, machine);
  double of_factors = 0;
  for (std::size_t i = 0; i < p.factors.size(); ++i) {
    of_factors += p.factors[i]->evaluate(machine.value, with_factor_adjoints ? machine.adjoint : nullptr,
                                         machine.workspace + p.factor_workspace[i]);
  }
  for (; in != end; ++in) in->forward(*in, machine);
  double total = machine.log_density + of_factors;
  for (const TermRun& term : p.terms) {
    double sum = 0;
    for (std::uint32_t i = 0; i < term.lanes; ++i) {
      sum += machine.value[term.place + i];
      machine.adjoint[term.place + i] += term.coefficient;
    }
    total += term.coefficient * sum;
  }
  bool inside = std::isfinite(total);
  for (const std::uint32_t place : p.nonnegative) inside = inside && machine.value[place] >= 0;
  return inside ? total : -std::numeric_limits<double>::infinity();
}

Engine::Engine(std::shared_ptr<const OpProgram> program) : state_(std::make_unique<State>(std::move(program))) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

int Engine::dimension() const { return static_cast<int>(state_->program->inputs); }
bool Engine::finite() const { return state_->finite; }

double Engine::log_density(std::span<const double> q, std::span<double> gradient) {
  State& s = *state_;
  const OpProgram& p = *s.program;
  std::copy_n(q.data(), p.inputs, s.machine.value);
  const double total = s.forward(!gradient.empty());
  s.finite = total != -std::numeric_limits<double>::infinity();
  if (!s.finite || gradient.empty()) {
    s.clear();
    std::ranges::fill(gradient, 0.0);
    return total;
  }
  for (const Instruction& in : p.reverse) in.reverse(in, s.machine);
  if (p.inputs == 1) {  // the common case after elimination: two library calls cost more than the move
    gradient[0] = std::exchange(s.machine.adjoint[0], 0.0);
  } else {
    std::copy_n(s.machine.adjoint, p.inputs, gradient.data());
    std::fill_n(s.machine.adjoint, p.inputs, 0.0);
  }
  return total;
}

void Engine::outputs(std::span<const double> q, std::span<double> out) {
  State& s = *state_;
  const OpProgram& p = *s.program;
  std::copy_n(q.data(), p.inputs, s.machine.value);
  for (const Instruction& in : p.forward) {
    if (!in.factor) in.forward(in, s.machine);
  }
  for (const Instruction& in : p.outputs_only) in.forward(in, s.machine);
  for (std::size_t i = 0; i < p.outputs.size(); ++i) out[i] = s.machine.value[p.outputs[i]];
}

}  // namespace tenfold::hmc_marg
