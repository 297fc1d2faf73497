#include <algorithm>
#include <mutex>
#include <optional>

#include <boost/asio/error.hpp>

#include "weir/async/wait.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/http/cassette.h"
#include "weir/http/cassette_error.h"
#include "weir/http/cassette_file.h"
#include "weir/http/cassette_redact.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

using End = RecordedExchange::End;

constexpr std::size_t kShownKey = 200;
constexpr std::size_t kShownBefore = 20;  // bytes of a body before and behind a difference
constexpr std::size_t kShownBehind = 20;

struct Entry {
  std::string path;
  std::string key;
  std::size_t body_bytes = 0;
  std::size_t body_hash = 0;
  bool used = false;
};

// The part of `text` around `at`, at whole characters.
std::string Around(std::string_view text, std::size_t at) {
  std::size_t begin = at - std::min(at, kShownBefore);
  while (begin < at && IsInsideUtf8(text[begin])) ++begin;
  return StrCat("'", Utf8Prefix(text.substr(begin), at - begin + kShownBehind), "'");
}

// What is in the folder, and what of it was played.
class Cassette {
 public:
  Cassette(std::string folder, const ReplayOptions& options)
      : folder_(std::move(folder)), options_(options) {}

  const ReplayOptions& options() const { return options_; }
  ErrorWords& words() { return words_; }

  // Reads the folder, the first time.
  Result<void> Load() {
    const std::scoped_lock lock(mutex_);
    if (!entries_.empty()) return {};
    WEIR_TRY(const std::vector<std::string> paths, ListExchanges(folder_, options_.limits));
    if (paths.empty()) {
      return Fail(Code::kIoError, StrCat("there is no recording in the folder ", folder_,
                                         ": record something into it first"));
    }
    std::vector<Entry> entries;
    for (const std::string& path : paths) {
      WEIR_TRY(entries.emplace_back(), ReadEntry(path));
    }
    entries_ = std::move(entries);
    return {};
  }

  // The reply to a request, or an error that says why there is none.
  Result<RecordedExchange> Take(const RequestHead& head, std::string_view raw_body) {
    const std::string key = RequestKey(head.method, head.target);
    const std::string body = Redact(raw_body);
    const std::size_t hash = std::hash<std::string>()(body);
    const std::scoped_lock lock(mutex_);
    for (Entry& entry : entries_) {
      if (entry.used || entry.key != key || entry.body_hash != hash) continue;
      WEIR_TRY(RecordedExchange exchange, ReadExchangeFile(entry.path, options_.limits));
      if (exchange.body != body) continue;
      entry.used = true;
      return exchange;
    }
    return Fail(Code::kConnectionError,
                StrCat("no recorded reply is left in ", folder_, " for ", Truncate(key, kShownKey),
                       " with a body of ", body.size(), " bytes; ", NearestTo(key, body, hash)));
  }

 private:
  Result<Entry> ReadEntry(const std::string& path) const {
    WEIR_TRY(RecordedExchange exchange, ReadExchangeFile(path, options_.limits));
    RequestParser parser;
    const Result<std::size_t> used = parser.Feed(exchange.head);
    if (!used || !parser.head_done()) {
      return Fail(Code::kIoError,
                  StrCat("the recording ", path, " does not hold the head of a request; record ",
                         "the exchange again, or delete the file"),
                  used ? "" : used.error().message);
    }
    return Entry{.path = path,
                 .key = RequestKey(parser.head().method, parser.head().target),
                 .body_bytes = exchange.body.size(),
                 .body_hash = std::hash<std::string>()(exchange.body)};
  }

  std::string NearestTo(const std::string& key, const std::string& body, std::size_t hash) const {
    const Entry* nearest = nullptr;
    int same = 0;
    std::vector<std::string> keys;
    for (const Entry& entry : entries_) {
      keys.push_back(entry.key);
      if (entry.key != key) continue;
      if (entry.body_hash == hash) ++same;
      const auto distance = [&body](const Entry& e) {
        return std::max(e.body_bytes, body.size()) - std::min(e.body_bytes, body.size());
      };
      if (nearest == nullptr || distance(entry) < distance(*nearest)) nearest = &entry;
    }
    if (same > 0) {
      return StrCat("it was recorded ", CountOf(same, "time"),
                    " and played as often: record as many as will be asked for");
    }
    if (nearest == nullptr) {
      const std::optional<std::string> near = Nearest(key, keys);
      return StrCat("the nearest is ", Truncate(near.value_or(keys.front()), kShownKey),
                    ": ask for what was recorded, or record this request too");
    }
    const Result<RecordedExchange> other = ReadExchangeFile(nearest->path, options_.limits);
    if (!other) return other.error().message;
    const auto at =
        static_cast<std::size_t>(std::ranges::mismatch(body, other->body).in1 - body.begin());
    return StrCat("the nearest is ", nearest->path, ", whose body differs from byte ", at, ": ",
                  Around(other->body, at), " was recorded, ", Around(body, at),
                  " is asked: ask for what was recorded, or record this request too");
  }

  const std::string folder_;
  const ReplayOptions options_;
  ErrorWords words_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

class ReplayStream final : public ByteStream {
 public:
  ReplayStream(async::Loop& loop, std::shared_ptr<Cassette> cassette)
      : loop_(loop),
        cassette_(std::move(cassette)),
        request_(ParserLimits{.body_bytes = cassette_->options().limits.request_bytes}) {}

  async::Task<IoResult> ReadSome(std::span<char> into) override {
    if (!closed_ && exchange_) co_await WaitUntil(played_all() ? exchange_->ended_at : next().at);
    if (closed_) co_return IoResult(boost::asio::error::operation_aborted, 0);
    if (failure_) co_return IoResult(failure_, 0);
    if (!exchange_) co_return IoResult(boost::asio::error::eof, 0);
    if (played_all()) co_return IoResult(EndOfReply(), 0);
    const std::size_t most = std::min(into.size(), next().end - sent_);
    const std::size_t count = exchange_->reply.copy(into.data(), most, sent_);
    sent_ += count;
    if (sent_ == next().end) ++piece_;
    co_return IoResult(boost::system::error_code(), count);
  }

  IoResult TryWrite(std::string_view bytes) override {
    if (closed_) return {boost::asio::error::operation_aborted, 0};
    if (exchange_ && (!played_all() || exchange_->end != End::kComplete)) {
      return {boost::asio::error::broken_pipe, 0};
    }
    exchange_.reset();
    if (!failure_) TakeRequest(bytes);
    return {boost::system::error_code(), bytes.size()};
  }

  async::Task<IoResult> Write(std::string_view bytes) override { co_return TryWrite(bytes); }

  void Close() noexcept override {
    closed_ = true;
    if (waiting_ != nullptr) waiting_->Notify();
  }
  void ShutdownSend() noexcept override {}
  Peek PeekPeer() noexcept override {
    const bool over = exchange_ && played_all() && exchange_->end != End::kComplete;
    return over || failure_ ? Peek::kClosed : Peek::kQuiet;
  }
  std::optional<Delivery> Delivered() noexcept override { return std::nullopt; }

 private:
  bool played_all() const { return piece_ == exchange_->pieces.size(); }
  const RecordedExchange::Piece& next() const { return exchange_->pieces[piece_]; }

  void TakeRequest(std::string_view bytes) {
    unparsed_ += bytes;
    const Result<std::size_t> used = request_.Feed(unparsed_);
    body_ += request_.body();
    if (!used) {
      failure_ = cassette_->words().Say(used.error().message);
      return;
    }
    unparsed_.erase(0, *used);
    if (!request_.done()) return;
    Result<RecordedExchange> exchange = cassette_->Take(request_.head(), body_);
    if (!unparsed_.empty()) {
      failure_ = cassette_->words().Say("a request came before the reply to the one before it");
    } else if (exchange) {
      exchange_ = *std::move(exchange);
    } else {
      failure_ = cassette_->words().Say(exchange.error().message);
    }
    request_.Reset();
    body_.clear();
    asked_at_ = loop_.Now();
    piece_ = 0;
    sent_ = 0;
  }

  async::Task<void> WaitUntil(Duration recorded) {
    const double scaled = static_cast<double>(recorded.count()) * cassette_->options().time_scale;
    const bool never = scaled >= static_cast<double>(Duration::max().count());
    const TimePoint at =
        never ? kNever : After(asked_at_, Duration(static_cast<Duration::rep>(scaled)));
    if (loop_.Now() >= at) co_return;
    async::WaitPoint point((async::Context(loop_)));
    waiting_ = &point;
    co_await point.Wait(at);
    waiting_ = nullptr;
  }

  boost::system::error_code EndOfReply() {
    switch (exchange_->end) {
      case End::kComplete:
      case End::kClosed:
        return boost::asio::error::eof;
      case End::kBroken:
        return boost::asio::error::connection_reset;
      case End::kLeft:
        break;
    }
    return cassette_->words().Say(
        "the recording ends here, because its client hung up: record it again to the end");
  }

  async::Loop& loop_;
  const std::shared_ptr<Cassette> cassette_;
  RequestParser request_;
  std::string unparsed_;
  std::string body_;
  std::optional<RecordedExchange> exchange_;  // what is played; stays until the next request
  TimePoint asked_at_{};
  std::size_t piece_ = 0;
  std::size_t sent_ = 0;  // bytes of the reply
  boost::system::error_code failure_;
  bool closed_ = false;
  async::WaitPoint* waiting_ = nullptr;
};

class ReplayDialer final : public Dialer {
 public:
  ReplayDialer(std::string folder, const ReplayOptions& options)
      : cassette_(std::make_shared<Cassette>(std::move(folder), options)) {}

  async::Task<Result<Connection>> Dial(async::Context ctx, const Origin& /*origin*/,
                                       Duration /*connect_timeout*/) override {
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
    WEIR_CO_CHECK(cassette_->Load());
    Connection connection;
    connection.stream = std::make_unique<ReplayStream>(*ctx.loop, cassette_);
    co_return connection;
  }

 private:
  const std::shared_ptr<Cassette> cassette_;
};

}  // namespace

std::unique_ptr<Dialer> NewReplayDialer(std::string folder, ReplayOptions options) {
  return std::make_unique<ReplayDialer>(std::move(folder), options);
}

}  // namespace weir::http
