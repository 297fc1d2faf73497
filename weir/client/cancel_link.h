#pragma once

// CancelLink: carries a Cancel from whatever thread requests it to a task on its loop.

#include <memory>
#include <optional>

#include "weir/async/context.h"
#include "weir/client/cancel.h"

namespace weir::client {

// Lives in the frame of the task.
class CancelLink {
 public:
  CancelLink(const async::Context& ctx, const std::optional<Cancel>& cancel);
  ~CancelLink();
  CancelLink(const CancelLink&) = delete;
  CancelLink& operator=(const CancelLink&) = delete;

  // `ctx`, ended by the request too.
  const async::Context& context() const { return ctx_; }

 private:
  async::Cancellation cancellation_;
  async::Context ctx_;
  // Outlives this link in what was posted to the loop and comes late; null by then.
  std::shared_ptr<async::Cancellation*> target_;
  std::optional<Cancel::Watch> watch_;
};

}  // namespace weir::client
