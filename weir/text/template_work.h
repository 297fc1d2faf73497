#pragma once

// Values while a template runs, and the account of what it may do.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/text/template.h"
#include "weir/text/template_lexer.h"
#include "weir/text/template_tree.h"

namespace weir::text::tmpl {

// A value and what keeps it alive: nothing for a part of the variables, which outlive the run. An
// absent view is a variable that is not there.
struct Datum {
  json::View view;
  json::Value owner;

  static Datum Own(json::Value value) {
    Datum datum;
    datum.view = value;
    datum.owner = std::move(value);
    return datum;
  }
  Datum Part(json::View part) const { return {.view = part, .owner = owner}; }
  bool exists() const { return view.exists(); }
};

class Work {
 public:
  Work(const Source& source, const TemplateOptions& options)
      : source_(source), options_(options), left_(options.max_steps) {}

  // The place of the operation that runs, for its errors.
  void Enter(std::size_t offset) { offset_ = offset; }
  std::unexpected<Error> Fail(std::string_view sentence) const {
    return source_.Fail(offset_, sentence);
  }

  Result<void> Charge(std::uint64_t steps) {
    if (steps > left_) return OutOfSteps();
    left_ -= steps;
    return {};
  }
  Result<void> ChargeBytes(std::size_t bytes) { return Charge(bytes / 16); }
  // For an operation that looks at all of `view`, `times` times.
  Result<void> ChargeFor(json::View view, std::uint64_t times = 1);

  // A text or a container that an operation has made; both fail when it is beyond the limits.
  Result<Datum> Text(std::string_view text);
  Result<Datum> Made(json::Value value);
  Result<void> CheckBytes(std::size_t bytes) const;

 private:
  std::unexpected<Error> OutOfSteps() const;

  const Source& source_;
  const TemplateOptions& options_;
  std::uint64_t left_;
  std::size_t offset_ = 0;
};

// What the value counts as in a condition.
bool IsTrue(json::View view);
// "an object", "a string": for messages.
std::string_view Kind(json::View view);
// A number that is spelled without a dot and an exponent.
bool IsWhole(json::View view);

// Appends the value as a template prints it: a string as it is, everything else as JSON.
void AppendShown(std::string& out, json::View view);
Result<std::string> Shown(Work& work, json::View view);

// Where `part` stands in `text` at or behind `from`, or npos.
std::size_t FindText(std::string_view text, std::string_view part, std::size_t from = 0);

// + - * / // % of two values that exist.
Result<Datum> Calculate(Work& work, Op op, const Datum& a, const Datum& b);
Result<Datum> Negate(Work& work, const Datum& a);
// == != < <= > >= in.
Result<bool> Compare(Work& work, Op op, json::View a, json::View b);
// Negative, zero or positive; fails when the two have no order.
int OrderOf(json::View a, json::View b);  // two numbers or two strings
Result<int> Order(Work& work, json::View a, json::View b);

}  // namespace weir::text::tmpl
