#include "weir/async/context.h"

#include "weir/async/wait.h"
#include "weir/base/text.h"

namespace weir::async {

Cancellation::Watch::Watch(Cancellation* cancellation, std::move_only_function<void()> on_cancel)
    : cancellation_(cancellation), on_cancel_(std::move(on_cancel)) {
  if (cancellation_ == nullptr) return;
  older_ = cancellation_->newest_;
  if (older_ != nullptr) older_->newer_ = this;
  cancellation_->newest_ = this;
}

Cancellation::Watch::~Watch() {
  if (cancellation_ == nullptr) return;
  if (older_ != nullptr) older_->newer_ = newer_;
  (newer_ != nullptr ? newer_->older_ : cancellation_->newest_) = older_;
}

Cancellation::Cancellation(Cancellation* parent)
    : cancelled_(parent != nullptr && parent->cancelled()),
      parent_watch_(parent, [this] { Cancel(); }) {}

void Cancellation::Cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  while (newest_ != nullptr) {
    Watch* watch = newest_;
    newest_ = watch->older_;
    if (newest_ != nullptr) newest_->newer_ = nullptr;
    watch->older_ = nullptr;
    watch->cancellation_ = nullptr;
    watch->on_cancel_();
  }
}

Context Context::WithTimeout(Duration total_time) const {
  Context narrowed = *this;
  const TimePoint at = After(Now(), total_time);
  if (at < narrowed.deadline) {
    narrowed.deadline = at;
    narrowed.total = total_time;
  }
  return narrowed;
}

Error CancelledError() {
  return Error{.code = Code::kCancelled, .message = "the call was cancelled before it ended"};
}

Error TotalTimeoutError(const Context& ctx) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(ctx.total).count();
  return Error{
      .code = Code::kTimeout,
      .message = StrCat("the whole call took longer than its limit `total` of ",
                        FormatMillis(millis), "; raise it with --timeout or `timeouts.total`")};
}

Task<Result<void>> Sleep(Context ctx, Duration time) {
  const TimePoint until = After(ctx.Now(), time);
  const bool cut_short = ctx.deadline < until;
  WaitPoint wait(ctx);
  const Wake wake = co_await wait.Wait(std::min(until, ctx.deadline));
  if (wake == Wake::kCancelled) co_return weir::Fail(CancelledError());
  if (cut_short) co_return weir::Fail(TotalTimeoutError(ctx));
  co_return Result<void>();
}

Task<Result<void>> WaitForever(Context ctx) {
  WaitPoint wait(ctx);
  const Wake wake = co_await wait.Wait();
  if (wake == Wake::kCancelled) co_return weir::Fail(CancelledError());
  co_return weir::Fail(TotalTimeoutError(ctx));
}

struct Span::Open {
  SpanRecord record;
  std::string detail;
  std::optional<Error> error;
};

Span::Span(const Context& ctx, std::string_view name) : outer_(ctx) {
  if (ctx.trace == nullptr || !ctx.trace->wants_spans()) return;
  open_ = std::make_unique<Open>();
  SpanRecord& record = open_->record;
  record.name = name;
  record.id = ctx.trace->NewSpanId();
  record.parent = ctx.span;
  record.start = ctx.Now();
  ctx.trace->OnSpanStart(record);
}

Span::~Span() {
  if (open_ == nullptr) return;
  SpanRecord& record = open_->record;
  record.end = outer_.Now();
  record.detail = open_->detail;
  record.error = open_->error ? &*open_->error : nullptr;
  outer_.trace->OnSpanEnd(record);
}

Context Span::context() const {
  Context inside = outer_;
  if (open_ != nullptr) inside.span = open_->record.id;
  return inside;
}

void Span::SetDetail(std::string detail) {
  if (open_ != nullptr) open_->detail = std::move(detail);
}

void Span::Fail(const Error& error) {
  if (open_ != nullptr) open_->error = error;
}

}  // namespace weir::async
