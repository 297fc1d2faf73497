#pragma once

// Keys: one map of a flow file, taken key by key. Every mistake is noted, and reading goes on.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/graph.h"
#include "weir/json/yaml.h"

namespace weir::flow {

// One file that is being read. Paths in it count from its folder.
struct FlowFileText {
  const json::YamlDocument& yaml;
  std::string folder;
  bool included = false;
};

// What the files of one flow share while they are read.
struct FlowReading {
  static constexpr std::size_t kMostProblems = 100;

  std::string folder;  // of the flow
  std::vector<Problem> problems;
  std::vector<std::string> parts;
  std::vector<std::string> open;  // files that are being read, to notice circles
  std::size_t includes = 0;
  std::size_t nodes = 0;
  std::size_t parallels = 0;
  bool nodes_missing = false;  // some could not be read at all

  void Wrong(std::string place, std::string message);
  bool full() const { return problems.size() > kMostProblems; }
};

struct NumberRange {
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
};

class Keys {
 public:
  // The value at `pointer`; when it is no map, that is noted. `what` is what it is, for messages:
  // "step answer".
  Keys(FlowReading& reading, const FlowFileText& file, json::View value, std::string pointer,
       std::string what);

  // Absent when the key is missing or null. The key is known from now on.
  json::View Find(std::string_view key);
  bool Has(std::string_view key) const;

  // Each is empty when the key is missing or its value is wrong, which is noted.
  std::string Text(std::string_view key);
  Source Code(std::string_view key);  // a template or expression; true and 7 count as texts
  std::optional<bool> Flag(std::string_view key);
  std::optional<double> Number(std::string_view key, NumberRange range = {});
  std::optional<std::int64_t> Whole(std::string_view key, NumberRange range = {});
  std::optional<std::vector<std::string>> Texts(std::string_view key);
  std::optional<Duration> Seconds(std::string_view key);

  std::string PointerOf(std::string_view key) const;
  std::string PlaceOf(std::string_view key) const;  // of its value
  std::string place() const;
  const std::string& what() const { return what_; }
  const FlowFileText& file() const { return file_; }
  FlowReading& reading() const { return reading_; }
  json::View value() const { return value_; }

  // "`key` of step answer must be ..."
  void Wrong(std::string_view key, std::string_view message);
  void WrongKind(std::string_view key, std::string_view expected, json::View found);
  void Rename(std::string what) { what_ = std::move(what); }

  // After all: keys that nobody asked for.
  void Finish();

 private:
  FlowReading& reading_;
  const FlowFileText& file_;
  json::View value_;
  std::string pointer_;
  std::string what_;
  std::vector<std::string> known_;
};

// "a text" of any scalar: 7 is "7", true is "true".
std::optional<std::string> ScalarText(json::View value);

// Where a path of a file is, seen from the working directory.
std::string PathFrom(const std::string& folder, std::string_view path);
// The same path as it is written in a file of that folder; it keeps a slash.
std::string RelativeTo(const std::string& folder, const std::string& path);

}  // namespace weir::flow
