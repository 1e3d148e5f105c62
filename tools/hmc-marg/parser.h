// The recursive-descent parser behind parse.h: one method a rule of the grammar, split over parse*.cpp by subject.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/lex.h"

namespace tenfold::hmc_marg {

class Parser {
 public:
  Parser(const std::string& text, const std::string& file) : file_(file), tokens_(lex(text, file)) {}
  Program program();  // parse.cpp

 private:
  // A type as written: its sizes, and the constraint between < and >.
  struct WrittenType {
    Type type;
    std::vector<ExprPtr> sizes;  // of the base
    ConstraintKind constraint = ConstraintKind::none;
    ExprPtr lower, upper, offset, multiplier;
  };
  enum class Place : std::uint8_t { block, local };  // locals have no constraints

  // Blocks and functions (parse.cpp).
  int block_at() const;  // which of the six begins here, -1: none
  void functions(Program& program);
  FunctionDefinition function();
  void check_function_name(const Token& name) const;
  FunctionDefinition::Argument argument();
  Type unsized_type(const char* what);
  std::vector<StmtPtr> block(BlockKind kind);

  // Declarations (parse_declaration.cpp).
  bool declaration_at() const;
  void declaration(std::vector<StmtPtr>& into, Place place);  // `real a, b = 1;` gives one statement a name
  WrittenType written_type(Place place);
  void base_sizes(WrittenType& written, std::string_view name, const Token& at);
  void constraint(WrittenType& written, std::string_view name, const Token& at);
  void declared_name(std::vector<StmtPtr>& into, const WrittenType& written, const std::vector<ExprPtr>& array_sizes);
  void refuse_type(const Token& token) const;
  Token new_name(const char* what);

  // Statements (parse_statement.cpp).
  StmtPtr statement();
  StmtPtr statement_of(StmtKind kind);
  std::vector<StmtPtr> braces();
  bool literal_ahead() const;
  std::vector<StmtPtr> body(const char* of);
  StmtPtr if_else();
  StmtPtr for_loop();
  StmtPtr while_loop();
  StmtPtr items(StmtKind kind);
  StmtPtr profile();
  StmtPtr return_statement();
  StmtPtr target_increment();
  StmtPtr expression_statement();
  StmtPtr sampling(StmtPtr stmt);
  void truncation(Stmt& stmt);

  // Expressions (parse_expression.cpp).
  ExprPtr expression();
  ExprPtr binary(int lowest);  // operators that bind at least as tightly as `lowest`
  ExprPtr arithmetic() { return binary(kAdditive); }
  ExprPtr prefix();
  ExprPtr power();
  ExprPtr postfix();
  ExprPtr primary();
  ExprPtr call(const Token& name);
  ExprPtr index(ExprPtr base);
  Index one_index();
  ExprPtr list(ExprKind kind, std::string_view close);
  std::vector<ExprPtr> arguments(std::string_view close);
  ExprPtr make(ExprKind kind, Position at) const;
  ExprPtr finish(ExprPtr expr) const;  // sets the height, refuses one too large

  // Tokens.
  const Token& now() const { return tokens_[next_]; }
  const Token& ahead(std::size_t n) const { return tokens_[next_ + n < tokens_.size() ? next_ + n : tokens_.size() - 1]; }
  bool at(std::string_view text) const { return now().is(text); }
  bool take(std::string_view text);
  Token take_token();
  void expect(std::string_view text, const char* where);
  bool adjacent(std::size_t first) const { return ahead(first).end_offset() == ahead(first + 1).offset; }
  std::string found() const;  // "found `x`", "the file ends"
  [[noreturn]] void fail(Position at, const std::string& message) const { program_error(file_, at, message); }
  [[noreturn]] void fail_here(const std::string& message) const { fail(now().at, message); }

  // One more level of brackets or blocks, until the end of the scope.
  class Nested {
   public:
    explicit Nested(Parser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };

  static constexpr int kAdditive = 5;
  static constexpr int kMaxDepth = 200;

  const std::string& file_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  int depth_ = 0;
  std::set<std::string, std::less<>> user_functions_;  // declared so far
};

bool is_keyword(std::string_view name);  // names that no variable or function can have

}  // namespace tenfold::hmc_marg
