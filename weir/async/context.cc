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

Span::Span(const Context& ctx, std::string_view name) : ctx_(ctx), name_(name) {
  if (ctx_.trace == nullptr) return;
  parent_ = ctx_.span;
  ctx_.span = ctx_.trace->NewSpanId();
  start_ = ctx_.Now();
  ctx_.trace->OnSpanStart(Record());
}

Span::~Span() {
  if (ctx_.trace == nullptr) return;
  SpanRecord record = Record();
  record.end = ctx_.Now();
  ctx_.trace->OnSpanEnd(record);
}

SpanRecord Span::Record() const {
  return SpanRecord{.name = name_,
                    .id = ctx_.span,
                    .parent = parent_,
                    .start = start_,
                    .end = start_,
                    .error = error_ ? &*error_ : nullptr,
                    .detail = detail_};
}

}  // namespace weir::async
