// Generated quantities: the interpreter on numbers, once a draw.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "hmc-marg/data_binding.h"

namespace tenfold::hmc_marg {

struct GeneratedQuantities::State {
  struct Output {
    const Declaration* declaration;
    std::size_t size;
  };

  State(const Program& program_in, std::shared_ptr<const BoundData> data_in, const FactorGraph& model)
      : program(program_in), data(std::move(data_in)), interpreter(program_in, data->calls, nullptr, nullptr, data->limits) {
    lend_data(interpreter, *data);
    std::size_t p = 0;
    for (const StmtPtr& statement : program.block(BlockKind::parameters)) {
      prepare(statement->declaration, model.parameters[p++].value);
      parameters.push_back(statement->declaration.slot);
    }
    std::size_t next = 0;
    for (const StmtPtr& statement : program.block(BlockKind::transformed_parameters)) {
      if (statement->kind != StmtKind::declare) continue;
      prepare(statement->declaration, model.outputs[next++].value);
      transformed.push_back(statement->declaration.slot);
    }
    for (const StmtPtr& statement : program.block(BlockKind::generated_quantities)) {
      if (statement->kind != StmtKind::declare) continue;
      const std::size_t n = product(model.outputs[next++].value.dims);
      outputs.push_back({&statement->declaration, n});
      size += n;
    }
  }

  void prepare(const Declaration& d, const Value& shape) {
    Value& value = interpreter.cell(d.slot).value;
    value.type = d.type;
    value.dims = shape.dims;
    value.number.assign(product(shape.dims), 0);
    value.slot.clear();
  }

  void load(const std::vector<int>& slots, std::span<const double> numbers) {
    for (const int slot : slots) {
      std::vector<double>& to = interpreter.cell(slot).value.number;
      std::copy_n(numbers.begin(), to.size(), to.begin());
      numbers = numbers.subspan(to.size());
    }
  }

  const Program& program;
  std::shared_ptr<const BoundData> data;
  Interpreter interpreter;
  std::vector<int> parameters, transformed;  // slots of the frame
  std::vector<Output> outputs;
  std::size_t size = 0;
  std::string fault;
};

GeneratedQuantities::GeneratedQuantities(const Program& program, std::shared_ptr<const BoundData> data, const FactorGraph& graph)
    : state_(std::make_unique<State>(program, std::move(data), graph)) {}
GeneratedQuantities::~GeneratedQuantities() = default;

std::size_t GeneratedQuantities::size() const { return state_->size; }
const std::string& GeneratedQuantities::fault() const { return state_->fault; }

bool GeneratedQuantities::evaluate(std::span<const double> parameters, std::span<const double> transformed, PhiloxStream& random,
                                   std::span<double> out) {
  State& s = *state_;
  s.load(s.parameters, parameters);
  s.load(s.transformed, transformed);
  s.interpreter.set_random(&random);
  s.interpreter.restart_budget();
  try {
    s.interpreter.run(s.program.block(BlockKind::generated_quantities));
    std::size_t next = 0;
    for (const State::Output& output : s.outputs) {
      const Value& value = s.interpreter.cell(output.declaration->slot).get();
      if (const auto fault = declaration_fault(s.interpreter, *output.declaration, value)) {
        input_error(at_position(s.program.file, static_cast<std::size_t>(output.declaration->at.line),
                                static_cast<std::size_t>(output.declaration->at.column),
                                "`" + output.declaration->name + "`: " + *fault));
      }
      std::copy(value.number.begin(), value.number.end(), out.begin() + static_cast<std::ptrdiff_t>(next));
      next += output.size;
    }
  } catch (const Error& error) {
    // A loop without end is one at every draw.
    if (error.exit_code() == ExitCode::interrupted || s.interpreter.budget_spent()) throw;
    s.fault = error.message();
    std::fill(out.begin(), out.end(), std::numeric_limits<double>::quiet_NaN());
    return false;
  }
  return true;
}

}  // namespace tenfold::hmc_marg
