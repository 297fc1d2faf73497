#include "weir/sim/instance.h"

#include <algorithm>
#include <cmath>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;  // of a document; larger ones are refused
constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLazyDepth = 8;  // below it only what is required is written
constexpr double kUsualSpan = 100;     // of numbers without bounds

// Keywords that restrict a document in ways that are not served.
constexpr std::string_view kUnserved[] = {
    "allOf",
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "else",
    "if",
    "maxContains",
    "maxProperties",
    "minContains",
    "minProperties",
    "not",
    "pattern",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
    "$dynamicRef",
    "$recursiveRef",
};

struct Format {
  std::string_view name;
  std::string_view example;
};

constexpr Format kFormats[] = {
    {"date-time", "2026-03-14T09:26:53Z"},
    {"date", "2026-03-14"},
    {"time", "09:26:53Z"},
    {"email", "someone@example.com"},
    {"hostname", "www.example.com"},
    {"ipv4", "192.0.2.7"},
    {"ipv6", "2001:db8::7"},
    {"uri", "https://example.com/a"},
    {"uuid", "3f2b8c1e-5a4d-4c6b-9e7f-0a1b2c3d4e5f"},
};

std::unexpected<Error> Unserved(std::string_view keyword) {
  return Fail(Code::kUnsupportedConstraint,
              StrCat("the schema uses ", keyword,
                     ", which this simulator cannot keep; leave it out or use a real server"));
}

// Lets keywords with a neutral value pass: uniqueItems: false, prefixItems: []. An empty `not`
// restricts everything.
bool Restricts(std::string_view keyword, json::View value) {
  if (keyword == "not") return true;
  if (const std::optional<bool> flag = value.AsBool()) return *flag;
  return !(value.IsArray() || value.IsObject()) || !value.empty();
}

class InstanceWriter {
 public:
  InstanceWriter(json::View root, Writer& words, std::string& out)
      : root_(root), words_(words), out_(out), json_(out) {}

  Result<void> Write(json::View schema, std::size_t depth) {
    if (depth > kDeepest) return Unserved("$ref (it never ends)");
    if (out_.size() > kMaxBytes) return Unserved("a size beyond 1 MiB");
    if (schema.IsBool() && !schema.BoolOr(true)) return Unserved("the schema `false`");
    for (const std::string_view keyword : kUnserved) {
      const json::View value = schema.Find(keyword);
      if (value.exists() && Restricts(keyword, value)) return Unserved(keyword);
    }
    if (const json::View value = schema.Find("const"); value.exists()) {
      json_.Value(value);
      return {};
    }
    if (const json::View values = schema.Find("enum"); values.exists()) {
      if (values.empty()) return Unserved("an empty enum");
      json_.Value(values[words_.random().Below(values.size())]);
      return {};
    }
    if (const auto ref = schema.Find("$ref").AsString()) return WriteRef(*ref, depth);
    for (const std::string_view keyword : {"anyOf", "oneOf"}) {
      if (const json::View branches = schema.Find(keyword); !branches.empty()) {
        return WriteBranch(branches, depth);
      }
    }
    return WriteType(TypeOf(schema), schema, depth);
  }

 private:
  Result<void> WriteRef(std::string_view ref, std::size_t depth) {
    if (!ref.starts_with('#')) return Unserved("$ref to another document");
    const Result<json::View> target = json::Resolve(root_, ref.substr(1));
    if (!target) return Unserved(StrCat("$ref to ", ref, ", which is not there"));
    return Write(*target, depth + 1);
  }

  // The first branch; deep down one without children if there is one, so that trees end.
  Result<void> WriteBranch(json::View branches, std::size_t depth) {
    json::View chosen = branches[0];
    if (depth > kLazyDepth) {
      for (const json::View branch : branches.items()) {
        const std::string_view type = branch.Find("type").StringOr("");
        if (!type.empty() && type != "object" && type != "array") chosen = branch;
      }
    }
    return Write(chosen, depth + 1);
  }

  static std::string_view TypeOf(json::View schema) {
    const json::View type = schema.Find("type");
    if (type.IsString()) return type.StringOr("");
    for (const json::View name : type.items()) {
      if (name.StringOr("") != "null") return name.StringOr("");
    }
    if (type.size() > 0) return "null";
    if (schema.Find("properties").exists()) return "object";
    if (schema.Find("items").exists()) return "array";
    for (const std::string_view bound : {"minimum", "maximum", "multipleOf"}) {
      if (schema.Find(bound).exists()) return "number";
    }
    return "string";
  }

  Result<void> WriteType(std::string_view type, json::View schema, std::size_t depth) {
    if (type == "object") return WriteObject(schema, depth);
    if (type == "array") return WriteArray(schema, depth);
    if (type == "string") return WriteString(schema);
    if (type == "integer" || type == "number") return WriteNumber(schema, type == "integer");
    if (type == "boolean") {
      json_.Bool(words_.random().Below(2) == 1);
    } else if (type == "null") {
      json_.Null();
    } else {
      return Unserved(StrCat("the type ", type));
    }
    return {};
  }

  static bool IsRequired(json::View schema, std::string_view key) {
    return std::ranges::any_of(schema.Find("required").items(),
                               [&](json::View name) { return name.StringOr("") == key; });
  }

  Result<void> WriteObject(json::View schema, std::size_t depth) {
    const json::View properties = schema.Find("properties");
    json_.BeginObject();
    for (const json::Member property : properties.members()) {
      if (depth > kLazyDepth && !IsRequired(schema, property.key)) continue;
      json_.Key(property.key);
      WEIR_CHECK(Write(property.value, depth + 1));
    }
    // A required property that was not declared takes what additionalProperties allows.
    const json::View others = schema.Find("additionalProperties");
    for (const json::View name : schema.Find("required").items()) {
      if (!name.IsString() || properties.Find(name.StringOr("")).exists()) continue;
      json_.Key(name.StringOr(""));
      WEIR_CHECK(Write(others, depth + 1));
    }
    json_.EndObject();
    return {};
  }

  Result<void> WriteArray(json::View schema, std::size_t depth) {
    const auto least = schema.Find("minItems").AsUint64().value_or(0);
    const auto most =
        schema.Find("maxItems").AsUint64().value_or(std::max<std::uint64_t>(least, 3));
    if (least > most) return Unserved("a minItems above its maxItems");
    const std::uint64_t spare = depth > kLazyDepth ? 0 : std::min<std::uint64_t>(most - least, 2);
    const std::uint64_t size = std::max(least, std::min<std::uint64_t>(most, 1)) +
                               (spare > 1 ? words_.random().Below(spare) : 0);
    json_.BeginArray();
    for (std::uint64_t i = 0; i < (depth > kLazyDepth ? least : size); ++i) {
      WEIR_CHECK(Write(schema.Find("items"), depth + 1));
    }
    json_.EndArray();
    return {};
  }

  Result<void> WriteString(json::View schema) {
    const std::string_view format = schema.Find("format").StringOr("");
    const auto known = std::ranges::find(kFormats, format, &Format::name);
    std::string text(known == std::end(kFormats) ? words_.Phrase() : known->example);
    const auto least = schema.Find("minLength").AsUint64().value_or(0);
    const auto most = schema.Find("maxLength").AsUint64().value_or(kMaxBytes);
    if (least > most) return Unserved("a minLength above its maxLength");
    if (least > kMaxBytes) return Unserved("a minLength beyond 1 MiB");
    // At most that many bytes is at most that many characters.
    text = std::string(Utf8Prefix(text, static_cast<std::size_t>(most)));
    for (std::uint64_t length = Characters(text); length < least; ++length) {
      text += "abcdefghijklmnopqrstuvwxyz"[length % 26];
    }
    json_.String(text);
    return {};
  }

  static std::uint64_t Characters(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }

  // Counts in steps of `multipleOf` (1 for integers, a hundredth otherwise) inside the bounds.
  Result<void> WriteNumber(json::View schema, bool integer) {
    const double step = schema.Find("multipleOf").AsDouble().value_or(integer ? 1 : 0.01);
    if (step <= 0 || (integer && step != std::floor(step))) return Unserved("such a multipleOf");
    const auto bound = [&](std::string_view key) { return schema.Find(key).AsDouble(); };
    double low = bound("minimum").value_or(-HUGE_VAL);
    double high = bound("maximum").value_or(HUGE_VAL);
    // 2019-style bounds are numbers; draft 4's were flags beside minimum and maximum.
    if (const auto above = bound("exclusiveMinimum")) low = std::max(low, *above);
    if (const auto below = bound("exclusiveMaximum")) high = std::min(high, *below);
    if (low == -HUGE_VAL) low = high == HUGE_VAL ? 0 : std::min(0.0, high - kUsualSpan);
    if (high == HUGE_VAL) high = std::max(kUsualSpan, low + kUsualSpan);
    double first = std::ceil(low / step);
    double last = std::floor(high / step);
    const bool open_low = schema.Find("exclusiveMinimum").exists() && first * step <= low;
    const bool open_high = schema.Find("exclusiveMaximum").exists() && last * step >= high;
    first += open_low ? 1 : 0;
    last -= open_high ? 1 : 0;
    if (!(first <= last) || last - first > 9e15 || std::abs(last) > 9e15) {
      return Unserved("bounds that leave no number the simulator can find");
    }
    const auto choices = static_cast<std::uint64_t>(last - first) + 1;
    const double count = first + static_cast<double>(words_.random().Below(choices));
    if (integer) {
      json_.Int(static_cast<std::int64_t>(count * step));
    } else {
      // Dividing by a hundred gives the nearest double to the decimal; multiplying does not.
      json_.Double(step == 0.01 ? count / 100 : count * step);
    }
    return {};
  }

  const json::View root_;
  Writer& words_;
  std::string& out_;
  json::Writer json_;
};

}  // namespace

Result<std::string> WriteInstance(json::View schema, Writer& writer) {
  std::string out;
  InstanceWriter instance(schema, writer, out);
  WEIR_CHECK(instance.Write(schema, 0));
  return out;
}

}  // namespace weir::sim
