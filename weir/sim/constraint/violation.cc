#include "weir/sim/constraint/violation.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/schema/generate.h"
#include "weir/sim/constraint/breaking.h"
#include "weir/sim/constraint/decoder_form.h"
#include "weir/sim/constraint/edit.h"
#include "weir/sim/constraint/stretch.h"

namespace weir::sim {
namespace {

using json::Value;
using json::View;

constexpr std::size_t kMaxDepth = 32;
constexpr int kMaxTrials = 300;

// Puts a changed subschema back where it stands: the whole schema, with this place certain to come.
using Rebuild = std::function<Value(View)>;

class Search {
 public:
  Search(View root, std::string_view keyword, schema::Schema check)
      : root_(root), keyword_(keyword), check_(std::move(check)) {}

  std::optional<Stretch> Run() {
    return At(root_, [](View changed) { return Value::CopyOf(changed); });
  }

  bool met() const { return met_; }

 private:
  std::optional<Stretch> At(View schema, const Rebuild& rebuild) {
    if (!schema.IsObject() || depth_ >= kMaxDepth || trials_ >= kMaxTrials) return std::nullopt;
    ++depth_;
    std::optional<Stretch> out;
    if (schema.Find(keyword_).exists()) {
      met_ = true;
      for (const Value& changed : SchemasBreaking(root_, schema, keyword_)) {
        if (out = Try(rebuild(changed)); out) break;
      }
    }
    for (const json::Member member : schema.members()) {
      if (out) break;
      out = Below(schema, member, rebuild);
    }
    --depth_;
    return out;
  }

  std::optional<Stretch> Below(View schema, json::Member member, const Rebuild& rebuild) {
    const std::string_view word = member.key;
    if (word == "properties") return Properties(schema, member.value, rebuild);
    if (word == "items" || word == "prefixItems" || word == "additionalItems") {
      return Items(schema, word, rebuild);
    }
    if (word == "allOf" || word == "anyOf" || word == "oneOf")
      return Branches(schema, word, rebuild);
    if (word == "$ref") return Referred(schema, rebuild);
    if (word == "additionalProperties") {
      return At(member.value,
                [&](View changed) { return rebuild(WithProperty(schema, "extra", changed)); });
    }
    return std::nullopt;
  }

  std::optional<Stretch> Properties(View schema, View properties, const Rebuild& rebuild) {
    for (const json::Member property : properties.members()) {
      auto out = At(property.value, [&](View changed) {
        return rebuild(WithProperty(schema, property.key, changed));
      });
      if (out) return out;
    }
    return std::nullopt;
  }

  std::optional<Stretch> Items(View schema, std::string_view word, const Rebuild& rebuild) {
    const View items = schema.Find(word);
    if (!items.IsArray()) {
      return At(items, [&](View changed) {
        return rebuild(WithItemAt(root_, schema, PrefixOf(schema), changed));
      });
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto out = At(items[i],
                    [&](View changed) { return rebuild(WithItemAt(root_, schema, i, changed)); });
      if (out) return out;
    }
    return std::nullopt;
  }

  std::optional<Stretch> Branches(View schema, std::string_view word, const Rebuild& rebuild) {
    const View branches = schema.Find(word);
    for (std::size_t i = 0; i < branches.size(); ++i) {
      auto out = At(branches[i], [&](View changed) {
        const Value list =
            word == "allOf" ? WithItem(branches, i, changed) : WithItem(View(), 0, changed);
        return rebuild(Edit(schema).Set(word, list).Build());
      });
      if (out) return out;
    }
    return std::nullopt;
  }

  // What is referred to is written out, so that only this use of it changes.
  std::optional<Stretch> Referred(View schema, const Rebuild& rebuild) {
    const std::string ref(schema.Find("$ref").StringOr(""));
    const View target = LocalTarget(root_, ref);
    if (std::ranges::find(inside_, ref) != inside_.end()) return std::nullopt;
    inside_.push_back(ref);
    auto out = At(target, [&](View changed) {
      const View beside = schema.Find("allOf");
      const Value all = WithItem(beside, beside.size(), changed);
      const bool alone = std::ranges::all_of(schema.members(), [](const json::Member& member) {
        return member.key == "$ref" || member.key == "description" || member.key == "title";
      });
      if (alone) return rebuild(changed);
      return rebuild(Edit(schema).Remove({"$ref"}).Set("allOf", all).Build());
    });
    inside_.pop_back();
    return out;
  }

  // The language of a changed schema, if its instances break the keyword alone.
  std::optional<Stretch> Try(const Value& changed) {
    if (++trials_ > kMaxTrials) return std::nullopt;
    const auto compiled = schema::Schema::Compile(changed, {.assert_formats = true});
    if (!compiled) return std::nullopt;
    schema::Generator generator(*compiled, {.max_steps = 2'000, .attempts = 4});
    Random random(1);
    constexpr int kSamples = 6;
    for (int i = 0; i < kSamples; ++i) {
      const Result<Value> instance = generator.Next(random);
      if (!instance) return std::nullopt;
      const std::vector<schema::Violation> found = check_.Check(*instance);
      const bool alone = std::ranges::all_of(
          found, [&](const schema::Violation& v) { return v.keyword == keyword_; });
      if (!alone || found.empty()) return std::nullopt;
    }
    Result<schema::SchemaLanguage> language = DecoderLanguage(DecoderForm(changed));
    if (language && language->language.empty()) language = DecoderLanguage(changed);
    if (!language || language->language.empty()) return std::nullopt;
    Stretch out;
    out.language = std::move(language->language);
    out.check = std::make_shared<const schema::Schema>(check_);
    out.violates = keyword_;
    return out;
  }

  View root_;
  std::string_view keyword_;
  schema::Schema check_;
  std::vector<std::string> inside_;  // the references that led here
  std::size_t depth_ = 0;
  int trials_ = 0;
  bool met_ = false;
};

}  // namespace

Result<Stretch> ViolatingStretch(View schema, std::string_view keyword) {
  WEIR_TRY(schema::Schema check,
           schema::Schema::Compile(schema, {.assert_formats = keyword == "format"}));
  Search search(schema, keyword, std::move(check));
  if (auto found = search.Run()) return *std::move(found);
  return Fail(Code::kUnsupportedConstraint,
              search.met()
                  ? StrCat("no text breaks \"", keyword, "\" of this schema and nothing else")
                  : StrCat("the schema has no \"", keyword, "\" to violate"));
}

}  // namespace weir::sim
