#pragma once

// Draft: a weir.yaml that is being made. Every value remembers what it was made of, so that an
// objection to the finished file can be told about the file it came from.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/json/yaml.h"

namespace weir::config {

// Where in the imported file a value stands, and under which name.
struct ImportOrigin {
  json::Mark mark;
  std::string name;  // empty: nothing in particular
};

// Keys from the root to a value.
using DraftPath = std::vector<std::string>;

class Draft {
 public:
  // Sections on the way are made. A value that is there already is replaced. Texts may hold
  // ${NAME}; other dollars are escaped, except in `flows`, where no dollar means anything. The
  // comment goes behind the value.
  void Set(const DraftPath& path, json::View value, const ImportOrigin& origin,
           std::string_view comment = {});
  // Makes an empty section, if there is none.
  void Touch(const DraftPath& path, const ImportOrigin& origin);
  bool Has(const DraftPath& path) const;

  struct Text {
    std::string yaml;
    std::vector<ImportOrigin> lines;  // of each line of `yaml`
  };
  // `head` goes in front as comments, one line each.
  Text Write(std::span<const std::string> head) const;

 private:
  struct Node {
    std::string key;
    std::string value;           // as it is written; empty: a section or a list
    std::vector<Node> children;  // of a section
    std::vector<std::string> items;
    bool is_list = false;
    ImportOrigin origin;
    std::string comment;
  };

  Node& At(const DraftPath& path, const ImportOrigin& origin);
  static void WriteNode(const Node& node, std::size_t indent, Text& out);

  Node root_;
};

}  // namespace weir::config
