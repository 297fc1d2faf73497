#include "weir/sim/face/batch_exchange.h"

#include <utility>

namespace weir::sim {

using async::Task;

BatchExchange::BatchExchange(const async::Context& ctx, std::string_view target, std::string body)
    : ctx_(ctx), body_(std::move(body)) {
  head_.method = "POST";
  head_.target = target;
  head_.headers.Add("Content-Type", "application/json");
}

Task<Result<void>> BatchExchange::Respond(int status, const http::Headers&, std::string_view body) {
  status_ = status;
  answer_ = body;
  whole_ = true;
  co_return Result<void>();
}

Task<Result<void>> BatchExchange::Begin(int status, const http::Headers&) {
  status_ = status;
  co_return Result<void>();
}

Task<Result<void>> BatchExchange::BeginSized(int status, const http::Headers&, std::size_t) {
  status_ = status;
  co_return Result<void>();
}

Task<Result<void>> BatchExchange::Write(std::string_view piece) {
  answer_ += piece;
  co_return Result<void>();
}

Task<Result<void>> BatchExchange::End() {
  whole_ = true;
  co_return Result<void>();
}

Task<void> BatchExchange::Break(http::BreakOff) {
  whole_ = false;
  co_return;
}

}  // namespace weir::sim
