#include "weir/json/yaml.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/yaml_tree.h"

namespace weir::json {
namespace {

using internal::YamlKind;
using internal::YamlNode;
using internal::YamlTree;

Mark FromYaml(const YAML::Mark& mark) {
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
}

std::unexpected<Error> At(std::string_view file_name, Mark mark, std::string_view what) {
  return Fail(Code::kConfigError, StrCat(FormatMark(file_name, mark), ": ", what));
}

// Collects the parser's events. What it objects to it remembers, and it ignores what follows.
class TreeCollector final : public YAML::EventHandler {
 public:
  struct Objection {
    Mark mark;
    std::string_view what;
  };

  YamlTree& tree() { return tree_; }
  const std::optional<Objection>& objection() const { return objection_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(YamlKind::kPlain, mark, "?", anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // "!" is a quoted scalar without a tag, "?" an unquoted one.
    const YamlKind kind = tag == "!" ? YamlKind::kQuoted : YamlKind::kPlain;
    if (YamlNode* const node = Add(kind, mark, tag, anchor)) node->text = value;
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) return Object(mark, "this alias names no anchor before it");
    if (std::ranges::find(open_, target->second) != open_.end()) {
      return Object(mark, "this alias stands inside the value that it names");
    }
    const std::size_t place = target->second;
    if (YamlNode* const node = Add(YamlKind::kAlias, mark, "", 0)) node->target = place;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (Add(YamlKind::kSequence, mark, tag, anchor)) open_.push_back(tree_.size() - 1);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (Add(YamlKind::kMapping, mark, tag, anchor)) open_.push_back(tree_.size() - 1);
  }
  void OnMapEnd() override { Close(); }

 private:
  // Null after an objection.
  YamlNode* Add(YamlKind kind, const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor) {
    if (objection_) return nullptr;
    const std::size_t place = tree_.size();
    YamlNode& node = tree_.emplace_back();
    node.kind = kind;
    node.mark = FromYaml(mark);
    if (tag != "?" && tag != "!") node.tag = tag;
    if (!open_.empty()) tree_[open_.back()].children.push_back(place);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = place;
    return &node;
  }

  void Close() {
    if (!objection_) open_.pop_back();
  }

  void Object(const YAML::Mark& mark, std::string_view what) {
    if (!objection_) objection_ = {FromYaml(mark), what};
  }

  YamlTree tree_;
  std::vector<std::size_t> open_;  // places of the containers that are not yet complete
  std::unordered_map<YAML::anchor_t, std::size_t> anchors_;
  std::optional<Objection> objection_;
};

// Accepts nothing: there should be no more documents.
class NoMore final : public YAML::EventHandler {
 public:
  std::optional<Mark> first;

  void OnDocumentStart(const YAML::Mark& mark) override { first = FromYaml(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

Result<YamlTree> ParseTree(std::string_view text, std::string_view file_name) {
  TreeCollector collector;
  NoMore more;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(collector);
    if (!collector.objection()) parser.HandleNextDocument(more);
  } catch (const YAML::DeepRecursion& error) {
    return At(file_name, FromYaml(error.mark), "too many levels inside each other");
  } catch (const YAML::Exception& error) {
    return At(file_name, FromYaml(error.mark), StrCat("broken YAML: ", error.msg));
  }
  if (const auto& objection = collector.objection()) {
    return At(file_name, objection->mark, objection->what);
  }
  if (more.first) {
    return At(file_name, *more.first, "a second document (---) starts here; only one is read");
  }
  return std::move(collector.tree());
}

Result<void> CheckText(std::string_view text, std::string_view file_name,
                       const YamlOptions& options) {
  if (text.size() > options.max_bytes) {
    return At(
        file_name, {},
        StrCat("the file has ", text.size(), " bytes, more than the limit of ", options.max_bytes));
  }
  if (!IsUtf8(text) || text.contains('\0')) {
    return At(file_name, {}, "the file is not UTF-8 text; save it as UTF-8");
  }
  return {};
}

// JSON goes through the strict reader: YAML 1.2 contains it, but yaml-cpp refuses surrogate pairs
// and tabs. Nullopt when the text is no JSON without duplicate keys.
std::optional<YamlDocument> AsJson(std::string_view text, std::string_view file_name,
                                   const YamlOptions& options) {
  const std::string_view trimmed = Trim(text);
  if (!trimmed.starts_with('{') && !trimmed.starts_with('[')) return std::nullopt;
  ReadOptions strict;
  strict.max_depth = options.max_depth;
  strict.max_bytes = options.max_bytes;
  strict.duplicate_keys = DuplicateKeys::kReject;
  Result<Value> value = Read(text, strict);
  if (!value) return std::nullopt;
  return YamlDocument(*std::move(value), std::string(file_name), internal::SpotsOfJson(text));
}

}  // namespace

std::string FormatMark(std::string_view file_name, Mark mark) {
  return StrCat(file_name, ":", mark.line, ":", mark.column);
}

const internal::Spot* YamlDocument::Find(std::string_view pointer) const {
  const internal::Spot* spot = spots_.data();
  View view = value;
  while (!pointer.empty()) {
    const Result<std::string> token = TakeToken(pointer);
    if (!token) break;
    const View child = Child(view, *token);
    if (!child.exists()) break;
    std::size_t before = 0;  // siblings that stand before the child
    if (view.IsArray()) {
      before = ParseUint(*token).value_or(0);
    } else {
      for (const Member member : view.members()) {
        if (member.key == *token) break;
        ++before;
      }
    }
    ++spot;
    for (; before > 0; --before) spot = spots_.data() + spot->end;
    view = child;
  }
  return spot;
}

Mark YamlDocument::MarkOf(std::string_view pointer) const { return Find(pointer)->value; }

Mark YamlDocument::KeyMarkOf(std::string_view pointer) const { return Find(pointer)->key; }

Result<YamlDocument> ReadYaml(std::string_view text, std::string_view file_name,
                              const YamlOptions& options) {
  WEIR_CHECK(CheckText(text, file_name, options));
  if (std::optional<YamlDocument> json = AsJson(text, file_name, options)) return *std::move(json);
  WEIR_TRY(const YamlTree tree, ParseTree(text, file_name));
  return internal::BuildYaml(tree, file_name, options);
}

}  // namespace weir::json
