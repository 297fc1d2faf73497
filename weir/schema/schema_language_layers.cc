#include "weir/schema/schema_language_layers.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::schema::internal {
namespace {

using json::View;

constexpr std::string_view kNeverEnforced[] = {"not",
                                               "if",
                                               "dependentRequired",
                                               "dependentSchemas",
                                               "dependencies",
                                               "contains",
                                               "uniqueItems",
                                               "multipleOf",
                                               "propertyNames",
                                               "minProperties",
                                               "maxProperties",
                                               "unevaluatedItems",
                                               "unevaluatedProperties",
                                               "$dynamicRef",
                                               "$recursiveRef"};

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    if (digits.size() != 2 || !std::ranges::all_of(digits, IsHexDigit)) return std::nullopt;
    out += static_cast<char>(HexValue(digits[0]) * 16 + HexValue(digits[1]));
    i += 2;
  }
  return out;
}

// Only pointers into the same document.
std::optional<Layer> Target(View root, std::string_view ref) {
  if (!ref.starts_with('#')) return std::nullopt;
  const auto pointer = PercentDecode(ref.substr(1));
  if (!pointer) return std::nullopt;
  const auto found = json::Resolve(root, *pointer);
  if (!found || (!found->IsObject() && !found->IsBool())) return std::nullopt;
  return Layer{.schema = *found, .path = StrCat("#", *pointer)};
}

// The boolean with which a keyword asks for nothing.
bool IdleWhen(std::string_view keyword) { return keyword != "uniqueItems" && keyword != "not"; }

}  // namespace

std::string Layer::Key() const {
  return StrCat(path, any_of_done ? "\x01" : "", one_of_done ? "\x02" : "",
                flattened ? "\x03" : "");
}

void Unenforced::Add(const Layer& layer, std::string_view keyword, std::string_view why) {
  std::string entry = layer.path;
  json::AppendToken(entry, keyword);
  if (!why.empty()) StrAppend(entry, " (", why, ")");
  if (known_.insert(entry).second) list_.push_back(std::move(entry));
}

Layer Follow(View root, Layer layer) {
  constexpr int kLongestChain = 64;
  for (int i = 0; i < kLongestChain; ++i) {
    const View ref = layer.schema.Find("$ref");
    if (!ref.IsString() || layer.schema.size() != 1) break;
    auto target = Target(root, ref.StringOr(""));
    if (!target) break;
    layer = *std::move(target);
  }
  return layer;
}

Layer Below(const Layer& layer, std::string_view token, View schema) {
  Layer out{.schema = schema, .path = layer.path};
  json::AppendToken(out.path, token);
  return out;
}

std::optional<std::vector<Layer>> Flatten(View root, std::vector<Layer> layers, bool ref_alone,
                                          Unenforced& unenforced) {
  std::vector<Layer> out;
  std::set<std::string> seen;
  std::ranges::reverse(layers);  // a stack, so that the order is that of the text
  while (!layers.empty()) {
    Layer layer = std::move(layers.back());
    layers.pop_back();
    // The same schema twice says nothing new: where it holds, one choice of branches is enough.
    if (!seen.insert(layer.path).second) continue;
    if (layer.schema.IsBool() && !layer.schema.BoolOr(true)) return std::nullopt;
    if (!layer.schema.IsObject()) continue;
    if (layer.flattened) {
      out.push_back(std::move(layer));
      continue;
    }
    layer.flattened = true;
    const View all_of = layer.schema.Find("allOf");
    const View ref = layer.schema.Find("$ref");
    const bool only_ref = ref.IsString() && ref_alone;
    if (!only_ref) {
      for (std::size_t i = all_of.size(); i-- > 0;) {
        layers.push_back(Below(Below(layer, "allOf", all_of), StrCat(i), all_of[i]));
      }
    }
    if (ref.IsString()) {
      if (auto target = Target(root, ref.StringOr(""))) {
        layers.push_back(*std::move(target));
      } else {
        unenforced.Add(layer, "$ref", "not a pointer into this document");
      }
    }
    if (!only_ref) out.push_back(std::move(layer));
  }
  return out;
}

std::vector<Layer> MemberLayers(const std::vector<Layer>& layers,
                                std::optional<std::string_view> name) {
  std::vector<Layer> out;
  for (const Layer& layer : layers) {
    const View properties = layer.schema.Find("properties");
    const View declared = name ? properties.Find(*name) : View();
    const View additional = layer.schema.Find("additionalProperties");
    if (declared.exists()) {
      out.push_back(Below(Below(layer, "properties", properties), *name, declared));
    } else if (additional.exists() && layer.schema.Find("patternProperties").empty()) {
      out.push_back(Below(layer, "additionalProperties", additional));
    }
  }
  return out;
}

std::size_t PrefixSize(const std::vector<Layer>& layers) {
  std::size_t out = 0;
  for (const Layer& layer : layers) {
    const View items = layer.schema.Find("items");
    const View prefix = items.IsArray() ? items : layer.schema.Find("prefixItems");
    out = std::max(out, prefix.IsArray() ? prefix.size() : 0);
  }
  return out;
}

std::vector<Layer> ItemLayers(const std::vector<Layer>& layers, std::size_t index) {
  std::vector<Layer> out;
  for (const Layer& layer : layers) {
    const bool old = layer.schema.Find("items").IsArray();
    const std::string_view prefix_word = old ? "items" : "prefixItems";
    const std::string_view rest_word = old ? "additionalItems" : "items";
    const View prefix = layer.schema.Find(prefix_word);
    const View rest = layer.schema.Find(rest_word);
    if (prefix.IsArray() && index < prefix.size()) {
      out.push_back(Below(Below(layer, prefix_word, prefix), StrCat(index), prefix[index]));
    } else if (rest.exists()) {
      out.push_back(Below(layer, rest_word, rest));
    }
  }
  return out;
}

void ReportUnknown(const std::vector<Layer>& layers, bool formats, Unenforced& unenforced) {
  for (const Layer& layer : layers) {
    for (const std::string_view keyword : kNeverEnforced) {
      const View value = layer.schema.Find(keyword);
      const bool idle = value.IsBool() && value.BoolOr(false) == IdleWhen(keyword) &&
                        keyword != "contains" && keyword != "if";
      if (value.exists() && !idle) unenforced.Add(layer, keyword);
    }
    const std::string_view format = layer.schema.Find("format").StringOr("");
    constexpr std::string_view kKnown[] = {"date", "time", "date-time", "uuid"};
    if (formats && !format.empty() && std::ranges::find(kKnown, format) == std::end(kKnown)) {
      unenforced.Add(layer, "format");
    }
  }
}

}  // namespace weir::schema::internal
