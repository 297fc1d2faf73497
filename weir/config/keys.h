#pragma once

// The keys of weir.yaml are described once, by functions that show each field of a struct to a
// Visitor with its name and a sentence about it. Reading a file, showing a configuration, the JSON
// Schema for editors and docs/configuration.md are four visitors over the same description.

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/error.h"
#include "weir/json/value.h"

namespace weir::config {

// The numbers that a field may have.
struct Range {
  std::optional<double> least;
  std::optional<double> most;
  bool above = false;  // `least` itself is out
};

inline constexpr Range kAny{};
constexpr Range AtLeast(double least) { return {.least = least}; }
constexpr Range Above(double least) { return {.least = least, .above = true}; }
constexpr Range Within(double least, double most) { return {.least = least, .most = most}; }

inline constexpr double kMostSeconds = 1e9;  // of any time that can be set

// As people write it: 1000000, not 1e+06.
std::string PlainNumber(double value);
std::string PlainSeconds(Duration time);  // 1.5

struct Key {
  std::string_view name;
  std::vector<std::string_view> aliases;  // older or foreign spellings; they are noted
  std::string_view about;                 // one sentence or less, without a full stop
  Range range = {};
  // "retry.max_retries": this key is a short way to write that one, beside it; it is read, but
  // never shown. Empty: a key of its own.
  std::string_view short_for = {};
  // Of a text: the file names a variable, and the field gets what stands in it.
  bool names_variable = false;
  // Of an optional: the word that means "unset". Of a section: the key inside that a plain value in
  // the section's place is meant for.
  std::string_view plain = {};
  // Of a section: the key inside that a plain value in its place may be meant for. It is not read,
  // but told.
  std::string_view meant = {};
  // Of a text: $NAME and no more is a slip for ${NAME}, not a text.
  bool wants_braces = false;
  bool has_variables = true;  // false: ${...} in its texts is left alone
};

// The words of an enumeration, in the order of its enumerators.
struct Words {
  struct Alias {
    std::string_view word;
    std::size_t index = 0;
    std::string_view refusal = {};  // why the word is not taken, and what to write instead
    bool noted = true;              // as an older spelling
  };

  std::vector<std::string_view> words;
  std::vector<Alias> aliases = {};
};

class Visitor;

// A map (or list) of things that have names: `engines`, `profiles`, `adapters`.
struct NamedItems {
  std::function<std::vector<std::string>()> names;
  // Describes the thing of that name, making it if it is not there.
  std::function<void(Visitor&, const std::string& name)> describe;
  std::function<void(Visitor&)> describe_any;  // one as it is before anything is said about it
};

class Visitor {
 public:
  using Describer = std::function<void(Visitor&)>;

  virtual ~Visitor() = default;

  virtual void Field(const Key& key, std::string& value) = 0;
  virtual void Field(const Key& key, bool& value) = 0;
  virtual void Field(const Key& key, std::int64_t& value) = 0;
  virtual void Field(const Key& key, double& value) = 0;
  virtual void Field(const Key& key, Duration& value) = 0;  // seconds in the file
  virtual void Field(const Key& key, std::vector<std::string>& value) = 0;
  virtual void Field(const Key& key, std::vector<std::int64_t>& value) = 0;
  virtual void Field(const Key& key, std::map<std::string, std::string>& value) = 0;
  virtual void Field(const Key& key, json::Value& value) = 0;  // an object, kept as it is
  virtual void Field(const Key& key, std::optional<bool>& value) = 0;
  virtual void Field(const Key& key, std::optional<std::int64_t>& value) = 0;
  virtual void Field(const Key& key, std::optional<double>& value) = 0;
  virtual void Field(const Key& key, std::optional<Duration>& value) = 0;
  // `index` is a place in words.words.
  virtual void Word(const Key& key, const Words& words, std::size_t& index) = 0;
  virtual void Section(const Key& key, const Describer& describe) = 0;
  virtual void Named(const Key& key, const NamedItems& items) = 0;
  // All keys that are not described otherwise; each holds a list of texts, or one.
  virtual void Others(const Key& key,
                      std::map<std::string, std::vector<std::string>, std::less<>>& value) = 0;

  // Whether fields are being filled from a file; only then do the following three do anything.
  virtual bool reads() const { return false; }
  // Says what is wrong with the value of `key` (empty: with the section): "must be ...".
  virtual void Problem(std::string_view, std::string_view) {}
  // Where to put it when a variable that the section needs is not set. Inner sections share it.
  virtual void Unusable(std::optional<Error>&) {}
  // Where the value of a key came from, if not from the file.
  virtual void CameFrom(std::string_view, std::string_view) {}
  // Whether the file says something about this key of the section, under any spelling.
  virtual bool Has(const Key&) const { return false; }
  // Where keys belong that people look for in this section: "defaults.top_k".
  virtual void Elsewhere(std::string_view, std::string_view) {}
  // False when what does not matter for this kind of thing may be left away.
  virtual bool wants_all() const { return true; }

  template <std::integral T>
  void Number(Key key, T& value) {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if constexpr (sizeof(T) < sizeof(std::int64_t)) {
      if (!key.range.most) key.range.most = static_cast<double>(std::numeric_limits<T>::max());
    }
    auto wide = static_cast<std::int64_t>(std::cmp_less(kMost, value) ? kMost : value);
    const std::int64_t before = wide;
    Field(key, wide);
    if (wide != before) value = static_cast<T>(wide);
  }

  template <class E>
    requires std::is_enum_v<E>
  void Enum(const Key& key, const Words& words, E& value) {
    auto index = static_cast<std::size_t>(value);
    Word(key, words, index);
    value = static_cast<E>(index);
  }
};

}  // namespace weir::config
