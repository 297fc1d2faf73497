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
        found_(FindTags(
            form, body,
            [&list](std::string_view name) { return list.Tool(list.PlainName(name)) != nullptr; })),
        tags_(found_.tags),
        match_(tags_.size(), kNone) {}

  void Read() {
    Match();
    for (std::size_t i = 0; i < tags_.size();) {
      i = tags_[i].kind == TagKind::kOpenCall ? ReadCall(i) : i + 1;
    }
    if (list_.empty()) return list_.Refuse("no tag that names a tool");
    if (found_.mended) list_.Note("a tag was not written to its end, or was the wrong one");
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
    if (at == tags_.size() && (closed || !arguments.empty())) {
      list_.EndBeforeWords(body_.substr(0, TextEnd(text_from)), text_from);
    } else if (!closed && stray.empty() && text_from < text_to) {
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

  // <a>1</a>, for tools that have such parameters.
  bool TakeElements(const Wanted& wanted, std::string_view text, Arguments& arguments) {
    for (std::size_t at = 0; at < text.size();) {
      const auto tag = ReadAngleTag(text, at);
      if (!tag || tag->closing || !wanted.knows(tag->word)) break;
      const std::string close = StrCat("</", tag->word, ">");
      const std::size_t end = text.find(close, tag->end);
      if (end == text.npos) break;
      arguments.Set(tag->word, BendText(text.substr(tag->end, end - tag->end),
                                        wanted.Property(tag->word), tag->word, list_));
      at = std::min(text.find_first_not_of(kWhiteSpace, end + close.size()), text.size());
    }
    return !arguments.empty();
  }

  void Add(std::size_t i, std::string_view name, Arguments& arguments, std::string_view stray) {
    const bool is_json =
        stray.starts_with('{') || stray.starts_with('"') || stray.starts_with("```");
    if (arguments.empty() && is_json) {
      const std::size_t end = match_[i] == kNone ? body_.size() : tags_[match_[i]].begin;
      const std::size_t from = tags_[i].end;
      const std::string_view inside = body_.substr(from, end - from);
      std::string_view text = match_[i] == kNone ? stray : inside;
      std::string json;
      if (ReadJsonArguments(text, list_.Tool(name), list_, json, &text)) {
        const std::size_t last = match_[i] == kNone ? EndOfTail(i, text) : body_.npos;
        if (last != body_.npos) list_.EndBeforeWords(body_, last);
        return list_.Add(name, std::move(json));
      }
    }
    if (arguments.empty() &&
        TakeElements(Wanted::ArgumentsOf(list_.Tool(name)), stray, arguments)) {
      list_.Note(StrCat("the arguments of ", Truncate(name, 80), " stood in tags of their names"));
      return list_.Add(name, arguments.Text());
    }
    const bool in_prose = arguments.empty() && match_[i] == kNone && !stray.starts_with('<');
    if (!stray.empty() && in_prose) return list_.Refuse("a tag that a sentence goes on behind");
    if (!stray.empty()) {
      list_.Note(
          StrCat("left out between the tags of ", Truncate(name, 80), ": ", Truncate(stray, 40)));
    }
    list_.Add(name, arguments.Text());
  }

  // Where `rest`, what stands behind the arguments of a call without a closing tag, begins when it
  // is the rest of the body: npos when it is not.
  std::size_t EndOfTail(std::size_t i, std::string_view rest) const {
    const bool is_last = i + 1 == tags_.size();
    return is_last && !rest.empty() ? static_cast<std::size_t>(rest.data() - body_.data())
                                    : body_.npos;
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
    std::string_view text = body_.substr(tag.end, end - tag.end);
    if (!closed) text = WithoutWrongEnd(text, tag.name);
    text = WithoutMarkupBreaks(text, closed);
    arguments.Set(tag.name, Json(tag, text, wanted.Property(tag.name)));
    return next;
  }

  // The end of a value that no tag closes in a way that fits: the first that may end it. In pairs,
  // which nothing else looks like, the last closing tag is better than none.
  std::size_t FindEnd(std::size_t i, const Wanted& wanted, const Arguments& arguments) {
    std::size_t loose = kNone;
    for (std::size_t at = i + 1; at < tags_.size(); ++at) {
      const CallTag& tag = tags_[at];
      switch (tag.kind) {
        case TagKind::kCloseValue:
          if (IsFollowed(at)) return at;
          if (form_ == CallForm::kArgPairs) loose = at;
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
      if (loose != kNone) return loose;
      list_.Note(StrCat("\"", Truncate(tags_[i].name, 80), "\" had no closing tag"));
      return at;
    }
    return loose == kNone ? tags_.size() : loose;
  }

  // A value that was not closed may have been by a tag with the name of its key.
  static std::string_view WithoutWrongEnd(std::string_view text, std::string_view key) {
    const std::string_view trimmed = Trim(text);
    const std::string end = StrCat("</", key, ">");
    if (!trimmed.ends_with(end)) return text;
    return text.substr(0, text.rfind(end));
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
