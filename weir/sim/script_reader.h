#pragma once

// ScriptReader: single fields of a script, each with its place in the file, so that every mistake
// is named as "file:line:column: what". The grammar stands in script.cc and script_reply.cc.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/json/yaml.h"

namespace weir::sim {

// A value of the script, and where it stands. It may be absent.
struct Place {
  json::View value;
  std::string pointer;

  bool exists() const { return value.exists(); }
  std::size_t size() const { return value.size(); }
  Place At(std::string_view key) const;
  Place At(std::size_t index) const;
};

// Names and texts of a mapping, in their order.
using TextPairs = std::vector<std::pair<std::string, std::string>>;

// Reading an absent field succeeds and leaves `out` as it is.
class ScriptReader {
 public:
  // `document` must outlive it.
  explicit ScriptReader(const json::YamlDocument& document) : document_(document) {}

  Place Root() const { return {document_.value, ""}; }
  // The line that it begins in, counted from 1.
  int LineOf(const Place& place) const { return document_.MarkOf(place.pointer).line; }

  Result<void> Text(const Place& place, std::string& out) const;
  Result<void> Text(const Place& place, std::optional<std::string>& out) const;
  // Numbers and truth values count as the text that they are written with.
  Result<void> PlainText(const Place& place, std::string& out) const;
  Result<void> PlainTexts(const Place& place, TextPairs& out) const;
  Result<void> Int(const Place& place, std::int64_t least, std::optional<std::int64_t>& out) const;
  Result<void> Count(const Place& place, std::size_t& out) const;
  Result<void> Bool(const Place& place, std::optional<bool>& out) const;
  // "250ms", "1.5s", "2m", or 0; at most a day.
  Result<void> Time(const Place& place, Duration& out) const;
  Result<void> Time(const Place& place, std::optional<Duration>& out) const;
  // In [0, 1], and in (0, 1].
  Result<void> Rate(const Place& place, double& out) const;
  Result<void> Probability(const Place& place, std::optional<double>& out) const;

  // That `place` is a mapping without other keys than these.
  Result<void> CheckKeys(const Place& place, std::initializer_list<std::string_view> known) const;
  // That it is a list, if it exists, and has an item.
  Result<void> CheckList(const Place& place, std::string_view what) const;

  std::unexpected<Error> Wrong(const Place& place, std::string_view what) const;
  std::unexpected<Error> WrongKey(const Place& place, std::string_view what) const;

 private:
  std::optional<double> Fraction(const Place& place) const;

  const json::YamlDocument& document_;
};

// "unknown key `txet`; did you mean `text`?"
std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& known);

}  // namespace weir::sim
