#pragma once

// What the importers share: reading the file, and looking at it in a way that forgets nothing.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/config/import_draft.h"
#include "weir/json/yaml.h"

namespace weir::config {

struct ImportJob {
  static constexpr std::size_t kMostNotes = 200;  // more are only mentioned

  std::string file;
  Draft draft;
  std::vector<std::string> notes;

  void Note(json::Mark mark, std::string_view what);
  Error Wrong(json::Mark mark, std::string_view what) const;
};

// The first comments of what was made: where it is from, and the notes.
std::vector<std::string> HeadOf(const ImportJob& job);

// An objection to our text, which was checked under the name `checked_as`, told about the line that
// it was made of.
Error ToldOfSource(Error error, const Draft::Text& text, std::string_view checked_as,
                   const ImportJob& job);

// A value of a file that is not YAML, e.g. of a program.
struct SourceNode {
  json::Kind kind = json::Kind::kNull;
  std::string text;  // of a text or a number
  bool flag = false;
  json::Mark mark;
  json::Mark key_mark;
  std::vector<std::string> keys;     // of an object, one for each child
  std::vector<SourceNode> children;  // of an object or array

  SourceNode& Add(std::string_view key, SourceNode value);
};

json::YamlDocument ToDocument(const SourceNode& root, std::string_view file);

// YAML or JSON. A list with `env:` indented as if it belonged to its last item, which is no YAML,
// fails with the lines as they must be.
Result<json::YamlDocument> ReadSource(std::string_view text, std::string_view file);

// One object of the file. Keys that nobody took are told by LeaveRest().
class Section {
 public:
  // `label` goes in front of keys in notes: "runner".
  Section(ImportJob& job, const json::YamlDocument& document, std::string pointer = {},
          std::string label = {});

  json::View value() const { return value_; }
  std::string_view label() const { return label_; }
  Section Inside(std::string_view key);
  Section Item(std::size_t index) const;

  // Of this object, or of one of its keys.
  ImportOrigin Origin(std::string_view key = {}) const;

  // The value of a key, which is known from now on; absent when it is not there or null.
  json::View Take(std::string_view key);
  // Fails when it is something else.
  Result<std::optional<bool>> TakeBool(std::string_view key);
  Result<std::optional<std::string>> TakeText(std::string_view key);

  // Takes the value to `path` of the draft. False if there is none.
  bool Move(std::string_view key, const DraftPath& path, std::string_view comment = {});
  // Notes that the key, if it is there, is not carried.
  void Leave(std::string_view key, std::string_view why);
  void LeaveRest();

  void Note(std::string_view key, std::string_view what) const;
  std::unexpected<Error> Wrong(std::string_view key, std::string_view what) const;
  // That this is an object. `example` shows what is expected instead.
  Result<void> MustBeMap(std::string_view example) const;
  // That it has no more entries than a person writes.
  Result<void> MustBeShort() const;

 private:
  std::string Named(std::string_view key) const;

  ImportJob* job_;
  const json::YamlDocument* document_;
  std::string pointer_;
  std::string label_;
  json::View value_;
  std::vector<std::string> known_;
};

// The importers, one file each.
Result<void> ImportSections(std::string_view text, ImportJob& job);
Result<void> ImportEngines(std::string_view text, ImportJob& job);
// `steps` of a file with engines, or of one alone, become a flow.
Result<void> ImportChain(Section& root, ImportJob& job);
Result<void> ImportVariables(std::string_view text, ImportJob& job);
Result<void> ImportSettings(std::string_view text, ImportJob& job);
Result<void> ImportProviders(std::string_view text, ImportJob& job);

}  // namespace weir::config
