#include "weir/cli/markdown.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/cli/markdown/inline.h"
#include "weir/cli/markdown/table.h"

namespace weir::cli {
namespace {

constexpr std::string_view kQuoteMark = "│ ";
constexpr int kTab = 4;
constexpr int kWidestRule = 60;
constexpr int kLeastColumns = 4;  // beside a margin; a narrower screen goes without

bool IsOneLine(LineKind kind) {
  return kind == LineKind::kHeading || kind == LineKind::kRule || kind == LineKind::kIndented;
}

std::string Columns(int count) { return std::string(static_cast<std::size_t>(count), ' '); }

}  // namespace

std::string Markdown::Feed(std::string_view piece) {
  std::string clean;
  cleaner_.Feed(piece, clean);
  for (const char c : clean) Take(c);
  DrawUnfinished();
  return std::exchange(out_, {});
}

std::string Markdown::Finish() {
  std::string clean;
  cleaner_.Finish(clean);
  for (const char c : clean) Take(c);
  if (!line_.empty() || fence_.settled) EndLine();
  FinishBlock();
  std::string out = std::move(out_);
  *this = Markdown(next_options_);
  return out;
}

void Markdown::Resize(int width, int height) {
  next_options_.width = width;
  next_options_.height = height;
}

void Markdown::Take(char c) {
  if (c == '\n') return EndLine();
  const std::size_t bytes = line_.size();
  const bool begins_character = !IsInsideUtf8(c);
  const bool full = bytes >= options_.max_block_bytes &&
                    (c == ' ' || (bytes >= 2 * options_.max_block_bytes && begins_character));
  if (full && fence_.mark != 0) {
    WriteCode(false);
  } else if (full) {
    const int quotes = Classified(LinePart::kBegun).quotes;
    EndLine();
    FinishBlock();
    split_ = true;
    split_quotes_ = quotes;
  }
  line_ += c;
}

void Markdown::EndLine() {
  if (fence_.mark != 0) {
    if (EndsFence()) {
      CloseFence();
    } else {
      WriteCode(true);
    }
  } else {
    Place(Classified(LinePart::kWhole));
  }
  line_.clear();
  split_ = false;
}

// What follows a split is text of the same quote, whatever marks it begins with.
Line Markdown::Classified(LinePart part) const {
  if (!split_) return ClassifyLine(line_, part);
  const bool whole = part == LinePart::kWhole;
  Line rest{.quotes = split_quotes_, .text = std::string(Trim(line_))};
  rest.kind = !rest.text.empty() ? LineKind::kText : whole ? LineKind::kBlank : LineKind::kUnknown;
  return rest;
}

void Markdown::Place(Line line) {
  if (split_ && line.kind == LineKind::kBlank) return;  // the end of the line that was split
  if (line.kind == LineKind::kBlank) {
    FinishBlock();
    gap_ = wrote_;
    gap_quotes_ = line.quotes;
  } else if (line.kind == LineKind::kFence) {
    FinishBlock();
    OpenFence(line);
  } else if (Joins(line)) {
    block_.table = block_.table || MakesTable(line);
    block_.bytes += line_.size();
    block_.lines.push_back(std::move(line));
  } else {
    FinishBlock();
    StartBlock(std::move(line));
    block_.bytes = line_.size();
  }
  if (IsOneLine(block_.kind) || block_.bytes >= options_.max_block_bytes) FinishBlock();
}

bool Markdown::Joins(const Line& line) const {
  if (block_.lines.empty() || line.quotes != block_.lines.front().quotes) return false;
  const bool text = line.kind == LineKind::kText || line.kind == LineKind::kIndented;
  if (block_.table) {
    return line.kind == LineKind::kPipe || line.kind == LineKind::kDelimiter ||
           (text && line.text.contains('|'));
  }
  if (MakesTable(line)) return true;
  if (line.kind == LineKind::kDelimiter) return !line.text.starts_with('|');
  if (line.kind == LineKind::kPipe) return block_.kind == LineKind::kPipe;
  return text;
}

// The line below a head of one line.
bool Markdown::MakesTable(const Line& line) const {
  return line.kind == LineKind::kDelimiter && block_.lines.size() == 1 &&
         block_.kind != LineKind::kItem && block_.lines.front().text.contains('|');
}

void Markdown::StartBlock(Line line) {
  block_ = {};
  if (line.kind == LineKind::kIndented && in_list_) line.kind = LineKind::kText;
  if (line.kind == LineKind::kDelimiter) line.kind = LineKind::kText;
  const bool leaves_list = line.indent < 2 && line.kind != LineKind::kItem;
  if (line.kind == LineKind::kItem) in_list_ = true;
  if (leaves_list) in_list_ = false;
  block_.kind = line.kind;
  block_.lines.push_back(std::move(line));
}

void Markdown::FinishBlock() {
  if (block_.lines.empty()) return;
  Draw(block_, true);
  out_ += '\n';
  drawn_.clear();
  block_ = {};
  options_ = next_options_;
}

void Markdown::DrawUnfinished() {
  if (fence_.mark != 0) return WriteCode(false);
  Line line = Classified(LinePart::kBegun);
  const bool waits = line.kind == LineKind::kUnknown ||
                     (block_.table && line.quotes == block_.lines.front().quotes &&
                      line.kind != LineKind::kItem && line.kind != LineKind::kHeading);
  if (waits) {
    if (!block_.lines.empty()) Draw(block_, false);
    return;
  }
  Block begun;
  if (Joins(line)) {
    begun = block_;
    begun.lines.push_back(std::move(line));
  } else {
    FinishBlock();
    StartBlock(std::move(line));
    begun = std::exchange(block_, {});
  }
  Draw(begun, false);
}

void Markdown::WriteGap(int quotes) {
  if (std::exchange(gap_, false)) {
    WriteMargin(std::min(quotes, gap_quotes_), 0);
    out_ += '\n';
  }
  gap_quotes_ = 0;
  wrote_ = true;
}

void Markdown::WriteMargin(int quotes, int indent) {
  for (int i = 0; i < quotes; ++i) AppendStyled(out_, kQuoteMark, Look(kFaint));
  out_ += Columns(indent);
}

void Markdown::OpenFence(const Line& line) {
  WriteGap(line.quotes);
  fence_ = {.mark = line.marker.front(),
            .level = line.level,
            .quotes = line.quotes,
            .indent = std::min(line.indent, options_.width / 2)};
  WriteMargin(fence_.quotes, fence_.indent);
  std::string info(line.text);
  std::ranges::replace(info, '\t', ' ');
  AppendStyled(out_, StrCat(std::string(static_cast<std::size_t>(line.level), fence_.mark), info),
               Look(kFaint));
  out_ += '\n';
}

bool Markdown::EndsFence() const {
  if (fence_.settled) return false;
  const std::string_view text = Trim(StripCodeMargin(line_, fence_.quotes, fence_.indent));
  return text.size() >= static_cast<std::size_t>(fence_.level) &&
         text.find_first_not_of(fence_.mark) == text.npos;
}

void Markdown::CloseFence() {
  WriteMargin(fence_.quotes, fence_.indent);
  AppendStyled(out_, std::string(static_cast<std::size_t>(fence_.level), fence_.mark),
               Look(kFaint));
  out_ += '\n';
  fence_ = {};
  options_ = next_options_;
}

// Writes what is known to be code; it is never changed again, so that the terminal may break its
// lines.
void Markdown::WriteCode(bool line_is_over) {
  const char ends_with[] = {' ', '\t', '>', fence_.mark};
  const bool may_end_fence = line_.find_first_not_of({ends_with, 4}) == line_.npos;
  const bool waits = may_end_fence && line_.size() < options_.max_block_bytes;
  if (!fence_.settled && waits && !line_is_over) return;
  std::string_view code = line_;
  if (!fence_.settled) {
    code = StripCodeMargin(code, fence_.quotes, fence_.indent);
    if (!code.empty()) WriteMargin(fence_.quotes, fence_.indent);
  }
  std::string text;
  while (!code.empty()) {
    const Utf8Character next = DecodeCharacter(code);
    const int width =
        next.code_point == '\t' ? kTab - fence_.column % kTab : CharacterWidth(next.code_point);
    text += next.code_point == '\t' ? Columns(width) : std::string(code.substr(0, next.length));
    fence_.column += width;
    code.remove_prefix(next.length);
  }
  if (!text.empty()) AppendStyled(out_, text, Look(kCode));
  line_.clear();
  fence_.settled = !line_is_over;
  if (line_is_over) {
    out_ += '\n';
    fence_.column = 0;
  }
}

void Markdown::Draw(const Block& block, bool over) {
  if (drawn_.empty()) {
    // A heading that sticks to what is above it is hard to see.
    if (block.kind == LineKind::kHeading && wrote_) gap_ = true;
    WriteGap(block.lines.front().quotes);
  }
  Write(Layout(block, over));
}

// Rows above the screen stay as they are.
void Markdown::Write(std::vector<Row> rows) {
  const std::size_t before = drawn_.size();
  std::size_t first = 0;
  while (first < before && first < rows.size() && rows[first] == drawn_[first]) ++first;
  if (first == before && first == rows.size()) return;
  const auto visible = static_cast<std::size_t>(std::max(options_.height - 1, 1));
  const std::size_t reachable = before > visible ? before - visible : 0;
  if (rows.size() <= reachable) rows.resize(reachable + 1);
  first = std::max(std::min(first, rows.size() - 1), reachable);

  if (first < before) {
    const std::size_t up = before - 1 - first;
    if (up > 0) StrAppend(out_, "\033[", up, "A");
    WriteRow(rows[first], up == 0 ? &drawn_[first] : nullptr);
  } else {
    if (before > 0) out_ += '\n';
    WriteSpans(rows[first].spans);
  }
  for (std::size_t i = first + 1; i < rows.size(); ++i) {
    out_ += '\n';
    if (i < before) {
      WriteRow(rows[i], nullptr);
    } else {
      WriteSpans(rows[i].spans);
    }
  }
  if (rows.size() < before) out_ += "\033[J";
  drawn_ = std::move(rows);
}

// `before` is what stands in the row when the cursor is behind it: then what it only lacks is
// added.
void Markdown::WriteRow(const Row& row, const Row* before) {
  if (before != nullptr && !before->spans.empty() && before->spans.size() <= row.spans.size()) {
    const std::size_t last = before->spans.size() - 1;
    const bool same = std::equal(before->spans.begin(), before->spans.end() - 1, row.spans.begin());
    const Span& old = before->spans[last];
    const Span& now = row.spans[last];
    if (same && now.style == old.style && now.text.starts_with(old.text)) {
      AppendStyled(out_, std::string_view(now.text).substr(old.text.size()), now.style);
      return WriteSpans(
          {row.spans.begin() + static_cast<std::ptrdiff_t>(last) + 1, row.spans.end()});
    }
  }
  out_ += '\r';
  WriteSpans(row.spans);
  out_ += "\033[K";
}

void Markdown::WriteSpans(std::span<const Span> spans) {
  for (const Span& span : spans) AppendStyled(out_, span.text, span.style);
}

std::vector<Span> Markdown::Inline(std::string_view text, bool over) const {
  if (!options_.colour) return {Span{.text = std::string(text)}};
  return ParseInline(text, over ? Ending::kOver : Ending::kOpen);
}

Margin Markdown::MarginOf(const Block& block) const {
  const Line& line = block.lines.front();
  Margin margin;
  for (int i = 0; i < line.quotes; ++i) margin.first.Add(kQuoteMark, Look(kFaint));
  if (in_list_ || line.kind == LineKind::kItem || line.kind == LineKind::kIndented) {
    margin.first.Add(Columns(std::min(line.indent, options_.width / 2)), kNoStyle);
  }
  margin.rest = margin.first;
  if (line.kind == LineKind::kItem) {
    const bool bullet = line.marker.size() == 1;
    const std::string sign = !bullet ? line.marker : line.indent < 2 ? "•" : "◦";
    margin.first.Add(StrCat(sign, " "), kNoStyle);
    margin.rest.Add(Columns(TextWidth(sign) + 1), kNoStyle);
  }
  const int widest = std::max(margin.first.width, margin.rest.width);
  const bool has_room = widest + kLeastColumns < options_.width;
  return has_room ? margin : Margin();
}

std::vector<Row> Markdown::Layout(const Block& block, bool over) const {
  if (!block.table) return LayoutText(block, over);
  const Margin margin = MarginOf(block);
  std::vector<std::string> lines;
  lines.reserve(block.lines.size());
  for (const Line& line : block.lines) lines.push_back(line.text);
  const TableLook look{.width = options_.width - 1 - margin.first.width, .styled = options_.colour};
  std::vector<Row> rows = LayOutTable(lines, look);
  if (rows.empty()) return LayoutText(block, over);
  for (Row& row : rows) {
    Row whole = margin.first;
    for (const Span& span : row.spans) whole.Add(span.text, span.style);
    row = std::move(whole);
  }
  return rows;
}

std::vector<Row> Markdown::LayoutText(const Block& block, bool over) const {
  const Line& first = block.lines.front();
  const Margin margin = MarginOf(block);
  const int width = options_.width - 1;  // the last column makes some terminals wrap
  if (block.kind == LineKind::kRule) {
    std::string rule;
    const int columns = std::min(width - margin.first.width, kWidestRule);
    for (int i = 0; i < columns; ++i) rule += "─";
    return Wrap({Span{.text = rule, .style = Look(kFaint)}}, margin, width);
  }
  if (block.kind == LineKind::kIndented) {
    return Wrap({Span{.text = first.text, .style = Look(kCode)}}, margin, width);
  }
  std::string text;
  for (const Line& line : block.lines) {
    if (!text.empty()) text += '\n';
    text += Trim(line.text);
  }
  if (first.kind == LineKind::kItem) {
    if (text.starts_with("[ ] ")) text.replace(0, 3, "☐");
    if (text.starts_with("[x] ") || text.starts_with("[X] ")) text.replace(0, 3, "☑");
  }
  std::vector<Span> spans = Inline(text, over);
  if (block.kind == LineKind::kHeading) {
    if (!options_.colour)
      spans.insert(spans.begin(), {std::string(static_cast<std::size_t>(first.level), '#') + " "});
    const std::uint8_t style = kStrong | kHeading | (first.level == 1 ? kUnderline : kNoStyle);
    for (Span& span : spans) span.style |= Look(style);
  }
  return Wrap(spans, margin, width);
}

}  // namespace weir::cli
