// Calls whose arguments are elements named after the key, with objects and lists as elements inside
// each other: <invoke name="f"><city>Rome</city></invoke>.

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/text/call_list.h"
#include "weir/text/call_tag_lexer.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

struct Element {
  AngleTag tag;
  std::size_t begin;  // of the mark before the tag
};

class ElementCalls {
 public:
  ElementCalls(std::string_view body, CallList& list) : body_(body), list_(list) {
    marked_ = body.contains(kMiniMaxMark);
    FindElements();
  }

  void Read() {
    while (at_ < elements_.size()) {
      const AngleTag& tag = elements_[at_++].tag;
      if (!tag.closing && tag.word == "invoke") ReadCall(tag);
    }
    if (list_.empty()) list_.Refuse("no tag that names a tool");
  }

 private:
  // Where a mark stands before every tag, what has none is text.
  void FindElements() {
    for (std::size_t at = body_.find('<'); at != body_.npos; at = body_.find('<', at)) {
      const auto tag = ReadAngleTag(body_, at);
      const bool has_mark = body_.substr(0, at).ends_with(kMiniMaxMark);
      if (!tag || (marked_ && !has_mark && tag->word != "invoke")) {
        ++at;
        continue;
      }
      elements_.push_back({*tag, has_mark ? at - kMiniMaxMark.size() : at});
      at = tag->end;
    }
  }

  void ReadCall(const AngleTag& invoke) {
    const std::string_view name = list_.PlainName(Attribute(invoke.attributes, "name"));
    if (name.empty()) return list_.Refuse("a tag without the name of a tool");
    const Wanted wanted = Wanted::ArgumentsOf(list_.Tool(name));
    Arguments arguments(list_);
    while (!invoke.closed && at_ < elements_.size()) {
      const AngleTag tag = elements_[at_].tag;
      if (tag.closing && tag.word == "invoke") {
        ++at_;
        if (at_ == elements_.size()) list_.EndBeforeWords(body_, tag.end);
        break;
      }
      if (tag.word == "invoke" || tag.word.contains("tool_call")) break;
      ++at_;
      if (tag.closing) continue;
      const std::string_view key = KeyOf(tag);
      arguments.Set(key, ReadContent(tag, wanted.Property(key), 0));
    }
    list_.Add(name, arguments.Text());
  }

  static std::string_view KeyOf(const AngleTag& tag) {
    const bool is_parameter = tag.word == "parameter" || tag.word == "param";
    const std::string_view name = Attribute(tag.attributes, "name");
    return is_parameter && !name.empty() ? name : tag.word;
  }

  // Reads up to the closing tag of `opener`: text, or elements. An end of something outside ends
  // this as well.
  std::string ReadContent(const AngleTag& opener, const Wanted& wanted, std::size_t depth) {
    if (opener.closed) return BendText("", wanted, opener.word, list_);
    std::vector<std::pair<std::string_view, std::string>> children;
    const bool list_wanted = wanted.kinds() == Wanted::kArray;
    std::size_t text_end = body_.size();
    bool closed = false;
    while (at_ < elements_.size()) {
      const AngleTag tag = elements_[at_].tag;
      text_end = elements_[at_].begin;
      if (tag.closing) {
        closed = tag.word == opener.word;
        if (closed) ++at_;
        break;
      }
      if (tag.word == "invoke" || depth >= kMaxDepth) break;
      ++at_;
      const bool item = list_wanted || (tag.word == "item" && !wanted.knows("item"));
      const Wanted inner = item ? wanted.Item() : wanted.Property(tag.word);
      children.emplace_back(KeyOf(tag), ReadContent(tag, inner, depth + 1));
    }
    if (!closed) {
      list_.Note(StrCat("\"", Truncate(opener.word, 80), "\" had no closing tag"));
      if (at_ == elements_.size()) text_end = std::max(TextEnd(opener.word), opener.end);
    }
    if (!children.empty()) return Compose(children, wanted, list_wanted);
    const std::string_view text = body_.substr(opener.end, text_end - opener.end);
    if (closed && Trim(text).empty() && (wanted.kinds() & Wanted::kText) == 0) {
      if ((wanted.kinds() & Wanted::kArray) != 0) return "[]";
      if ((wanted.kinds() & Wanted::kObject) != 0) return "{}";
    }
    return BendText(text, wanted, opener.word, list_);
  }

  // Where the text of the last element ends: before a tag that the end of the body has cut. Where a
  // mark stands before every tag, that may be the tag of any element.
  std::size_t TextEnd(std::string_view opener) const {
    const std::size_t mark = marked_ ? body_.rfind(kMiniMaxMark) : body_.npos;
    if (mark != body_.npos && !body_.substr(mark + kMiniMaxMark.size()).contains('>')) return mark;
    return EndBeforeCutTag(body_, std::span(&opener, 1));
  }

  // Elements of the same name, or named "item", are a list unless the schema wants an object.
  std::string Compose(const std::vector<std::pair<std::string_view, std::string>>& children,
                      const Wanted& wanted, bool list_wanted) {
    bool same = children.size() > 1 || children.front().first == "item";
    for (const auto& [key, json] : children) same = same && key == children.front().first;
    const bool may_be_list = (wanted.kinds() & Wanted::kArray) != 0;
    if (!list_wanted && !(same && may_be_list)) {
      Arguments object(list_);
      for (const auto& [key, json] : children) object.Set(key, json);
      return object.Text();
    }
    std::string out = "[";
    for (const auto& [key, json] : children) {
      if (out.size() > 1) out += ',';
      out += json;
    }
    return out + "]";
  }

  std::string_view body_;
  CallList& list_;
  bool marked_ = false;
  std::vector<Element> elements_;
  std::size_t at_ = 0;
};

}  // namespace

void ReadElementCalls(std::string_view body, CallList& list) { ElementCalls(body, list).Read(); }

}  // namespace weir::text
