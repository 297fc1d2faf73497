#include "weir/text/template_work.h"

#include <algorithm>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::text::tmpl {
namespace {

struct Weight {
  std::uint64_t steps = 0;
  std::size_t depth = 0;
};

// Goes no further once the weight is beyond `most` or the depth is.
void Weigh(json::View view, std::size_t depth, std::uint64_t most, Weight& weight) {
  weight.depth = std::max(weight.depth, depth);
  weight.steps += 1 + (view.StringOr("").size() + view.NumberText().size()) / 16;
  if (depth > limits::kJsonDepth) return;
  for (const json::View item : view.items()) {
    if (weight.steps > most) return;
    Weigh(item, depth + 1, most, weight);
  }
  for (const json::Member member : view.members()) {
    if (weight.steps > most) return;
    weight.steps += member.key.size() / 16;
    Weigh(member.value, depth + 1, most, weight);
  }
}

}  // namespace

std::unexpected<Error> Work::OutOfSteps() const {
  return Fail(StrCat("the work is more than the limit of ", options_.max_steps,
                     " steps (max_steps); loop over less or raise the limit"));
}

Result<void> Work::ChargeFor(json::View view, std::uint64_t times) {
  if (times == 0) return {};
  Weight weight;
  Weigh(view, 0, left_ / times, weight);
  return Charge(weight.steps * times);
}

Result<void> Work::CheckBytes(std::size_t bytes) const {
  if (bytes <= options_.max_output_bytes) return {};
  return Fail(StrCat("the text is longer than the limit of ", options_.max_output_bytes,
                     " bytes (max_output_bytes); write less or raise the limit"));
}

Result<Datum> Work::Text(std::string_view text) {
  WEIR_CHECK(CheckBytes(text.size()));
  WEIR_CHECK(ChargeBytes(text.size()));
  return Datum::Own(json::Value::Of(text));
}

Result<Datum> Work::Made(json::Value value) {
  Weight weight;
  Weigh(value, 0, left_, weight);
  WEIR_CHECK(Charge(weight.steps));
  if (weight.depth > limits::kJsonDepth) {
    return Fail(StrCat("the value is nested deeper than ", limits::kJsonDepth, " levels"));
  }
  return Datum::Own(std::move(value));
}

bool IsTrue(json::View view) {
  switch (view.kind()) {
    case json::Kind::kAbsent:
    case json::Kind::kNull:
      return false;
    case json::Kind::kBool:
      return view.BoolOr(false);
    case json::Kind::kNumber: {
      const std::string_view text = view.NumberText();
      return text.substr(0, text.find_first_of("eE")).find_first_of("123456789") != text.npos;
    }
    case json::Kind::kString:
      return !view.StringOr("").empty();
    case json::Kind::kArray:
    case json::Kind::kObject:
      return !view.empty();
  }
  return false;
}

std::string_view Kind(json::View view) {
  switch (view.kind()) {
    case json::Kind::kAbsent:
      return "nothing";
    case json::Kind::kNull:
      return "none";
    case json::Kind::kBool:
      return "a boolean";
    case json::Kind::kNumber:
      return "a number";
    case json::Kind::kString:
      return "a string";
    case json::Kind::kArray:
      return "a list";
    case json::Kind::kObject:
      return "an object";
  }
  return "nothing";
}

bool IsWhole(json::View view) {
  return view.IsNumber() && view.NumberText().find_first_of(".eE") == std::string_view::npos;
}

void AppendShown(std::string& out, json::View view) {
  if (view.IsString()) {
    out += view.StringOr("");
  } else {
    json::Writer(out).Value(view);
  }
}

Result<std::string> Shown(Work& work, json::View view) {
  WEIR_CHECK(work.ChargeFor(view));
  std::string out;
  AppendShown(out, view);
  return out;
}

}  // namespace weir::text::tmpl
