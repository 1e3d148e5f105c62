// Statements: assignments, sampling statements, target increments, control flow.
#include <fmt/format.h>

#include "hmc-marg/functions.h"
#include "hmc-marg/parser.h"

namespace tenfold::hmc_marg {

StmtPtr Parser::statement_of(StmtKind kind) {
  auto stmt = std::make_unique<Stmt>();
  stmt->kind = kind;
  stmt->at = now().at;
  return stmt;
}

// Null for an empty statement.
StmtPtr Parser::statement() {
  const Nested nested(*this);
  if (take(";")) return nullptr;
  if (at("{") && !literal_ahead()) {
    StmtPtr stmt = statement_of(StmtKind::block);
    stmt->body = braces();
    return stmt;
  }
  if (at("if")) return if_else();
  if (at("for")) return for_loop();
  if (at("while")) return while_loop();
  if (at("print")) return items(StmtKind::print);
  if (at("reject") || at("fatal_error")) return items(StmtKind::reject);
  if (at("profile")) return profile();
  if (at("return")) return return_statement();
  if (at("target") && !ahead(1).is("(")) return target_increment();
  if (at("jacobian") && ahead(1).is("+="))
    fail_here("`jacobian +=` runs in CmdStan, not here; write `target +=` in the model block");
  if (at("break") || at("continue")) {
    StmtPtr stmt = statement_of(at("break") ? StmtKind::break_loop : StmtKind::continue_loop);
    ++next_;
    expect(";", "after the statement");
    return stmt;
  }
  if (declaration_at()) fail_here("a declaration cannot stand here alone; put it between braces");
  return expression_statement();
}

// Whether the brace here opens an array, as in `{1, 2} ~ poisson(m);`: no semicolon within, and then the tilde.
bool Parser::literal_ahead() const {
  std::size_t open = 0;
  for (std::size_t k = 0; !ahead(k).is(";") && ahead(k).kind != Token::Kind::end; ++k) {
    if (ahead(k).is("{")) ++open;
    if (ahead(k).is("}") && --open == 0) return ahead(k + 1).is("~");
  }
  return false;
}

std::vector<StmtPtr> Parser::braces() {
  const Nested nested(*this);
  const Position opening = now().at;
  expect("{", "to open a block");
  std::vector<StmtPtr> statements;
  while (!take("}")) {
    if (now().kind == Token::Kind::end) fail(opening, "this brace is never closed; add the closing one");
    if (declaration_at()) {
      declaration(statements, Place::local);
    } else if (StmtPtr stmt = statement()) {
      statements.push_back(std::move(stmt));
    }
  }
  return statements;
}

// What a loop or a branch executes: the statements between braces, or one statement.
std::vector<StmtPtr> Parser::body(const char* of) {
  if (at("{") && !literal_ahead()) return braces();
  if (now().kind == Token::Kind::end) fail_here(fmt::format("a statement was expected after {}, but the file ends; add it", of));
  std::vector<StmtPtr> statements;
  if (StmtPtr stmt = statement()) statements.push_back(std::move(stmt));
  return statements;
}

StmtPtr Parser::if_else() {
  StmtPtr stmt = statement_of(StmtKind::if_else);
  ++next_;
  expect("(", "before the condition");
  stmt->value = expression();
  expect(")", "after the condition");
  stmt->body = body("the condition");
  if (take("else")) stmt->otherwise = body("else");
  return stmt;
}

StmtPtr Parser::for_loop() {
  StmtPtr stmt = statement_of(StmtKind::for_each);
  ++next_;
  expect("(", "before the loop variable");
  stmt->name = new_name("the loop variable").text;
  expect("in", "after the loop variable");
  stmt->value = expression();
  if (take(":")) {
    stmt->kind = StmtKind::for_range;
    stmt->low = std::move(stmt->value);
    stmt->high = expression();
  }
  expect(")", "after what the loop runs over");
  stmt->body = body("the loop's head");
  return stmt;
}

StmtPtr Parser::while_loop() {
  StmtPtr stmt = statement_of(StmtKind::while_loop);
  ++next_;
  expect("(", "before the condition");
  stmt->value = expression();
  expect(")", "after the condition");
  stmt->body = body("the condition");
  return stmt;
}

StmtPtr Parser::items(StmtKind kind) {
  StmtPtr stmt = statement_of(kind);
  ++next_;
  expect("(", "before the items");
  if (!take(")")) {
    do {
      if (now().kind == Token::Kind::string) {
        ExprPtr text = make(ExprKind::string, now().at);
        text->name = take_token().text;
        stmt->args.push_back(std::move(text));
      } else {
        stmt->args.push_back(expression());
      }
    } while (take(","));
    expect(")", "after the items");
  }
  expect(";", "after the statement");
  return stmt;
}

StmtPtr Parser::profile() {
  StmtPtr stmt = statement_of(StmtKind::block);
  ++next_;
  expect("(", "after profile");
  if (now().kind != Token::Kind::string) fail_here("profile takes a name in quotes, but " + found() + "; write one");
  stmt->name = take_token().text;
  expect(")", "after the profile's name");
  stmt->body = braces();
  return stmt;
}

StmtPtr Parser::return_statement() {
  StmtPtr stmt = statement_of(StmtKind::return_value);
  ++next_;
  if (!at(";")) stmt->value = expression();
  expect(";", "after return");
  return stmt;
}

StmtPtr Parser::target_increment() {
  StmtPtr stmt = statement_of(StmtKind::target);
  ++next_;
  if (!at("+=")) fail_here("target can only be increased, but " + found() + "; write `target += ...;`");
  ++next_;
  stmt->value = expression();
  expect(";", "after the increment");
  return stmt;
}

namespace {

struct Compound {
  std::string_view text;
  Operator op;
};
constexpr Compound kAssignments[] = {{"=", Operator::none},
                                     {"+=", Operator::add},
                                     {"-=", Operator::subtract},
                                     {"*=", Operator::multiply},
                                     {"/=", Operator::divide},
                                     {".*=", Operator::elementwise_multiply},
                                     {"./=", Operator::elementwise_divide}};

const Expr& root_of(const Expr& expr) { return expr.kind == ExprKind::index ? root_of(*expr.args[0]) : expr; }

}  // namespace

// Assignments, sampling statements and calls all begin with an expression.
StmtPtr Parser::expression_statement() {
  StmtPtr stmt = statement_of(StmtKind::assign);
  if (at("increment_log_prob")) fail_here("increment_log_prob is no longer part of Stan; write `target += ...;`");
  if (at("lp__")) fail_here("lp__ cannot be used in a program; write `target += ...;` to increase the log density");
  if (now().kind == Token::Kind::identifier && is_keyword(now().text) && !at("target"))
    fail_here(fmt::format("`{}` cannot begin a statement here; check the line before for a missing bracket", now().text));
  if (now().kind != Token::Kind::identifier && now().kind != Token::Kind::integer && now().kind != Token::Kind::real &&
      !at("(") && !at("[") && !at("{") && !at("-") && !at("+") && !at("!"))
    fail_here("a statement was expected, but " + found() + "; remove it");
  stmt->left = arithmetic();
  if (take("~")) return sampling(std::move(stmt));
  for (const Compound& assignment : kAssignments) {
    if (!take(assignment.text)) continue;
    if (root_of(*stmt->left).kind != ExprKind::variable)
      fail(stmt->at, "only a variable or elements of one can be assigned to; put a name on the left");
    stmt->op = assignment.op;
    stmt->value = expression();
    expect(";", "after the assignment");
    return stmt;
  }
  if (at("<") && ahead(1).is("-") && adjacent(0)) fail_here("`<-` is no longer an assignment; write `=`");
  if (stmt->left->kind == ExprKind::call) {
    stmt->kind = StmtKind::call;
    stmt->value = std::move(stmt->left);
    expect(";", "after the call");
    return stmt;
  }
  if (stmt->left->kind == ExprKind::variable && (now().kind == Token::Kind::identifier))
    fail(stmt->at, fmt::format("`{}` is no type or statement; check its spelling", stmt->left->name));
  fail_here("an assignment or `~` was expected, but " + found() + "; write `x = ...;`, `y ~ ...;` or `target += ...;`");
}

StmtPtr Parser::sampling(StmtPtr stmt) {
  stmt->kind = StmtKind::sample;
  const Token name = now();
  if (name.kind != Token::Kind::identifier || is_keyword(name.text))
    fail_here("a distribution was expected after `~`, but " + found() + "; write its name");
  ++next_;
  stmt->name = name.text;
  expect("(", "after the distribution's name");
  stmt->args = arguments(")");
  // The refusal comes after the arguments, as a program's own _lpdf function of that name may be meant.
  if (!user_functions_.contains(stmt->name + "_lpdf") && !user_functions_.contains(stmt->name + "_lpmf"))
    if (const std::string reason = refused_reason(stmt->name); !reason.empty()) fail(name.at, reason);
  if (at("T") && ahead(1).is("[")) truncation(*stmt);
  expect(";", "after the sampling statement");
  return stmt;
}

void Parser::truncation(Stmt& stmt) {
  next_ += 2;
  stmt.truncated = true;
  if (!at(",") && !at("]")) stmt.low = expression();
  expect(",", "between the truncation bounds");
  if (!at("]")) stmt.high = expression();
  expect("]", "after the truncation bounds");
}

}  // namespace tenfold::hmc_marg
