#include "weir/cli/markdown/rows.h"

#include <algorithm>
#include <utility>

#include "weir/cli/markdown/character.h"

namespace weir::cli {
namespace {

constexpr int kLeastWidth = 4;

class Wrapper {
 public:
  Wrapper(const Margin& margin, int width) : margin_(margin), row_(margin.first) {
    const int most = std::max(margin.first.width, margin.rest.width);
    width_ = std::max(width, most + kLeastWidth);
  }

  void Add(const Span& span) {
    std::string_view text = span.text;
    while (!text.empty()) {
      const Utf8Character next = DecodeCharacter(text);
      Take(next.code_point, text.substr(0, next.length), span.style);
      text.remove_prefix(next.length);
    }
  }

  std::vector<Row> Finish() && {
    EndWord();
    rows_.push_back(std::move(row_));
    return std::move(rows_);
  }

 private:
  void Take(char32_t code_point, std::string_view bytes, std::uint8_t style) {
    if (code_point == '\n') {
      EndWord();
      EndRow();
    } else if (code_point == ' ' || code_point == '\t') {
      EndWord();
      if (has_text_) blanks_.Add(" ", style);
    } else {
      const int width = CharacterWidth(code_point);
      if (width == 2) EndWord();
      if (margin_.rest.width + word_.width + width > width_) EndWord();
      word_.Add(bytes, style);
      if (width == 2) EndWord();
    }
  }

  void EndWord() {
    if (word_.spans.empty()) return;
    const bool fits = row_.width + blanks_.width + word_.width <= width_;
    if (!fits && has_text_) EndRow();
    for (const Row* part : {&blanks_, &word_}) {
      for (const Span& span : part->spans) row_.Add(span.text, span.style);
    }
    blanks_ = {};
    word_ = {};
    has_text_ = true;
  }

  void EndRow() {
    blanks_ = {};
    rows_.push_back(std::exchange(row_, margin_.rest));
    has_text_ = false;
  }

  const Margin& margin_;
  int width_;
  std::vector<Row> rows_;
  Row row_;
  Row blanks_;  // behind the row's text, kept only if more comes
  Row word_;
  bool has_text_ = false;  // in row_, beside its margin
};

}  // namespace

void Row::Add(std::string_view text, std::uint8_t style) {
  if (text.empty()) return;
  width += TextWidth(text);
  if (!spans.empty() && spans.back().style == style) {
    spans.back().text += text;
  } else {
    spans.push_back({.text = std::string(text), .style = style});
  }
}

std::vector<Row> Wrap(const std::vector<Span>& spans, const Margin& margin, int width) {
  Wrapper wrapper(margin, width);
  for (const Span& span : spans) wrapper.Add(span);
  return std::move(wrapper).Finish();
}

void AppendStyled(std::string& out, std::string_view text, std::uint8_t style) {
  static constexpr std::pair<Style, std::string_view> kCodes[] = {
      {kStrong, "1"}, {kFaint, "2"},    {kItalic, "3"}, {kUnderline, "4"},
      {kStrike, "9"}, {kHeading, "35"}, {kCode, "36"},
  };
  if (style == kNoStyle || text.empty()) {
    out += text;
    return;
  }
  std::string_view separator = "\033[";
  for (const auto& [bit, code] : kCodes) {
    if ((style & bit) == 0) continue;
    out += separator;
    out += code;
    separator = ";";
  }
  out += 'm';
  out += text;
  out += "\033[0m";
}

}  // namespace weir::cli
