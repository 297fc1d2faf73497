#include "weir/json/pointer.h"

#include <algorithm>
#include <cstddef>

#include "weir/base/text.h"

namespace weir::json {

Result<View> Resolve(View root, std::string_view pointer) {
  View view = root;
  std::string_view rest = pointer;
  while (!rest.empty()) {
    WEIR_TRY(const std::string token, TakeToken(rest));
    const View child = Child(view, token);
    if (!child.exists()) {
      const std::string_view place = pointer.substr(0, pointer.size() - rest.size());
      return Fail(Code::kInvalidRequest,
                  StrCat("the JSON pointer \"", Truncate(pointer, 200),
                         "\" leads nowhere: ", KindName(view.kind()), " has no \"",
                         Truncate(token, 80), "\" (at \"", Truncate(place, 200), "\")"));
    }
    view = child;
  }
  return view;
}

void AppendToken(std::string& pointer, std::string_view token) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

void AppendToken(std::string& pointer, std::size_t index) { StrAppend(pointer, '/', index); }

Result<std::string> TakeToken(std::string_view& pointer) {
  if (!pointer.starts_with('/')) {
    return Fail(Code::kInvalidRequest, StrCat("a JSON pointer is empty or starts with '/', but "
                                              "this one is \"",
                                              Truncate(pointer, 200), "\""));
  }
  pointer.remove_prefix(1);
  const std::size_t end = std::min(pointer.find('/'), pointer.size());
  const std::string_view raw = pointer.substr(0, end);
  pointer.remove_prefix(end);

  std::string token;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '~') {
      token += raw[i];
      continue;
    }
    const char escape = i + 1 < raw.size() ? raw[++i] : '\0';
    if (escape != '0' && escape != '1') {
      return Fail(Code::kInvalidRequest,
                  StrCat("the token \"", Truncate(raw, 80),
                         "\" of a JSON pointer has a '~' that is neither ~0 nor ~1"));
    }
    token += escape == '0' ? '~' : '/';
  }
  return token;
}

View Child(View container, std::string_view token) {
  if (container.IsObject()) return container.Find(token);
  if (token.size() > 1 && token.front() == '0') return View();
  const std::optional<std::uint64_t> index =
      token.starts_with('+') ? std::nullopt : ParseUint(token);
  return index ? container[*index] : View();
}

}  // namespace weir::json
