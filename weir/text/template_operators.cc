#include <cmath>
#include <cstring>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/number.h"
#include "weir/text/template_work.h"

namespace weir::text::tmpl {
namespace {

std::unexpected<Error> TooLarge(Work& work, Op op) {
  return work.Fail(StrCat("the result of `", SignOf(op), "` is too large a number"));
}

// The quotient is rounded down and the remainder has the sign of the divisor, as in Python.
Result<Datum> CalculateWhole(Work& work, Op op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Op::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Op::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Op::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    default: {
      if (b == -1) {  // the only divisor that can overflow
        overflow = __builtin_sub_overflow(std::int64_t{0}, a, &result);
        if (op == Op::kModulo) return Datum::Own(json::Value::Of(0));
        break;
      }
      const std::int64_t rest = a % b;
      const bool down = rest != 0 && (rest < 0) != (b < 0);
      result = op == Op::kModulo ? (down ? rest + b : rest) : (down ? a / b - 1 : a / b);
    }
  }
  if (overflow) return TooLarge(work, op);
  return Datum::Own(json::Value::Of(result));
}

Result<Datum> CalculateDouble(Work& work, Op op, double a, double b) {
  double result = 0;
  switch (op) {
    case Op::kAdd:
      result = a + b;
      break;
    case Op::kSubtract:
      result = a - b;
      break;
    case Op::kMultiply:
      result = a * b;
      break;
    case Op::kDivide:
      result = a / b;
      break;
    case Op::kFloorDivide:
      result = std::floor(a / b);
      break;
    default:
      result = std::fmod(a, b);
      if (result != 0 && (result < 0) != (b < 0)) result += b;
  }
  if (!std::isfinite(result)) return TooLarge(work, op);
  return Datum::Own(json::Value::Of(result));
}

Result<Datum> CalculateNumbers(Work& work, Op op, json::View a, json::View b) {
  const bool divides = op == Op::kDivide || op == Op::kFloorDivide || op == Op::kModulo;
  if (divides && !IsTrue(b)) {
    return work.Fail(StrCat("`", SignOf(op), "` by zero; ask `if` for the divisor first"));
  }
  if (op != Op::kDivide && IsWhole(a) && IsWhole(b)) {
    const auto left = a.AsInt64();
    const auto right = b.AsInt64();
    if (!left || !right) return TooLarge(work, op);
    return CalculateWhole(work, op, *left, *right);
  }
  const auto left = a.AsDouble();
  const auto right = b.AsDouble();
  // A divisor too small for a double is 0 as one.
  if (!left || !right || (divides && *right == 0)) return TooLarge(work, op);
  return CalculateDouble(work, op, *left, *right);
}

}  // namespace

std::string_view SignOf(Op op) {
  switch (op) {
    case Op::kAdd:
      return "+";
    case Op::kSubtract:
    case Op::kNegate:
      return "-";
    case Op::kMultiply:
      return "*";
    case Op::kDivide:
      return "/";
    case Op::kFloorDivide:
      return "//";
    case Op::kModulo:
      return "%";
    case Op::kLess:
      return "<";
    case Op::kLessEqual:
      return "<=";
    case Op::kGreater:
      return ">";
    case Op::kGreaterEqual:
      return ">=";
    default:
      return "";
  }
}

Result<Datum> Calculate(Work& work, Op op, const Datum& a, const Datum& b) {
  if (a.view.IsNumber() && b.view.IsNumber()) return CalculateNumbers(work, op, a.view, b.view);
  if (op == Op::kAdd && a.view.IsString() && b.view.IsString()) {
    WEIR_CHECK(work.CheckBytes(a.view.StringOr("").size() + b.view.StringOr("").size()));
    return work.Text(StrCat(a.view.StringOr(""), b.view.StringOr("")));
  }
  if (op == Op::kAdd && a.view.IsArray() && b.view.IsArray()) {
    WEIR_CHECK(work.ChargeFor(a.view));
    WEIR_CHECK(work.ChargeFor(b.view));
    json::Builder builder;
    builder.BeginArray();
    for (const json::View item : a.view.items()) builder.Copy(item);
    for (const json::View item : b.view.items()) builder.Copy(item);
    builder.EndArray();
    return work.Made(std::move(builder).Finish());
  }
  const bool text = a.view.IsString() || b.view.IsString();
  return work.Fail(StrCat("`", SignOf(op), "` does not work on ", Kind(a.view), " and ",
                          Kind(b.view),
                          text && op == Op::kAdd ? "; join texts with `~`"
                          : text                 ? "; make a number of a text with `| float`"
                                                 : ""));
}

Result<Datum> Negate(Work& work, const Datum& a) {
  if (!a.view.IsNumber()) return work.Fail(StrCat("`-` does not work on ", Kind(a.view)));
  const std::string_view text = a.view.NumberText();
  WEIR_CHECK(work.ChargeBytes(text.size()));
  json::Builder builder;
  builder.Number(text.starts_with('-') ? std::string(text.substr(1)) : StrCat("-", text));
  return Datum::Own(std::move(builder).Finish());
}

int OrderOf(json::View a, json::View b) {
  if (a.IsString()) return a.StringOr("").compare(b.StringOr(""));
  return json::Compare(json::Operand(a.NumberText()), json::MakeBound(b.NumberText()));
}

Result<int> Order(Work& work, json::View a, json::View b) {
  if (a.kind() == b.kind() && (a.IsNumber() || a.IsString())) {
    WEIR_CHECK(work.ChargeFor(a));
    WEIR_CHECK(work.ChargeFor(b));
    return OrderOf(a, b);
  }
  return work.Fail(StrCat(Kind(a), " and ", Kind(b),
                          " have no order; compare numbers with numbers and texts with texts"));
}

std::size_t FindText(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return text.npos;
  if (part.empty()) return from;
  // Unlike string_view::find, memmem takes linear time whatever it looks for.
  const void* found = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (found == nullptr) return text.npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

namespace {

Result<bool> Contains(Work& work, json::View needle, json::View hay) {
  if (hay.IsArray()) {
    for (const json::View item : hay.items()) {
      WEIR_TRY(const bool same, Compare(work, Op::kEqual, item, needle));
      if (same) return true;
    }
    return false;
  }
  if (!needle.IsString() || (!hay.IsString() && !hay.IsObject())) {
    return work.Fail(StrCat("`in` does not work on ", Kind(needle), " in ", Kind(hay),
                            "; it looks for items in lists, texts in texts and keys in objects"));
  }
  if (hay.IsObject()) return hay.Find(needle.StringOr("")).exists();
  const std::string_view text = hay.StringOr("");
  WEIR_CHECK(work.ChargeBytes(text.size()));
  return FindText(text, needle.StringOr("")) != text.npos;
}

}  // namespace

Result<bool> Compare(Work& work, Op op, json::View a, json::View b) {
  if (op == Op::kIn) return Contains(work, a, b);
  if (op == Op::kEqual || op == Op::kNotEqual) {
    // Two of different kinds or sizes are told apart at a glance.
    WEIR_CHECK(work.Charge(1));
    if (a.kind() == b.kind() && a.size() == b.size()) {
      WEIR_CHECK(work.ChargeFor(a));
      WEIR_CHECK(work.ChargeFor(b));
    }
    return (a == b) == (op == Op::kEqual);
  }
  WEIR_TRY(const int order, Order(work, a, b));
  switch (op) {
    case Op::kLess:
      return order < 0;
    case Op::kLessEqual:
      return order <= 0;
    case Op::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

}  // namespace weir::text::tmpl
