// The words of the language: tests, and what to say about words that it does not have.

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/number.h"
#include "weir/text/template_filters.h"

namespace weir::text::tmpl {
namespace {

template <json::Kind kWanted>
Result<bool> IsKind(Work&, json::View subject, json::View) {
  return subject.kind() == kWanted;
}

Result<bool> IsDefined(Work&, json::View subject, json::View) { return subject.exists(); }
Result<bool> IsUndefined(Work&, json::View subject, json::View) { return !subject.exists(); }
Result<bool> IsInteger(Work&, json::View subject, json::View) { return IsWhole(subject); }
Result<bool> IsFloat(Work&, json::View subject, json::View) {
  return subject.IsNumber() && !IsWhole(subject);
}
Result<bool> IsTrueItself(Work&, json::View subject, json::View) { return subject.BoolOr(false); }
Result<bool> IsFalseItself(Work&, json::View subject, json::View) { return !subject.BoolOr(true); }

Result<bool> IsDivisibleBy(Work& work, json::View subject, json::View by) {
  const auto value = subject.AsInt64();
  const auto divisor = by.AsInt64();
  if (!value || !divisor || *divisor == 0) {
    return work.Fail(StrCat("`divisibleby` needs two whole numbers, the second not 0, not ",
                            Kind(subject), " and ", Kind(by)));
  }
  return *divisor == -1 || *value % *divisor == 0;
}

Result<bool> IsEven(Work& work, json::View subject, json::View) {
  return IsDivisibleBy(work, subject, json::Value::Of(2));
}

Result<bool> IsOdd(Work& work, json::View subject, json::View) {
  WEIR_TRY(const bool even, IsEven(work, subject, {}));
  return !even;
}

template <Op kOp>
Result<bool> IsCompared(Work& work, json::View subject, json::View argument) {
  return Compare(work, kOp, subject, argument);
}

constexpr Test kTests[] = {
    {.name = "defined", .takes_missing = true, .run = IsDefined},
    {.name = "undefined", .takes_missing = true, .run = IsUndefined},
    {.name = "none", .run = IsKind<json::Kind::kNull>},
    {.name = "string", .run = IsKind<json::Kind::kString>},
    {.name = "number", .run = IsKind<json::Kind::kNumber>},
    {.name = "integer", .run = IsInteger},
    {.name = "float", .run = IsFloat},
    {.name = "boolean", .run = IsKind<json::Kind::kBool>},
    {.name = "mapping", .run = IsKind<json::Kind::kObject>},
    {.name = "sequence", .run = IsKind<json::Kind::kArray>},
    {.name = "true", .run = IsTrueItself},
    {.name = "false", .run = IsFalseItself},
    {.name = "even", .run = IsEven},
    {.name = "odd", .run = IsOdd},
    {.name = "divisibleby", .takes_argument = true, .run = IsDivisibleBy},
    {.name = "in", .takes_argument = true, .run = IsCompared<Op::kIn>},
    {.name = "eq", .takes_argument = true, .run = IsCompared<Op::kEqual>},
    {.name = "equalto", .takes_argument = true, .run = IsCompared<Op::kEqual>},
    {.name = "==", .takes_argument = true, .run = IsCompared<Op::kEqual>},
    {.name = "ne", .takes_argument = true, .run = IsCompared<Op::kNotEqual>},
    {.name = "!=", .takes_argument = true, .run = IsCompared<Op::kNotEqual>},
    {.name = "lt", .takes_argument = true, .run = IsCompared<Op::kLess>},
    {.name = "<", .takes_argument = true, .run = IsCompared<Op::kLess>},
    {.name = "le", .takes_argument = true, .run = IsCompared<Op::kLessEqual>},
    {.name = "<=", .takes_argument = true, .run = IsCompared<Op::kLessEqual>},
    {.name = "gt", .takes_argument = true, .run = IsCompared<Op::kGreater>},
    {.name = ">", .takes_argument = true, .run = IsCompared<Op::kGreater>},
    {.name = "ge", .takes_argument = true, .run = IsCompared<Op::kGreaterEqual>},
    {.name = ">=", .takes_argument = true, .run = IsCompared<Op::kGreaterEqual>},
};

struct Advice {
  std::string_view word;
  std::string_view sentence;
};

constexpr Advice kFilterAdvice[] = {
    {"escape", "what is written is no HTML; leave it out"},
    {"e", "what is written is no HTML; leave it out"},
    {"forceescape", "what is written is no HTML; leave it out"},
    {"safe", "what is written is no HTML; leave it out"},
    {"striptags", "what is written is no HTML; leave it out"},
    {"dictsort", "write `| items | sort(attribute=0)`"},
    {"attr", "write the name behind a dot"},
    {"strip", "write `| trim`"},
    {"pprint", "write `| tojson(indent=2)`"},
    {"json", "write `| tojson`"},
    {"to_json", "write `| tojson`"},
    {"len", "write `| length`"},
    {"size", "write `| length`"},
    {"format", "join the parts with `~`"},
    {"wordwrap", "models read long lines; leave it out"},
    {"groupby", "loop and compare, or group the rows before"},
    {"batch", "loop and use loop.index0 % n"},
    {"slice", "loop and use loop.index0 % n"},
    {"fromjson", "pass the value as JSON; templates read objects and lists as they are"},
};

constexpr Advice kTagAdvice[] = {
    {"include", "put the text in, or pass it as a variable"},
    {"import", "put the text in, or pass it as a variable"},
    {"from", "put the text in, or pass it as a variable"},
    {"extends", "put the text in, or pass it as a variable"},
    {"block", "templates do not inherit; leave the tag out"},
    {"macro", "write the text in a {% for %} over the arguments"},
    {"call", "write the text in a {% for %} over the arguments"},
    {"filter", "write {{ ... | filter }}"},
    {"with", "write {% set name = value %}"},
    {"do", "values do not change; write {% set name = value %}"},
    {"break", "put the condition into the loop: {% for x in list if condition %}"},
    {"continue", "put the rest of the body into {% if %}"},
    {"autoescape", "what is written is no HTML; leave it out"},
    {"trans", "write the text"},
    {"generation", "leave it out"},
    {"elseif", "write {% elif %}"},
    {"comment", "write {# ... #}"},
    {"while", "write {% for x in list %}"},
    {"switch", "write {% if %} and {% elif %}"},
    {"print", "write {{ ... }}"},
};

constexpr Advice kMethodAdvice[] = {
    {"strip", "write `| trim`"},
    {"lstrip", "write `| trim`"},
    {"rstrip", "write `| trim`"},
    {"split", "pass a list as the variable"},
    {"get", "write `object.name | default(value)`"},
    {"append", "values do not change; write `list + [item]`"},
    {"update", "values do not change; write the object with all its members"},
    {"startswith", "use `in`, or pass a boolean as the variable"},
    {"endswith", "use `in`, or pass a boolean as the variable"},
    {"format", "join the parts with `~`"},
};

constexpr Advice kFunctionAdvice[] = {
    {"range", "loop over a list and use loop.index, or pass the numbers as a variable"},
    {"len", "write `| length`"},
    {"str", "write `| string`"},
    {"dict", "write {\"name\": value}"},
    {"namespace", "what is set in a loop ends with it; use filters such as `sum` or `join`"},
    {"raise_exception", "templates cannot fail on purpose; check the variables before"},
    {"strftime_now", "pass the time as a variable"},
    {"super", "templates do not inherit"},
};

template <std::size_t kSize>
std::string_view Find(const Advice (&table)[kSize], std::string_view word) {
  for (const Advice& advice : table) {
    if (advice.word == word) return advice.sentence;
  }
  return "";
}

// "; write X", "; did you mean X?" or "; there are X, Y".
std::string Remedy(std::string_view advice, std::string_view word, std::vector<std::string> known,
                   std::string_view before) {
  if (!advice.empty()) return StrCat("; ", advice);
  if (const auto nearest = Nearest(word.substr(0, 64), known)) {
    return StrCat("; did you mean `", before, *nearest, "`?");
  }
  std::ranges::sort(known);
  return StrCat("; there are ", Join(known, ", "));
}

template <class T>
std::vector<std::string> NamesOf(std::span<const T> table) {
  std::vector<std::string> names;
  for (const T& entry : table) {
    if (entry.name.size() > 1 && entry.name.back() != '=') names.emplace_back(entry.name);
  }
  return names;
}

}  // namespace

std::span<const Test> Tests() { return kTests; }

std::size_t Filter::count() const {
  return static_cast<std::size_t>(std::ranges::find(parameters, std::string_view()) -
                                  parameters.begin());
}

const Filter* FindFilter(std::string_view name) {
  for (const auto table : {TextFilters(), ListFilters()}) {
    const auto found = std::ranges::find(table, name, &Filter::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

const Test* FindTest(std::string_view name) {
  const auto found = std::ranges::find(Tests(), name, &Test::name);
  return found == Tests().end() ? nullptr : &*found;
}

std::string UnknownFilter(std::string_view name) {
  std::vector<std::string> known = NamesOf(TextFilters());
  std::ranges::copy(NamesOf(ListFilters()), std::back_inserter(known));
  return StrCat("there is no filter `", Truncate(name, 64), "`",
                Remedy(Find(kFilterAdvice, name), name, std::move(known), "| "));
}

std::string UnknownTest(std::string_view name) {
  const std::string_view advice = name == "iterable"   ? "write `is sequence` or `is mapping`"
                                  : name == "callable" ? "nothing is"
                                  : name == "null"     ? "write `is none`"
                                                       : "";
  return StrCat("there is no test `", Truncate(name, 64), "`",
                Remedy(advice, name, NamesOf(Tests()), "is "));
}

std::string UnknownTag(std::string_view name) {
  return StrCat(
      "there is no statement `", Truncate(name, 64), "`",
      Remedy(Find(kTagAdvice, name), name,
             {"if", "elif", "else", "endif", "for", "endfor", "set", "raw", "endraw"}, ""));
}

std::string UnknownMethod(std::string_view name) {
  std::string_view advice = Find(kMethodAdvice, name);
  const std::string as_filter = StrCat("write `| ", name, "`");
  if (advice.empty() && FindFilter(name) != nullptr) advice = as_filter;
  if (advice.empty()) advice = "only .items(), .keys() and .values() can be called; use a filter";
  return StrCat("`.", Truncate(name, 64), "()` is not supported; ", advice);
}

std::string UnknownFunction(std::string_view name) {
  std::string_view advice = Find(kFunctionAdvice, name);
  const std::string as_filter = StrCat("write `value | ", name, "`");
  if (advice.empty() && FindFilter(name) != nullptr) advice = as_filter;
  if (advice.empty()) advice = "pass what it gives as a variable";
  return StrCat("templates call no functions, and so not `", Truncate(name, 64), "()`; ", advice);
}

std::string ListNames(std::span<const std::string> names) {
  constexpr std::size_t kMost = 20;
  if (names.size() <= kMost) return Join(names, ", ");
  return StrCat(Join(names.first(kMost), ", "), " and ", names.size() - kMost, " more");
}

Result<std::int64_t> IntArgument(Work& work, const Datum& argument, std::string_view name,
                                 std::int64_t fallback) {
  if (!argument.exists()) return fallback;
  if (const auto value = argument.view.AsInt64()) return *value;
  return work.Fail(StrCat("`", name, "` must be a whole number, not ", Kind(argument.view)));
}

Result<std::string_view> TextArgument(Work& work, const Datum& argument, std::string_view name,
                                      std::string_view fallback) {
  if (!argument.exists()) return fallback;
  if (const auto value = argument.view.AsString()) return *value;
  return work.Fail(StrCat("`", name, "` must be a string, not ", Kind(argument.view)));
}

}  // namespace weir::text::tmpl
