#include "weir/cli/progress_view.h"

#include <chrono>

#include "weir/base/text.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/run_view.h"

namespace weir::cli {
namespace {

constexpr Duration kLive = std::chrono::milliseconds(100);
constexpr Duration kPlainly = std::chrono::seconds(5);
constexpr std::string_view kErase = "\r\033[K";

}  // namespace

ProgressView::ProgressView(const Terminal& terminal, const Env& env, const Clock& clock)
    : terminal_(terminal),
      clock_(clock),
      live_(UsualView(terminal, env) == ViewKind::kLive),
      unicode_(SpeaksUnicode(env)),
      next_(clock.Now() + (live_ ? kLive : kPlainly)) {}

void ProgressView::Show(const std::string& text) {
  next_ = clock_.Now() + (live_ ? kLive : kPlainly);
  if (!live_) return terminal_.Note(text);
  shown_ = true;
  const int width = StderrSize().width - 1;
  terminal_.Raw(StrCat(kErase, CutTo(StrCat("weir: ", text), width, unicode_)));
}

void ProgressView::Clear() {
  if (!shown_) return;
  shown_ = false;
  terminal_.Raw(kErase);
}

}  // namespace weir::cli
