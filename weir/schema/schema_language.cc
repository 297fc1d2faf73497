#include "weir/schema/schema_language.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "weir/base/text.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema_language_layers.h"
#include "weir/schema/schema_language_text.h"

namespace weir::schema {
namespace {

using internal::Layer;
using json::View;
using TextNode = internal::JsonText::Node;
using Layers = std::vector<Layer>;

constexpr std::string_view kTypes[] = {"null",   "boolean", "integer", "number",
                                       "string", "array",   "object"};

bool IsOfType(View value, std::string_view type) {
  if (type == "integer") {
    const auto number = value.AsDouble();
    return value.AsInt64() || value.AsUint64() || (number && std::trunc(*number) == *number);
  }
  return json::KindName(value.kind()) == type;
}

class SchemaCompiler {
 public:
  SchemaCompiler(View root, const SchemaTextOptions& options)
      : root_(root), options_(options), text_(grammar_, options) {}

  Result<SchemaLanguage> Run() {
    if (!root_.IsObject() && !root_.IsBool()) {
      return Fail(Code::kInvalidSchema, "a schema is an object, true or false; this is neither");
    }
    const TextNode value = Schema({{.schema = root_, .path = "#"}});
    const std::uint32_t start = text_.NewRule("text");
    text_.SetRule(start, text_.Concat({text_.Space(), value, text_.Space()}));
    grammar_.start = start;
    while (!todo_.empty() && grammar_.rules.size() <= options_.max_rules) {
      const Pending next = std::move(todo_.back());
      todo_.pop_back();
      text_.SetRule(next.rule, Compile(next.layers));
    }
    if (too_deep_ || grammar_.rules.size() > options_.max_rules) {
      return Fail(Code::kUnsupportedSchema,
                  too_deep_ ? StrCat("a constant of the schema nests deeper than ",
                                     options_.max_depth, "; raise max_depth")
                            : StrCat("the schema needs more than ", options_.max_rules,
                                     " grammar rules; raise max_rules or make it smaller"));
    }
    Result<Language> language = LanguageOfGrammar(grammar_, options_.language);
    if (!language) {
      return Fail(Code::kUnsupportedSchema,
                  "the schema needs more states than max_states; lower its repetition bounds",
                  language.error().message);
    }
    return SchemaLanguage{*std::move(language), unenforced_.Take()};
  }

 private:
  struct Pending {
    std::uint32_t rule;
    Layers layers;
  };

  // The texts of the values for which all layers hold. Every combination is compiled once, which
  // is also what ends recursion.
  TextNode Schema(const Layers& layers) {
    Layers followed;
    std::vector<std::string> keys;
    for (const Layer& layer : layers) {
      followed.push_back(internal::Follow(root_, layer));
      keys.push_back(followed.back().Key());
    }
    std::ranges::sort(keys);
    const auto same = std::ranges::unique(keys);
    keys.erase(same.begin(), same.end());
    const auto [place, added] = rules_.try_emplace(Join(keys, "\n"), 0);
    if (added) {
      place->second = text_.NewRule({});
      todo_.push_back({place->second, std::move(followed)});
    }
    return text_.Call(place->second);
  }

  TextNode Compile(const Layers& unflattened) {
    auto flat = internal::Flatten(root_, unflattened, RefAlone(), unenforced_);
    if (!flat) return text_.Nothing();
    const Layers& layers = *flat;
    if (auto choice = Choice(layers)) return *choice;
    internal::ReportUnknown(layers, options_.assert_formats, unenforced_);
    if (auto constants = Constants(layers)) return *constants;

    std::vector<TextNode> ways;
    const std::vector<std::string_view> types = Types(layers);
    const bool constrained = std::ranges::any_of(layers, [](const Layer& l) {
      return std::ranges::any_of(l.schema.members(), [](const json::Member& m) {
        return m.key != "description" && m.key != "title" && m.key != "default" &&
               m.key != "$defs" && m.key != "definitions" && m.key != "$schema";
      });
    });
    if (!constrained) return text_.AnyValue();
    for (const std::string_view type : types) ways.push_back(OfType(type, layers));
    return text_.Either(std::move(ways));
  }

  bool RefAlone() const {
    const std::string_view dialect = root_.Find("$schema").StringOr("");
    return dialect.empty() ? options_.draft_7 : dialect.find("draft-0") != dialect.npos;
  }

  // The first anyOf or oneOf, each branch together with everything beside it.
  std::optional<TextNode> Choice(const Layers& layers) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      for (const std::string_view keyword : {"anyOf", "oneOf"}) {
        const bool one = keyword == "oneOf";
        const View branches = layers[i].schema.Find(keyword);
        if ((one ? layers[i].one_of_done : layers[i].any_of_done) || !branches.IsArray()) continue;
        if (one && branches.size() > 1) unenforced_.Add(layers[i], keyword, "taken as anyOf");
        Layers rest = layers;
        (one ? rest[i].one_of_done : rest[i].any_of_done) = true;
        std::vector<TextNode> ways;
        for (std::size_t b = 0; b < branches.size(); ++b) {
          Layers with = rest;
          with.push_back(Below(Below(layers[i], keyword, branches), StrCat(b), branches[b]));
          ways.push_back(Schema(with));
        }
        return text_.Either(std::move(ways));
      }
    }
    return std::nullopt;
  }

  std::vector<std::string_view> Types(const Layers& layers) const {
    std::vector<std::string_view> out(std::begin(kTypes), std::end(kTypes));
    bool named = false;
    for (const Layer& layer : layers) {
      const View type = layer.schema.Find("type");
      if (!type.exists()) continue;
      named = true;
      const auto allowed = [&](std::string_view name) {
        if (type.IsString()) return type.StringOr("") == name;
        const auto items = type.items();
        return std::any_of(items.begin(), items.end(),
                           [&](View item) { return item.StringOr("") == name; });
      };
      std::erase_if(out, [&](std::string_view name) {
        return !allowed(name) && !(name == "integer" && allowed("number"));
      });
    }
    // A number is every integer too.
    if (!named || std::ranges::find(out, "number") != out.end()) std::erase(out, "integer");
    return out;
  }

  std::optional<TextNode> Constants(const Layers& layers) {
    const std::vector<std::string_view> types = Types(layers);
    std::optional<TextNode> out;
    for (const Layer& layer : layers) {
      for (const std::string_view keyword : {"const", "enum"}) {
        const View value = layer.schema.Find(keyword);
        if (!value.exists()) continue;
        if (out) {
          unenforced_.Add(layer, keyword, "beside another enum or const");
          continue;
        }
        std::vector<TextNode> ways;
        const auto add = [&](View constant) {
          const auto fits = [&](std::string_view type) { return IsOfType(constant, type); };
          if (std::ranges::any_of(types, fits)) ways.push_back(Constant(constant, 0));
        };
        if (keyword == "const") {
          add(value);
        } else {
          for (const View item : value.items()) add(item);
        }
        out = text_.Either(std::move(ways));
      }
    }
    if (out) ReportBesideConstants(layers);
    return out;
  }

  void ReportBesideConstants(const Layers& layers) {
    constexpr std::string_view kOthers[] = {
        "properties",        "required",    "additionalProperties",
        "patternProperties", "items",       "minItems",
        "maxItems",          "prefixItems", "additionalItems",
        "minLength",         "maxLength",   "pattern",
        "minimum",           "maximum",     "exclusiveMinimum",
        "exclusiveMaximum"};
    for (const Layer& layer : layers) {
      for (const std::string_view keyword : kOthers) {
        if (layer.schema.Find(keyword).exists()) {
          unenforced_.Add(layer, keyword, "beside enum or const");
        }
      }
    }
  }

  TextNode Constant(View value, std::size_t depth) {
    if (depth > options_.max_depth) {
      too_deep_ = true;
      return text_.Nothing();
    }
    switch (value.kind()) {
      case json::Kind::kAbsent:
      case json::Kind::kNull:
        return text_.Text("null");
      case json::Kind::kBool:
        return text_.Text(value.BoolOr(false) ? "true" : "false");
      case json::Kind::kNumber:
        return text_.Number(value.NumberText());
      case json::Kind::kString:
        return text_.String(value.StringOr(""));
      case json::Kind::kArray: {
        std::vector<TextNode> parts;
        for (const View item : value.items()) {
          if (!parts.empty()) parts.push_back(text_.Comma());
          parts.push_back(Constant(item, depth + 1));
        }
        return text_.Braced('[', text_.Concat(std::move(parts)), ']');
      }
      case json::Kind::kObject:
        break;
    }
    std::vector<Entry> entries;
    for (const json::Member member : value.members()) {
      entries.push_back({Entrance(member.key, Constant(member.value, depth + 1)), true});
    }
    return Object(entries, std::nullopt);
  }

  TextNode OfType(std::string_view type, const Layers& layers) {
    if (type == "null") return text_.Text("null");
    if (type == "boolean") return text_.Either({text_.Text("true"), text_.Text("false")});
    if (type == "integer") return Integer(layers);
    if (type == "number") {
      ReportBounds(layers, "only enforced for integers");
      return text_.AnyNumber();
    }
    if (type == "string") return String(layers);
    if (type == "array") return Array(layers);
    return ObjectOf(layers);
  }

  static constexpr std::array<std::string_view, 4> kBounds = {
      "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

  void ReportBounds(const Layers& layers, std::string_view why) {
    for (const Layer& layer : layers) {
      for (const std::string_view keyword : kBounds) {
        if (layer.schema.Find(keyword).exists()) unenforced_.Add(layer, keyword, why);
      }
    }
  }

  TextNode Integer(const Layers& layers) {
    constexpr double kExact = 1e15;  // doubles and integers are the same up to here
    std::optional<std::int64_t> low;
    std::optional<std::int64_t> high;
    for (const Layer& layer : layers) {
      for (const std::string_view keyword : kBounds) {
        const View bound = layer.schema.Find(keyword);
        if (!bound.exists()) continue;
        const auto value = bound.AsDouble();
        if (!value || std::abs(*value) > kExact) {
          unenforced_.Add(layer, keyword, "too large");
          continue;
        }
        if (keyword == "minimum" || keyword == "exclusiveMinimum") {
          const auto least = keyword == "minimum" ? std::ceil(*value) : std::floor(*value) + 1;
          low = std::max(low.value_or(INT64_MIN), static_cast<std::int64_t>(least));
        } else {
          const auto most = keyword == "maximum" ? std::floor(*value) : std::ceil(*value) - 1;
          high = std::min(high.value_or(INT64_MAX), static_cast<std::int64_t>(most));
        }
      }
    }
    if (options_.every_spelling) ReportBounds(layers, "not for numbers with an exponent");
    return text_.Integer(low, high);
  }

  // The strictest of a bound over all layers; one above max_repeat does not count.
  std::uint32_t Bound(const Layers& layers, std::string_view keyword, bool least) {
    std::uint32_t out = least ? 0 : kNoLimit;
    for (const Layer& layer : layers) {
      const View bound = layer.schema.Find(keyword);
      if (!bound.exists()) continue;
      const auto value = bound.AsUint64();
      if (!value || *value > options_.max_repeat) {
        unenforced_.Add(layer, keyword, "above max_repeat");
      } else if (least) {
        out = std::max(out, static_cast<std::uint32_t>(*value));
      } else {
        out = std::min(out, static_cast<std::uint32_t>(*value));
      }
    }
    return out;
  }

  TextNode String(const Layers& layers) {
    std::optional<TextNode> content;
    for (const Layer& layer : layers) {
      const View pattern = layer.schema.Find("pattern");
      if (!pattern.IsString()) continue;
      if (content) {
        unenforced_.Add(layer, "pattern", "beside another pattern");
        continue;
      }
      const Result<void> parsed =
          ParseRegexInto(text_.body(), pattern.StringOr(""), RegexOptions());
      if (!parsed) {
        unenforced_.Add(layer, "pattern", parsed.error().message);
        continue;
      }
      const TextNode found = text_.body().root;
      content = text_.Concat({text_.AnyChars(), found, text_.AnyChars()});
    }
    for (const Layer& layer : layers) {
      const auto format = Format(layer.schema.Find("format").StringOr(""));
      if (format.empty()) continue;
      if (content) {
        unenforced_.Add(layer, "format", "beside a pattern");
      } else {
        content = text_.Pattern(format);
      }
    }
    if (!content) {
      const std::uint32_t min = Bound(layers, "minLength", true);
      const std::uint32_t max = Bound(layers, "maxLength", false);
      if (min > max) return text_.Nothing();
      return text_.Quoted(text_.body().AddRepeat(text_.Char(), min, max));
    }
    for (const Layer& layer : layers) {
      for (const std::string_view keyword : {"minLength", "maxLength"}) {
        if (layer.schema.Find(keyword).exists()) {
          unenforced_.Add(layer, keyword, "beside a pattern or format");
        }
      }
    }
    return text_.Quoted(*content);
  }

  std::string_view Format(std::string_view name) const {
    if (!options_.assert_formats) return {};
    if (name == "date") return "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    if (name == "time") {
      return "([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?"
             "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    }
    if (name == "date-time") {
      return "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]"
             "([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\\.[0-9]+)?"
             "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    }
    if (name == "uuid") return "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
    return {};
  }

  TextNode Array(const Layers& layers) {
    const std::uint32_t min = Bound(layers, "minItems", true);
    const std::uint32_t max = Bound(layers, "maxItems", false);
    if (min > max) return text_.Nothing();
    const auto prefix = static_cast<std::uint32_t>(
        std::min<std::size_t>(internal::PrefixSize(layers), options_.max_repeat));
    const auto item = [&](std::size_t index) {
      return index < prefix ? Schema(internal::ItemLayers(layers, index)) : Rest(layers);
    };
    const auto following = [&](std::size_t index) {
      return text_.Concat({text_.Comma(), item(index)});
    };
    if (max == 0) return text_.Braced('[', text_.Empty(), ']');
    // From the back: what may follow once i items are there.
    const std::uint32_t shown = std::min(std::max(prefix, 1u), max);
    const std::uint32_t more = max == kNoLimit ? kNoLimit : max - shown;
    const std::uint32_t needed = min > shown ? min - shown : 0;
    TextNode tail = text_.body().AddRepeat(following(kRestIndex), needed, more);
    for (std::uint32_t i = shown - 1; i > 0; --i) {
      tail = text_.Concat({following(i), tail});
      if (i >= min) tail = text_.Maybe(tail);
      if (i % 16 == 0) tail = text_.Shared(tail);
    }
    TextNode all = text_.Concat({item(0), tail});
    if (min == 0) all = text_.Maybe(all);
    return text_.Braced('[', all, ']');
  }

  static constexpr std::size_t kRestIndex = internal::kRest;

  TextNode Rest(const Layers& layers) {
    return Schema(internal::ItemLayers(layers, internal::kRest));
  }

  struct Entry {
    TextNode node;  // one whole member, a rule of its own
    bool required;
  };

  TextNode Entrance(std::string_view name, TextNode value) {
    return text_.Shared(text_.Member(text_.String(name), value));
  }

  TextNode ObjectOf(const Layers& layers) {
    std::vector<std::string> names;
    std::vector<std::string> required;
    const auto add = [](std::vector<std::string>& list, std::string_view name) {
      if (std::ranges::find(list, name) == list.end()) list.emplace_back(name);
    };
    for (const Layer& layer : layers) {
      for (const json::Member member : layer.schema.Find("properties").members()) {
        add(names, member.key);
      }
    }
    for (const Layer& layer : layers) {
      for (const View name : layer.schema.Find("required").items()) {
        if (!name.IsString()) continue;
        add(names, name.StringOr(""));
        add(required, name.StringOr(""));
      }
    }
    std::vector<Entry> entries;
    for (const std::string& name : names) {
      const bool needed = std::ranges::find(required, name) != required.end();
      const TextNode value = Schema(internal::MemberLayers(layers, name));
      entries.push_back({Entrance(name, value), needed});
    }
    LimitRequired(layers, entries);
    return Object(entries, Extra(layers, names));
  }

  void LimitRequired(const Layers& layers, std::vector<Entry>& entries) {
    if (options_.order == SchemaTextOptions::Order::kDeclared) return;
    std::size_t count = 0;
    for (Entry& entry : entries) {
      if (entry.required && ++count > options_.max_ordered_required) entry.required = false;
    }
    if (count <= options_.max_ordered_required) return;
    for (const Layer& layer : layers) {
      if (layer.schema.Find("required").exists()) {
        unenforced_.Add(layer, "required",
                        StrCat("only the first ", options_.max_ordered_required));
      }
    }
  }

  // A member of a name that is not declared; nullopt if there can be none.
  std::optional<TextNode> Extra(const Layers& layers, const std::vector<std::string>& names) {
    std::vector<TextNode> ways;
    std::size_t with_patterns = 0;
    for (const Layer& layer : layers) {
      if (!layer.schema.Find("patternProperties").empty()) ++with_patterns;
    }
    bool open = true;  // names that match no pattern
    for (const Layer& layer : layers) {
      const View patterns = layer.schema.Find("patternProperties");
      if (patterns.empty()) continue;
      const View additional = layer.schema.Find("additionalProperties");
      const bool closed = additional.IsBool() && !additional.BoolOr(true);
      if (with_patterns > 1 || !closed || !PatternMembers(layer, patterns, layers, ways)) {
        unenforced_.Add(layer, "patternProperties");
        if (closed) unenforced_.Add(layer, "additionalProperties", "beside patternProperties");
        ways.clear();
      } else {
        open = false;
      }
    }
    if (open)
      ways.push_back(
          text_.Member(Key(names), Schema(internal::MemberLayers(layers, std::nullopt))));
    // Nothing is left when the schema of the others is `false`.
    return text_.Shared(text_.Either(std::move(ways)));
  }

  bool PatternMembers(const Layer& layer, View patterns, const Layers& layers,
                      std::vector<TextNode>& ways) {
    const Layer base = Below(layer, "patternProperties", patterns);
    for (const json::Member member : patterns.members()) {
      if (!ParseRegexInto(text_.body(), member.key, RegexOptions())) return false;
      const TextNode found = text_.body().root;
      const TextNode key = text_.Quoted(text_.Concat({text_.AnyChars(), found, text_.AnyChars()}));
      Layers value = internal::MemberLayers(layers, std::nullopt);
      value.push_back(Below(base, member.key, member.value));
      ways.push_back(text_.Member(key, Schema(value)));
    }
    return true;
  }

  // A name that is not in the list. Very long ones would make the expression deep.
  TextNode Key(const std::vector<std::string>& names) {
    constexpr std::size_t kLong = 100;
    std::vector<std::string> kept;
    for (const std::string& name : names) {
      if (name.size() <= kLong) kept.push_back(name);
    }
    return text_.StringsExcept(kept);
  }

  TextNode Object(const std::vector<Entry>& entries, std::optional<TextNode> extra) {
    const TextNode inside = options_.order == SchemaTextOptions::Order::kDeclared
                                ? InOrder(entries, extra)
                                : InAnyOrder(entries, extra);
    return text_.Braced('{', inside, '}');
  }

  TextNode More(TextNode member) { return text_.Concat({text_.Comma(), member}); }

  TextNode InOrder(const std::vector<Entry>& entries, std::optional<TextNode> extra) {
    // behind: what may follow once a member is there; ahead: all, as long as none is.
    TextNode behind = text_.Empty();
    TextNode ahead = text_.Empty();
    if (extra) {
      behind = text_.Shared(text_.body().AddRepeat(More(*extra), 0, kNoLimit));
      ahead = text_.Maybe(text_.Concat({*extra, behind}));
    }
    for (std::size_t i = entries.size(); i-- > 0;) {
      const auto& [member, required] = entries[i];
      const TextNode first = text_.Concat({member, behind});
      ahead = required ? first : text_.Shared(text_.Either({first, ahead}));
      const TextNode next = More(member);
      behind = text_.Shared(text_.Concat({required ? next : text_.Maybe(next), behind}));
    }
    return ahead;
  }

  TextNode InAnyOrder(const std::vector<Entry>& entries, std::optional<TextNode> extra) {
    std::vector<TextNode> all;
    std::vector<TextNode> needed;
    for (const Entry& entry : entries) {
      all.push_back(entry.node);
      if (entry.required) needed.push_back(entry.node);
    }
    if (extra) all.push_back(*extra);
    const TextNode any = text_.Shared(text_.Either(all));
    const TextNode more = text_.body().AddRepeat(More(any), 0, kNoLimit);
    // By the set of required names that are there: the rest of the object behind a member.
    const std::size_t sets = std::size_t{1} << needed.size();
    std::vector<TextNode> rest(sets);
    for (std::size_t set = sets; set-- > 0;) {
      std::vector<TextNode> ways;
      if (set == sets - 1) ways.push_back(text_.Empty());
      for (std::size_t i = 0; i < needed.size(); ++i) {
        const std::size_t bit = std::size_t{1} << i;
        if ((set & bit) == 0) ways.push_back(text_.Concat({More(needed[i]), rest[set | bit]}));
      }
      rest[set] = text_.Shared(text_.Concat({more, text_.Either(std::move(ways))}));
    }
    std::vector<TextNode> ways = {text_.Concat({any, rest[0]})};
    if (needed.empty()) ways.push_back(text_.Empty());
    for (std::size_t i = 0; i < needed.size(); ++i) {
      ways.push_back(text_.Concat({needed[i], rest[std::size_t{1} << i]}));
    }
    return text_.Either(std::move(ways));
  }

  View root_;
  const SchemaTextOptions& options_;
  Grammar grammar_;
  internal::JsonText text_;
  internal::Unenforced unenforced_;
  std::map<std::string, std::uint32_t> rules_;
  std::vector<Pending> todo_;
  bool too_deep_ = false;
};

}  // namespace

Result<SchemaLanguage> LanguageOfSchema(View schema, const SchemaTextOptions& options) {
  return SchemaCompiler(schema, options).Run();
}

}  // namespace weir::schema
