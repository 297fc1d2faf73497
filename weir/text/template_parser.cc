#include "weir/text/template_parser.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::text::tmpl {
namespace {

constexpr std::string_view kIfEnds[] = {"elif", "else", "endif"};
constexpr std::string_view kElseEnds[] = {"endif"};
constexpr std::string_view kForEnds[] = {"else", "endfor"};
constexpr std::string_view kForElseEnds[] = {"endfor"};
constexpr std::string_view kReserved[] = {"and",  "or",   "not",   "in",   "is",   "if",    "else",
                                          "elif", "true", "false", "none", "True", "False", "None"};

bool IsVariableName(const Token& token) {
  return token.kind == TokenKind::kName &&
         std::ranges::find(kReserved, token.text) == std::end(kReserved);
}

}  // namespace

Parser::Parser(Program& program, std::vector<Token> tokens)
    : program_(program), tokens_(std::move(tokens)), scopes_(1) {}

Result<void> Parser::ParseTemplate() {
  WEIR_TRY(program_.body, Body(nullptr));
  return {};
}

Result<void> Parser::ParseExpression() {
  WEIR_TRY(program_.expression, Whole());
  if (now().kind == TokenKind::kEnd) return {};
  return Fail(now().offset, StrCat("the expression ends before ", Describe(now()),
                                   "; an operator is missing, or too much is written"));
}

bool Parser::TakeSign(std::string_view sign) {
  if (!now().IsSign(sign)) return false;
  Next();
  return true;
}

bool Parser::TakeName(std::string_view name) {
  if (!now().IsName(name)) return false;
  Next();
  return true;
}

Result<void> Parser::ExpectSign(std::string_view sign, std::string_view after) {
  if (TakeSign(sign)) return {};
  return Fail(now().offset,
              StrCat("`", sign, "` is missing after ", after, ", before ", Describe(now())));
}

Result<void> Parser::Expect(TokenKind kind, std::string_view sentence) {
  if (now().kind != kind) {
    return Fail(now().offset, StrCat(sentence, ", not ", Describe(now())));
  }
  Next();
  return {};
}

std::unexpected<Error> Parser::Fail(std::size_t offset, std::string_view sentence) const {
  return program_.source.Fail(offset, sentence);
}

Result<void> Parser::CheckDepth(std::size_t depth, std::size_t offset) const {
  const std::size_t most = std::min(program_.options.max_depth, kDeepestTemplate);
  if (depth <= most) return {};
  return Fail(offset, StrCat("the template is nested deeper than ", most,
                             " levels (max_depth); keep parts in {% set %}"));
}

Result<std::vector<Node>> Parser::Body(const Open* open) {
  const Level level(depth_);
  WEIR_CHECK(CheckDepth(depth_, now().offset));
  std::vector<Node> body;
  while (true) {
    const Token& token = now();
    if (token.kind == TokenKind::kEnd) {
      if (open == nullptr) return body;
      return Fail(open->offset, StrCat("`{% ", open->word, " %}` has no end; write `{% end",
                                       open->word, " %}` behind it"));
    }
    Next();
    if (token.kind == TokenKind::kText) {
      body.push_back({.offset = token.offset, .text = std::string(token.text)});
    } else if (token.kind == TokenKind::kPrintOpen) {
      Node node{.kind = Node::Kind::kPrint, .offset = token.offset};
      WEIR_TRY(Expr expr, Whole());
      node.exprs.push_back(std::move(expr));
      WEIR_CHECK(Expect(TokenKind::kPrintClose, "an operator or `}}` comes here"));
      body.push_back(std::move(node));
    } else {
      const bool ends = open != nullptr && now().kind == TokenKind::kName &&
                        std::ranges::find(open->ends, now().text) != open->ends.end();
      if (ends) return body;
      if (now().kind == TokenKind::kName &&
          (now().text.starts_with("end") || now().text == "else" || now().text == "elif")) {
        return StrayTag(open);
      }
      WEIR_TRY(Node node, Statement());
      body.push_back(std::move(node));
    }
  }
}

std::unexpected<Error> Parser::StrayTag(const Open* open) const {
  const std::string_view word = now().text;
  constexpr std::string_view kKnown[] = {"else", "elif", "endif", "endfor"};
  if (std::ranges::find(kKnown, word) == std::end(kKnown)) {
    return Fail(now().offset, UnknownTag(word));
  }
  if (open == nullptr) {
    return Fail(now().offset, StrCat("`{% ", word, " %}` belongs to nothing that is open here"));
  }
  const Source::Place place = program_.source.At(open->offset);
  return Fail(now().offset,
              StrCat("`{% ", word, " %}` does not belong to the `{% ", open->word, " %}` of line ",
                     place.line, ", which is open here and ends with `{% end", open->word, " %}`"));
}

Result<Node> Parser::Statement() {
  const Token& word = now();
  if (word.kind != TokenKind::kName) {
    return Fail(word.offset,
                StrCat("a statement such as if, for or set comes here, not ", Describe(word)));
  }
  Next();
  if (word.text == "if") return If(word.offset);
  if (word.text == "for") return For(word.offset);
  if (word.text == "set") return Set(word.offset);
  if (word.text == "raw") return Fail(word.offset, "`raw` stands alone: {% raw %}");
  return Fail(word.offset, UnknownTag(word.text));
}

Result<void> Parser::EndTag() {
  return Expect(TokenKind::kTagClose, "the statement is complete and `%}` comes here");
}

Result<Node> Parser::If(std::size_t offset) {
  Node node{.kind = Node::Kind::kIf, .offset = static_cast<std::uint32_t>(offset)};
  while (true) {
    WEIR_TRY(Expr condition, Whole());
    node.exprs.push_back(std::move(condition));
    WEIR_CHECK(EndTag());
    const Open open{.word = "if", .offset = offset, .ends = kIfEnds};
    WEIR_TRY(auto body, Body(&open));
    node.bodies.push_back(std::move(body));
    if (TakeName("elif")) continue;
    if (TakeName("else")) {
      if (now().IsName("if")) {
        return Fail(now().offset, "`else if` is written {% elif %}");
      }
      WEIR_CHECK(EndTag());
      const Open last{.word = "if", .offset = offset, .ends = kElseEnds};
      WEIR_TRY(auto otherwise, Body(&last));
      node.bodies.push_back(std::move(otherwise));
    }
    break;
  }
  Next();
  WEIR_CHECK(EndTag());
  return node;
}

Result<Node> Parser::For(std::size_t offset) {
  Node node{.kind = Node::Kind::kFor, .offset = static_cast<std::uint32_t>(offset)};
  std::vector<std::string> names;
  const bool bracket = TakeSign("(");
  do {
    if (!IsVariableName(now())) {
      return Fail(now().offset, StrCat("a name comes after `for`, as in {% for x in list %}, not ",
                                       Describe(now())));
    }
    if (now().text == "loop") {
      return Fail(now().offset, "`loop` is the loop itself; take another name");
    }
    names.emplace_back(now().text);
    Next();
  } while (TakeSign(","));
  if (bracket) {
    WEIR_CHECK(ExpectSign(")", "the names"));
  }
  if (!TakeName("in")) {
    return Fail(now().offset, StrCat("`in` comes after the names of `for`, not ", Describe(now())));
  }
  // No ternary here: its `if` is the loop's.
  WEIR_TRY(Expr list, Or());
  node.exprs.push_back(std::move(list));
  WEIR_CHECK(ForBody(node, names));
  if (TakeName("else")) {
    WEIR_CHECK(EndTag());
    const Open open{.word = "for", .offset = offset, .ends = kForElseEnds};
    WEIR_TRY(auto otherwise, Body(&open));
    node.bodies.push_back(std::move(otherwise));
  }
  Next();
  WEIR_CHECK(EndTag());
  return node;
}

Result<void> Parser::ForBody(Node& node, const std::vector<std::string>& names) {
  scopes_.emplace_back();
  node.first_slot = static_cast<int>(program_.slots.size());
  for (const std::string& name : names) node.slots.push_back(Declare(name));
  if (TakeName("if")) {
    WEIR_TRY(Expr condition, Or());
    node.exprs.push_back(std::move(condition));
  }
  if (now().IsName("recursive")) {
    return Fail(now().offset, "recursive loops are not supported; write one loop for each level");
  }
  const int loop = static_cast<int>(program_.slots.size());
  program_.slots.push_back({.name = "loop"});
  scopes_.back()["loop"] = loop;
  loops_.push_back(loop);
  loop_read_.push_back(false);
  WEIR_CHECK(EndTag());
  const Open open{.word = "for", .offset = node.offset, .ends = kForEnds};
  WEIR_TRY(auto body, Body(&open));
  node.bodies.push_back(std::move(body));
  if (loop_read_.back()) node.loop_slot = loop;
  loops_.pop_back();
  loop_read_.pop_back();
  scopes_.pop_back();
  node.end_slot = static_cast<int>(program_.slots.size());
  return {};
}

Result<Node> Parser::Set(std::size_t offset) {
  Node node{.kind = Node::Kind::kSet, .offset = static_cast<std::uint32_t>(offset)};
  const Token& name = now();
  if (!IsVariableName(name)) {
    return Fail(name.offset, StrCat("a name comes after `set`, not ", Describe(name)));
  }
  if (name.text == "loop" && !loops_.empty()) {
    return Fail(name.offset, "`loop` is the loop itself here; take another name");
  }
  Next();
  if (now().IsSign(".")) {
    return Fail(now().offset, "values do not change; set a whole variable, without a dot");
  }
  if (now().kind == TokenKind::kTagClose) {
    return Fail(now().offset, "`set` around a text is not supported; write {% set name = value %}");
  }
  if (now().IsSign(",")) {
    return Fail(now().offset, "one `set` sets one variable; write one for each");
  }
  WEIR_CHECK(ExpectSign("=", "the name"));
  WEIR_TRY(Expr value, Whole());
  node.exprs.push_back(std::move(value));
  node.slots.push_back(Declare(std::string(name.text)));
  WEIR_CHECK(EndTag());
  return node;
}

int Parser::Declare(const std::string& name) {
  const auto known = scopes_.back().find(name);
  if (known != scopes_.back().end()) return known->second;
  const int slot = static_cast<int>(program_.slots.size());
  program_.slots.push_back({.name = name, .outer = Resolve(name)});
  scopes_.back().emplace(name, slot);
  return slot;
}

int Parser::Resolve(const std::string& name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->find(name);
    if (found == scope->end()) continue;
    const auto loop = std::ranges::find(loops_, found->second);
    if (loop != loops_.end()) loop_read_[static_cast<std::size_t>(loop - loops_.begin())] = true;
    return found->second;
  }
  return -1;
}

}  // namespace weir::text::tmpl
