#pragma once

// A YAML document as it was written, before aliases, merge keys and scalars get their meaning.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/yaml.h"

namespace weir::json::internal {

enum class YamlKind : std::uint8_t { kPlain, kQuoted, kSequence, kMapping, kAlias };

struct YamlNode {
  YamlKind kind = YamlKind::kPlain;
  Mark mark;
  std::string tag;                    // as resolved by the parser; empty if there is none
  std::string text;                   // of a scalar
  std::vector<std::size_t> children;  // places in the tree; of a mapping key, value, key, value...
  std::size_t target = 0;             // of an alias: a finished node that stands before it
};

// The root stands first; an empty document is an empty tree.
using YamlTree = std::vector<YamlNode>;

// Gives the tree its meaning. Fails as ReadYaml() does.
Result<YamlDocument> BuildYaml(const YamlTree& tree, std::string_view file_name,
                               const YamlOptions& options);

// The spots of a text that is valid JSON.
Spots SpotsOfJson(std::string_view text);

}  // namespace weir::json::internal
