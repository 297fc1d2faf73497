#pragma once

// Fields: the members of one object of a configuration file, taken one by one with their types.
// Every error names file, line, column and key; a key that nobody took is an error that names the
// nearest one that somebody would have.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/json/yaml.h"

namespace weir::json {

class Fields {
 public:
  // `document` must outlive this. The value at `pointer` must be an object (null counts as empty);
  // otherwise every Take fails and Finish() says so.
  Fields(const YamlDocument& document, std::string pointer);

  // Each looks for `key` and stores its value into `out`; a missing or null key leaves `out` alone.
  // The first wrong type is remembered for Finish(). An alias is a second name of the same field.
  void Take(std::string_view key, std::string& out, std::string_view alias = {});
  void Take(std::string_view key, bool& out, std::string_view alias = {});
  void Take(std::string_view key, double& out, std::string_view alias = {});
  void Take(std::string_view key, std::int64_t& out, std::string_view alias = {});
  void Take(std::string_view key, std::vector<std::string>& out, std::string_view alias = {});
  void Take(std::string_view key, Value& out, std::string_view alias = {});
  template <class T>
  void Take(std::string_view key, std::optional<T>& out, std::string_view alias = {}) {
    if (!Peek(key, alias)) {
      Find(key, alias);  // known all the same
      return;
    }
    T value{};
    Take(key, value, alias);
    out = std::move(value);
  }
  // One of `words`; `out` gets its place in the list.
  void TakeWord(std::string_view key, std::size_t& out, const std::vector<std::string>& words,
                std::string_view alias = {});

  // Whether the key is there; does not take it.
  bool Peek(std::string_view key, std::string_view alias = {}) const;
  // The pointer of an object or list inside, and notes the key as known.
  std::string Inside(std::string_view key);
  View Get(std::string_view key);

  // An error at the place of `key`, for checks of one's own.
  Error ErrorAt(std::string_view key, std::string_view what) const;

  // After all takes: the first error there was, or the first unknown key.
  Result<void> Finish();

 private:
  View Find(std::string_view key, std::string_view alias);
  void Wrong(std::string_view expected, View got);

  const YamlDocument& document_;
  const std::string pointer_;
  View object_;
  std::vector<std::string> known_;
  std::string found_;  // the spelling that the last Find() found
  std::optional<Error> error_;
};

}  // namespace weir::json
