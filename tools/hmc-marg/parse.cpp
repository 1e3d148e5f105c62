// Programs: the functions block, the order of the six blocks, and the parser's handling of tokens.
#include "hmc-marg/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hmc-marg/parser.h"

namespace tenfold::hmc_marg {

namespace {

constexpr auto kKeywords = std::to_array<std::string_view>({"for",
                                                            "in",
                                                            "while",
                                                            "repeat",
                                                            "until",
                                                            "if",
                                                            "then",
                                                            "else",
                                                            "true",
                                                            "false",
                                                            "target",
                                                            "struct",
                                                            "typedef",
                                                            "export",
                                                            "auto",
                                                            "extern",
                                                            "var",
                                                            "static",
                                                            "return",
                                                            "break",
                                                            "continue",
                                                            "void",
                                                            "int",
                                                            "real",
                                                            "complex",
                                                            "vector",
                                                            "row_vector",
                                                            "matrix",
                                                            "complex_vector",
                                                            "complex_row_vector",
                                                            "complex_matrix",
                                                            "array",
                                                            "tuple",
                                                            "simplex",
                                                            "unit_vector",
                                                            "ordered",
                                                            "positive_ordered",
                                                            "sum_to_zero_vector",
                                                            "sum_to_zero_matrix",
                                                            "column_stochastic_matrix",
                                                            "row_stochastic_matrix",
                                                            "cholesky_factor_corr",
                                                            "cholesky_factor_cov",
                                                            "corr_matrix",
                                                            "cov_matrix",
                                                            "functions",
                                                            "data",
                                                            "parameters",
                                                            "model",
                                                            "quantities",
                                                            "transformed",
                                                            "generated",
                                                            "print",
                                                            "reject",
                                                            "fatal_error",
                                                            "profile"});

constexpr std::size_t kMaxArguments = 64;

}  // namespace

bool is_keyword(std::string_view name) { return std::ranges::find(kKeywords, name) != kKeywords.end(); }

Program parse_syntax(const std::string& text, const std::string& file) { return Parser(text, file).program(); }

Parser::Nested::Nested(Parser& parser) : parser_(parser) {
  if (parser_.depth_ >= kMaxDepth)
    parser_.fail_here(
        fmt::format("brackets or blocks are nested more than {} deep; put parts into variables or functions", kMaxDepth));
  ++parser_.depth_;
}

bool Parser::take(std::string_view text) {
  if (!at(text)) return false;
  ++next_;
  return true;
}

Token Parser::take_token() {
  const Token token = now();
  if (token.kind != Token::Kind::end) ++next_;
  return token;
}

void Parser::expect(std::string_view text, const char* where) {
  if (take(text)) return;
  // A missing semicolon is shown where it is missing, not where the next statement begins.
  Position position = now().at;
  if (text == ";" && next_ > 0 && tokens_[next_ - 1].at.line < now().at.line) {
    const Token& last = tokens_[next_ - 1];
    position = {last.at.line, last.at.column + static_cast<int>(last.text.size()) + (last.kind == Token::Kind::string ? 2 : 0)};
  }
  fail(position, fmt::format("`{}` was expected {}, but {}; add it", text, where, found()));
}

std::string Parser::found() const {
  const Token& token = now();
  if (token.kind == Token::Kind::end) return "the file ends";
  std::string text(token.text.substr(0, 40));
  return token.kind == Token::Kind::string ? "there is a string \"" + text + '"' : "there is `" + text + "`";
}

int Parser::block_at() const {
  if (now().kind != Token::Kind::identifier) return -1;
  for (int kind = 0; kind < 6; ++kind) {
    const std::string_view name = block_name(static_cast<BlockKind>(kind));
    const std::size_t space = name.find(' ');
    if (space == std::string_view::npos ? at(name) : at(name.substr(0, space)) && ahead(1).is(name.substr(space + 1)))
      return kind;
  }
  return -1;
}

Program Parser::program() {
  Program program;
  program.file = file_;
  if (now().kind == Token::Kind::end) fail(now().at, "the program is empty; a model needs parameters and a density");
  if (at("functions")) functions(program);
  int last = -1;
  while (now().kind != Token::Kind::end) {
    const Token start = now();
    const int kind = block_at();
    if (at("functions")) fail(start.at, "the functions block must come first, and once; move it");
    if (kind < 0)
      fail(start.at, "a block was expected, but " + found() +
                         "; the blocks are functions, data, transformed data, parameters, transformed "
                         "parameters, model and generated quantities");
    const char* name = block_name(static_cast<BlockKind>(kind));
    if (kind == last) fail(start.at, fmt::format("a second {} block; join the two", name));
    if (kind < last)
      fail(start.at, fmt::format("the {} block must come before {}; move it", name, block_name(static_cast<BlockKind>(last))));
    last = kind;
    next_ += ahead(1).is("{") ? 1 : ahead(2).is("{") ? 2 : 1;
    program.block(static_cast<BlockKind>(kind)) = block(static_cast<BlockKind>(kind));
  }
  return program;
}

std::vector<StmtPtr> Parser::block(BlockKind kind) {
  const Position opening = now().at;
  expect("{", fmt::format("to open the {} block", block_name(kind)).c_str());
  std::vector<StmtPtr> statements;
  const bool declarations_only = kind == BlockKind::data || kind == BlockKind::parameters;
  const Place place = kind == BlockKind::model ? Place::local : Place::block;
  while (!take("}")) {
    if (now().kind == Token::Kind::end)
      fail(opening, fmt::format("the {} block has no end; close it with a brace", block_name(kind)));
    if (declaration_at()) {
      declaration(statements, place);
    } else if (declarations_only) {
      fail_here(fmt::format("the {} block holds declarations only, but {}; move other statements to another block",
                            block_name(kind), found()));
    } else if (StmtPtr stmt = statement()) {
      statements.push_back(std::move(stmt));
    }
  }
  return statements;
}

void Parser::functions(Program& program) {
  const Position opening = take_token().at;
  expect("{", "to open the functions block");
  while (!take("}")) {
    if (now().kind == Token::Kind::end) fail(opening, "the functions block has no end; close it with a brace");
    program.functions.push_back(function());
  }
}

FunctionDefinition Parser::function() {
  FunctionDefinition definition;
  if (!take("void")) definition.result = unsized_type("a function's result");
  definition.at = now().at;
  const Token name = take_token();
  check_function_name(name);
  definition.name = name.text;
  user_functions_.emplace(name.text);
  expect("(", "before the function's arguments");
  if (!take(")")) {
    do {
      definition.arguments.push_back(argument());
    } while (take(","));
    expect(")", "after the function's arguments");
  }
  if (definition.arguments.size() > kMaxArguments)
    fail(definition.at, fmt::format("a function takes at most {} arguments here; pass arrays or vectors", kMaxArguments));
  if (take(";")) {
    definition.has_body = false;
    return definition;
  }
  definition.body = braces();
  return definition;
}

void Parser::check_function_name(const Token& name) const {
  if (name.kind != Token::Kind::identifier)
    fail(name.at, "a function's name was expected, but there is `" + std::string(name.text) + "`; write one");
  if (is_keyword(name.text))
    fail(name.at, fmt::format("`{}` is a word of the language; give the function another name", name.text));
  if (name.text.ends_with("__")) fail(name.at, "names that end in two underscores are reserved; rename the function");
  if (name.text.ends_with("_lupdf") || name.text.ends_with("_lupmf"))
    fail(name.at, "a function cannot be defined as _lupdf or _lupmf; define it as _lpdf or _lpmf and call it with either ending");
  if (name.text.ends_with("_log"))
    fail(name.at, fmt::format("names that end in _log meant densities and are no longer used; write {}_lpdf",
                              name.text.substr(0, name.text.size() - 4)));
  if (name.text.ends_with("_jacobian")) fail(name.at, "_jacobian functions run in CmdStan, not here; rename it to end in _lp");
}

FunctionDefinition::Argument Parser::argument() {
  FunctionDefinition::Argument argument;
  argument.data_only = take("data");
  argument.type = unsized_type("an argument");
  argument.at = now().at;
  argument.name = new_name("an argument").text;
  if (at("[")) fail_here("an array argument is written `array[] real x`; move the brackets before the type");
  return argument;
}

// `array[,] real`, or `real[,]` as older programs write.
Type Parser::unsized_type(const char* what) {
  Type type;
  if (at("array")) {
    ++next_;
    expect("[", "after array");
    type.array_rank = 1;
    while (take(",")) ++type.array_rank;
    expect("]", "as no sizes are given here, only commas,");
  }
  const Token base = now();
  refuse_type(base);
  constexpr std::pair<std::string_view, Base> kBases[] = {{"int", Base::integer},
                                                          {"real", Base::real},
                                                          {"vector", Base::vector},
                                                          {"row_vector", Base::row_vector},
                                                          {"matrix", Base::matrix}};
  for (const auto& [name, value] : kBases)
    if (base.is(name)) type.base = value;
  if (type.base == Base::none)
    fail(base.at,
         fmt::format("the type of {} was expected, but {}; it is int, real, vector, row_vector, matrix or array[] of these", what,
                     found()));
  ++next_;
  if (at("[")) {
    if (type.array_rank > 0) fail_here("the array's dimensions are given twice; keep those after `array`");
    ++next_;
    type.array_rank = 1;
    while (take(",")) ++type.array_rank;
    expect("]", "as no sizes are given here, only commas,");
  }
  return type;
}

}  // namespace tenfold::hmc_marg
