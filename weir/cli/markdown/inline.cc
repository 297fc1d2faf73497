#include "weir/cli/markdown/inline.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace weir::cli {
namespace {

constexpr std::size_t kMostLink = 2000;   // bytes of a link with its text; longer is no link
constexpr std::size_t kMostOpeners = 64;  // marks that are looked back at for a partner
constexpr std::string_view kMarks = "*_~";
constexpr std::array<Style, 3> kEmphases = {kStrong, kItalic, kStrike};

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// A piece of text, or a run of marks that may begin or end an emphasis.
struct Token {
  std::string text;
  std::uint8_t style = kNoStyle;
  char mark = 0;  // 0: text
  int count = 0;  // marks that are still without a partner
  bool opens = false;
  bool closes = false;
  std::array<int, 3> change{};  // how many emphases of each kind begin here (or end, below zero)
};

struct Link {
  std::string_view text;
  std::string_view url;
  std::size_t size = 0;  // of all of it
};

// [text](url "title") at the front of `text`.
std::optional<Link> LinkAt(std::string_view text) {
  text = text.substr(0, kMostLink);
  std::size_t close = 1;
  for (int depth = 1; close < text.size(); ++close) {
    const char c = text[close];
    if (c == '\\') ++close;
    if (c == '[') ++depth;
    if (c == ']' && --depth == 0) break;
  }
  if (close + 1 >= text.size() || text[close + 1] != '(') return std::nullopt;
  const std::size_t begin = close + 2;
  std::size_t end = begin;
  for (int depth = 1; end < text.size(); ++end) {
    const char c = text[end];
    if (c == '\n') return std::nullopt;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0) break;
  }
  if (end >= text.size()) return std::nullopt;
  std::string_view url = text.substr(begin, end - begin);
  return Link{
      .text = text.substr(1, close - 1), .url = url.substr(0, url.find(' ')), .size = end + 1};
}

class InlineParser {
 public:
  InlineParser(std::string_view text, Ending ending) : text_(text), ending_(ending) {}

  std::vector<Span> Parse() && {
    while (at_ < text_.size()) Step();
    EndText();
    PairMarks();
    return Spans();
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }

  void Step() {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '\\' && IsPunctuation(next)) {
      plain_ += next;
      at_ += 2;
    } else if (c == '\\' && next == '\n') {
      ++at_;
    } else if (c == '`') {
      Code();
    } else if (kMarks.contains(c)) {
      Marks(c);
    } else if (c == '[' || (c == '!' && next == '[')) {
      TakeLink();
    } else if (c == '<') {
      Address();
    } else {
      plain_ += c;
      ++at_;
    }
  }

  void EndText() {
    if (plain_.empty()) return;
    AddText(std::exchange(plain_, {}), kNoStyle);
  }

  void AddText(std::string text, std::uint8_t style) {
    Token& token = tokens_.emplace_back();
    token.text = std::move(text);
    token.style = style;
  }

  std::size_t RunAt(std::size_t begin) const {
    const std::size_t end = text_.find_first_not_of(text_[begin], begin);
    return std::min(end, text_.size()) - begin;
  }

  void Code() {
    const std::size_t run = RunAt(at_);
    const std::size_t begin = at_ + run;
    std::size_t close = text_.find('`', begin);
    while (close != text_.npos && RunAt(close) != run) {
      close = text_.find('`', close + RunAt(close));
    }
    if (close == text_.npos && (ending_ == Ending::kOver || run > 2)) {
      plain_.append(run, '`');
      at_ = begin;
      return;
    }
    EndText();
    std::string code(text_.substr(begin, close == text_.npos ? close : close - begin));
    std::ranges::replace(code, '\n', ' ');
    const bool padded = code.size() > 2 && code.front() == ' ' && code.back() == ' ';
    AddText(padded ? code.substr(1, code.size() - 2) : std::move(code), kCode);
    at_ = close == text_.npos ? text_.size() : close + run;
  }

  void Marks(char mark) {
    const std::size_t run = RunAt(at_);
    const char before = at_ > 0 ? text_[at_ - 1] : ' ';
    const char behind = at_ + run < text_.size() ? text_[at_ + run] : ' ';
    const bool at_end = at_ + run == text_.size();
    at_ += run;
    if (run > 3 || (mark == '~' && run != 2)) {
      plain_.append(run, mark);
      return;
    }
    EndText();
    const bool left =
        !IsBlank(behind) && (!IsPunctuation(behind) || IsBlank(before) || IsPunctuation(before));
    const bool right =
        !IsBlank(before) && (!IsPunctuation(before) || IsBlank(behind) || IsPunctuation(behind));
    const bool inside_word = mark == '_' && left && right;
    Token& token = tokens_.emplace_back();
    token.mark = mark;
    token.count = static_cast<int>(run);
    token.opens = left && (!inside_word || IsPunctuation(before));
    token.closes = right && (!inside_word || IsPunctuation(behind));
    // What they will be is not known before the next character: they are not shown yet.
    token.closes = token.closes || (at_end && ending_ == Ending::kOpen);
    token.opens = token.opens || (at_end && ending_ == Ending::kOpen);
  }

  void TakeLink() {
    const bool image = text_[at_] == '!';
    const std::optional<Link> link = LinkAt(rest().substr(image ? 1 : 0));
    if (!link || (link->text.empty() && link->url.empty())) {
      plain_ += image ? "![" : "[";
      at_ += image ? 2 : 1;
      return;
    }
    EndText();
    at_ += link->size + (image ? 1 : 0);
    if (image) AddText("image: ", kFaint);
    const std::string_view label = link->text.empty() ? link->url : link->text;
    // A link has no links inside, so this goes no deeper than the brackets that it was cut at.
    for (Span& span : ParseLabel(label)) {
      AddText(std::move(span.text), static_cast<std::uint8_t>(span.style | kUnderline));
    }
    if (label != link->url && !link->url.empty()) {
      AddText(" (", kFaint);
      AddText(std::string(link->url), kFaint);
      AddText(")", kFaint);
    }
  }

  static std::vector<Span> ParseLabel(std::string_view label) {
    if (label.contains('[')) return {Span{.text = std::string(label)}};
    return InlineParser(label, Ending::kOver).Parse();
  }

  // <https://...>, without the brackets.
  void Address() {
    const std::string_view inside = rest().substr(1, kMostLink);
    const std::size_t end = inside.find_first_of("> \n<");
    const bool is_address = inside.starts_with("http://") || inside.starts_with("https://") ||
                            inside.starts_with("mailto:");
    if (!is_address || end == inside.npos || inside[end] != '>') {
      plain_ += '<';
      ++at_;
      return;
    }
    EndText();
    AddText(std::string(inside.substr(0, end)), kUnderline);
    at_ += end + 2;
  }

  void PairMarks() {
    std::vector<std::size_t> openers;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      Token& token = tokens_[i];
      if (token.mark == 0) continue;
      if (token.closes) Close(i, openers);
      if (token.opens && token.count > 0) openers.push_back(i);
      if (openers.size() > kMostOpeners) openers.erase(openers.begin());
    }
    if (ending_ == Ending::kOver) return;
    for (const std::size_t opener : openers) {
      while (tokens_[opener].count > 0) Begin(tokens_[opener]);
    }
  }

  // One or two marks of an opener find use.
  static std::size_t Begin(Token& opener) {
    const int used = opener.count >= 2 ? 2 : 1;
    const std::size_t kind = opener.mark == '~' ? 2 : used == 2 ? 0 : 1;
    opener.count -= used;
    opener.change[kind] += 1;
    return kind;
  }

  void Close(std::size_t closer_index, std::vector<std::size_t>& openers) {
    Token& closer = tokens_[closer_index];
    for (std::size_t i = openers.size(); i > 0 && closer.count > 0; --i) {
      Token& opener = tokens_[openers[i - 1]];
      if (opener.mark != closer.mark) continue;
      const int sum = opener.count + closer.count;
      const bool both_ways = (opener.opens && opener.closes) || (closer.opens && closer.closes);
      if (both_ways && sum % 3 == 0 && closer.count % 3 != 0) continue;
      openers.resize(i);
      while (opener.count > 0 && closer.count > 0) {
        const bool strong = opener.count >= 2 && closer.count >= 2;
        const int used = strong ? 2 : 1;
        const std::size_t kind = closer.mark == '~' ? 2 : strong ? 0 : 1;
        opener.count -= used;
        closer.count -= used;
        opener.change[kind] += 1;
        closer.change[kind] -= 1;
      }
      if (opener.count == 0) openers.pop_back();
    }
  }

  std::vector<Span> Spans() {
    Row row;  // joins neighbours of one style
    std::array<int, 3> open{};
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      Token& token = tokens_[i];
      for (std::size_t kind = 0; kind < open.size(); ++kind) open[kind] += token.change[kind];
      std::uint8_t style = token.style;
      for (std::size_t kind = 0; kind < open.size(); ++kind) {
        if (open[kind] > 0) style |= kEmphases[kind];
      }
      const bool may_change = ending_ == Ending::kOpen && i + 1 == tokens_.size();
      if (token.mark != 0 && may_change) continue;
      if (token.mark != 0) token.text.assign(static_cast<std::size_t>(token.count), token.mark);
      row.Add(token.text, style);
    }
    return std::move(row.spans);
  }

  const std::string_view text_;
  const Ending ending_;
  std::size_t at_ = 0;
  std::string plain_;  // text that no token holds yet
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Span> ParseInline(std::string_view text, Ending ending) {
  return InlineParser(text, ending).Parse();
}

}  // namespace weir::cli
