#pragma once

// BatchExchange: a request of a batch at the simulator's door. It has no client and no socket; what
// the rooms answer is kept.

#include <string>
#include <string_view>

#include "weir/http/server.h"

namespace weir::sim {

class BatchExchange final : public http::Exchange {
 public:
  BatchExchange(const async::Context& ctx, std::string_view target, std::string body);

  const http::RequestHead& head() const override { return head_; }
  const std::string& body() const override { return body_; }
  const async::Context& context() const override { return ctx_; }

  async::Task<Result<void>> Respond(int status, const http::Headers& headers,
                                    std::string_view body) override;
  async::Task<Result<void>> Begin(int status, const http::Headers& headers) override;
  async::Task<Result<void>> BeginSized(int status, const http::Headers& headers,
                                       std::size_t length) override;
  async::Task<Result<void>> Write(std::string_view piece) override;
  async::Task<Result<void>> End() override;
  void Abort() override { whole_ = false; }
  async::Task<void> Break(http::BreakOff how) override;

  // Whether an answer came, to its end.
  bool whole() const { return whole_; }
  int status() const { return status_; }
  const std::string& answer() const { return answer_; }

 private:
  const async::Context ctx_;
  http::RequestHead head_;
  const std::string body_;
  int status_ = 0;
  std::string answer_;
  bool whole_ = false;
};

}  // namespace weir::sim
