#include "weir/schema/schema_words.h"

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::schema {

std::string Show(json::View value) {
  switch (value.kind()) {
    case json::Kind::kString:
    case json::Kind::kNumber:
      return StrCat("the ", json::KindName(value.kind()), " ", Truncate(json::Write(value), 80));
    case json::Kind::kBool:
      return value.BoolOr(false) ? "true" : "false";
    case json::Kind::kNull:
      return "null";
    case json::Kind::kArray:
      return value.empty() ? "an empty array" : "an array";
    case json::Kind::kObject:
      return value.empty() ? "an empty object" : "an object";
    case json::Kind::kAbsent:
      break;
  }
  return "nothing";
}

std::string JoinOr(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " or " : ", ";
    out += parts[i];
  }
  return out;
}

std::string ShowTypes(TypeMask types) {
  if (types == 0) return "no value";
  std::vector<std::string> parts;
  if ((types & kObject) != 0) parts.emplace_back("an object");
  if ((types & kArray) != 0) parts.emplace_back("an array");
  if ((types & kString) != 0) parts.emplace_back("a string");
  if ((types & kFraction) != 0) {
    parts.emplace_back("a number");
  } else if ((types & kInteger) != 0) {
    parts.emplace_back("an integer");
  }
  if ((types & kBoolean) != 0) parts.emplace_back("true or false");
  if ((types & kNull) != 0) parts.emplace_back("null");
  return JoinOr(parts);
}

}  // namespace weir::schema
