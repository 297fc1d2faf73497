#pragma once

// Conversation: one connection of the server and its exchanges, one after the other.

#include <set>

#include "weir/async/scope.h"
#include "weir/http/server.h"

namespace weir::http {

// What the conversations of one server share.
struct ServerState {
  ServerState(ServerOptions its_options, Handler& its_handler)
      : options(its_options), handler(its_handler) {}

  const ServerOptions options;
  Handler& handler;
  std::set<class Conversation*> open;
  bool draining = false;
};

class Conversation final : public Exchange {
 public:
  Conversation(const async::Context& ctx, ServerState& server, std::unique_ptr<ByteStream> stream);
  ~Conversation() override;

  // Serves until the connection ends.
  async::Task<void> Run();

  // The server drains: an idle connection closes at once, a busy one after its exchange.
  void Drain();

  const RequestHead& head() const override { return parser_.head(); }
  const std::string& body() const override { return body_; }
  const async::Context& context() const override { return ctx_; }
  async::Task<Result<void>> Respond(int status, const Headers& headers,
                                    std::string_view body) override;
  async::Task<Result<void>> Begin(int status, const Headers& headers) override;
  async::Task<Result<void>> BeginSized(int status, const Headers& headers,
                                       std::size_t length) override;
  async::Task<Result<void>> Write(std::string_view piece) override;
  async::Task<Result<void>> End() override;
  void Abort() override;
  async::Task<void> Break(BreakOff how) override;

 private:
  enum class Phase : std::uint8_t { kIdle, kReading, kHandling };
  enum class Answer : std::uint8_t { kNone, kStreaming, kComplete };

  async::Task<bool> ReadRequest();  // false: no (whole) request came, the connection is over
  async::Task<bool> Fill();
  async::Task<void> Refuse(int status, std::string_view why);
  async::Task<void> Linger();
  async::Task<Result<void>> Send(std::string_view bytes);
  Result<void> CheckTurn(Answer wanted) const;
  async::Task<Result<void>> BeginBody(int status, const Headers& headers,
                                      std::optional<std::size_t> length);
  Result<void> StartHead(int status, const Headers& headers, std::optional<std::size_t> length);
  // The clock of the phase begins anew. Rough: a Deadline looks a few times a second.
  void GiveTime(Duration time);
  void OnClock();
  void Gone();

  ServerState& server_;
  std::unique_ptr<ByteStream> stream_;
  async::Cancellation cancellation_;
  async::Context ctx_;
  RequestParser parser_;
  async::Deadline deadline_;
  async::Cancellation::Watch watch_;

  std::vector<char> buffer_;
  std::size_t end_ = 0;  // bytes [0, end_) are read but not yet parsed
  std::string body_;
  std::string out_;
  Phase phase_ = Phase::kIdle;
  Answer answer_ = Answer::kNone;
  bool chunked_ = false;
  std::optional<std::size_t> unwritten_;  // of a body whose length the head says
  bool bodyless_ = false;                 // the answer is a head only, whatever the handler writes
  bool last_read_full_ = false;           // asks for a larger buffer
  bool keep_alive_ = false;
  bool writing_ = false;
  bool gone_ = false;
};

}  // namespace weir::http
