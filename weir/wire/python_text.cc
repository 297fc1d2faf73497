#include "weir/wire/python_text.h"

#include <charconv>
#include <cmath>

#include "weir/base/text.h"

namespace weir::wire {

std::string PythonFloat(double value) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed)
          .ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string PythonRepr(std::string_view text) {
  const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      StrAppend(out, "\\x", kHexDigits[byte >> 4], kHexDigits[byte & 15]);
    } else {
      out += c;
    }
  }
  out += quote;
  return out;
}

std::string PythonRepr(json::View value) {
  std::string out;
  switch (value.kind()) {
    case json::Kind::kAbsent:
    case json::Kind::kNull:
      return "None";
    case json::Kind::kBool:
      return value.BoolOr(false) ? "True" : "False";
    case json::Kind::kNumber: {
      const std::string_view number = value.NumberText();
      if (number.find_first_of(".eE") == number.npos) return std::string(number);
      return PythonFloat(value.AsDouble().value_or(INFINITY));
    }
    case json::Kind::kString:
      return PythonRepr(value.StringOr(""));
    case json::Kind::kArray:
      for (const json::View item : value.items()) {
        StrAppend(out, out.empty() ? "[" : ", ", PythonRepr(item));
      }
      return out.empty() ? "[]" : out + "]";
    case json::Kind::kObject:
      for (const json::Member member : value.members()) {
        StrAppend(out, out.empty() ? "{" : ", ", PythonRepr(member.key), ": ",
                  PythonRepr(member.value));
      }
      return out.empty() ? "{}" : out + "}";
  }
  return out;
}

}  // namespace weir::wire
