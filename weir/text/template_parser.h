#pragma once

// Tokens to trees.

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/text/template_filters.h"
#include "weir/text/template_lexer.h"
#include "weir/text/template_tree.h"

namespace weir::text::tmpl {

// Recursive descent over the tokens of `program.source`. One object parses one program.
class Parser {
 public:
  Parser(Program& program, std::vector<Token> tokens);

  Result<void> ParseTemplate();    // fills program.body and program.slots
  Result<void> ParseExpression();  // fills program.expression

 private:
  // A statement whose end is still to come.
  struct Open {
    std::string_view word;
    std::size_t offset = 0;
    std::span<const std::string_view> ends;
  };

  // One level of nesting for as long as it lives.
  class Level {
   public:
    explicit Level(std::size_t& depth) : depth_(depth) { ++depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

   private:
    std::size_t& depth_;
  };

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void Next() { at_ = std::min(at_ + 1, tokens_.size() - 1); }
  bool TakeSign(std::string_view sign);
  bool TakeName(std::string_view name);
  Result<void> ExpectSign(std::string_view sign, std::string_view after);
  Result<void> Expect(TokenKind kind, std::string_view sentence);
  std::unexpected<Error> Fail(std::size_t offset, std::string_view sentence) const;
  Result<void> CheckDepth(std::size_t depth, std::size_t offset) const;

  // template_parser.cc: statements.
  Result<std::vector<Node>> Body(const Open* open);
  Result<Node> Statement();
  std::unexpected<Error> StrayTag(const Open* open) const;
  Result<Node> If(std::size_t offset);
  Result<Node> For(std::size_t offset);
  Result<void> ForBody(Node& node, const std::vector<std::string>& names);
  Result<Node> Set(std::size_t offset);
  Result<void> EndTag();
  int Declare(const std::string& name);
  int Resolve(const std::string& name);

  // template_expression.cc, from loose to tight.
  Result<Expr> Whole();
  Result<Expr> Any();
  Result<Expr> Or();
  Result<Expr> And();
  Result<Expr> Not();
  Result<Expr> Comparison();
  Result<Expr> Sum();
  Result<Expr> Concat();
  Result<Expr> Product();
  Result<Expr> Filtered();
  Result<Expr> Unary();
  Result<Expr> Primary();
  Result<Expr> Literal(json::Value value);
  Result<Expr> Name();
  Result<Expr> List();
  Result<Expr> Object();
  Result<Expr> Dot(Expr base);
  Result<Expr> Subscript(Expr base);
  Result<Expr> FilterOf(Expr input);
  Result<void> Arguments(Expr& call, std::string_view what,
                         std::span<const std::string_view> parameters);
  Result<void> CheckFilter(const Expr& call) const;
  Result<Expr> TestOf(Expr subject);
  using Rule = Result<Expr> (Parser::*)();
  Result<Expr> Chain(Rule operand, Op op, std::string_view sign, TokenKind kind);
  Result<Expr> Steps(Rule operand, std::span<const std::pair<std::string_view, Op>> signs);
  Expr New(Op op, std::size_t offset) const;
  Result<void> Add(Expr& parent, Expr child) const;

  Program& program_;
  const std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  // The local variables that can be read here: names to slots, the innermost scope last.
  std::vector<std::map<std::string, int>> scopes_;
  std::vector<int> loops_;  // the slot of `loop` of each open {% for %}
  std::vector<bool> loop_read_;
};

}  // namespace weir::text::tmpl
