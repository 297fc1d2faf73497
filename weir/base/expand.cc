#include "weir/base/expand.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir {
namespace {

// What stands between the braces.
void ExpandOne(std::string_view inside, const Env& env, Expansion& out) {
  const std::size_t dash = inside.find(":-");
  const std::string_view name = inside.substr(0, dash);
  if (!IsVariableName(name)) {
    if (out.wrong.empty()) {
      out.wrong = StrCat("has ${", Truncate(inside, 60),
                         "}, which names no variable; write $${ for a dollar and a brace");
    }
    return;
  }
  if (const std::optional<std::string> value = env.Get(name)) {
    out.text += *value;
    out.used.emplace_back(name);
  } else if (dash != inside.npos) {
    out.text += inside.substr(dash + 2);
  } else if (out.missing.empty()) {
    out.missing = name;
  }
}

}  // namespace

bool IsVariableName(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && !is_digit(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || is_digit(c); });
}

std::string_view BareVariable(std::string_view text) {
  if (!text.starts_with('$') || !IsVariableName(text.substr(1))) return {};
  return text.substr(1);
}

Expansion Expand(std::string_view text, const Env& env) {
  Expansion out;
  while (true) {
    const std::size_t dollar = text.find('$');
    out.text += text.substr(0, dollar);
    if (dollar == text.npos) return out;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out.text += '$';
      text.remove_prefix(1);
    } else if (text.starts_with('{')) {
      const std::size_t end = text.find('}');
      if (end == text.npos) {
        if (out.wrong.empty()) out.wrong = "has a ${ without its }; write $${ if that is meant";
        return out;
      }
      ExpandOne(text.substr(1, end - 1), env, out);
      text.remove_prefix(end + 1);
    } else {
      out.text += '$';
    }
  }
}

bool HasVariables(std::string_view text) { return text.contains("${") || text.contains("$$"); }

std::string EscapeDollars(std::string_view text) {
  std::string out(BareVariable(text).empty() ? "" : "$");
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const bool ambiguous =
        text[i] == '$' && i + 1 < text.size() && (text[i + 1] == '$' || text[i + 1] == '{');
    if (ambiguous) out += '$';
  }
  return out;
}

}  // namespace weir
