#pragma once

// Context: what every asynchronous step is handed: its loop (and so its clock), the absolute
// deadline, the cancellation, the trace. A small value; a step that narrows something passes on a
// copy. A deadline travels, a cancellation has watchers, a dropped stream hangs up.

#include <initializer_list>
#include <string>
#include <string_view>

#include "weir/async/loop.h"
#include "weir/async/task.h"
#include "weir/base/result.h"
#include "weir/base/trace.h"

namespace weir::async {

// A request to stop. Watchers run at once, newest first, on the loop that calls Cancel(): a
// connection that watches has closed its socket before Cancel() returns.
class Cancellation {
 public:
  class Watch {
   public:
    // `cancellation` may be null: then the watch never fires.
    Watch(Cancellation* cancellation, std::move_only_function<void()> on_cancel);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    friend class Cancellation;
    Cancellation* cancellation_;
    std::move_only_function<void()> on_cancel_;
    Watch* older_ = nullptr;
    Watch* newer_ = nullptr;
  };

  // A child is cancelled with its parent, never the other way round.
  explicit Cancellation(Cancellation* parent = nullptr);

  void Cancel();
  bool cancelled() const { return cancelled_; }

 private:
  bool cancelled_ = false;
  Watch* newest_ = nullptr;
  Watch parent_watch_;
};

struct Context {
  explicit Context(Loop& its_loop) : loop(&its_loop) {}

  Loop* loop;
  TimePoint deadline = kNever;           // of the whole call: the clock named `total`
  Duration total{};                      // what that clock was set to, for the message
  Cancellation* cancellation = nullptr;  // must outlive every step that was handed this context
  TraceSink* trace = nullptr;            // null: nobody listens
  std::uint64_t span = 0;                // the span that encloses this step
  std::string_view request_id;           // the call's X-Request-Id; owned by whoever made it

  TimePoint Now() const { return loop->Now(); }
  bool cancelled() const { return cancellation != nullptr && cancellation->cancelled(); }
  // Whether it was cancelled, or its deadline has passed.
  bool ended() const { return cancelled() || Now() >= deadline; }

  // Tells the sink, if there is one, that something happened.
  void Emit(std::string_view name, std::initializer_list<TraceField> fields) const {
    if (trace != nullptr) trace->OnEvent(name, {fields.begin(), fields.size()});
  }

  // A copy whose deadline is at most `total_time` from now.
  Context WithTimeout(Duration total_time) const;
};

// The errors of a step that ended early.
Error CancelledError();
Error TotalTimeoutError(const Context& ctx);

// Waits, without holding a thread. Fails early when the context ends.
Task<Result<void>> Sleep(Context ctx, Duration time);

// Waits until the context ends, and fails with its error.
Task<Result<void>> WaitForever(Context ctx);

// Emits a span from construction to destruction, and hands the step a context inside it. Without a
// sink it costs one branch and no memory. `ctx` must outlive it.
class Span {
 public:
  Span(const Context& ctx, std::string_view name);
  Span(const Context&& ctx, std::string_view name) = delete;
  ~Span();
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  Context context() const;  // `ctx`, inside this span
  void SetDetail(std::string detail);
  // The step failed; says so when the span ends.
  void Fail(const Error& error);
  // The same for a result that is passed on.
  template <class T>
  Result<T> End(Result<T> result) {
    if (!result) Fail(result.error());
    return result;
  }

 private:
  struct Open;

  const Context& outer_;
  std::unique_ptr<Open> open_;  // null when nobody listens
};

}  // namespace weir::async
