#pragma once

// What the parser makes of a template and the runner walks.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/text/template.h"
#include "weir/text/template_lexer.h"

namespace weir::text::tmpl {

struct Filter;
struct Test;

enum class Op : std::uint8_t {
  kLiteral,
  kName,
  kMember,  // child 0 . text
  kIndex,   // child 0 [child 1]
  kList,    // the children
  kObject,  // key, value, key, value
  kNegate,
  kNot,
  kAnd,  // of all children, and so are kOr and kConcat
  kOr,
  kConcat,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kChoose,   // child 1 ? child 0 : child 2, which may be missing
  kFilter,   // child 0 is the input, the others are the arguments in the filter's order
  kTest,     // child 0 is the subject, child 1 the argument, if the test takes one
  kMissing,  // an argument that was not given
};

// Of an operation on numbers or an order: "+", "<="; else empty.
std::string_view SignOf(Op op);

struct Expr {
  Op op = Op::kMissing;
  std::uint32_t offset = 0;
  std::uint32_t depth = 1;  // of this tree
  int slot = -1;            // of a name: the innermost local variable it may mean
  std::string text;         // of a name or a member
  json::Value literal;
  const Filter* filter = nullptr;
  const Test* test = nullptr;
  std::vector<Expr> children;
};

struct Node {
  enum class Kind : std::uint8_t { kText, kPrint, kIf, kFor, kSet };

  Kind kind = Kind::kText;
  std::uint32_t offset = 0;
  std::string text;
  // kIf: the conditions; kFor: the list and, if there is one, the condition on each item.
  std::vector<Expr> exprs;
  // kIf: one for each condition and, if there is one, the else; kFor: the body and the else.
  std::vector<std::vector<Node>> bodies;
  std::vector<int> slots;  // kFor: of its variables; kSet: of its variable
  int loop_slot = -1;      // kFor: of `loop`, if the body reads it
  int first_slot = 0;      // kFor: the slots of its body, which every turn starts without
  int end_slot = 0;
};

// A local variable. Names are resolved when the template is compiled.
struct Slot {
  std::string name;
  int outer = -1;  // what the name means as long as this one is not set
};

struct Program {
  Source source;
  TemplateOptions options;
  std::vector<Slot> slots;
  std::vector<Node> body;
  Expr expression;  // instead of a body
  std::vector<VariableRead> reads;
};

}  // namespace weir::text::tmpl
