#pragma once

// The pieces of JSON text as nodes of a grammar.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema_language.h"

namespace weir::schema::internal {

class JsonText {
 public:
  using Node = std::uint32_t;

  JsonText(Grammar& grammar, const SchemaTextOptions& options)
      : grammar_(grammar), options_(options) {}

  Regex& body() { return grammar_.body; }
  Node Nothing() { return body().AddAlternate({}); }  // no text at all
  Node Empty() { return body().AddConcat({}); }
  Node Text(std::string_view text) { return body().AddText(text); }
  Node Concat(std::vector<Node> parts) { return body().AddConcat(std::move(parts)); }
  Node Either(std::vector<Node> ways) { return body().AddAlternate(std::move(ways)); }
  Node Maybe(Node node) { return body().AddRepeat(node, 0, 1); }
  Node Call(std::uint32_t rule);
  std::uint32_t NewRule(std::string name);
  void SetRule(std::uint32_t rule, Node root) { grammar_.rules[rule].root = root; }
  // A node that names a new rule with this text, so that its states need not be copied.
  Node Shared(Node node);
  // One of our own expressions, over the characters of the text.
  Node Pattern(std::string_view ecma);

  Node Space();
  Node Comma();
  Node Member(Node key, Node value);  // key, colon, value
  Node Braced(char open, Node inside, char close);

  Node AnyValue();
  Node AnyNumber() { return Pattern("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?"); }
  Node AnyInteger();
  // The integers from low to high; no bound where there is none.
  Node Integer(std::optional<std::int64_t> low, std::optional<std::int64_t> high);
  Node Number(std::string_view literal);

  // A string whose content is `content`, a node over the characters that the string stands for.
  Node Quoted(Node content);
  Node AnyString() { return Quoted(AnyChars()); }
  Node AnyChars();
  Node Char() { return body().AddClass({.set = CodeSet::All()}); }
  Node String(std::string_view value);  // exactly this one
  // Every string but these.
  Node StringsExcept(std::span<const std::string> values);

 private:
  Node Except(std::span<const std::u32string> sorted, std::size_t depth);
  Node Digits(std::string_view low, std::string_view high);
  Node Natural(std::uint64_t low, std::optional<std::uint64_t> high);
  Node DigitRange(char low, char high);
  Node AnyDigits(std::size_t min, std::uint32_t max);

  Grammar& grammar_;
  const SchemaTextOptions& options_;
  std::optional<std::uint32_t> any_value_;
};

}  // namespace weir::schema::internal
