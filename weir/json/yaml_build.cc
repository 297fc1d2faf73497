#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/builder.h"
#include "weir/json/yaml_scalar.h"
#include "weir/json/yaml_tree.h"

namespace weir::json::internal {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";
constexpr std::size_t kMemberCost = 2 * sizeof(Node);  // what one expanded value costs besides text

std::string_view TagOf(PlainKind kind, std::string_view number) {
  switch (kind) {
    case PlainKind::kNull:
      return "null";
    case PlainKind::kTrue:
    case PlainKind::kFalse:
      return "bool";
    case PlainKind::kNumber:
      return number.find_first_of(".eE") == number.npos ? "int" : "float";
    default:
      return "";
  }
}

class TreeBuilder {
 public:
  TreeBuilder(const YamlTree& tree, std::string_view file_name, const YamlOptions& options)
      : tree_(tree), file_name_(file_name), options_(options) {}

  Result<YamlDocument> Run() {
    if (tree_.empty()) {
      spots_.push_back({.value = {}, .key = {}, .end = 1});
      builder_.Null();
    } else {
      WEIR_CHECK(Emit(0, tree_.front().mark));
    }
    return YamlDocument(std::move(builder_).Finish(), std::string(file_name_), std::move(spots_));
  }

 private:
  struct Entry {
    std::string_view key;
    Mark key_mark;
    std::size_t value;
    bool merged;
  };
  using Entries = std::vector<Entry>;

  Result<void> Emit(std::size_t at, Mark key_mark) {
    const YamlNode& node = tree_[at];
    if (node.kind == YamlKind::kAlias) {
      ++aliases_;
      WEIR_CHECK(Emit(node.target, key_mark));
      --aliases_;
      return {};
    }
    const std::size_t cost = aliases_ > 0 ? kMemberCost + node.text.size() : 0;
    WEIR_CHECK(Charge(node.mark, cost));
    const std::size_t spot = spots_.size();
    spots_.push_back({.value = node.mark, .key = key_mark});
    if (node.kind == YamlKind::kSequence || node.kind == YamlKind::kMapping) {
      WEIR_CHECK(EmitContainer(node));
    } else {
      WEIR_CHECK(EmitScalar(node));
    }
    spots_[spot].end = static_cast<std::uint32_t>(spots_.size());
    return {};
  }

  Result<void> EmitContainer(const YamlNode& node) {
    const bool sequence = node.kind == YamlKind::kSequence;
    const std::string_view expected = sequence ? "seq" : "map";
    if (!node.tag.empty() && node.tag != StrCat(kCoreTag, expected)) return BadTag(node);
    if (builder_.depth() >= options_.max_depth) return TooDeep(node.mark);
    if (sequence) {
      builder_.BeginArray();
      for (const std::size_t child : node.children) {
        WEIR_CHECK(Emit(child, tree_[child].mark));
      }
      builder_.EndArray();
      return {};
    }
    WEIR_TRY(const Entries entries, EntriesOf(node, 0));
    builder_.BeginObject();
    for (const Entry& entry : entries) {
      builder_.Key(entry.key);
      if (entry.merged) ++aliases_;
      WEIR_CHECK(Emit(entry.value, entry.key_mark));
      if (entry.merged) --aliases_;
    }
    builder_.EndObject();
    return {};
  }

  Result<void> EmitScalar(const YamlNode& node) {
    const std::string_view tag = node.tag;
    if (tag == StrCat(kCoreTag, "str") || (node.kind == YamlKind::kQuoted && tag.empty())) {
      builder_.String(node.text);
      return {};
    }
    const PlainScalar scalar = ResolvePlain(node.text);
    if (scalar.kind == PlainKind::kNotFinite || scalar.kind == PlainKind::kTooLarge) {
      return At(node.mark, StrCat("the number ", Truncate(node.text, 40), " has no JSON form; ",
                                  "quote it if it is meant as text"));
    }
    if (!tag.empty()) {
      const std::string_view own = TagOf(scalar.kind, scalar.number);
      const bool widened = own == "int" && tag == StrCat(kCoreTag, "float");
      if (own.empty() || (tag != StrCat(kCoreTag, own) && !widened)) return BadTag(node);
    }
    switch (scalar.kind) {
      case PlainKind::kNull:
        builder_.Null();
        break;
      case PlainKind::kTrue:
      case PlainKind::kFalse:
        builder_.Bool(scalar.kind == PlainKind::kTrue);
        break;
      case PlainKind::kNumber:
        builder_.Number(scalar.number);
        break;
      default:
        builder_.String(node.text);
    }
    return {};
  }

  // The members of a mapping, those of its merge keys included: a key of the mapping itself wins
  // over merged ones, and of these the first.
  Result<Entries> EntriesOf(const YamlNode& mapping, std::size_t depth) {
    if (depth >= options_.max_depth) return TooDeep(mapping.mark);
    std::unordered_set<std::string_view> keys;
    for (std::size_t i = 0; i < mapping.children.size(); i += 2) {
      WEIR_TRY(const YamlNode* const key, KeyOf(mapping.children[i]));
      if (!keys.insert(key->text).second) {
        return At(tree_[mapping.children[i]].mark,
                  StrCat("the key \"", Truncate(key->text, 80),
                         "\" occurs twice in one mapping; remove one"));
      }
    }
    Entries entries;
    for (std::size_t i = 0; i < mapping.children.size(); i += 2) {
      WEIR_TRY(const YamlNode* const key, KeyOf(mapping.children[i]));
      const std::size_t value = mapping.children[i + 1];
      if (!IsMerge(*key)) {
        entries.push_back({key->text, tree_[mapping.children[i]].mark, value, false});
        continue;
      }
      const YamlNode& source = Target(value);
      if (source.kind != YamlKind::kSequence) {
        WEIR_CHECK(Merge(source, depth, keys, entries));
        continue;
      }
      for (const std::size_t item : source.children) {
        WEIR_CHECK(Merge(Target(item), depth, keys, entries));
      }
    }
    return entries;
  }

  Result<void> Merge(const YamlNode& source, std::size_t depth,
                     std::unordered_set<std::string_view>& keys, Entries& entries) {
    if (source.kind != YamlKind::kMapping) {
      return At(source.mark, "a merge key (<<) takes a mapping or a list of mappings");
    }
    WEIR_CHECK(Charge(source.mark, kMemberCost * (1 + source.children.size())));
    WEIR_TRY(const Entries merged, EntriesOf(source, depth + 1));
    WEIR_CHECK(Charge(source.mark, kMemberCost * merged.size()));
    for (const Entry& entry : merged) {
      if (!keys.insert(entry.key).second) continue;
      entries.push_back({entry.key, entry.key_mark, entry.value, true});
    }
    return {};
  }

  Result<const YamlNode*> KeyOf(std::size_t at) const {
    const YamlNode& node = Target(at);
    const bool scalar = node.kind == YamlKind::kQuoted || node.kind == YamlKind::kPlain;
    if (!scalar ||
        (node.kind == YamlKind::kPlain && ResolvePlain(node.text).kind == PlainKind::kNull)) {
      return At(tree_[at].mark, "a key must be text; quote it, or is a '-' or ':' misplaced?");
    }
    if (!node.tag.empty() && node.tag != StrCat(kCoreTag, "str")) return BadTag(node);
    return &node;
  }

  static bool IsMerge(const YamlNode& key) {
    return key.kind == YamlKind::kPlain && key.tag.empty() && key.text == "<<";
  }

  const YamlNode& Target(std::size_t at) const {
    const YamlNode* node = &tree_[at];
    while (node->kind == YamlKind::kAlias) node = &tree_[node->target];
    return *node;
  }

  Result<void> Charge(Mark mark, std::size_t bytes) {
    expanded_ += bytes;
    if (expanded_ <= options_.max_expansion_bytes) return {};
    return At(mark, StrCat("aliases and merge keys blow this document up by more than ",
                           options_.max_expansion_bytes, " bytes; write it with fewer of them"));
  }

  std::unexpected<Error> BadTag(const YamlNode& node) const {
    return At(node.mark, StrCat("the tag \"", Truncate(node.tag, 80),
                                "\" does not fit here or is unknown; remove it"));
  }

  std::unexpected<Error> TooDeep(Mark mark) const {
    return At(mark, StrCat("more than ", options_.max_depth, " levels inside each other"));
  }

  std::unexpected<Error> At(Mark mark, std::string_view what) const {
    return Fail(Code::kConfigError, StrCat(FormatMark(file_name_, mark), ": ", what));
  }

  const YamlTree& tree_;
  const std::string_view file_name_;
  const YamlOptions& options_;
  Builder builder_;
  Spots spots_;
  std::size_t aliases_ = 0;   // how many aliases and merges lead to the node in hand
  std::size_t expanded_ = 0;  // bytes that they have added so far
};

}  // namespace

Result<YamlDocument> BuildYaml(const YamlTree& tree, std::string_view file_name,
                               const YamlOptions& options) {
  return TreeBuilder(tree, file_name, options).Run();
}

Spots SpotsOfJson(std::string_view text) {
  Spots spots;
  std::vector<std::size_t> open;
  std::optional<Mark> key;
  bool key_follows = false;
  Mark here;
  std::size_t at = 0;
  const auto step = [&] {
    const char c = text[at++];
    if (c == '\n') {
      here = {here.line + 1, 1};
    } else if (!IsInsideUtf8(c)) {
      ++here.column;
    }
  };
  const auto add = [&] {
    const auto end = static_cast<std::uint32_t>(spots.size() + 1);
    spots.push_back({.value = here, .key = key.value_or(here), .end = end});
    key.reset();
  };
  std::vector<bool> in_object;

  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      key_follows ? void(key = here) : add();
      step();
      while (text[at] != '"') {
        if (text[at] == '\\') step();
        step();
      }
      step();
    } else if (c == '{' || c == '[') {
      add();
      open.push_back(spots.size() - 1);
      in_object.push_back(c == '{');
      key_follows = c == '{';
      step();
    } else if (c == '}' || c == ']') {
      spots[open.back()].end = static_cast<std::uint32_t>(spots.size());
      open.pop_back();
      in_object.pop_back();
      key_follows = false;
      step();
    } else if (c == ',' || c == ':') {
      key_follows = c == ',' && in_object.back();
      step();
    } else if (std::string_view(" \t\r\n").contains(c)) {
      step();
    } else {
      add();
      while (at < text.size() && !std::string_view(" \t\r\n,]}").contains(text[at])) step();
    }
  }
  return spots;
}

}  // namespace weir::json::internal
