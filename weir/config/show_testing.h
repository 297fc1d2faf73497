#pragma once

// What ShowJson() says without the origins, which is a configuration again.

#include <string>
#include <string_view>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::config {

inline void CopyValues(json::View shown, json::Writer& out) {
  if (shown.Find("from").IsString()) return out.Value(shown.Find("value"));
  out.BeginObject();
  for (const auto& [key, inner] : shown.members()) {
    if (!inner.IsObject()) continue;  // "unusable"
    out.Key(key);
    CopyValues(inner, out);
  }
  out.EndObject();
}

inline std::string ValuesOf(std::string_view shown) {
  std::string text;
  json::Writer out(text);
  const Result<json::Value> document = json::Read(shown);
  if (document) CopyValues(*document, out);
  return text;
}

}  // namespace weir::config
