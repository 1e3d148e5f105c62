// Statements: declarations, assignments, control flow, print and reject.
#include <climits>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

void Interpreter::run(const std::vector<StmtPtr>& statements) { execute_all(statements); }

Interpreter::Flow Interpreter::execute_all(const std::vector<StmtPtr>& statements) {
  for (const StmtPtr& statement : statements) {
    const Flow flow = execute(*statement);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

void Interpreter::refuse_length(Position at) const {
  fail(at, "more than " + std::to_string(limits_.statements) + " statements were executed; is there a loop that does not end?");
}

Interpreter::Flow Interpreter::execute(const Stmt& s) {
  count_statement(s.at);
  if (graph_) graph_->set_line(s.at.line);
  switch (s.kind) {
    case StmtKind::declare: declare(s.declaration); break;
    case StmtKind::assign: assign(s); break;
    case StmtKind::sample: sample(s); break;
    case StmtKind::target: increment(*s.value, s.at); break;
    case StmtKind::if_else:
      if (truth(*s.value)) return execute_all(s.body);
      return execute_all(s.otherwise);
    case StmtKind::for_range: return for_range(s);
    case StmtKind::for_each: return for_each(s);
    case StmtKind::while_loop:
      while (truth(*s.value)) {
        count_statement(s.at);
        const Flow flow = execute_all(s.body);
        if (flow == Flow::leave_loop) break;
        if (flow == Flow::leave_function) return flow;
      }
      break;
    case StmtKind::break_loop: return Flow::leave_loop;
    case StmtKind::continue_loop: return Flow::next_iteration;
    case StmtKind::block: return execute_all(s.body);
    case StmtKind::print: print(s.args); break;
    case StmtKind::reject: {
      const std::string text = "the program rejects: " + printed(s.args);
      if (!graph_) fail(s.at, text);
      infeasible_error(at_position(program_.file, static_cast<std::size_t>(s.at.line), static_cast<std::size_t>(s.at.column),
                                   text + "; no parameter value is admissible with this data"));
    }
    case StmtKind::return_value:
      if (s.value) returned_ = evaluate(*s.value);
      return Flow::leave_function;
    case StmtKind::call: call(*s.value); break;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::for_range(const Stmt& s) {
  const int low = known_integer(*s.low, "this loop bound");
  const int high = known_integer(*s.high, "this loop bound");
  Cell& variable = at(s.slot);
  variable.borrowed = nullptr;
  variable.value = as_value({0, 0}, Base::integer);
  for (long i = low; i <= high; ++i) {
    count_statement(s.at);
    variable.value.number[0] = static_cast<double>(i);
    const Flow flow = execute_all(s.body);
    if (flow == Flow::leave_loop) break;
    if (flow == Flow::leave_function) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::for_each(const Stmt& s) {
  const Value container = evaluate(*s.value);
  const bool array = container.type.array_rank > 0;
  const std::size_t count = array ? static_cast<std::size_t>(container.dims[0]) : container.size();
  const std::size_t block = count ? container.size() / count : 0;
  Cell& variable = at(s.slot);
  variable.borrowed = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    Value& element = variable.value;
    element.type = array ? Type{container.type.base, container.type.array_rank - 1} : Type{Base::real, 0};
    element.dims.clear();
    if (array) element.dims.assign(container.dims.begin() + 1, container.dims.end());
    const auto first = static_cast<std::ptrdiff_t>(i * block), last = first + static_cast<std::ptrdiff_t>(block);
    element.number.assign(container.number.begin() + first, container.number.begin() + last);
    element.slot.clear();
    if (!container.known()) element.slot.assign(container.slot.begin() + first, container.slot.begin() + last);
    const Flow flow = execute_all(s.body);
    if (flow == Flow::leave_loop) break;
    if (flow == Flow::leave_function) return flow;
  }
  return Flow::next;
}

std::vector<int> Interpreter::sizes(const Declaration& d) {
  std::vector<int> dims;
  double total = 1;
  for (const ExprPtr& size : d.dims) {
    const int n = known_integer(*size, "this size");
    if (n < 0) fail(size->at, "size of `" + d.name + "` is " + std::to_string(n) + ", but must not be negative");
    dims.push_back(n);
    total *= n;
  }
  // A square matrix type names its size once.
  const bool square = d.constraint == ConstraintKind::cholesky_factor_corr || d.constraint == ConstraintKind::corr_matrix ||
                      d.constraint == ConstraintKind::cov_matrix || d.constraint == ConstraintKind::cholesky_factor_cov;
  if (square && static_cast<int>(dims.size()) == d.type.rank() - 1) {
    total *= dims.back();
    dims.push_back(dims.back());
  }
  if (total > static_cast<double>(limits_.scalars)) {
    fail(d.at, "`" + d.name + "` would have " + shape_text(dims) + " elements, more than " + std::to_string(limits_.scalars));
  }
  return dims;
}

void Interpreter::declare(const Declaration& d) {
  if (d.type.rank() == 0 && d.value) {
    const Scalar x = scalar(*d.value);
    Cell& cell = at(d.slot);
    cell.borrowed = nullptr;
    cell.value.type = d.type;
    cell.value.dims.clear();
    cell.value.number.assign(1, x.number);
    cell.value.slot.clear();
    if (x.slot) cell.value.slot.push_back(x.slot);
    return;
  }
  std::vector<int> dims = sizes(d);
  Cell& cell = at(d.slot);
  cell.borrowed = nullptr;
  if (d.value) {
    Value value = evaluate(*d.value);
    if (value.dims != dims) {
      fail(d.value->at,
           "`" + d.name + "` is declared with size " + shape_text(dims) + ", but its value has " + shape_text(value.dims));
    }
    value.type = d.type;
    at(d.slot).value = std::move(value);
    return;
  }
  const double unset = d.type.base == Base::integer ? static_cast<double>(INT_MIN) : std::numeric_limits<double>::quiet_NaN();
  cell.value.type = d.type;
  cell.value.number.assign(product(dims), unset);
  cell.value.slot.clear();
  cell.value.dims = std::move(dims);
}

void Interpreter::assign(const Stmt& s) {
  if (s.left->kind == ExprKind::variable) {
    assign_variable(s, at(s.left->slot));
  } else {
    assign_elements(s);
  }
}

void Interpreter::assign_variable(const Stmt& s, Cell& cell) {
  const Expr& left = *s.left;
  Value& target = cell.value;
  if (left.type.rank() == 0) {
    Scalar x = scalar(*s.value);
    if (s.op != Operator::none) x = arithmetic(s.op, as_scalar(target), x, left.type.base == Base::integer, s.at);
    target.number[0] = x.number;
    target.slot.clear();
    if (x.slot) target.slot.push_back(x.slot);
    return;
  }
  Value value;
  if (s.op != Operator::none) {
    Value storage;
    const Value& right = reference(*s.value, storage);
    context_.at = s.at;
    value = apply_binary(context_, s.op, target, right);
  } else {
    value = evaluate(*s.value);
  }
  if (value.dims != target.dims) {
    fail(s.at, "`" + left.name + "` has size " + shape_text(target.dims) + ", but the value assigned to it has " +
                   shape_text(value.dims));
  }
  value.type = target.type;
  target = std::move(value);
}

void Interpreter::assign_elements(const Stmt& s) {
  const Expr& left = *s.left;
  if (left.type.rank() == 0) {
    Scalar x = scalar(*s.value);
    IndexList indices;
    const Expr* root = flatten_index(left, indices);
    std::size_t place = 0;
    Value* target = nullptr;
    if (root->kind == ExprKind::variable) target = &at(root->slot).value;
    if (!target || !single_offset(*target, indices.span(), place)) place = view_of(left, target).places.at(0);
    if (s.op != Operator::none) {
      const Scalar old{target->number[place], target->slot.empty() ? 0 : target->slot[place]};
      x = arithmetic(s.op, old, x, left.type.base == Base::integer, s.at);
    }
    target->number[place] = x.number;
    if (x.slot && target->slot.empty()) target->slot.assign(target->number.size(), 0);
    if (!target->slot.empty()) target->slot[place] = x.slot;
    return;
  }
  Value right = evaluate(*s.value);  // before the places: it may read the same variable
  Value* target = nullptr;
  const View view = view_of(left, target);
  if (s.op != Operator::none) {
    const Value old = gather(*target, view);
    context_.at = s.at;
    right = apply_binary(context_, s.op, old, right);
  }
  if (right.dims != view.dims) {
    fail(s.at,
         "the left side has size " + shape_text(view.dims) + ", but the value assigned to it has " + shape_text(right.dims));
  }
  if (!right.known() && target->slot.empty()) target->slot.assign(target->number.size(), 0);
  for (std::size_t i = 0; i < view.places.size(); ++i) {
    target->number[view.places[i]] = right.number[i];
    if (!target->slot.empty()) target->slot[view.places[i]] = right.known() ? 0 : right.slot[i];
  }
}

namespace {

// One scalar as CmdStan prints it: six digits.
void print_scalar(std::string& text, const Value& value, std::size_t i) {
  if (!value.known() && value.slot[i]) {
    text += "<theta>";
    return;
  }
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value.number[i]);
  text += buffer;
}

// Dimension d of a value from `place` on; a matrix by rows.
void print_dimension(std::string& text, const Value& value, std::size_t d, std::size_t place, std::size_t block) {
  if (d == value.dims.size()) {
    print_scalar(text, value, place);
    return;
  }
  const auto n = static_cast<std::size_t>(value.dims[d]);
  const bool matrix = value.type.base == Base::matrix && d == static_cast<std::size_t>(value.type.array_rank);
  text += '[';
  for (std::size_t i = 0; i < n; ++i) {
    if (i) text += ',';
    if (matrix) {
      text += '[';
      const auto columns = static_cast<std::size_t>(value.dims[d + 1]);
      for (std::size_t j = 0; j < columns; ++j) {
        if (j) text += ',';
        print_scalar(text, value, place + i + j * n);
      }
      text += ']';
    } else {
      print_dimension(text, value, d + 1, place + i * (block / n), block / n);
    }
  }
  text += ']';
}

}  // namespace

std::string Interpreter::printed(const std::vector<ExprPtr>& items) {
  std::string text;
  for (const ExprPtr& item : items) {
    if (item->kind == ExprKind::string) {
      text += item->name;
    } else {
      const Value value = evaluate(*item);
      if (item->kind == ExprKind::variable && !value.known()) {
        text += '`' + item->name + '`';
        continue;
      }
      print_dimension(text, value, 0, 0, value.size());
    }
  }
  return text;
}

void Interpreter::print(const std::vector<ExprPtr>& items) {
  const std::string text = printed(items) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace tenfold::hmc_marg
