#pragma once

// Reader: the visitor that fills a configuration from a document. It goes on after a mistake, so
// that all of them can be told.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/env.h"
#include "weir/config/config.h"
#include "weir/config/keys.h"
#include "weir/json/yaml.h"

namespace weir::config {

// What the sections of one file share while it is read.
struct Reading {
  struct Problem {
    json::Mark mark;
    Error error;
  };
  struct Source {
    json::Mark mark;
    std::string text;
  };

  const json::YamlDocument& document;
  const Env& env;
  std::map<std::string, Source, std::less<>> sources;  // by the pointer of Origin
  std::vector<std::string> notes;
  std::vector<Problem> problems;

  void Wrong(json::Mark mark, std::string_view key, std::string_view what);
  // The problems in the order of the file; of very many, the first that were noticed.
  std::vector<Error> Errors() &&;
};

class Reader final : public Visitor {
 public:
  // The section at `pointer` in the document, which is `path` in the effective configuration.
  Reader(Reading& shared, std::string pointer, std::string path);

  // The section itself is the map or list of things, without a key in front of it.
  void Whole(const Key& key, const NamedItems& items);
  // After the description: keys that nobody asked for.
  void Finish();

  void Field(const Key& key, std::string& value) override;
  void Field(const Key& key, bool& value) override;
  void Field(const Key& key, std::int64_t& value) override;
  void Field(const Key& key, double& value) override;
  void Field(const Key& key, Duration& value) override;
  void Field(const Key& key, std::vector<std::string>& value) override;
  void Field(const Key& key, std::vector<std::int64_t>& value) override;
  void Field(const Key& key, std::map<std::string, std::string>& value) override;
  void Field(const Key& key, json::Value& value) override;
  void Field(const Key& key, std::optional<bool>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<std::int64_t>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<double>& value) override { Optional(key, value); }
  void Field(const Key& key, std::optional<Duration>& value) override { Optional(key, value); }
  void Word(const Key& key, const Words& words, std::size_t& index) override;
  void Section(const Key& key, const Describer& describe) override;
  void Named(const Key& key, const NamedItems& items) override;
  void Others(const Key& key,
              std::map<std::string, std::vector<std::string>, std::less<>>& value) override;

  bool reads() const override { return true; }
  void Problem(std::string_view key, std::string_view what) override;
  void Unusable(std::optional<Error>& slot) override { unusable_ = &slot; }
  void CameFrom(std::string_view key, std::string_view source) override;
  bool Has(const Key& key) const override;
  void Elsewhere(std::string_view key, std::string_view place) override {
    elsewhere_.emplace(key, place);
  }

 private:
  // One value in the document.
  struct Spot {
    json::View value;  // absent: the file does not say
    std::string pointer;
    std::string_view spelled;

    bool says() const { return value.exists() && !value.IsNull(); }
  };

  Spot Find(const Key& key);
  Spot Look(const Key& key) const;
  void Conflicts(const Key& key, const Spot& spot);
  // Notes where the value came from.
  void Took(const Key& key, const Spot& spot, std::string_view variable = {});
  void Wrong(const Spot& spot, std::string_view what);
  void WrongKind(const Spot& spot, std::string_view expected);
  // The text with its variables; nullopt when one is missing (which has been told).
  std::optional<std::string> TextOf(const Key& key, const Spot& spot, std::string_view written,
                                    std::string* used = nullptr);
  std::optional<std::string> TextOf(const Key& key, const Spot& spot, std::string* used = nullptr);
  std::optional<double> NumberOf(const Key& key, const Spot& spot, std::string_view expected);
  void MissingVariable(const Spot& spot, std::string_view what);
  std::optional<std::vector<std::string>> TextsOf(const Key& key, const Spot& spot);
  json::Value Expanded(const Key& key, const Spot& spot);
  void Item(const Key& key, const NamedItems& items, const Spot& spot, const std::string& name);
  // After the description of an item of that name.
  void FinishItem(const std::string& name);
  void ListItem(const Key& key, const NamedItems& items, Spot spot, std::vector<std::string>& seen);
  void AllItems(const Key& key, const NamedItems& items, const Spot& spot);
  // What the variable of that name holds; nullopt when it is none (which has been told).
  std::optional<std::string> VariableOf(const Spot& spot, std::string_view name);
  std::string PlainAdvice() const;
  std::string AdviceOn(std::string_view unknown) const;
  Reader Inside(const Key& key, const Spot& spot, std::string path) const;
  std::string PathOf(const Key& key) const;

  template <class T>
  void Optional(const Key& key, std::optional<T>& value) {
    const Spot spot = Look(key);
    const bool unset =
        spot.value.IsNull() || (!key.plain.empty() && spot.value.StringOr("") == key.plain);
    if (unset) {
      value.reset();
      Took(key, Find(key));
    } else if (!spot.says()) {
      Find(key);
    } else {
      T inner{};
      const std::size_t before = taken_;
      Field(key, inner);
      if (taken_ != before) value = inner;
    }
  }

  Reading& shared_;
  std::string pointer_;
  std::string path_;
  json::View object_;
  std::string plain_key_;  // when a plain value stands in the section's place: the key it is for
  std::vector<std::string> known_;  // keys that may be there, under all spellings
  std::map<std::string, std::string, std::less<>> elsewhere_;  // keys, and where they belong
  std::string name_;   // of the section, as it is written; empty: it has none
  std::string meant_;  // the key inside that a plain value in its place may be meant for
  bool takes_others_ = false;
  std::size_t taken_ = 0;  // values that were
  std::optional<Error>* unusable_ = nullptr;
};

}  // namespace weir::config
