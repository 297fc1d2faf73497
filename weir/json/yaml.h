#pragma once

// YAML, and so JSON too, read into a Value that still knows where in the file each part stands, so
// that whoever checks the meaning can say "weir.yaml:12:5".

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::json {

// Counted from 1, columns in characters.
struct Mark {
  int line = 1;
  int column = 1;

  friend bool operator==(Mark, Mark) = default;
};

// "weir.yaml:12:5"
std::string FormatMark(std::string_view file_name, Mark mark);

struct YamlOptions {
  std::size_t max_bytes = limits::kConfigFileBytes;  // of the text
  std::size_t max_depth = limits::kJsonDepth;        // arrays and objects inside each other
  // What aliases (*name) and merge keys (<<) may add to the document: a few lines of them can name
  // a document of terabytes.
  std::size_t max_expansion_bytes = limits::kConfigFileBytes;
};

namespace internal {

// The place of one value. Spots stand in the order of the document, children behind parents.
struct Spot {
  Mark value;
  Mark key;               // of its key; in an array, the value's own
  std::uint32_t end = 0;  // the spot after its last descendant
};
using Spots = std::vector<Spot>;

}  // namespace internal

class YamlDocument {
 public:
  YamlDocument(Value root, std::string file, internal::Spots spots)
      : value(std::move(root)), file_name(std::move(file)), spots_(std::move(spots)) {}

  Value value;
  std::string file_name;

  // Where the value at this JSON pointer starts, and where its key does. When there is no such
  // value: where the nearest existing container around it starts, which is where something is
  // missing.
  Mark MarkOf(std::string_view pointer) const;
  Mark KeyMarkOf(std::string_view pointer) const;

  // "weir.yaml:12:5", for messages.
  std::string Where(std::string_view pointer) const {
    return FormatMark(file_name, MarkOf(pointer));
  }

 private:
  const internal::Spot* Find(std::string_view pointer) const;

  internal::Spots spots_;
};

// Reads one document. Plain scalars mean what YAML 1.2's core schema says: `no` and `012:30` are
// strings, 0x1F is a number, quoted scalars are always strings. Keys are scalars and taken as text.
// Anchors, aliases and merge keys work. An empty text is null.
//
// Fails with kConfigError, "file:line:column: what": broken YAML, duplicate keys, .inf and .nan
// (JSON has neither), unknown tags, keys that are no scalars, a second document, anything beyond
// the options.
Result<YamlDocument> ReadYaml(std::string_view text, std::string_view file_name,
                              const YamlOptions& options = {});

}  // namespace weir::json
