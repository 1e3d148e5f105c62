// Expressions, by precedence climbing. From loose to tight: ?:, ||, &&, == !=, < <= > >=, + -, * / .* ./ %, \ %/%, prefix ! - +,
// ^ .^ (to the right, its right operand may have a prefix), postfix ' and [].
#include <fmt/format.h>

#include <algorithm>

#include "hmc-marg/functions.h"
#include "hmc-marg/parser.h"

namespace tenfold::hmc_marg {

namespace {

struct BinaryOperator {
  std::string_view text;
  Operator op;
  int precedence;
};

constexpr BinaryOperator kOperators[] = {{"||", Operator::logical_or, 1},
                                         {"&&", Operator::logical_and, 2},
                                         {"==", Operator::equal, 3},
                                         {"!=", Operator::not_equal, 3},
                                         {"<", Operator::less, 4},
                                         {"<=", Operator::less_equal, 4},
                                         {">", Operator::greater, 4},
                                         {">=", Operator::greater_equal, 4},
                                         {"+", Operator::add, 5},
                                         {"-", Operator::subtract, 5},
                                         {"*", Operator::multiply, 6},
                                         {"/", Operator::divide, 6},
                                         {".*", Operator::elementwise_multiply, 6},
                                         {"./", Operator::elementwise_divide, 6},
                                         {"%", Operator::modulo, 6},
                                         {"\\", Operator::left_divide, 7},
                                         {"%/%", Operator::integer_divide, 7}};

const BinaryOperator* binary_operator(const Token& token) {
  if (token.kind != Token::Kind::punctuation) return nullptr;
  for (const BinaryOperator& candidate : kOperators)
    if (token.text == candidate.text) return &candidate;
  return nullptr;
}

}  // namespace

ExprPtr Parser::make(ExprKind kind, Position at) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->at = at;
  return expr;
}

ExprPtr Parser::finish(ExprPtr expr) const {
  int height = 0;
  const auto include = [&](const ExprPtr& part) {
    if (part) height = std::max(height, part->height);
  };
  for (const ExprPtr& arg : expr->args) include(arg);
  for (const Index& index : expr->indices) {
    include(index.low);
    include(index.high);
  }
  expr->height = height + 1;
  if (expr->height > kMaxHeight)
    fail(expr->at, fmt::format("an expression of more than {} chained operations; put parts of it into variables", kMaxHeight));
  return expr;
}

ExprPtr Parser::expression() {
  const Nested nested(*this);
  ExprPtr condition = binary(1);
  if (!at("?")) return condition;
  ExprPtr expr = make(ExprKind::ternary, take_token().at);
  expr->args.push_back(std::move(condition));
  expr->args.push_back(expression());
  expect(":", "between the two branches of `? :`");
  expr->args.push_back(expression());
  return finish(std::move(expr));
}

ExprPtr Parser::binary(int lowest) {
  ExprPtr left = prefix();
  for (const BinaryOperator* op = binary_operator(now()); op && op->precedence >= lowest; op = binary_operator(now())) {
    ExprPtr expr = make(ExprKind::binary, take_token().at);
    expr->op = op->op;
    expr->args.push_back(std::move(left));
    expr->args.push_back(binary(op->precedence + 1));
    left = finish(std::move(expr));
  }
  return left;
}

ExprPtr Parser::prefix() {
  Operator op = Operator::none;
  if (at("-")) op = Operator::negate;
  if (at("+")) op = Operator::plus;
  if (at("!")) op = Operator::logical_not;
  if (op == Operator::none) return power();
  const Nested nested(*this);
  ExprPtr expr = make(ExprKind::unary, take_token().at);
  expr->op = op;
  expr->args.push_back(prefix());
  return finish(std::move(expr));
}

ExprPtr Parser::power() {
  ExprPtr base = postfix();
  if (!at("^") && !at(".^")) return base;
  const Nested nested(*this);
  ExprPtr expr = make(ExprKind::binary, now().at);
  expr->op = take_token().text == "^" ? Operator::power : Operator::elementwise_power;
  expr->args.push_back(std::move(base));
  expr->args.push_back(prefix());
  return finish(std::move(expr));
}

ExprPtr Parser::postfix() {
  ExprPtr expr = primary();
  for (;;) {
    if (at("[")) {
      expr = index(std::move(expr));
    } else if (at("'")) {
      ExprPtr transposed = make(ExprKind::unary, take_token().at);
      transposed->op = Operator::transpose;
      transposed->args.push_back(std::move(expr));
      expr = finish(std::move(transposed));
    } else if (now().kind == Token::Kind::real && now().text.starts_with('.')) {
      fail_here("tuples run in CmdStan, not here; use one variable for each part");
    } else {
      return expr;
    }
  }
}

ExprPtr Parser::primary() {
  const Token token = now();
  switch (token.kind) {
    case Token::Kind::integer:
    case Token::Kind::real: {
      ++next_;
      ExprPtr expr = make(ExprKind::number, token.at);
      expr->number = token.number;
      expr->type = {token.kind == Token::Kind::integer ? Base::integer : Base::real, 0};
      return expr;
    }
    case Token::Kind::string: fail_here("a string can only stand in print, reject and profile; remove it");
    case Token::Kind::identifier: {
      if (token.text == "target" && ahead(1).is("(")) return call(take_token());
      if (is_keyword(token.text))
        fail_here(fmt::format("`{}` is a word of the language and no value; an expression was expected", token.text));
      ++next_;
      if (at("(")) return call(token);
      ExprPtr expr = make(ExprKind::variable, token.at);
      expr->name = token.text;
      return expr;
    }
    case Token::Kind::punctuation:
      if (token.text == "(") {
        ++next_;
        ExprPtr inner = expression();
        if (at(",")) fail(token.at, "tuples run in CmdStan, not here; use one variable for each part");
        expect(")", "to close the parenthesis");
        return inner;
      }
      if (token.text == "{") return list(ExprKind::array, "}");
      if (token.text == "[") return list(ExprKind::row_vector, "]");
      break;
    case Token::Kind::end: break;
  }
  fail_here("an expression was expected, but " + found() + "; write a value, a variable or a call");
}

ExprPtr Parser::list(ExprKind kind, std::string_view close) {
  ExprPtr expr = make(kind, take_token().at);
  expr->args = arguments(close);
  return finish(std::move(expr));
}

// What stands between an opening bracket, already taken, and `close`.
std::vector<ExprPtr> Parser::arguments(std::string_view close) {
  std::vector<ExprPtr> args;
  if (take(close)) return args;
  do {
    args.push_back(expression());
  } while (take(","));
  expect(close, "after the last of these expressions");
  return args;
}

ExprPtr Parser::call(const Token& name) {
  ExprPtr expr = make(ExprKind::call, name.at);
  expr->name = name.text;
  // Refused before its arguments are read: those may be constructs of their own, such as function names.
  if (!user_functions_.contains(name.text))
    if (const std::string reason = refused_reason(name.text); !reason.empty()) fail(name.at, reason);
  expect("(", "before the arguments");
  if (take(")")) return expr;
  expr->args.push_back(expression());
  if (take("|")) {
    expr->bar = true;
    for (ExprPtr& arg : arguments(")")) expr->args.push_back(std::move(arg));
  } else {
    while (take(",")) expr->args.push_back(expression());
    expect(")", "after the last argument");
  }
  return finish(std::move(expr));
}

ExprPtr Parser::index(ExprPtr base) {
  ExprPtr expr = make(ExprKind::index, base->at);
  expect("[", "before the indices");
  expr->args.push_back(std::move(base));
  do {
    expr->indices.push_back(one_index());
  } while (take(","));
  expect("]", "after the last index");
  return finish(std::move(expr));
}

Index Parser::one_index() {
  Index index;
  if (at(",") || at("]")) return index;
  if (take(":")) {
    if (at(",") || at("]")) return index;
    index.kind = Index::Kind::upto;
    index.high = expression();
    return index;
  }
  index.kind = Index::Kind::single;
  index.low = expression();
  if (!take(":")) return index;
  index.kind = Index::Kind::from;
  if (at(",") || at("]")) return index;
  index.kind = Index::Kind::between;
  index.high = expression();
  return index;
}

}  // namespace tenfold::hmc_marg
