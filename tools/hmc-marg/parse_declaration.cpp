// Declarations: types, sizes, constraints, names, initialisers; arrays in today's syntax and in that of older programs.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "hmc-marg/parser.h"

namespace tenfold::hmc_marg {

namespace {

struct TypeName {
  std::string_view name;
  Base base;
  ConstraintKind constraint;
  int least_sizes, most_sizes;
};

constexpr TypeName kTypes[] = {
    {"int", Base::integer, ConstraintKind::none, 0, 0},
    {"real", Base::real, ConstraintKind::none, 0, 0},
    {"vector", Base::vector, ConstraintKind::none, 1, 1},
    {"row_vector", Base::row_vector, ConstraintKind::none, 1, 1},
    {"matrix", Base::matrix, ConstraintKind::none, 2, 2},
    {"simplex", Base::vector, ConstraintKind::simplex, 1, 1},
    {"ordered", Base::vector, ConstraintKind::ordered, 1, 1},
    {"positive_ordered", Base::vector, ConstraintKind::positive_ordered, 1, 1},
    {"cholesky_factor_corr", Base::matrix, ConstraintKind::cholesky_factor_corr, 1, 1},
    {"cholesky_factor_cov", Base::matrix, ConstraintKind::cholesky_factor_cov, 1, 2},
    {"corr_matrix", Base::matrix, ConstraintKind::corr_matrix, 1, 1},
    {"cov_matrix", Base::matrix, ConstraintKind::cov_matrix, 1, 1},
};

constexpr auto kRefusedTypes = std::to_array<std::string_view>(
    {"complex", "complex_vector", "complex_row_vector", "complex_matrix", "tuple", "unit_vector", "sum_to_zero_vector",
     "sum_to_zero_matrix", "column_stochastic_matrix", "row_stochastic_matrix"});

const TypeName* type_named(const Token& token) {
  for (const TypeName& type : kTypes)
    if (token.is(type.name)) return &type;
  return nullptr;
}

ExprPtr copy(const ExprPtr& expr) { return expr ? clone(*expr) : nullptr; }

std::vector<ExprPtr> copies(const std::vector<ExprPtr>& exprs) {
  std::vector<ExprPtr> result;
  for (const ExprPtr& expr : exprs) result.push_back(clone(*expr));
  return result;
}

}  // namespace

bool Parser::declaration_at() const {
  if (now().kind != Token::Kind::identifier) return false;
  return at("array") || type_named(now()) || std::ranges::find(kRefusedTypes, now().text) != kRefusedTypes.end();
}

void Parser::refuse_type(const Token& token) const {
  if (token.kind != Token::Kind::identifier || std::ranges::find(kRefusedTypes, token.text) == kRefusedTypes.end()) return;
  fail(token.at, fmt::format("the type {} runs in CmdStan, not here; write the model without it", token.text));
}

void Parser::declaration(std::vector<StmtPtr>& into, Place place) {
  std::vector<ExprPtr> array_sizes;
  if (at("array")) {
    ++next_;
    expect("[", "after array");
    if (at("]") || at(",")) fail_here("a declaration needs the array's sizes; write them between the brackets");
    array_sizes = arguments("]");
  }
  const WrittenType written = written_type(place);
  if (now().is("[") && written.type.rank() == 0)
    fail_here(fmt::format("`{}` has no size; an array is written array[N] {}", to_string(written.type), to_string(written.type)));
  do {
    declared_name(into, written, array_sizes);
  } while (take(","));
  expect(";", "after the declaration");
}

// One name of a declaration: its old-style sizes and initialiser.
void Parser::declared_name(std::vector<StmtPtr>& into, const WrittenType& written, const std::vector<ExprPtr>& array_sizes) {
  StmtPtr stmt = statement_of(StmtKind::declare);
  Declaration& d = stmt->declaration;
  d.at = now().at;
  d.name = new_name("the declared variable").text;
  d.dims = copies(array_sizes);
  if (at("[")) {
    if (!array_sizes.empty()) fail_here("the array's sizes are given twice; keep those after `array`");
    ++next_;
    if (at("]") || at(",")) fail_here("a declaration needs the array's sizes; write them between the brackets");
    d.dims = arguments("]");
  }
  d.type = {written.type.base, static_cast<int>(d.dims.size())};
  for (ExprPtr& size : copies(written.sizes)) d.dims.push_back(std::move(size));
  d.constraint = written.constraint;
  d.lower = copy(written.lower);
  d.upper = copy(written.upper);
  d.offset = copy(written.offset);
  d.multiplier = copy(written.multiplier);
  if (take("=")) d.value = expression();
  if (at("<") && ahead(1).is("-")) fail_here("`<-` is no longer an assignment; write `=`");
  into.push_back(std::move(stmt));
}

Parser::WrittenType Parser::written_type(Place place) {
  const Token name = now();
  refuse_type(name);
  const TypeName* type = type_named(name);
  if (!type)
    fail_here("a type was expected, but " + found() + "; write int, real, vector, row_vector, matrix or a constrained type");
  ++next_;
  WrittenType written;
  written.type.base = type->base;
  written.constraint = type->constraint;
  if (place == Place::local && type->constraint != ConstraintKind::none)
    fail(name.at,
         fmt::format("a local variable has no constraint; declare it as {}", type->base == Base::vector ? "vector" : "matrix"));
  if (at("<")) {
    if (place == Place::local) fail_here("a local variable has no constraint; remove what stands between < and >");
    constraint(written, name.text, name);
  }
  if (type->most_sizes > 0) base_sizes(written, name.text, name);
  return written;
}

void Parser::base_sizes(WrittenType& written, std::string_view name, const Token& at_name) {
  const TypeName& type = *type_named(at_name);
  const Position position = now().at;
  if (!take("[") || at("]"))
    fail(position,
         fmt::format("a {} needs its size; write {}[{}]", name, name, type.least_sizes == 2 ? "ROWS, COLUMNS" : "SIZE"));
  written.sizes = arguments("]");
  const int count = static_cast<int>(written.sizes.size());
  if (count < type.least_sizes || count > type.most_sizes) {
    const char* hint =
        type.base == Base::matrix ? "; write its rows and columns" : "; an array of them is written array[N] before it";
    fail(position, fmt::format("a {} has {} size{}, not {}{}", name,
                               type.least_sizes == type.most_sizes ? std::to_string(type.most_sizes) : "1 or 2",
                               type.most_sizes == 1 ? "" : "s", count, hint));
  }
}

void Parser::constraint(WrittenType& written, std::string_view name, const Token& at_name) {
  if (written.constraint != ConstraintKind::none) fail_here(fmt::format("a {} takes no bounds; remove them", name));
  expect("<", "before the bounds");
  static const std::vector<std::string> kNames = {"lower", "upper", "offset", "multiplier"};
  do {
    if (now().kind != Token::Kind::identifier)
      fail_here("lower, upper, offset or multiplier was expected, but " + found() + "; write one");
    const Token key = take_token();
    ExprPtr* places[] = {&written.lower, &written.upper, &written.offset, &written.multiplier};
    const auto known = std::ranges::find(kNames, key.text);
    if (known == kNames.end()) {
      const std::string near = nearest(key.text, kNames);
      fail(key.at, fmt::format("`{}` is no constraint; {}", key.text,
                               near.empty() ? "write lower, upper, offset or multiplier" : "did you mean " + near + "?"));
    }
    ExprPtr& value = *places[known - kNames.begin()];
    if (value) fail(key.at, fmt::format("{} is given twice; keep one", key.text));
    expect("=", "after the constraint's name");
    value = arithmetic();
  } while (take(","));
  expect(">", "after the constraint");
  const bool bounded = written.lower || written.upper;
  const bool affine = written.offset || written.multiplier;
  if (bounded && affine) fail(at_name.at, "bounds cannot be combined with offset or multiplier; keep one of the two");
  if (affine && written.type.base == Base::integer) fail(at_name.at, "an int takes no offset or multiplier; remove them");
  written.constraint = bounded ? ConstraintKind::bounded : ConstraintKind::affine;
}

Token Parser::new_name(const char* what) {
  const Token name = now();
  if (name.kind != Token::Kind::identifier)
    fail_here(fmt::format("the name of {} was expected, but {}; write one", what, found()));
  if (is_keyword(name.text))
    fail_here(fmt::format("`{}` is a word of the language and cannot name {}; rename it", name.text, what));
  if (name.text.ends_with("__"))
    fail_here(fmt::format("`{}`: names that end in two underscores are reserved; rename it", name.text));
  ++next_;
  return name;
}

}  // namespace tenfold::hmc_marg
