#include "weir/cli/review_prompt.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/cli/review_view.h"

namespace weir::cli {
namespace {

constexpr std::string_view kQuestion =
    "[a]ccept [r]eject [s]kip [d]iff [t]retry [q]uit, and Enter: ";
constexpr std::string_view kHelp =
    "  a  merge the changes into the source    r  leave the source as it is\n"
    "  s  decide later                         d  show the diff\n"
    "  t  have it done again by the next run   q  stop; decisions are kept\n";
constexpr std::size_t kLongestAnswer = 4096;

// What was typed, without its end of line; nothing at the end of the input.
std::optional<std::string> ReadAnswer() {
  std::string line;
  char c = 0;
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    if (c == '\n') return std::string(Trim(line));
    if (line.size() < kLongestAnswer) line += c;
  }
}

std::optional<std::string> Ask(Terminal& terminal, std::string_view question) {
  terminal.Out(question);
  std::optional<std::string> answer = ReadAnswer();
  if (!answer) terminal.Out("\n");
  return answer;
}

// Lines of the terminal that a line of text takes. Colours take none.
int RowsOf(std::string_view line, int width) {
  int columns = 0;
  bool in_colour = false;
  for (const char c : line) {
    if (c == '\033') in_colour = true;
    if (!in_colour && !IsInsideUtf8(c)) columns += c == '\t' ? 8 - columns % 8 : 1;
    if (c == 'm') in_colour = false;
  }
  return std::max(1, (columns + width - 1) / width);
}

enum class Next : std::uint8_t { kGoOn, kAgain, kStop };

class Prompt {
 public:
  explicit Prompt(ReviewActions& actions) : actions_(actions), terminal_(actions.terminal()) {}

  bool Run() {
    for (const agent::ReviewItem& item : actions_.review().items()) {
      if (item.state != agent::ReviewState::kPending) continue;
      terminal_.Out(RowHeader(actions_.review(), item, terminal_.out_has_colour()));
      Next next = Next::kAgain;
      while (next == Next::kAgain) next = AskOnce(item);
      if (next == Next::kStop || terminal_.out_error()) break;
    }
    return well_;
  }

 private:
  Next AskOnce(const agent::ReviewItem& item) {
    const std::optional<std::string> answer = Ask(terminal_, kQuestion);
    if (!answer || *answer == "q") return Next::kStop;
    if (*answer == "s") return Next::kGoOn;
    if (*answer == "a") return Decided(actions_.Accept(item, {}));
    if (*answer == "r") return Decided(actions_.Reject(item));
    if (*answer == "t") return Retry(item);
    if (*answer == "d") {
      ShowDiff(item);
    } else {
      terminal_.Out(kHelp);
    }
    return Next::kAgain;
  }

  // A row that conflicts is asked for again: it may be sent back or rejected.
  Next Decided(bool well) {
    if (well) return Next::kGoOn;
    well_ = false;
    return Next::kAgain;
  }

  Next Retry(const agent::ReviewItem& item) {
    const std::optional<std::string> answer =
        Ask(terminal_, "settings for it (KEY=VALUE ..., or nothing): ");
    if (!answer) return Next::kStop;
    std::vector<std::string> settings;
    for (const std::string_view word : Split(*answer, ' ')) {
      if (!word.empty()) settings.emplace_back(word);
    }
    const Result<json::Value> overrides = ReadOverrides(settings);
    if (overrides) return Decided(actions_.Retry(item, *overrides));
    terminal_.Problem(overrides.error());
    return Next::kAgain;
  }

  void ShowDiff(const agent::ReviewItem& item) {
    const Result<std::string> diff = actions_.review().Diff(item);
    if (!diff) return terminal_.Problem(diff.error());
    ShowPaged(terminal_, ShownDiff(*diff, terminal_.out_has_colour()));
  }

  ReviewActions& actions_;
  Terminal& terminal_;
  bool well_ = true;
};

}  // namespace

bool AskRows(ReviewActions& actions) { return Prompt(actions).Run(); }

void ShowPaged(Terminal& terminal, std::string_view text) {
  int rows = 0;
  while (!text.empty()) {
    const Terminal::Size size = terminal.size();
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    const int taken = RowsOf(line, std::max(size.width, 1));
    if (rows > 0 && rows + taken > size.height - 1) {
      const std::optional<std::string> answer = Ask(terminal, "-- more: Enter, or q --");
      if (!answer || *answer == "q") return;
      rows = 0;
    }
    terminal.Out(line);
    rows += taken;
    text.remove_prefix(end);
  }
}

}  // namespace weir::cli
