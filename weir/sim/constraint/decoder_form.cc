#include "weir/sim/constraint/decoder_form.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/builder.h"
#include "weir/json/pointer.h"
#include "weir/sim/constraint/edit.h"
#include "weir/sim/constraint/numbers.h"

namespace weir::sim {
namespace {

using json::View;

enum class Shape : std::uint8_t { kOther, kSchema, kList, kMap };

bool OneOf(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// Where subschemas stand that a text is made from; `not`, `if`, `contains` and `propertyNames`
// only judge one.
Shape ShapeOf(std::string_view keyword, View value) {
  constexpr std::string_view kSchemas[] = {
      "additionalProperties", "items", "additionalItems", "then", "else", "unevaluatedItems",
      "unevaluatedProperties"};
  constexpr std::string_view kLists[] = {"allOf", "anyOf", "oneOf", "prefixItems", "items"};
  constexpr std::string_view kMaps[] = {"properties", "patternProperties", "$defs", "definitions",
                                        "dependentSchemas"};
  if (value.IsArray()) return OneOf(keyword, kLists) ? Shape::kList : Shape::kOther;
  if (OneOf(keyword, kSchemas)) return Shape::kSchema;
  return value.IsObject() && OneOf(keyword, kMaps) ? Shape::kMap : Shape::kOther;
}

// How many schemas speak of the same value here.
std::size_t Parties(View schema) {
  constexpr std::string_view kSilent[] = {
      "title",    "description", "default",  "examples",  "$defs", "definitions", "$schema", "$id",
      "$comment", "deprecated",  "readOnly", "writeOnly", "type",  "$anchor",     "nullable"};
  std::size_t count = 0;
  bool own = false;
  for (const json::Member member : schema.members()) {
    if (member.key == "allOf") {
      count += member.value.size();
    } else if (member.key == "if" || member.key == "dependentSchemas" ||
               member.key == "dependencies") {
      count += 2;
    } else if (member.key == "anyOf" || member.key == "oneOf" || member.key == "$ref" ||
               member.key == "$dynamicRef" || member.key == "$recursiveRef") {
      count += 1;
    } else if (!OneOf(member.key, kSilent)) {
      own = true;
    }
  }
  return count + (own ? 1 : 0);
}

class Rewriter {
 public:
  explicit Rewriter(View root) : root_(root) {}

  json::Value Run() {
    FindOpen(root_, "");
    Emit(root_, "");
    return std::move(out_).Finish();
  }

 private:
  // Calls `use` with every subschema and its pointer.
  template <class Use>
  static void ForEach(View schema, const std::string& path, Use use) {
    for (const json::Member member : schema.members()) {
      std::string below = path;
      json::AppendToken(below, member.key);
      const auto child = [&](auto token, View sub) {
        std::string place = below;
        json::AppendToken(place, token);
        use(member.key, sub, std::move(place));
      };
      switch (ShapeOf(member.key, member.value)) {
        case Shape::kOther:
          break;
        case Shape::kSchema:
          use(member.key, member.value, std::move(below));
          break;
        case Shape::kList:
          for (std::size_t i = 0; i < member.value.size(); ++i) child(i, member.value[i]);
          break;
        case Shape::kMap:
          for (const json::Member sub : member.value.members()) child(sub.key, sub.value);
          break;
      }
    }
  }

  void FindOpen(View schema, const std::string& path) {
    if (Parties(schema) > 1) Open(schema, path);
    ForEach(schema, path,
            [this](std::string_view, View sub, const std::string& place) { FindOpen(sub, place); });
  }

  // This schema and all that it is made of share their values with others.
  void Open(View schema, std::string path) {
    std::vector<std::pair<View, std::string>> todo = {{schema, std::move(path)}};
    while (!todo.empty()) {
      const auto [next, place] = std::move(todo.back());
      todo.pop_back();
      if (!next.IsObject() || !open_.insert(place).second) continue;
      ForEach(next, place, [&](std::string_view keyword, View sub, std::string below) {
        if (keyword != "$defs" && keyword != "definitions")
          todo.emplace_back(sub, std::move(below));
      });
      const std::string_view ref = next.Find("$ref").StringOr("");
      const View target = LocalTarget(root_, ref);
      if (target.exists()) todo.emplace_back(target, std::string(ref.substr(1)));
    }
  }

  bool Closes(View schema, const std::string& path) const {
    const View properties = schema.Find("properties");
    if (!properties.IsObject() || open_.contains(path)) return false;
    for (const std::string_view keyword :
         {"additionalProperties", "unevaluatedProperties", "patternProperties"}) {
      if (schema.Find(keyword).exists()) return false;
    }
    if (schema.Find("minProperties").AsDouble().value_or(0) >
        static_cast<double>(properties.size())) {
      return false;
    }
    return std::ranges::all_of(schema.Find("required").items(), [&](View name) {
      return properties.Find(name.StringOr("")).exists();
    });
  }

  void Emit(View schema, const std::string& path) {
    if (!schema.IsObject()) return out_.Copy(schema);
    if (!open_.contains(path)) {
      if (const auto grid = OnGrid(schema)) return out_.Copy(*grid);
    }
    out_.BeginObject();
    for (const json::Member member : schema.members()) {
      out_.Key(member.key);
      std::string below = path;
      json::AppendToken(below, member.key);
      EmitKeyword(member, below);
    }
    if (Closes(schema, path)) {
      out_.Key("additionalProperties");
      out_.Bool(false);
    }
    out_.EndObject();
  }

  void EmitKeyword(json::Member member, const std::string& path) {
    const auto child = [&](auto token, View sub) {
      std::string place = path;
      json::AppendToken(place, token);
      Emit(sub, place);
    };
    switch (ShapeOf(member.key, member.value)) {
      case Shape::kOther:
        return out_.Copy(member.value);
      case Shape::kSchema:
        return Emit(member.value, path);
      case Shape::kList:
        out_.BeginArray();
        for (std::size_t i = 0; i < member.value.size(); ++i) child(i, member.value[i]);
        return out_.EndArray();
      case Shape::kMap:
        out_.BeginObject();
        for (const json::Member sub : member.value.members()) {
          out_.Key(sub.key);
          child(sub.key, sub.value);
        }
        return out_.EndObject();
    }
  }

  View root_;
  std::set<std::string> open_;  // pointers of the schemas that stay as they are
  json::Builder out_;
};

}  // namespace

json::Value DecoderForm(View schema) { return Rewriter(schema).Run(); }

}  // namespace weir::sim
