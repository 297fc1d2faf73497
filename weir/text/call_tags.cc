// Calls in tags. A value is raw text and may hold anything, also what looks like a tag; which tag
// ends it is found by matching all of them first, and by what must follow an end.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "weir/base/text.h"
#include "weir/text/call_list.h"
#include "weir/text/call_tag_lexer.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

class TagCalls {
 public:
  TagCalls(CallForm form, std::string_view body, CallList& list)
      : form_(form),
        body_(body),
        list_(list),
        found_(FindTags(form, body)),
        tags_(found_.tags),
        match_(tags_.size(), kNone) {}

  void Read() {
    Match();
    for (std::size_t i = 0; i < tags_.size();) {
      i = tags_[i].kind == TagKind::kOpenCall ? ReadCall(i) : i + 1;
    }
    if (list_.empty()) list_.Refuse("no tag that names a tool");
  }

 private:
  // Whether only white space stands between this tag and the next, whole or cut, or the end.
  bool IsFollowed(std::size_t i) const {
    const std::size_t next = i + 1 < tags_.size() ? tags_[i + 1].begin : TextEnd(tags_[i].end);
    return Trim(body_.substr(tags_[i].end, next - tags_[i].end)).empty();
  }

  // Where the text behind `from` ends when no tag follows.
  std::size_t TextEnd(std::size_t from) const { return std::max(found_.text_end, from); }

  // Pairs every tag that opens with the one that closes it. A tag that closes the outermost value
  // or call counts only when something follows that may stand there.
  void Match() {
    std::vector<std::size_t> open;
    std::size_t open_calls = 0, open_values = 0;
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      const TagKind kind = tags_[i].kind;
      if (kind == TagKind::kOpenCall || kind == TagKind::kOpenValue) {
        open.push_back(i);
        ++(kind == TagKind::kOpenCall ? open_calls : open_values);
        continue;
      }
      if (kind == TagKind::kWrapper) continue;
      const bool value = kind == TagKind::kCloseValue;
      const std::size_t candidates = value ? open_values : open_calls;
      if (candidates == 0 || (candidates == 1 && !MayEnd(i))) continue;
      const TagKind wanted = value ? TagKind::kOpenValue : TagKind::kOpenCall;
      while (!open.empty()) {
        const std::size_t opener = open.back();
        open.pop_back();
        --(tags_[opener].kind == TagKind::kOpenCall ? open_calls : open_values);
        if (tags_[opener].kind != wanted) continue;
        match_[opener] = i;
        break;
      }
    }
  }

  bool MayEnd(std::size_t i) const {
    if (!IsFollowed(i)) return false;
    if (tags_[i].kind == TagKind::kCloseValue || i + 1 == tags_.size()) return true;
    const TagKind next = tags_[i + 1].kind;
    return next != TagKind::kCloseValue && next != TagKind::kOpenValue;
  }

  std::size_t ReadCall(std::size_t i) {
    const CallTag& call = tags_[i];
    const std::string_view name = list_.PlainName(call.name);
    const Wanted wanted = Wanted::ArgumentsOf(list_.Tool(name));
    if (form_ == CallForm::kArgPairs && !IsNamed(i, name)) return i + 1;
    Arguments arguments(list_);
    std::size_t text_from = call.end;
    std::string_view stray;
    std::size_t at = i + 1;
    bool closed = false;
    while (at < tags_.size() && !closed && tags_[at].kind != TagKind::kOpenCall) {
      const CallTag& tag = tags_[at];
      const std::string_view between = Trim(body_.substr(text_from, tag.begin - text_from));
      if (stray.empty()) stray = between;
      if (tag.kind == TagKind::kOpenValue) {
        at = ReadValue(at, wanted, arguments);
        text_from = value_end_;
        continue;
      }
      closed = tag.kind == TagKind::kCloseCall && (match_[i] == kNone || match_[i] == at);
      text_from = tag.end;
      ++at;
    }
    const std::size_t text_to = at < tags_.size() ? tags_[at].begin : TextEnd(text_from);
    if (!closed && stray.empty() && text_from < text_to) {
      stray = Trim(body_.substr(text_from, text_to - text_from));
    }
    Add(i, name, arguments, stray);
    return at;
  }

  // A bare name is a call only when a tool has it.
  bool IsNamed(std::size_t i, std::string_view name) const {
    const bool has_values = i + 1 < tags_.size() && tags_[i + 1].kind == TagKind::kOpenValue;
    return has_values || list_.Tool(name) != nullptr;
  }

  void Add(std::size_t i, std::string_view name, const Arguments& arguments,
           std::string_view stray) {
    std::string json;
    if (arguments.empty() && (stray.starts_with('{') || stray.starts_with('"'))) {
      const std::size_t end = match_[i] == kNone ? body_.size() : tags_[match_[i]].begin;
      const std::size_t from = tags_[i].end;
      const std::string_view inside = body_.substr(from, end - from);
      if (ReadJsonArguments(match_[i] == kNone ? stray : inside, list_, json)) {
        return list_.Add(name, std::move(json));
      }
    }
    const bool in_prose = arguments.empty() && match_[i] == kNone && !stray.starts_with('<');
    if (!stray.empty() && in_prose) return list_.Refuse("a tag that a sentence goes on behind");
    if (!stray.empty()) {
      list_.Note(
          StrCat("left out between the tags of ", Truncate(name, 80), ": ", Truncate(stray, 40)));
    }
    list_.Add(name, arguments.Text());
  }

  // Gives the tag behind the value.
  std::size_t ReadValue(std::size_t i, const Wanted& wanted, Arguments& arguments) {
    const CallTag& tag = tags_[i];
    std::size_t next = match_[i];
    std::size_t end = next == kNone ? TextEnd(tag.end) : tags_[next].begin;
    bool closed = next != kNone;
    if (closed) {
      value_end_ = tags_[next].end;
      ++next;
    } else {
      next = FindEnd(i, wanted, arguments);
      if (next < tags_.size()) {
        end = value_end_ = tags_[next].begin;
        closed = tags_[next].kind == TagKind::kCloseValue;
        if (closed) value_end_ = tags_[next++].end;
      } else {
        value_end_ = body_.size();
        list_.Note(StrCat("the text ended inside \"", Truncate(tag.name, 80), "\""));
        if (Trim(body_.substr(tag.end, end - tag.end)).empty()) return next;
      }
    }
    const std::string_view text = WithoutMarkupBreaks(body_.substr(tag.end, end - tag.end), closed);
    arguments.Set(tag.name, Json(tag, text, wanted.Property(tag.name)));
    return next;
  }

  // The end of a value that no tag closes in a way that fits: the first that may end it.
  std::size_t FindEnd(std::size_t i, const Wanted& wanted, const Arguments& arguments) {
    for (std::size_t at = i + 1; at < tags_.size(); ++at) {
      const CallTag& tag = tags_[at];
      switch (tag.kind) {
        case TagKind::kCloseValue:
          if (IsFollowed(at)) return at;
          continue;
        case TagKind::kOpenValue:
          if (!wanted.knows(tag.name) || tag.name == tags_[i].name || arguments.Has(tag.name)) {
            continue;
          }
          break;
        case TagKind::kOpenCall:
          if (list_.Tool(list_.PlainName(tag.name)) == nullptr) continue;
          break;
        case TagKind::kCloseCall:
        case TagKind::kWrapper:
          if (!MayEnd(at)) continue;
          break;
      }
      list_.Note(StrCat("\"", Truncate(tags_[i].name, 80), "\" had no closing tag"));
      return at;
    }
    return tags_.size();
  }

  // <parameter=k> stands on a line of its own, and so does its end: the breaks between are no part
  // of the value. One that begins behind its tag has none to give, but the break before the tag
  // that ends a value which was not closed.
  std::string_view WithoutMarkupBreaks(std::string_view text, bool closed) const {
    bool own_line = false;
    if (form_ == CallForm::kFunctionTags) {
      const std::size_t lead = text.starts_with("\r\n") ? 2 : text.starts_with('\n') ? 1 : 0;
      own_line = lead > 0;
      text.remove_prefix(lead);
    }
    if ((own_line || !closed) && text.ends_with('\n')) {
      text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
    }
    return text;
  }

  std::string Json(const CallTag& tag, std::string_view text, const Wanted& wanted) {
    if (tag.type == "string") return Quoted(text);
    if (!tag.type.empty()) return ReadDeclaredJson(text, tag.name, list_);
    return BendText(text, wanted, tag.name, list_);
  }

  CallForm form_;
  std::string_view body_;
  CallList& list_;
  const CallTags found_;
  const std::vector<CallTag>& tags_;
  std::vector<std::size_t> match_;  // of a tag that opens: the one that closes it, or kNone
  std::size_t value_end_ = 0;       // of the value that was read last
};

}  // namespace

void ReadTagCalls(CallForm form, std::string_view body, CallList& list) {
  TagCalls(form, body, list).Read();
}

}  // namespace weir::text
