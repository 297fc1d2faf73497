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
#include "weir/base/utf8.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/yaml_tree.h"

namespace weir::json {
namespace {

using internal::YamlKind;
using internal::YamlNode;
using internal::YamlTree;

// yaml-cpp counts bytes; people count characters. Marks come in the order of the text, so that
// counting on from the last one keeps this linear.
class Locator {
 public:
  explicit Locator(std::string_view text) : text_(text) {}

  Mark Find(const YAML::Mark& mark) {
    const std::size_t offset = OffsetOf(mark);
    if (offset < at_) {
      at_ = 0;
      here_ = {};
    }
    for (; at_ < offset; ++at_) {
      if (text_[at_] == '\n') {
        here_ = {here_.line + 1, 1};
      } else if (!IsInsideUtf8(text_[at_])) {
        ++here_.column;
      }
    }
    return here_;
  }

  std::size_t OffsetOf(const YAML::Mark& mark) const {
    return std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), text_.size());
  }

 private:
  const std::string_view text_;
  std::size_t at_ = 0;
  Mark here_;
};

// yaml-cpp 0.7 turns the escapes \N and \_ into single bytes that are not UTF-8.
std::string MendEscapes(const std::string& text) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const Utf8Char character = DecodeUtf8(rest);
    if (!character.valid) out += '\xC2';
    out += rest.substr(0, character.length);
    rest.remove_prefix(character.length);
  }
  return out;
}

// Whether the scalar that starts at `offset`, perhaps with a tag and an anchor, opens a quotation
// that the text does not close. yaml-cpp 0.7 takes the rest of the text for the scalar then.
bool IsLeftOpen(std::string_view text, std::size_t offset) {
  text.remove_prefix(offset);
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.starts_with('#')) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (text.starts_with('&') || text.starts_with('!')) {
      text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
    } else {
      break;
    }
  }
  if (!text.starts_with('"') && !text.starts_with('\'')) return false;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      const bool escaped = quote == '\'' && text.substr(i + 1).starts_with('\'');
      if (!escaped) return false;
      ++i;
    }
  }
  return true;
}

std::unexpected<Error> At(std::string_view file_name, Mark mark, std::string_view what) {
  return Fail(Code::kConfigError, StrCat(FormatMark(file_name, mark), ": ", what));
}

// Collects the parser's events. What it objects to it remembers, and it ignores what follows.
class TreeCollector final : public YAML::EventHandler {
 public:
  explicit TreeCollector(std::string_view text) : text_(text), locator_(text) {}

  struct Objection {
    Mark mark;
    std::string_view what;
  };

  YamlTree& tree() { return tree_; }
  const std::optional<Objection>& objection() const { return objection_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {
    // Only the last scalar can have run to the end of the text.
    if (IsLeftOpen(text_, locator_.OffsetOf(last_scalar_))) {
      Object(last_scalar_, "broken YAML: a quotation starts here that is never closed");
    }
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    last_scalar_ = mark;
    Add(YamlKind::kPlain, mark, "?", anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // "!" is a quoted scalar without a tag, "?" an unquoted one.
    const YamlKind kind = tag == "!" ? YamlKind::kQuoted : YamlKind::kPlain;
    last_scalar_ = mark;
    if (YamlNode* const node = Add(kind, mark, tag, anchor)) {
      node->text = IsUtf8(value) ? value : MendEscapes(value);
    }
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
    node.mark = locator_.Find(mark);
    if (tag != "?" && tag != "!") node.tag = tag;
    if (!open_.empty()) tree_[open_.back()].children.push_back(place);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = place;
    return &node;
  }

  void Close() {
    if (!objection_) open_.pop_back();
  }

  void Object(const YAML::Mark& mark, std::string_view what) {
    if (!objection_) objection_ = {locator_.Find(mark), what};
  }

  const std::string_view text_;
  Locator locator_;
  YAML::Mark last_scalar_;
  YamlTree tree_;
  std::vector<std::size_t> open_;  // places of the containers that are not yet complete
  std::unordered_map<YAML::anchor_t, std::size_t> anchors_;
  std::optional<Objection> objection_;
};

// Accepts nothing: there should be no more documents.
class NoMore final : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> first;

  void OnDocumentStart(const YAML::Mark& mark) override { first = mark; }
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

// What to do about what the library calls by the names of its grammar; `line` is the one in
// question.
std::string_view RemedyOf(std::string_view words, std::string_view line, std::size_t column) {
  const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
  if (line.substr(0, indent).contains('\t')) return "; a tab may not indent a line: use blanks";
  const bool braces = line.contains("${") || line.contains("{{");
  if (braces && words.ends_with("flow not found")) {
    return "; inside [ ] and { } a text with ${...} or {{ ... }} needs quotation marks";
  }
  if (words == "end of sequence flow not found") return "; a [ before this place is never closed";
  if (words == "end of map flow not found") return "; a { before this place is never closed";
  if (words == "unknown token") return "; put the text in quotation marks";
  if (words == "illegal map value") {
    return "; put a text with `: ` in it in quotation marks, or indent the line like its "
           "neighbours";
  }
  if (!words.ends_with("not found")) return {};
  return column <= indent ? "; indent this line like its neighbours"
                          : "; put the whole value in one pair of quotation marks";
}

std::string_view LineOf(std::string_view text, int number) {
  const std::vector<std::string_view> lines = Split(text, '\n');
  const auto index = static_cast<std::size_t>(std::max(number, 0));
  return index < lines.size() ? lines[index] : std::string_view();
}

Result<YamlTree> ParseTree(std::string_view text, std::string_view file_name) {
  TreeCollector collector(text);
  Locator locator(text);
  NoMore more;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(collector);
    if (!collector.objection()) parser.HandleNextDocument(more);
  } catch (const YAML::DeepRecursion& error) {
    return At(file_name, locator.Find(error.mark), "too many levels inside each other");
  } catch (const YAML::Exception& error) {
    return At(file_name, locator.Find(error.mark),
              StrCat("broken YAML: ", error.msg,
                     RemedyOf(error.msg, LineOf(text, error.mark.line),
                              static_cast<std::size_t>(std::max(error.mark.column, 0)))));
  }
  if (const auto& objection = collector.objection()) {
    return At(file_name, objection->mark, objection->what);
  }
  if (more.first) {
    return At(file_name, locator.Find(*more.first),
              "a second document (---) starts here; only one is read");
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
  if (!IsUtf8(text)) return At(file_name, {}, "the file is not UTF-8 text; save it as UTF-8");
  // YAML forbids them, and yaml-cpp would take the byte 0x04 for the end of the text.
  const auto control = std::ranges::find_if(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  });
  if (control != text.end()) {
    YAML::Mark mark;
    mark.pos = static_cast<int>(control - text.begin());
    return At(file_name, Locator(text).Find(mark),
              "a control character stands here; remove it, or write it as an escape");
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
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  WEIR_CHECK(CheckText(text, file_name, options));
  if (std::optional<YamlDocument> json = AsJson(text, file_name, options)) return *std::move(json);
  WEIR_TRY(const YamlTree tree, ParseTree(text, file_name));
  return internal::BuildYaml(tree, file_name, options);
}

}  // namespace weir::json
