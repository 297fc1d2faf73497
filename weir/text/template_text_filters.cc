#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/number.h"
#include "weir/json/writer.h"
#include "weir/text/template_filters.h"

namespace weir::text::tmpl {
namespace {

using Arguments = std::span<const Datum>;

enum class Case : std::uint8_t { kUpper, kLower };

// The scripts whose two cases lie at a fixed distance: Latin, Greek and Cyrillic letters without
// the rarer extensions.
char32_t ToCase(char32_t c, Case wanted) {
  struct Range {
    char32_t first_upper, last_upper, distance;
  };
  static constexpr Range kRanges[] = {{'A', 'Z', 32},     {0xC0, 0xD6, 32},   {0xD8, 0xDE, 32},
                                      {0x391, 0x3A1, 32}, {0x3A3, 0x3A9, 32}, {0x410, 0x42F, 32},
                                      {0x400, 0x40F, 80}};
  const bool lower = wanted == Case::kLower;
  for (const auto& [first, last, distance] : kRanges) {
    if (lower && c >= first && c <= last) return c + distance;
    if (!lower && c >= first + distance && c <= last + distance) return c - distance;
  }
  // Pairs that lie side by side.
  const bool even_upper =
      (c >= 0x100 && c <= 0x137 && c != 0x130 && c != 0x131) || (c >= 0x14A && c <= 0x177);
  const bool odd_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if (!even_upper && !odd_upper) return c;
  const bool is_upper = (c % 2 == 0) == even_upper;
  if (is_upper == !lower) return c;
  return lower ? c + 1 : c - 1;
}

// Each of the ranges above keeps the length of a character in UTF-8, so that it is changed where
// it stands.
void PutCharacter(std::string& out, char32_t c, std::string_view as_it_was) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += as_it_was;
  }
}

template <class Choose>
std::string ChangeCase(std::string_view text, Choose choose) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = DecodeUtf8(text);
    const std::string_view here = text.substr(0, c.length);
    text.remove_prefix(c.length);
    if (c.valid) {
      PutCharacter(out, ToCase(c.code_point, choose(c.code_point)), here);
    } else {
      out += here;
    }
  }
  return out;
}

Result<Datum> Upper(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  return work.Text(ChangeCase(text, [](char32_t) { return Case::kUpper; }));
}

Result<Datum> Lower(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  return work.Text(ChangeCase(text, [](char32_t) { return Case::kLower; }));
}

Result<Datum> Capitalize(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  bool first = true;
  return work.Text(ChangeCase(
      text, [&](char32_t) { return std::exchange(first, false) ? Case::kUpper : Case::kLower; }));
}

Result<Datum> Title(Work& work, const Datum& input, Arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  constexpr std::string_view kBefore = " \t\n\r\f\v-({[<";
  bool starts = true;
  return work.Text(ChangeCase(text, [&](char32_t c) {
    const bool here = std::exchange(
        starts, c < 0x80 && kBefore.find(static_cast<char>(c)) != std::string_view::npos);
    return here ? Case::kUpper : Case::kLower;
  }));
}

Result<Datum> TrimText(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  WEIR_TRY(const std::string_view chars, TextArgument(work, arguments[0], "chars", kWhiteSpace));
  const std::size_t begin = std::min(text.find_first_not_of(chars), text.size());
  const std::size_t end = text.find_last_not_of(chars) + 1;
  return work.Text(std::string_view(text).substr(begin, end > begin ? end - begin : 0));
}

Result<Datum> Replace(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  WEIR_TRY(const std::string_view old, TextArgument(work, arguments[0], "old", ""));
  WEIR_TRY(const std::string_view by, TextArgument(work, arguments[1], "new", ""));
  WEIR_TRY(const std::int64_t count, IntArgument(work, arguments[2], "count", -1));
  if (old.empty())
    return work.Fail("`replace` needs a text to look for; its first argument is \"\"");
  std::string out;
  std::size_t from = 0;
  for (std::int64_t done = 0; done != count; ++done) {
    const std::size_t found = FindText(text, old, from);
    if (found == text.npos) break;
    out.append(text, from, found - from);
    out += by;
    from = found + old.size();
    WEIR_CHECK(work.CheckBytes(out.size()));
  }
  out.append(text, from);
  return work.Text(out);
}

Result<Datum> TruncateText(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  WEIR_TRY(const std::int64_t length, IntArgument(work, arguments[0], "length", 255));
  WEIR_TRY(const std::string_view end, TextArgument(work, arguments[2], "end", "..."));
  WEIR_TRY(const std::int64_t leeway, IntArgument(work, arguments[3], "leeway", 5));
  const auto end_length = static_cast<std::int64_t>(CountCharacters(end));
  if (length < end_length || leeway < 0) {
    return work.Fail(StrCat("`truncate` needs a length of at least ", end_length,
                            ", the length of its end, and no negative leeway"));
  }
  const auto characters = static_cast<std::int64_t>(CountCharacters(text));
  if (characters <= length || characters - length <= leeway) return work.Text(text);
  std::string_view kept(text);
  kept = kept.substr(0, OffsetOfCharacter(kept, static_cast<std::size_t>(length - end_length)));
  // Words are cut only if asked for, or if there is only one.
  if (!IsTrue(arguments[1].view)) kept = kept.substr(0, kept.rfind(' '));
  return work.Text(StrCat(kept, end));
}

Result<Datum> Indent(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const std::string text, Shown(work, input.view));
  WEIR_TRY(const std::int64_t width, IntArgument(work, arguments[0], "width", 4));
  if (width < 0 || width > 1000) return work.Fail("`indent` takes a width from 0 to 1000");
  const bool blank_lines = IsTrue(arguments[2].view);
  std::string out;
  bool indents = IsTrue(arguments[1].view);
  for (const std::string_view line : Split(text, '\n')) {
    const bool first = line.data() == text.data();
    if (!first) out += '\n';
    if ((first ? indents : blank_lines || !line.empty())) {
      out.append(static_cast<std::size_t>(width), ' ');
    }
    out += line;
    WEIR_CHECK(work.CheckBytes(out.size()));
  }
  return work.Text(out);
}

Result<Datum> ToText(Work& work, const Datum& input, Arguments) {
  if (input.view.IsString()) return input;
  WEIR_TRY(const std::string text, Shown(work, input.view));
  return work.Text(text);
}

Result<Datum> ToJson(Work& work, const Datum& input, Arguments arguments) {
  WEIR_CHECK(work.ChargeFor(input.view));
  WEIR_TRY(const std::int64_t indent, IntArgument(work, arguments[0], "indent", 0));
  if (indent < 0 || indent > 16) return work.Fail("`tojson` takes an indent from 0 to 16");
  return work.Text(json::Write(input.view, {.indent = static_cast<int>(indent)}));
}

std::unexpected<Error> NoNumber(Work& work, const Datum& input, std::string_view filter) {
  std::string shown;
  if (input.view.IsString()) {
    shown = StrCat(" \"", Utf8Prefix(input.view.StringOr(""), 40), "\"");
  }
  return work.Fail(StrCat("`", filter, "` can make no number of ", Kind(input.view), shown,
                          "; say what to take then: `| ", filter, "(default=0)`"));
}

// The number that a value is or spells, as JSON; empty if it is none.
std::string NumberOf(json::View view) {
  if (view.IsNumber()) return std::string(view.NumberText());
  if (view.IsBool()) return view.BoolOr(false) ? "1" : "0";
  std::string_view text = Trim(view.StringOr(""));
  if (text.starts_with('+')) text.remove_prefix(1);
  if (!json::IsNumber(text)) return "";
  return std::string(text);
}

Result<Datum> ToFloat(Work& work, const Datum& input, Arguments arguments) {
  WEIR_CHECK(work.ChargeFor(input.view));
  const std::string number = NumberOf(input.view);
  const std::optional<double> value = number.empty() ? std::nullopt : json::ToDouble(number);
  if (value) return Datum::Own(json::Value::Of(*value));
  if (arguments[0].exists()) return arguments[0];
  return NoNumber(work, input, "float");
}

Result<Datum> ToInt(Work& work, const Datum& input, Arguments arguments) {
  WEIR_CHECK(work.ChargeFor(input.view));
  if (IsWhole(input.view)) return input;
  const std::string number = NumberOf(input.view);
  if (!number.empty()) {
    if (const auto whole = json::ToInt64(number)) return Datum::Own(json::Value::Of(*whole));
    const std::optional<double> value = json::ToDouble(number);
    if (value && std::abs(*value) < 9e18) {
      return Datum::Own(json::Value::Of(static_cast<std::int64_t>(*value)));
    }
  }
  if (arguments[0].exists()) return arguments[0];
  return NoNumber(work, input, "int");
}

Result<Datum> Round(Work& work, const Datum& input, Arguments arguments) {
  WEIR_TRY(const std::int64_t precision, IntArgument(work, arguments[0], "precision", 0));
  WEIR_TRY(const std::string_view method, TextArgument(work, arguments[1], "method", "common"));
  if (precision < 0 || precision > 15) return work.Fail("`round` takes a precision from 0 to 15");
  const std::optional<double> value = input.view.AsDouble();
  if (!value) {
    return work.Fail(StrCat("`round` does not work on ", Kind(input.view),
                            input.view.IsString() ? "; make a number of it with `| float`" : ""));
  }
  if (IsWhole(input.view)) return input;
  double rounded = *value;
  if (method == "common") {
    char buffer[400];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), *value,
                                   std::chars_format::fixed, static_cast<int>(precision));
    std::from_chars(buffer, end.ptr, rounded);
  } else if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = *value * scale;
    if (!std::isfinite(scaled)) return input;
    rounded = (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
  } else {
    return work.Fail("`round` knows the methods \"common\", \"ceil\" and \"floor\"");
  }
  if (rounded == 0) rounded = 0;  // not -0
  return Datum::Own(json::Value::Of(rounded));
}

Result<Datum> Abs(Work& work, const Datum& input, Arguments) {
  if (!input.view.IsNumber()) {
    return work.Fail(StrCat("`abs` does not work on ", Kind(input.view)));
  }
  return input.view.NumberText().starts_with('-') ? Negate(work, input) : Result<Datum>(input);
}

constexpr Filter kTextFilters[] = {
    {.name = "upper", .run = Upper},
    {.name = "lower", .run = Lower},
    {.name = "title", .run = Title},
    {.name = "capitalize", .run = Capitalize},
    {.name = "trim", .parameters = {"chars"}, .run = TrimText},
    {.name = "replace", .parameters = {"old", "new", "count"}, .required = 2, .run = Replace},
    {.name = "truncate",
     .parameters = {"length", "killwords", "end", "leeway"},
     .run = TruncateText},
    {.name = "indent", .parameters = {"width", "first", "blank"}, .run = Indent},
    {.name = "string", .run = ToText},
    {.name = "tojson", .parameters = {"indent"}, .run = ToJson},
    {.name = "int", .parameters = {"default"}, .run = ToInt},
    {.name = "float", .parameters = {"default"}, .run = ToFloat},
    {.name = "round", .parameters = {"precision", "method"}, .run = Round},
    {.name = "abs", .run = Abs},
};

}  // namespace

std::span<const Filter> TextFilters() { return kTextFilters; }

}  // namespace weir::text::tmpl
