// Looks up every call of a program once.
#include "hmc-marg/interpret_library.h"

#include <string>
#include <unordered_map>

#include "base/error.h"

namespace tenfold::hmc_marg {
namespace {

// The operation that computes a function of the language for scalar arguments, if there is one.
Op scalar_operation(const std::string& callee, std::size_t arguments) {
  if (arguments == 2 && callee == "log_sum_exp") return Op::log_add_exp;
  if (callee == "Phi") return Op::phi;
  if (callee == "inv_Phi") return Op::inv_phi;
  if (callee == "Phi_approx") return Op::phi_approx;
  if (callee == "pow" || callee == "phi" || callee == "inv_phi" || callee == "neg" || callee == "add" || callee == "sub" ||
      callee == "mul" || callee == "div") {
    return Op::constant;
  }
  for (int i = static_cast<int>(Op::neg); i <= static_cast<int>(Op::log_add_exp); ++i) {
    const Op op = static_cast<Op>(i);
    if (lane_wise(op) && info(op).name == callee && info(op).arity == static_cast<int>(arguments)) return op;
  }
  return Op::constant;
}

class Resolver {
 public:
  explicit Resolver(const Program& program) : program_(program) {}

  CallTable run() {
    for (const auto& function : program_.functions) all(function.body);
    for (const auto& block : program_.blocks) all(block);
    return std::move(table_);
  }

 private:
  void all(const std::vector<StmtPtr>& statements) {
    for (const StmtPtr& s : statements) statement(*s);
  }

  void expression(const ExprPtr& e) {
    if (!e) return;
    for (const ExprPtr& arg : e->args) expression(arg);
    for (const Index& index : e->indices) {
      expression(index.low);
      expression(index.high);
    }
    if (e->kind == ExprKind::call) call(*e);
  }

  void call(const Expr& e) {
    if (e.call == CallKind::user || e.call == CallKind::random || e.call == CallKind::cdf) return;
    if (e.call == CallKind::library && e.callee == "target") return;  // the interpreter's own
    std::string key = e.callee + "/" + std::to_string(e.args.size());
    if (e.call == CallKind::density) key += "|";
    const auto [found, is_new] = numbers_.emplace(std::move(key), static_cast<int>(table_.size()));
    e.library_index = found->second;
    if (!is_new) return;
    ResolvedCall entry;
    if (e.call == CallKind::density) {
      if (const auto family = density_named(e.callee)) entry.density = *family;
    } else {
      entry.function = find_library_function(e.callee);
      entry.op = scalar_operation(e.callee, e.args.size());
      if (!entry.function) {
        input_error(at_position(program_.file, static_cast<std::size_t>(e.at.line), static_cast<std::size_t>(e.at.column),
                                "`" + e.callee + "` runs in CmdStan, not here"));
      }
    }
    table_.push_back(entry);
  }

  void statement(const Stmt& s) {
    const Declaration& d = s.declaration;
    for (const ExprPtr& size : d.dims) expression(size);
    for (const ExprPtr* e : {&d.lower, &d.upper, &d.offset, &d.multiplier, &d.value, &s.left, &s.value, &s.low, &s.high})
      expression(*e);
    for (const ExprPtr& arg : s.args) expression(arg);
    all(s.body);
    all(s.otherwise);
  }

  const Program& program_;
  CallTable table_;
  std::unordered_map<std::string, int> numbers_;
};

}  // namespace

CallTable resolve_calls(const Program& program) { return Resolver(program).run(); }

}  // namespace tenfold::hmc_marg
