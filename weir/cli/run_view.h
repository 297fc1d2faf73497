#pragma once

// What a person, a log or a program sees of a run while it goes on, all of it on stderr.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "weir/async/loop.h"
#include "weir/base/env.h"
#include "weir/base/trace.h"
#include "weir/cli/terminal.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::cli {

enum class ViewKind : std::uint8_t {
  kLive,   // the graph with its figures, drawn anew ten times a second
  kPlain,  // a line every five seconds, and one at each tenth of the rows
  kJson,   // every event as a JSON line, and `run.progress` every five seconds
  kNone,   // nothing until the end
};

// Belongs to the loop's thread.
class RunView {
 public:
  virtual ~RunView() = default;

  virtual void Begin() = 0;
  // Lines for people, such as warnings, that stay; with or without a newline at the end. Nothing
  // else may write to stderr between Begin() and End().
  virtual void Above(std::string_view text) = 0;
  // The run is over, also when it was cancelled: the terminal is as it was before. A live view is
  // replaced by `summary`, and stays when there is none. Without End() the destructor ends it.
  virtual void End(std::string_view summary) = 0;
  // The same for a run that was none: a live view leaves nothing behind.
  virtual void Withdraw() { End({}); }
  // What has to hear the events of the run; null: nothing.
  virtual TraceSink* sink() { return nullptr; }
};

// What a view writes to, and what that can do.
struct ViewScreen {
  std::function<void(std::string_view)> write;
  std::function<Terminal::Size()> size;  // asked before each frame
  bool colour = true;
  bool unicode = true;
};

// All references must outlive the view.
std::unique_ptr<RunView> NewRunView(async::Loop& loop, ViewScreen screen, const flow::Graph& graph,
                                    const flow::RunStats& stats, ViewKind kind);
// On stderr.
std::unique_ptr<RunView> NewRunView(async::Loop& loop, const Terminal& terminal,
                                    const flow::Graph& graph, const flow::RunStats& stats,
                                    ViewKind kind, const Env& env);

// kLive where stderr is a terminal with a cursor, kPlain elsewhere.
ViewKind UsualView(const Terminal& terminal, const Env& env);

// Whether the locale's characters are UTF-8.
bool SpeaksUnicode(const Env& env);

// The terminal behind stderr; 80 x 24 where there is none.
Terminal::Size StderrSize();

}  // namespace weir::cli
