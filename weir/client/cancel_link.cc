#include "weir/client/cancel_link.h"

namespace weir::client {

CancelLink::CancelLink(const async::Context& ctx, const std::optional<Cancel>& cancel)
    : cancellation_(ctx.cancellation), ctx_(ctx) {
  ctx_.cancellation = &cancellation_;
  if (!cancel) return;
  target_ = std::make_shared<async::Cancellation*>(&cancellation_);
  watch_.emplace(*cancel, [loop = ctx.loop, target = target_] {
    loop->Post([target] {
      if (*target != nullptr) (*target)->Cancel();
    });
  });
}

CancelLink::~CancelLink() {
  watch_.reset();
  if (target_) *target_ = nullptr;
}

}  // namespace weir::client
