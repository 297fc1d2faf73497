#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/text/template_parser.h"

namespace weir::text::tmpl {
namespace {

using Signs = std::pair<std::string_view, Op>;

constexpr Signs kSums[] = {{"+", Op::kAdd}, {"-", Op::kSubtract}};
constexpr Signs kProducts[] = {
    {"*", Op::kMultiply}, {"/", Op::kDivide}, {"//", Op::kFloorDivide}, {"%", Op::kModulo}};
constexpr Signs kComparisons[] = {{"==", Op::kEqual},  {"!=", Op::kNotEqual},
                                  {"<", Op::kLess},    {"<=", Op::kLessEqual},
                                  {">", Op::kGreater}, {">=", Op::kGreaterEqual}};

const Signs* FindSign(std::span<const Signs> signs, const Token& token) {
  if (token.kind != TokenKind::kSign) return nullptr;
  const auto found = std::ranges::find(signs, token.text, &Signs::first);
  return found == signs.end() ? nullptr : &*found;
}

json::Value NumberValue(std::string_view text) {
  json::Builder builder;
  builder.Number(text);
  return std::move(builder).Finish();
}

json::Value NullValue() {
  json::Builder builder;
  builder.Null();
  return std::move(builder).Finish();
}

}  // namespace

Expr Parser::New(Op op, std::size_t offset) const {
  Expr expr;
  expr.op = op;
  expr.offset = static_cast<std::uint32_t>(offset);
  return expr;
}

Result<void> Parser::Add(Expr& parent, Expr child) const {
  parent.depth = std::max(parent.depth, child.depth + 1);
  WEIR_CHECK(CheckDepth(parent.depth, parent.offset));
  parent.children.push_back(std::move(child));
  return {};
}

// An expression that fills its place: a comma is no way to write a list.
Result<Expr> Parser::Whole() {
  WEIR_TRY(Expr expr, Any());
  if (now().IsSign(",")) {
    return Fail(now().offset, "a list is written in brackets: [a, b]");
  }
  if (now().IsSign("=")) return Fail(now().offset, "equality is written `==`");
  return expr;
}

Result<Expr> Parser::Any() {
  const Level level(depth_);
  WEIR_CHECK(CheckDepth(depth_, now().offset));
  WEIR_TRY(Expr value, Or());
  if (!now().IsName("if")) return value;
  Expr choose = New(Op::kChoose, now().offset);
  Next();
  WEIR_TRY(Expr condition, Or());
  WEIR_CHECK(Add(choose, std::move(value)));
  WEIR_CHECK(Add(choose, std::move(condition)));
  if (TakeName("else")) {
    WEIR_TRY(Expr otherwise, Any());
    WEIR_CHECK(Add(choose, std::move(otherwise)));
  }
  return choose;
}

// Operands of one operator that does not care how they are grouped: one node, however many.
Result<Expr> Parser::Chain(Rule operand, Op op, std::string_view sign, TokenKind kind) {
  WEIR_TRY(Expr first, (this->*operand)());
  if (!now().Is(kind, sign)) return first;
  Expr chain = New(op, now().offset);
  WEIR_CHECK(Add(chain, std::move(first)));
  while (now().Is(kind, sign)) {
    Next();
    WEIR_TRY(Expr next, (this->*operand)());
    WEIR_CHECK(Add(chain, std::move(next)));
  }
  return chain;
}

Result<Expr> Parser::Or() { return Chain(&Parser::And, Op::kOr, "or", TokenKind::kName); }
Result<Expr> Parser::And() { return Chain(&Parser::Not, Op::kAnd, "and", TokenKind::kName); }
Result<Expr> Parser::Concat() {
  return Chain(&Parser::Product, Op::kConcat, "~", TokenKind::kSign);
}

// Operands whose order of calculation is left to right.
Result<Expr> Parser::Steps(Rule operand, std::span<const Signs> signs) {
  WEIR_TRY(Expr left, (this->*operand)());
  while (const Signs* sign = FindSign(signs, now())) {
    Expr step = New(sign->second, now().offset);
    Next();
    WEIR_TRY(Expr right, (this->*operand)());
    WEIR_CHECK(Add(step, std::move(left)));
    WEIR_CHECK(Add(step, std::move(right)));
    left = std::move(step);
  }
  return left;
}

Result<Expr> Parser::Sum() { return Steps(&Parser::Concat, kSums); }
Result<Expr> Parser::Product() { return Steps(&Parser::Filtered, kProducts); }

Result<Expr> Parser::Not() {
  if (!now().IsName("not")) return Comparison();
  const Level level(depth_);
  WEIR_CHECK(CheckDepth(depth_, now().offset));
  Expr negation = New(Op::kNot, now().offset);
  Next();
  WEIR_TRY(Expr operand, Not());
  WEIR_CHECK(Add(negation, std::move(operand)));
  return negation;
}

Result<Expr> Parser::Comparison() {
  WEIR_TRY(Expr left, Sum());
  const std::size_t offset = now().offset;
  const Signs* sign = FindSign(kComparisons, now());
  const bool negated = now().IsName("not") && ahead().IsName("in");
  if (sign == nullptr && !negated && !now().IsName("in")) return left;
  if (negated) Next();
  Next();
  Expr comparison = New(sign == nullptr ? Op::kIn : sign->second, offset);
  WEIR_TRY(Expr right, Sum());
  WEIR_CHECK(Add(comparison, std::move(left)));
  WEIR_CHECK(Add(comparison, std::move(right)));
  if (FindSign(kComparisons, now()) != nullptr || now().IsName("in")) {
    return Fail(now().offset, "comparisons are not chained; write `a < b and b < c`");
  }
  if (!negated) return comparison;
  Expr negation = New(Op::kNot, offset);
  WEIR_CHECK(Add(negation, std::move(comparison)));
  return negation;
}

// A value with its filters and tests.
Result<Expr> Parser::Filtered() {
  WEIR_TRY(Expr value, Unary());
  while (true) {
    if (now().IsSign("|")) {
      Next();
      WEIR_TRY(value, FilterOf(std::move(value)));
    } else if (now().IsName("is")) {
      Next();
      WEIR_TRY(value, TestOf(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<Expr> Parser::Unary() {
  const std::size_t offset = now().offset;
  if (now().IsSign("+")) return Fail(offset, "a sign `+` changes nothing; take it away");
  if (!now().IsSign("-")) return Primary();
  const Level level(depth_);
  WEIR_CHECK(CheckDepth(depth_, offset));
  Next();
  if (now().kind == TokenKind::kNumber) {  // a negative number keeps its text, too
    Expr literal = New(Op::kLiteral, offset);
    literal.literal = NumberValue(StrCat("-", now().text));
    Next();
    return literal;
  }
  Expr negation = New(Op::kNegate, offset);
  WEIR_TRY(Expr operand, Unary());
  WEIR_CHECK(Add(negation, std::move(operand)));
  return negation;
}

Result<Expr> Parser::Literal(json::Value value) {
  Expr literal = New(Op::kLiteral, now().offset);
  literal.literal = std::move(value);
  Next();
  return literal;
}

Result<Expr> Parser::Primary() {
  const Token& token = now();
  Expr value;
  if (token.kind == TokenKind::kNumber) {
    WEIR_TRY(value, Literal(NumberValue(token.text)));
  } else if (token.kind == TokenKind::kString) {
    WEIR_TRY(value, Literal(json::Value::Of(token.value)));
  } else if (token.kind == TokenKind::kName) {
    WEIR_TRY(value, Name());
  } else if (token.IsSign("(")) {
    Next();
    WEIR_TRY(value, Any());
    if (now().IsSign(",")) return Fail(now().offset, "a list is written in brackets: [a, b]");
    WEIR_CHECK(ExpectSign(")", "the expression in parentheses"));
  } else if (token.IsSign("[")) {
    WEIR_TRY(value, List());
  } else if (token.IsSign("{")) {
    WEIR_TRY(value, Object());
  } else {
    return Fail(token.offset, StrCat("a value is missing before ", Describe(token)));
  }
  while (true) {
    if (now().IsSign(".")) {
      WEIR_TRY(value, Dot(std::move(value)));
    } else if (now().IsSign("[")) {
      WEIR_TRY(value, Subscript(std::move(value)));
    } else if (now().IsSign("(")) {
      return Fail(now().offset, "what stands here is no function and cannot be called");
    } else {
      return value;
    }
  }
}

Result<Expr> Parser::Name() {
  const Token& token = now();
  const std::string_view word = token.text;
  if (word == "true" || word == "True") return Literal(json::Value::Of(true));
  if (word == "false" || word == "False") return Literal(json::Value::Of(false));
  if (word == "none" || word == "None") return Literal(NullValue());
  for (const std::string_view reserved : {"and", "or", "not", "in", "is", "if", "else", "elif"}) {
    if (word == reserved) {
      return Fail(token.offset, StrCat("a value is missing before ", Describe(token)));
    }
  }
  if (ahead().IsSign("(")) return Fail(token.offset, UnknownFunction(word));
  Expr name = New(Op::kName, token.offset);
  name.text = word;
  name.slot = Resolve(name.text);
  Next();
  return name;
}

Result<Expr> Parser::List() {
  Expr list = New(Op::kList, now().offset);
  Next();
  while (!TakeSign("]")) {
    WEIR_TRY(Expr item, Any());
    WEIR_CHECK(Add(list, std::move(item)));
    if (TakeSign(",")) continue;
    WEIR_CHECK(ExpectSign("]", "the last item of the list"));
    break;
  }
  return list;
}

Result<Expr> Parser::Object() {
  Expr object = New(Op::kObject, now().offset);
  Next();
  while (!TakeSign("}")) {
    WEIR_TRY(Expr key, Any());
    WEIR_CHECK(Add(object, std::move(key)));
    WEIR_CHECK(ExpectSign(":", "the key of an object"));
    WEIR_TRY(Expr value, Any());
    WEIR_CHECK(Add(object, std::move(value)));
    if (TakeSign(",")) continue;
    WEIR_CHECK(ExpectSign("}", "the last member of the object"));
    break;
  }
  return object;
}

Result<Expr> Parser::Dot(Expr base) {
  Next();
  const Token& token = now();
  if (token.kind == TokenKind::kNumber) {
    Expr index = New(Op::kIndex, token.offset);
    WEIR_TRY(Expr place, Literal(NumberValue(token.text)));
    WEIR_CHECK(Add(index, std::move(base)));
    WEIR_CHECK(Add(index, std::move(place)));
    return index;
  }
  if (token.kind != TokenKind::kName) {
    return Fail(token.offset, StrCat("a name comes after the dot, not ", Describe(token)));
  }
  if (ahead().IsSign("(")) {
    if (token.text != "items" && token.text != "keys" && token.text != "values") {
      return Fail(token.offset, UnknownMethod(token.text));
    }
    Expr call = New(Op::kFilter, token.offset);
    call.filter = FindFilter(token.text);
    Next();
    Next();
    WEIR_CHECK(ExpectSign(")", StrCat("`.", token.text, "(`")));
    WEIR_CHECK(Add(call, std::move(base)));
    return call;
  }
  Expr member = New(Op::kMember, token.offset);
  member.text = token.text;
  Next();
  WEIR_CHECK(Add(member, std::move(base)));
  return member;
}

Result<Expr> Parser::Subscript(Expr base) {
  constexpr std::string_view kSlices =
      "slices are not supported; use `| first`, `| last` or, for texts, `| truncate`";
  const std::size_t offset = now().offset;
  Next();
  if (now().IsSign(":")) return Fail(now().offset, kSlices);
  WEIR_TRY(Expr place, Any());
  if (now().IsSign(":")) return Fail(now().offset, kSlices);
  WEIR_CHECK(ExpectSign("]", "the index"));
  const bool key = place.op == Op::kLiteral && place.literal.IsString();
  Expr part = New(key ? Op::kMember : Op::kIndex, offset);
  WEIR_CHECK(Add(part, std::move(base)));
  if (key) {
    part.text = place.literal.StringOr("");
  } else {
    WEIR_CHECK(Add(part, std::move(place)));
  }
  return part;
}

Result<Expr> Parser::FilterOf(Expr input) {
  const Token& name = now();
  if (name.kind != TokenKind::kName) {
    return Fail(name.offset, StrCat("the name of a filter comes after `|`, not ", Describe(name)));
  }
  Expr call = New(Op::kFilter, name.offset);
  call.filter = FindFilter(name.text);
  if (call.filter == nullptr) return Fail(name.offset, UnknownFilter(name.text));
  Next();
  WEIR_CHECK(Add(call, std::move(input)));
  const std::span parameters(call.filter->parameters.data(), call.filter->count());
  WEIR_CHECK(Arguments(call, StrCat("`", name.text, "`"), parameters));
  for (std::size_t i = 0; i < call.filter->required; ++i) {
    if (call.children[i + 1].op == Op::kMissing) {
      return Fail(name.offset,
                  StrCat("`", name.text, "` needs its argument `", parameters[i], "`"));
    }
  }
  WEIR_CHECK(CheckFilter(call));
  return call;
}

// Puts the arguments, if there are any, into the order of the parameters.
Result<void> Parser::Arguments(Expr& call, std::string_view what,
                               std::span<const std::string_view> parameters) {
  std::vector<Expr> given(parameters.size());
  std::size_t place = 0;
  bool named = false;
  bool more = TakeSign("(") && !TakeSign(")");
  while (more) {
    const std::size_t offset = now().offset;
    if (now().kind == TokenKind::kName && ahead().IsSign("=")) {
      named = true;
      place =
          static_cast<std::size_t>(std::ranges::find(parameters, now().text) - parameters.begin());
      if (place == parameters.size()) {
        const std::vector<std::string> known(parameters.begin(), parameters.end());
        return Fail(offset, StrCat(what, " has no argument `", now().text, "`",
                                   known.empty() ? "" : "; there are ", Join(known, ", ")));
      }
      Next();
      Next();
    } else if (named) {
      return Fail(offset, "an argument without a name comes before those with one");
    } else if (place >= parameters.size()) {
      return Fail(offset, StrCat(what, " takes at most ", parameters.size(), " arguments"));
    }
    if (given[place].op != Op::kMissing) {
      return Fail(offset, StrCat("`", parameters[place], "` is given twice"));
    }
    WEIR_TRY(given[place], Any());
    ++place;
    more = TakeSign(",") && !now().IsSign(")");
    if (more) continue;
    WEIR_CHECK(ExpectSign(")", StrCat("the arguments of ", what)));
  }
  for (Expr& argument : given) {
    WEIR_CHECK(Add(call, std::move(argument)));
  }
  return {};
}

// What can be known now of names that are given as texts.
Result<void> Parser::CheckFilter(const Expr& call) const {
  for (std::size_t i = 0; i < call.filter->count(); ++i) {
    const Expr& argument = call.children[i + 1];
    if (argument.op != Op::kLiteral || !argument.literal.IsString()) continue;
    const std::string_view word = argument.literal.StringOr("");
    if (call.filter->parameters[i] == "test" && FindTest(word) == nullptr) {
      return Fail(argument.offset, UnknownTest(word));
    }
    if (call.filter->parameters[i] != "filter") continue;
    const Filter* inner = FindFilter(word);
    if (inner == nullptr) return Fail(argument.offset, UnknownFilter(word));
    if (inner->required > 0) {
      return Fail(argument.offset, StrCat("`map` gives no arguments, and `", word,
                                          "` needs one; write a {% for %}"));
    }
  }
  return {};
}

Result<Expr> Parser::TestOf(Expr subject) {
  const std::size_t offset = now().offset;
  const bool negated = TakeName("not");
  const Token& name = now();
  if (name.kind != TokenKind::kName) {
    return Fail(name.offset, StrCat("the name of a test comes after `is`, not ", Describe(name)));
  }
  const std::string word = name.text == "None"    ? "none"
                           : name.text == "True"  ? "true"
                           : name.text == "False" ? "false"
                                                  : std::string(name.text);
  Expr call = New(Op::kTest, offset);
  call.test = FindTest(word);
  if (call.test == nullptr) return Fail(name.offset, UnknownTest(word));
  Next();
  WEIR_CHECK(Add(call, std::move(subject)));
  if (call.test->takes_argument) {
    WEIR_TRY(Expr argument, Unary());
    WEIR_CHECK(Add(call, std::move(argument)));
  } else if (now().IsSign("(")) {
    return Fail(now().offset, StrCat("the test `", word, "` takes no argument"));
  }
  if (!negated) return call;
  Expr negation = New(Op::kNot, offset);
  WEIR_CHECK(Add(negation, std::move(call)));
  return negation;
}

}  // namespace weir::text::tmpl
