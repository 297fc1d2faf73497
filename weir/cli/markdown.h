#pragma once

// Markdown on a terminal, as it streams in. Finished blocks are written once and never touched
// again; of the last one (a paragraph, an item, a table) only the rows that changed are written
// anew, in their place. Code is written as it comes.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/cli/markdown/character.h"
#include "weir/cli/markdown/lines.h"
#include "weir/cli/markdown/rows.h"

namespace weir::cli {

struct MarkdownOptions {
  int width = 80;      // columns of the terminal
  int height = 24;     // its rows: what has scrolled out of them cannot be changed any more
  bool colour = true;  // false: layout only; marks such as ** stay where they are
  // A longer block is taken for two, so that a text without an end costs no more per byte.
  std::size_t max_block_bytes = 16384;
};

// A byte machine: text in any pieces, bytes for a terminal out. Whatever the text holds, the only
// escapes that come out are the machine's own. As long as a block fits the screen, where the pieces
// are cut makes no difference to what stands there in the end.
class Markdown {
 public:
  explicit Markdown(MarkdownOptions options) : options_(options) {}

  // What to write for the next piece. The cursor must be where the last write left it.
  std::string Feed(std::string_view piece);

  // The text is over: what to write for it to be whole, with a line feed at the end. The machine is
  // then as new.
  std::string Finish();

  // The terminal has another size from the next block on.
  void Resize(int width, int height);

 private:
  struct Block {
    LineKind kind = LineKind::kUnknown;  // of its first line; kUnknown: there is no block
    bool table = false;                  // its second line has made it one
    std::vector<Line> lines;
    std::size_t bytes = 0;
  };
  struct Fence {
    char mark = 0;  // 0: outside of code
    int level = 0;
    int quotes = 0;
    int indent = 0;
    int column = 0;        // of the line that is being written
    bool settled = false;  // that line is code for certain, and its beginning is written
  };

  void Take(char c);
  void EndLine();
  Line Classified(LinePart part) const;
  void Place(Line line);
  bool Joins(const Line& line) const;
  bool MakesTable(const Line& line) const;
  void StartBlock(Line line);
  void FinishBlock();
  void Draw(const Block& block, bool over);
  void DrawUnfinished();
  void Write(std::vector<Row> rows);
  void WriteRow(const Row& row, const Row* before);
  void WriteSpans(std::span<const Span> spans);
  void WriteGap(int quotes);

  void OpenFence(const Line& line);
  void CloseFence();
  bool EndsFence() const;
  void WriteCode(bool line_is_over);
  void WriteMargin(int quotes, int indent);

  std::vector<Row> Layout(const Block& block, bool over) const;
  std::vector<Row> LayoutText(const Block& block, bool over) const;
  std::vector<Span> Inline(std::string_view text, bool over) const;
  Margin MarginOf(const Block& block) const;
  std::uint8_t Look(std::uint8_t style) const { return options_.colour ? style : kNoStyle; }

  MarkdownOptions options_;
  MarkdownOptions next_options_ = options_;
  TextCleaner cleaner_;
  std::string out_;
  std::string line_;  // that is not over yet
  Block block_;
  Fence fence_;
  std::vector<Row> drawn_;  // the rows of block_ on the screen; the cursor is behind the last one
  bool wrote_ = false;      // anything at all
  bool gap_ = false;        // an empty row comes before the next block
  int gap_quotes_ = 0;
  bool in_list_ = false;
  bool split_ = false;    // line_ is the rest of one that was too long
  int split_quotes_ = 0;  // of that one
};

}  // namespace weir::cli
