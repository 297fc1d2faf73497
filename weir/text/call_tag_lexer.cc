#include "weir/text/call_tag_lexer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/text/call_values.h"

namespace weir::text {
namespace {

constexpr std::size_t kMaxTag = 512;

bool IsSpace(char c) { return kWhiteSpace.contains(c); }

std::size_t SkipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

std::string_view WithoutQuotes(std::string_view text) {
  text = Trim(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// `name` in <function=name> or in <function name="name">.
std::string_view NameOf(std::string_view attributes) {
  const std::string_view trimmed = Trim(attributes);
  if (trimmed.starts_with('=')) return WithoutQuotes(trimmed.substr(1));
  return Attribute(attributes, "name");
}

bool EndsWithWord(std::string_view word, std::string_view wanted) {
  if (word.size() < wanted.size()) return false;
  if (!EqualsIgnoreCase(word.substr(word.size() - wanted.size()), wanted)) return false;
  if (word.size() == wanted.size()) return true;
  const char before = word[word.size() - wanted.size() - 1];
  return before == ':' || static_cast<unsigned char>(before) >= 0x80 || before == '|';
}

bool IsCallWord(std::string_view word) {
  return EndsWithWord(word, "function") || EndsWithWord(word, "invoke");
}

bool IsValueWord(std::string_view word) {
  return EndsWithWord(word, "parameter") || EndsWithWord(word, "param");
}

bool IsWrapperWord(std::string_view word) {
  return ToLower(word).contains("tool_call") || EndsWithWord(word, "function_calls");
}

// <function=name or <parameter=name at the end of a line, where another line follows.
std::optional<AngleTag> ReadOpenTag(std::string_view body, std::size_t at) {
  const std::size_t line = body.substr(0, std::min(body.size(), at + kMaxTag)).find('\n', at);
  const std::size_t sign = body.substr(0, line).find('=', at);
  if (line == body.npos || sign == body.npos) return std::nullopt;
  const std::string_view word = body.substr(at + 1, sign - at - 1);
  const std::string_view name = Trim(body.substr(sign + 1, line - sign - 1));
  if (!IsCallWord(word) && !IsValueWord(word)) return std::nullopt;
  if (name.empty() || name.find_first_of(" \t<>/") != name.npos) return std::nullopt;
  return AngleTag{.word = word, .attributes = body.substr(sign, line - sign), .end = line};
}

// Tags of the forms with <function> and <invoke>. The first tag of a call, and the first of a
// value, fix the word for those that follow: another word is text.
class AngleTags {
 public:
  explicit AngleTags(std::string_view body) : body_(body) {}

  CallTags Find() {
    for (std::size_t at = body_.find('<'); at != body_.npos; at = body_.find('<', at)) {
      auto tag = ReadAngleTag(body_, at);
      const bool is_open = !tag && (tag = ReadOpenTag(body_, at));
      if (tag && Take(*tag, at)) {
        mended_ = mended_ || is_open;
        at = tag->end;
      } else {
        ++at;
      }
    }
    const std::string_view words[] = {call_word_, value_word_};
    return {std::move(tags_), EndBeforeCutTag(body_, words), mended_};
  }

 private:
  bool Take(const AngleTag& tag, std::size_t begin) {
    if (body_.substr(0, begin).ends_with(kMiniMaxMark)) begin -= kMiniMaxMark.size();
    if (IsWrapperWord(tag.word)) {
      tags_.push_back({TagKind::kWrapper, begin, tag.end, {}, {}});
      return true;
    }
    if (IsCallWord(tag.word)) {
      return Add(tag, begin, call_word_, TagKind::kOpenCall, TagKind::kCloseCall);
    }
    if (IsValueWord(tag.word)) {
      return Add(tag, begin, value_word_, TagKind::kOpenValue, TagKind::kCloseValue);
    }
    return false;
  }

  bool Add(const AngleTag& tag, std::size_t begin, std::string_view& word, TagKind open,
           TagKind close) {
    if (tag.closing) {
      if (!EqualsIgnoreCase(tag.word, word)) return false;
      tags_.push_back({close, begin, tag.end, {}, {}});
      return true;
    }
    const std::string_view name = NameOf(tag.attributes);
    if (name.empty() || (!word.empty() && !EqualsIgnoreCase(tag.word, word))) return false;
    word = tag.word;
    std::string_view type;
    if (const auto text = Attribute(tag.attributes, "string"); !text.empty()) {
      type = EqualsIgnoreCase(text, "true") ? "string" : "json";
    }
    tags_.push_back({open, begin, tag.end, name, type});
    if (tag.closed) tags_.push_back({close, tag.end, tag.end, {}, {}});
    return true;
  }

  std::string_view body_;
  bool mended_ = false;
  std::string_view call_word_;
  std::string_view value_word_;
  std::vector<CallTag> tags_;
};

// Kimi K3: <|open|>call tool="f"<|sep|>, <|close|>call<|sep|>.
CallTags FindMarkedTags(std::string_view body) {
  constexpr std::string_view kOpen = "<|open|>", kClose = "<|close|>", kEnd = "<|sep|>";
  std::vector<CallTag> tags;
  std::size_t text_end = body.size();
  for (std::size_t at = body.find("<|"); at != body.npos; at = body.find("<|", at)) {
    const std::string_view rest = body.substr(at);
    const bool opens = rest.starts_with(kOpen);
    const std::size_t head = opens ? kOpen.size() : kClose.size();
    if (!opens && !rest.starts_with(kClose)) {
      at += 2;
      continue;
    }
    const std::size_t end = rest.substr(0, kMaxTag).find(kEnd, head);
    if (end == rest.npos) {
      if (rest.size() < kMaxTag) text_end = std::min(text_end, at);
      at += head;
      continue;
    }
    const std::string_view inside = Trim(rest.substr(head, end - head));
    const std::string_view word = inside.substr(0, inside.find_first_of(kWhiteSpace));
    CallTag tag{TagKind::kWrapper, at, at + end + kEnd.size(), {}, {}};
    if (word == "call") {
      tag.kind = opens ? TagKind::kOpenCall : TagKind::kCloseCall;
      tag.name = Attribute(inside, "tool");
    } else if (word == "argument") {
      tag.kind = opens ? TagKind::kOpenValue : TagKind::kCloseValue;
      tag.name = Attribute(inside, "key");
      tag.type = Attribute(inside, "type");
    }
    tags.push_back(tag);
    at = tag.end;
  }
  const std::string_view whole = body.substr(0, text_end);
  return {std::move(tags),
          std::min(WithoutPartOf(whole, kOpen).size(), WithoutPartOf(whole, kClose).size())};
}

// GLM: f<arg_key>k</arg_key><arg_value>v</arg_value>. A pair of tags around the key is one tag
// here, and what stands before the first of them is the name.
class PairTags {
 public:
  PairTags(std::string_view body, const IsToolName& is_tool) : body_(body), is_tool_(is_tool) {}

  CallTags Find() {
    OpenCall(0, 0);
    for (std::size_t at = body_.find('<'); at != body_.npos; at = body_.find('<', at)) {
      const auto tag = ReadAngleTag(body_, at);
      at = tag ? Take(*tag, at) : at + 1;
    }
    constexpr std::string_view kKey = "<arg_key>";
    constexpr std::string_view kWords[] = {"arg_key", "arg_value", "tool_call"};
    std::size_t end = EndBeforeCutTag(body_, kWords);
    const std::size_t key = body_.substr(0, end).rfind(kKey);
    const bool cut = key != body_.npos && end - key < kMaxTag &&
                     !body_.substr(key + kKey.size(), end - key - kKey.size()).contains('<');
    return {std::move(tags_), cut ? key : end, mended_};
  }

 private:
  // Gives the place to go on from.
  std::size_t Take(const AngleTag& tag, std::size_t begin) {
    if (EqualsIgnoreCase(tag.word, "arg_key") && !tag.closing) return OpenValue(begin, tag.end);
    if (EqualsIgnoreCase(tag.word, "arg_value") && tag.closing) {
      tags_.push_back({TagKind::kCloseValue, begin, tag.end, {}, {}});
      return OpenNamedCall(tag.end);
    }
    if (EqualsIgnoreCase(tag.word, "arg_key") && ClosesValue(tag.end)) {
      mended_ = true;
      tags_.push_back({TagKind::kCloseValue, begin, tag.end, {}, {}});
      return tag.end;
    }
    if (!EqualsIgnoreCase(tag.word, "tool_call")) return begin + 1;
    if (!tag.closing) return OpenCall(begin, tag.end);
    tags_.push_back({TagKind::kCloseCall, begin, tag.end, {}, {}});
    return tag.end;
  }

  // Whether the wrong closing tag may be the end of the value: another tag follows.
  bool ClosesValue(std::size_t at) const {
    if (tags_.empty() || tags_.back().kind != TagKind::kOpenValue) return false;
    const std::string_view rest = body_.substr(SkipSpace(body_, at));
    return rest.empty() || rest.starts_with("<arg_key>") || rest.starts_with("</tool_call>");
  }

  // A call begins only where a name stands, and then its arguments or its end.
  std::size_t OpenCall(std::size_t begin, std::size_t at) {
    const std::size_t name_at = SkipSpace(body_, at);
    const std::size_t name_end = std::min(body_.find_first_of("<\r\n \t", name_at), body_.size());
    const std::size_t next = SkipSpace(body_, name_end);
    const std::string_view rest = body_.substr(next);
    const bool goes_on = rest.empty() || rest.starts_with("<arg_key") ||
                         rest.starts_with("</tool_call") || rest.starts_with("< arg_key");
    const std::string_view name = body_.substr(name_at, name_end - name_at);
    if (name.empty() || !goes_on) return at;
    tags_.push_back({TagKind::kOpenCall, begin, name_end, name, {}});
    return name_end;
  }

  // Behind a value, a call of a tool that is given may come without the mark that opens one.
  std::size_t OpenNamedCall(std::size_t at) {
    const std::size_t begin = SkipSpace(body_, at);
    const std::size_t end = std::min(body_.find_first_of("<\r\n \t", begin), body_.size());
    const std::string_view name = body_.substr(begin, end - begin);
    const std::string_view rest = body_.substr(SkipSpace(body_, end));
    const bool goes_on =
        rest.empty() || rest.starts_with("<arg_key>") || rest.starts_with("</tool_call>");
    if (name.empty() || !goes_on || !is_tool_(name)) return at;
    tags_.push_back({TagKind::kOpenCall, begin, end, name, {}});
    return end;
  }

  std::size_t OpenValue(std::size_t begin, std::size_t at) {
    const std::size_t key_end =
        std::min(body_.substr(0, std::min(body_.size(), at + kMaxTag)).find('<', at), body_.size());
    if (key_end == body_.size()) return at;
    const std::string_view key = Trim(body_.substr(at, key_end - at));
    std::size_t end = key_end;
    bool value_opens = false;
    for (const std::string_view word : {"arg_key", "arg_value"}) {
      const std::size_t next = SkipSpace(body_, end);
      const auto tag = ReadAngleTag(body_, next);
      value_opens = tag && EqualsIgnoreCase(tag->word, word) && tag->closing == (word == "arg_key");
      if (value_opens) end = tag->end;
    }
    if (key.empty() || end == key_end) return at;
    if (!value_opens && body_.substr(end).starts_with('\n')) ++end;
    tags_.push_back({TagKind::kOpenValue, begin, end, key, {}});
    return end;
  }

  std::string_view body_;
  const IsToolName& is_tool_;
  bool mended_ = false;
  std::vector<CallTag> tags_;
};

}  // namespace

std::optional<AngleTag> ReadAngleTag(std::string_view body, std::size_t at) {
  if (at >= body.size() || body[at] != '<') return std::nullopt;
  AngleTag tag;
  const std::string_view text = body.substr(at, kMaxTag);
  std::size_t i = SkipSpace(text, 1);
  if (i < text.size() && text[i] == '/') {
    tag.closing = true;
    i = SkipSpace(text, i + 1);
  }
  const std::size_t word = i;
  while (i < text.size() && !IsSpace(text[i]) && !std::string_view("<>=/\"'").contains(text[i])) {
    ++i;
  }
  if (i == word) return std::nullopt;
  tag.word = text.substr(word, i - word);
  const std::size_t attributes = i;
  char quote = '\0';
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if ((c == '"' || c == '\'') && !tag.closing) {
      quote = c;
    } else if (c == '>') {
      break;
    } else if (c == '<') {
      return std::nullopt;
    }
  }
  if (i >= text.size()) return std::nullopt;
  tag.closed = !tag.closing && text[i - 1] == '/';
  tag.attributes = text.substr(attributes, i - attributes - (tag.closed ? 1 : 0));
  tag.end = at + i + 1;
  return tag;
}

std::string_view Attribute(std::string_view attributes, std::string_view key) {
  std::size_t at = 0;
  while (at < attributes.size()) {
    at = SkipSpace(attributes, at);
    const std::size_t begin = at;
    while (at < attributes.size() && !IsSpace(attributes[at]) && attributes[at] != '=') ++at;
    const std::string_view word = attributes.substr(begin, at - begin);
    at = SkipSpace(attributes, at);
    if (at == attributes.size() || attributes[at] != '=') {
      if (word.empty()) return {};
      continue;
    }
    at = SkipSpace(attributes, at + 1);
    std::size_t end = at;
    if (at < attributes.size() && (attributes[at] == '"' || attributes[at] == '\'')) {
      end = attributes.find(attributes[at], at + 1);
      end = end == attributes.npos ? attributes.size() : end + 1;
    } else {
      while (end < attributes.size() && !IsSpace(attributes[end])) ++end;
    }
    if (word == key) return WithoutQuotes(attributes.substr(at, end - at));
    at = end;
  }
  return {};
}

std::size_t EndBeforeCutTag(std::string_view body, std::span<const std::string_view> words) {
  const std::size_t begin = body.rfind('<');
  if (begin == body.npos || body.size() - begin > kMaxTag) return body.size();
  std::size_t at = SkipSpace(body, begin + 1);
  if (at < body.size() && body[at] == '/') at = SkipSpace(body, at + 1);
  const std::string_view tag = body.substr(at);
  const bool cut = !tag.contains('>') && std::ranges::any_of(words, [tag](std::string_view word) {
    if (tag.size() <= word.size()) return word.starts_with(tag);
    const char next = tag[word.size()];
    return !word.empty() && tag.starts_with(word) && (IsSpace(next) || next == '=');
  });
  if (!cut) return body.size();
  return body.substr(0, begin).ends_with(kMiniMaxMark) ? begin - kMiniMaxMark.size() : begin;
}

CallTags FindTags(CallForm form, std::string_view body, const IsToolName& is_tool) {
  if (form == CallForm::kArgPairs) return PairTags(body, is_tool).Find();
  if (body.contains("<|open|>call")) return FindMarkedTags(body);
  return AngleTags(body).Find();
}

}  // namespace weir::text
