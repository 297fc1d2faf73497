#include <filesystem>
#include <mutex>
#include <optional>

#include <boost/asio/error.hpp>

#include "weir/base/text.h"
#include "weir/http/cassette.h"
#include "weir/http/cassette_error.h"
#include "weir/http/cassette_file.h"
#include "weir/http/cassette_redact.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

using End = RecordedExchange::End;

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// The folder, shared by the connections that are recorded into it.
class Recording {
 public:
  Recording(std::string folder, const CassetteLimits& limits)
      : folder_(std::move(folder)), limits_(limits) {}

  const CassetteLimits& limits() const { return limits_; }
  ErrorWords& words() { return words_; }

  // Makes the folder, the first time. Fails with what was remembered, too.
  Result<void> Prepare() {
    const std::scoped_lock lock(mutex_);
    if (failure_) return Fail(*failure_);
    if (prepared_) return {};
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) {
      return Fail(Code::kIoError, StrCat("cannot make the folder ", folder_, " for recordings"),
                  error.message());
    }
    WEIR_TRY(const std::vector<std::string> there, ListExchanges(folder_, limits_));
    if (!there.empty()) {
      return Fail(Code::kIoError, StrCat("the folder ", folder_,
                                         " holds a recording already; give a new or empty one"));
    }
    prepared_ = true;
    return {};
  }

  Result<std::size_t> NextNumber() {
    const std::scoped_lock lock(mutex_);
    if (used_ == limits_.exchanges) {
      return Fail(Code::kIoError, StrCat("the recording in ", folder_, " has reached its limit of ",
                                         limits_.exchanges, " exchanges"));
    }
    return ++used_;
  }

  Result<void> Save(std::size_t number, RecordedExchange exchange) {
    RedactExchange(exchange);
    const std::string path = ExchangePath(folder_, number);
    if (exchange.head.size() > limits::kHeaderBytes ||
        exchange.body.size() > limits_.request_bytes ||
        exchange.reply.size() > limits_.reply_bytes) {
      return Fail(Code::kIoError,
                  StrCat("the exchange for ", path, " is above a limit without its secrets"));
    }
    return WriteExchangeFile(path, exchange);
  }

  // A failure that nobody waits for: the next dial reports it.
  void Remember(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = error;
  }

 private:
  const std::string folder_;
  const CassetteLimits limits_;
  ErrorWords words_;
  std::mutex mutex_;
  bool prepared_ = false;
  std::size_t used_ = 0;
  std::optional<Error> failure_;
};

class RecordingStream final : public ByteStream {
 public:
  RecordingStream(async::Loop& loop, std::unique_ptr<ByteStream> inner,
                  std::shared_ptr<Recording> recording)
      : loop_(loop), inner_(std::move(inner)), recording_(std::move(recording)) {}
  ~RecordingStream() override { Leave(); }

  async::Task<IoResult> ReadSome(std::span<char> into) override {
    const IoResult read = co_await inner_->ReadSome(into);
    const auto& [error, count] = read;
    const Result<void> noted = error ? NoteEnd(error) : NoteReply({into.data(), count});
    if (noted) co_return read;
    Forget();
    const Error& why = noted.error();
    const std::string words = StrCat(why.message, why.cause.empty() ? "" : ": ", why.cause);
    co_return IoResult(recording_->words().Say(words), 0);
  }

  // What a failed write was to send is noted as sent: the server may answer without reading it all.
  IoResult TryWrite(std::string_view bytes) override {
    const IoResult written = inner_->TryWrite(bytes);
    const auto& [error, count] = written;
    NoteRequest(error ? bytes : bytes.substr(0, count));
    return written;
  }

  async::Task<IoResult> Write(std::string_view bytes) override {
    const IoResult written = co_await inner_->Write(bytes);
    NoteRequest(bytes);
    co_return written;
  }

  void Close() noexcept override {
    Leave();
    inner_->Close();
  }
  void MayLag(bool may) override { inner_->MayLag(may); }
  void ShutdownSend() noexcept override { inner_->ShutdownSend(); }
  Peek PeekPeer() noexcept override { return inner_->PeekPeer(); }
  std::optional<Delivery> Delivered() noexcept override { return inner_->Delivered(); }

 private:
  std::size_t MostRequest() const {
    return limits::kHeaderBytes + recording_->limits().request_bytes;
  }

  void NoteRequest(std::string_view bytes) {
    // One byte above the limit is kept, so that it is seen.
    request_ += bytes.substr(0, MostRequest() + 1 - request_.size());
    if (number_ == 0) sent_at_ = loop_.Now();
  }

  Result<void> NoteReply(std::string_view bytes) {
    if (request_.empty()) return {};  // nobody asked; the client will not take it for an answer
    if (number_ == 0) {
      WEIR_TRY(number_, recording_->NextNumber());
      parser_.Reset();
      if (request_.starts_with("HEAD ")) parser_.ExpectNoBody();
    }
    const CassetteLimits& limits = recording_->limits();
    if (bytes.size() > limits.reply_bytes - exchange_.reply.size() ||
        exchange_.pieces.size() == limits.pieces) {
      return Fail(Code::kIoError,
                  StrCat("the reply is above the limit of a recording: ", limits.reply_bytes,
                         " bytes in ", limits.pieces, " pieces"));
    }
    exchange_.reply += bytes;
    exchange_.pieces.push_back({.at = loop_.Now() - sent_at_, .end = exchange_.reply.size()});

    unparsed_ += bytes;  // a copy, because the parser moves chunks together
    const Result<std::size_t> used = parser_.Feed(unparsed_);
    unparsed_.erase(0, used ? *used : unparsed_.size());
    return parser_.done() ? Finish(End::kComplete) : Result<void>();
  }

  Result<void> NoteEnd(const boost::system::error_code& error) {
    if (number_ == 0 || error == boost::asio::error::operation_aborted) return {};
    return Finish(error == boost::asio::error::eof ? End::kClosed : End::kBroken);
  }

  Result<void> Finish(End end) {
    RequestParser request(ParserLimits{.body_bytes = recording_->limits().request_bytes});
    std::string bytes = request_;
    const Result<std::size_t> used = request.Feed(bytes);
    const std::size_t head_end = request_.find(kHeadEnd);
    if (!used || !request.done() || head_end == request_.npos) {
      return Fail(Code::kIoError,
                  "this exchange cannot be recorded: its request is not whole, or above a limit",
                  used ? "" : used.error().message);
    }
    exchange_.head = request_.substr(0, head_end + kHeadEnd.size());
    exchange_.body = request.body();
    exchange_.end = end;
    exchange_.ended_at = std::max(exchange_.pieces.back().at, loop_.Now() - sent_at_);
    const std::size_t number = number_;
    RecordedExchange exchange = std::move(exchange_);
    Forget();
    return recording_->Save(number, std::move(exchange));
  }

  // The client closes.
  void Leave() noexcept {
    if (number_ == 0) return;
    const Result<void> finished = Finish(End::kLeft);
    if (!finished) recording_->Remember(finished.error());
    Forget();
  }

  void Forget() {
    request_.clear();
    unparsed_.clear();
    exchange_ = {};
    number_ = 0;
  }

  async::Loop& loop_;
  const std::unique_ptr<ByteStream> inner_;
  const std::shared_ptr<Recording> recording_;
  std::string request_;
  TimePoint sent_at_{};
  std::size_t number_ = 0;  // of the exchange whose reply has begun; 0: none
  RecordedExchange exchange_;
  ResponseParser parser_;
  std::string unparsed_;
};

class RecordingDialer final : public Dialer {
 public:
  RecordingDialer(std::unique_ptr<Dialer> inner, std::string folder, const CassetteLimits& limits)
      : inner_(std::move(inner)),
        recording_(std::make_shared<Recording>(std::move(folder), limits)) {}

  async::Task<Result<Connection>> Dial(async::Context ctx, const Origin& origin,
                                       Duration connect_timeout) override {
    WEIR_CO_CHECK(recording_->Prepare());
    WEIR_CO_TRY(Connection connection, co_await inner_->Dial(ctx, origin, connect_timeout));
    connection.stream =
        std::make_unique<RecordingStream>(*ctx.loop, std::move(connection.stream), recording_);
    co_return connection;
  }

 private:
  const std::unique_ptr<Dialer> inner_;
  const std::shared_ptr<Recording> recording_;
};

}  // namespace

std::unique_ptr<Dialer> NewRecordingDialer(std::unique_ptr<Dialer> inner, std::string folder,
                                           CassetteLimits limits) {
  return std::make_unique<RecordingDialer>(std::move(inner), std::move(folder), limits);
}

}  // namespace weir::http
