#include "weir/text/template_runner.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/text/template_filters.h"

namespace weir::text::tmpl {
namespace {

// The variable that an expression is, as a person wrote it; empty for other expressions.
std::string PathOf(const Expr& expr) {
  if (expr.op == Op::kName) return expr.text;
  if (expr.op == Op::kMember) return StrCat(PathOf(expr.children[0]), ".", expr.text);
  if (expr.op == Op::kIndex) return StrCat(PathOf(expr.children[0]), "[...]");
  return "";
}

std::vector<std::string> KeysOf(json::View object) {
  std::vector<std::string> names;
  for (const json::Member member : object.members()) {
    names.emplace_back(Utf8Prefix(member.key, 64));
    if (names.size() > 1000) break;
  }
  return names;
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& names) {
  if (name.empty()) return "";
  const auto nearest = Nearest(name.substr(0, 64), names);
  return nearest ? StrCat(" (did you mean `", *nearest, "`?)") : "";
}

}  // namespace

Runner::Runner(const Program& program, json::View variables)
    : program_(program),
      variables_(variables),
      work_(program.source, program.options),
      slots_(program.slots.size()) {}

Result<std::string> Runner::Render() {
  WEIR_CHECK(Run(program_.body));
  return std::move(out_);
}

Result<void> Runner::Run(const std::vector<Node>& nodes) {
  for (const Node& node : nodes) {
    work_.Enter(node.offset);
    WEIR_CHECK(work_.Charge(1));
    Result<void> done;
    switch (node.kind) {
      case Node::Kind::kText:
        done = Write(node);
        break;
      case Node::Kind::kPrint:
        done = Print(node);
        break;
      case Node::Kind::kIf:
        done = If(node);
        break;
      case Node::Kind::kFor:
        done = For(node);
        break;
      case Node::Kind::kSet:
        done = Set(node);
        break;
    }
    WEIR_CHECK(std::move(done));
  }
  return {};
}

Result<void> Runner::Write(const Node& node) {
  WEIR_CHECK(work_.ChargeBytes(node.text.size()));
  WEIR_CHECK(work_.CheckBytes(out_.size() + node.text.size()));
  out_ += node.text;
  return {};
}

Result<void> Runner::Set(const Node& node) {
  WEIR_TRY(slots_[static_cast<std::size_t>(node.slots[0])], Eval(node.exprs[0]));
  return {};
}

Result<void> Runner::Print(const Node& node) {
  WEIR_TRY(const Datum value, Eval(node.exprs[0]));
  work_.Enter(node.offset);
  WEIR_CHECK(work_.ChargeFor(value.view));
  AppendShown(out_, value.view);
  return work_.CheckBytes(out_.size());
}

Result<void> Runner::If(const Node& node) {
  for (std::size_t i = 0; i < node.exprs.size(); ++i) {
    WEIR_TRY(const bool holds, Truth(node.exprs[i]));
    if (holds) return Run(node.bodies[i]);
  }
  return node.bodies.size() > node.exprs.size() ? Run(node.bodies.back()) : Result<void>();
}

Result<void> Runner::For(const Node& node) {
  WEIR_TRY(Datum list, Eval(node.exprs[0]));
  work_.Enter(node.offset);
  if (list.view.IsObject()) {
    if (node.slots.size() > 1) {
      return work_.Fail(
          "a loop over an object has one name, for the key; for keys and values "
          "write `in object.items()`");
    }
    WEIR_TRY(list, FindFilter("keys")->run(work_, list, {}));
  }
  if (!list.view.IsArray()) {
    return work_.Fail(StrCat("a loop goes over a list or an object, not ", Kind(list.view),
                             list.view.IsString() ? "; for its characters write `| list`" : ""));
  }
  // What a condition leaves out does not count in `loop`.
  std::vector<json::View> items;
  for (const json::View item : list.view.items()) {
    work_.Enter(node.offset);
    WEIR_CHECK(work_.Charge(1));
    if (node.exprs.size() > 1) {
      WEIR_CHECK(Begin(node, list, item));
      WEIR_TRY(const bool wanted, Truth(node.exprs[1]));
      if (!wanted) continue;
    }
    items.push_back(item);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    WEIR_CHECK(Begin(node, list, items[i]));
    if (node.loop_slot >= 0) SetLoop(node, i, items.size());
    WEIR_CHECK(Run(node.bodies[0]));
  }
  return items.empty() && node.bodies.size() > 1 ? Run(node.bodies[1]) : Result<void>();
}

// The local variables at the start of one turn.
Result<void> Runner::Begin(const Node& node, const Datum& list, json::View item) {
  work_.Enter(node.offset);
  WEIR_CHECK(work_.Charge(static_cast<std::uint64_t>(node.end_slot - node.first_slot)));
  std::fill(slots_.begin() + node.first_slot, slots_.begin() + node.end_slot, Datum());
  if (node.slots.size() == 1) {
    slots_[static_cast<std::size_t>(node.slots[0])] = list.Part(item);
    return {};
  }
  if (!item.IsArray() || item.size() != node.slots.size()) {
    return work_.Fail(StrCat("the loop has ", node.slots.size(), " names, and an item is ",
                             Kind(item), item.IsArray() ? StrCat(" of ", item.size()) : "",
                             "; for the members of an object write `in object.items()`"));
  }
  for (std::size_t i = 0; i < item.size(); ++i) {
    slots_[static_cast<std::size_t>(node.slots[i])] = list.Part(item[i]);
  }
  return {};
}

void Runner::SetLoop(const Node& node, std::size_t index, std::size_t length) {
  json::Builder builder;
  builder.BeginObject();
  builder.Key("index");
  builder.Uint(index + 1);
  builder.Key("index0");
  builder.Uint(index);
  builder.Key("revindex");
  builder.Uint(length - index);
  builder.Key("first");
  builder.Bool(index == 0);
  builder.Key("last");
  builder.Bool(index + 1 == length);
  builder.Key("length");
  builder.Uint(length);
  builder.EndObject();
  slots_[static_cast<std::size_t>(node.loop_slot)] = Datum::Own(std::move(builder).Finish());
}

Result<Datum> Runner::Eval(const Expr& expr) {
  WEIR_TRY(Datum value, Find(expr));
  if (!value.exists()) return NotThere(expr);
  return value;
}

Result<bool> Runner::Truth(const Expr& expr) {
  WEIR_TRY(const Datum value, Eval(expr));
  return IsTrue(value.view);
}

Result<Datum> Runner::Find(const Expr& expr) {
  work_.Enter(expr.offset);
  WEIR_CHECK(work_.Charge(1));
  switch (expr.op) {
    case Op::kMissing:
      return Datum();
    case Op::kLiteral:
      return Datum{.view = expr.literal};
    case Op::kName:
      return FindName(expr);
    case Op::kMember:
    case Op::kIndex:
      return FindIndex(expr);
    case Op::kList:
      return List(expr);
    case Op::kObject:
      return Object(expr);
    case Op::kNot:
    case Op::kAnd:
    case Op::kOr:
      return Logic(expr);
    case Op::kConcat:
      return Concat(expr);
    case Op::kChoose:
      return Choose(expr);
    case Op::kFilter:
      return Filtered(expr);
    case Op::kTest:
      return Tested(expr);
    default:
      return Binary(expr);
  }
}

Result<Datum> Runner::FindName(const Expr& expr) {
  for (int slot = expr.slot; slot >= 0;) {
    const auto place = static_cast<std::size_t>(slot);
    if (slots_[place].exists()) return slots_[place];
    slot = program_.slots[place].outer;
  }
  return Datum{.view = variables_.Find(expr.text)};
}

Result<Datum> Runner::FindIndex(const Expr& expr) {
  WEIR_TRY(const Datum base, Find(expr.children[0]));
  if (expr.op == Op::kMember) return base.Part(base.view.Find(expr.text));
  WEIR_TRY(const Datum place, Eval(expr.children[1]));
  if (!base.exists()) return Datum();
  work_.Enter(expr.offset);
  if (place.view.IsString()) return base.Part(base.view.Find(place.view.StringOr("")));
  const auto index = place.view.AsInt64();
  if (!index) {
    return work_.Fail(StrCat("an index is a whole number or a string, not ", Kind(place.view)));
  }
  const auto size = static_cast<std::int64_t>(base.view.size());
  const std::int64_t from_start = *index < 0 ? *index + size : *index;
  if (!base.view.IsArray() || from_start < 0 || from_start >= size) return Datum();
  return base.Part(base.view[static_cast<std::size_t>(from_start)]);
}

Result<Datum> Runner::List(const Expr& expr) {
  json::Builder builder;
  builder.BeginArray();
  for (const Expr& child : expr.children) {
    WEIR_TRY(const Datum item, Eval(child));
    WEIR_CHECK(work_.ChargeFor(item.view));
    builder.Copy(item.view);
  }
  builder.EndArray();
  work_.Enter(expr.offset);
  return work_.Made(std::move(builder).Finish());
}

Result<Datum> Runner::Object(const Expr& expr) {
  json::Builder builder;
  builder.BeginObject();
  for (std::size_t i = 0; i + 1 < expr.children.size(); i += 2) {
    WEIR_TRY(const Datum key, Eval(expr.children[i]));
    if (!key.view.IsString()) {
      work_.Enter(expr.children[i].offset);
      return work_.Fail(StrCat("the key of an object is a string, not ", Kind(key.view)));
    }
    WEIR_TRY(const Datum value, Eval(expr.children[i + 1]));
    WEIR_CHECK(work_.ChargeFor(value.view));
    builder.Key(key.view.StringOr(""));
    builder.Copy(value.view);
  }
  builder.EndObject();
  work_.Enter(expr.offset);
  return work_.Made(std::move(builder).Finish());
}

// `and` and `or` give the operand that decides, so that `name or "you"` works.
Result<Datum> Runner::Logic(const Expr& expr) {
  if (expr.op == Op::kNot) {
    WEIR_TRY(const bool holds, Truth(expr.children[0]));
    return Datum::Own(json::Value::Of(!holds));
  }
  Datum value;
  for (const Expr& child : expr.children) {
    WEIR_TRY(value, Eval(child));
    if (IsTrue(value.view) == (expr.op == Op::kOr)) break;
  }
  return value;
}

Result<Datum> Runner::Concat(const Expr& expr) {
  std::string text;
  for (const Expr& child : expr.children) {
    WEIR_TRY(const Datum part, Eval(child));
    work_.Enter(expr.offset);
    WEIR_CHECK(work_.ChargeFor(part.view));
    AppendShown(text, part.view);
    WEIR_CHECK(work_.CheckBytes(text.size()));
  }
  return work_.Text(text);
}

Result<Datum> Runner::Choose(const Expr& expr) {
  WEIR_TRY(const bool holds, Truth(expr.children[1]));
  if (holds) return Find(expr.children[0]);
  return expr.children.size() > 2 ? Find(expr.children[2]) : Result<Datum>(Datum());
}

Result<Datum> Runner::Binary(const Expr& expr) {
  WEIR_TRY(const Datum a, Eval(expr.children[0]));
  work_.Enter(expr.offset);
  if (expr.op == Op::kNegate) return Negate(work_, a);
  WEIR_TRY(const Datum b, Eval(expr.children[1]));
  work_.Enter(expr.offset);
  switch (expr.op) {
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kFloorDivide:
    case Op::kModulo:
      return Calculate(work_, expr.op, a, b);
    default: {
      WEIR_TRY(const bool holds, Compare(work_, expr.op, a.view, b.view));
      return Datum::Own(json::Value::Of(holds));
    }
  }
}

Result<Datum> Runner::Filtered(const Expr& expr) {
  const Expr& subject = expr.children[0];
  WEIR_TRY(const Datum input, expr.filter->takes_missing ? Find(subject) : Eval(subject));
  // A call without parentheses has no arguments, and neither has .items().
  std::vector<Datum> arguments(expr.filter->count());
  for (std::size_t i = 1; i < expr.children.size(); ++i) {
    const Expr& argument = expr.children[i];
    if (argument.op == Op::kMissing) continue;
    WEIR_TRY(arguments[i - 1], Eval(argument));
  }
  work_.Enter(expr.offset);
  return expr.filter->run(work_, input, arguments);
}

Result<Datum> Runner::Tested(const Expr& expr) {
  const Expr& subject = expr.children[0];
  WEIR_TRY(const Datum value, expr.test->takes_missing ? Find(subject) : Eval(subject));
  Datum argument;
  if (expr.children.size() > 1) {
    WEIR_TRY(argument, Eval(expr.children[1]));
  }
  work_.Enter(expr.offset);
  WEIR_TRY(const bool holds, expr.test->run(work_, value.view, argument.view));
  return Datum::Own(json::Value::Of(holds));
}

// Says which part of `expr`, whose value is absent, was the first that was not there.
std::unexpected<Error> Runner::NotThere(const Expr& expr) {
  constexpr std::string_view kWays = "; ask with `is defined`, or give `| default(...)`";
  if (expr.op == Op::kName) {
    std::vector<std::string> names = KeysOf(variables_);
    return program_.source.Fail(expr.offset,
                                StrCat("the variable `", Truncate(expr.text, 200), "` is not there",
                                       DidYouMean(expr.text, names),
                                       names.empty() ? "; there are no variables" : "; there are: ",
                                       ListNames(names), kWays));
  }
  if (expr.op == Op::kFilter) {
    return program_.source.Fail(expr.offset, StrCat("`", expr.filter->name,
                                                    "` of nothing is not there; give "
                                                    "`| default(...)` behind it"));
  }
  if (expr.op == Op::kChoose) {
    work_.Enter(expr.offset);
    const Result<bool> holds = Truth(expr.children[1]);
    if (!holds) return std::unexpected(holds.error());
    if (*holds) return NotThere(expr.children[0]);
    if (expr.children.size() > 2) return NotThere(expr.children[2]);
    return program_.source.Fail(expr.offset,
                                "the condition is false and there is no `else`; write "
                                "`else \"\"`");
  }
  const Expr& whole = expr.children[0];
  const Result<Datum> base = Find(whole);
  if (!base) return std::unexpected(base.error());
  if (!base->exists()) return NotThere(whole);
  const std::string of = PathOf(whole);
  const std::string owner = of.empty() ? "the value" : StrCat("`", Truncate(of, 200), "`");
  const std::string path = Truncate(PathOf(expr), 200);
  if (base->view.IsObject()) {
    const std::vector<std::string> names = KeysOf(base->view);
    return program_.source.Fail(
        expr.offset, StrCat("`", path, "` is not there", DidYouMean(expr.text, names), "; ", owner,
                            names.empty() ? " is empty" : " has: ", ListNames(names), kWays));
  }
  const bool list = base->view.IsArray();
  return program_.source.Fail(expr.offset,
                              StrCat("`", path, "` is not there; ", owner, " is ", Kind(base->view),
                                     list ? StrCat(" of ", base->view.size()) : "", kWays));
}

}  // namespace weir::text::tmpl
