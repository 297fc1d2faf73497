#include "weir/http/client.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "weir/async/completion.h"
#include "weir/base/text.h"
#include "weir/http/error_advice.h"
#include "weir/http/inflate.h"

namespace weir::http {
namespace {

constexpr std::size_t kUsualHead = 512;  // reserved for the head of a request
constexpr std::size_t kFirstResponseBuffer =
    2 * 1024;                                   // what every open stream costs; grows when filled
constexpr std::size_t kKeptBuffer = 16 * 1024;  // a larger one is not kept for the next request
constexpr std::size_t kMostResponseBuffer = 64 * 1024;  // where reads of a large body stop growing
constexpr std::size_t kLargeBody = 256 * 1024;  // is sent from where it is, not copied to its head
constexpr Duration kResetWait = std::chrono::milliseconds(500);
constexpr Duration kResetPoll = std::chrono::milliseconds(5);

Error TimeoutError(std::string_view clock, Duration limit, std::string_view what,
                   const std::string& where, Code code) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  return Error{.code = code,
               .message = StrCat(where, " ", what, " within the limit `", clock, "` of ",
                                 FormatMillis(millis), "; raise `timeouts.", clock,
                                 "` if the server may need longer")};
}

// Two lengths, or a length and chunks, are how one request is smuggled inside another.
constexpr std::string_view kOurHeaders[] = {"Host", "Content-Length", "Transfer-Encoding",
                                            "Proxy-Authorization"};

template <class Fields>
Result<void> LeaveOurs(const Fields& headers) {
  for (const Header header : headers) {
    for (const std::string_view name : kOurHeaders) {
      if (!EqualsIgnoreCase(header.name, name)) continue;
      return Fail(Code::kInvalidRequest,
                  StrCat("the header ", name, " is written by the client itself; leave it out"));
    }
  }
  return {};
}

bool Has(std::span<const Header> headers, std::string_view name) {
  return std::ranges::any_of(
      headers, [&](const Header& field) { return EqualsIgnoreCase(field.name, name); });
}

}  // namespace

// One exchange on one connection: what was sent, what has come back, which clock is running.
class Response::Session {
 public:
  Session(const async::Context& ctx, Pool& pool, std::unique_ptr<Pool::Lease> lease,
          const ClientTimeouts& timeouts, std::size_t header_bytes)
      : ctx_(ctx),
        pool_(pool),
        lease_(std::move(lease)),
        timeouts_(timeouts),
        header_bytes_(header_bytes),
        parser_(ParserLimits{.header_bytes = header_bytes}),
        deadline_(*ctx.loop, [this] { End(Ended::kClock); }) {
    Follow(ctx);
  }

  ~Session() {
    if (lease_ != nullptr) pool_.Discard(std::move(lease_));
  }

  // The response has no body, whatever its head says.
  void ExpectNoBody() { parser_.ExpectNoBody(); }

  // Writes the request, `body` behind `bytes`, and reads the head of the response.
  async::Task<Result<void>> Start(const std::string& bytes, std::string_view body);

  std::optional<Result<std::string_view>> Poll();
  async::Task<IoResult> Wait(const async::Context& ctx, bool useful);
  void Take(const IoResult& read);

  // What to do about an error of this exchange is said where the error leaves it.
  Error Advised(const Error& error) const {
    const Pool::Lease* const lease = lease_.get();
    const bool unheard = !answered_ && lease != nullptr && !lease->reused;
    return WithAdvice(error, unheard && lease->key.starts_with("http://"));
  }

  // After Start() has failed: whether the server cannot have seen any of the request.
  async::Task<bool> NeverReached();

  const ResponseHead& head() const { return parser_.head(); }
  bool ended_by_close() const { return parser_.closed_by_eof(); }
  // The head is there: decides whether the body must be inflated.
  void OpenBody();

 private:
  enum class Ended : std::uint8_t { kNo, kClock, kCancelled };

  ByteStream& stream() { return *lease_->connection.stream; }
  const std::string& where() const { return lease_->key; }

  void Follow(const async::Context& ctx);
  void End(Ended how);
  void StartClock(std::string_view name, Duration limit, TimePoint from);
  Error EndedError() const;
  async::Task<IoResult> StartRead();
  Result<bool> Received(const IoResult& read);  // false at the end of the peer's bytes
  void Room();
  std::span<char> Unparsed() { return {lease_->buffer.get() + begin_, end_ - begin_}; }
  Result<void> Feed();
  Result<std::string_view> Decoded(std::string_view piece);
  void Finish();
  void Lag(bool may) {
    lags_ = may;
    stream().MayLag(may);
  }

  async::Context ctx_;
  Pool& pool_;
  std::unique_ptr<Pool::Lease> lease_;  // null once the connection went back to the pool
  const ClientTimeouts timeouts_;
  const std::size_t header_bytes_;
  ResponseParser parser_;
  std::optional<Inflater> inflater_;
  std::string inflated_;

  std::string_view piece_;  // decoded by the last Feed(), not yet handed out; inside buffer_
  std::size_t begin_ = 0;   // bytes [begin_, end_) are read but not yet parsed
  std::size_t end_ = 0;

  async::Deadline deadline_;
  std::optional<async::Cancellation::Watch> watch_;
  async::Cancellation* watched_ = nullptr;
  std::string_view clock_;
  Duration limit_{};
  Ended ended_ = Ended::kNo;
  bool body_began_ = false;
  std::optional<TimePoint> heard_at_;  // when the wait behind the last part of the answer began
  bool trickles_ = false;              // the body: an answer that is written while it is read
  bool lags_ = false;
  bool last_read_full_ = false;
  TimePoint sent_at_;
  std::uint64_t written_before_ = 0;
  bool write_failed_ = false;
  bool nothing_written_ = false;
  bool closed_by_peer_ = false;
  bool answered_ = false;
  std::optional<BoxedError> failure_;
};

void Response::Session::Follow(const async::Context& ctx) {
  ctx_ = ctx;
  if (watched_ == ctx.cancellation) return;
  watched_ = ctx.cancellation;
  watch_.reset();
  if (watched_ == nullptr) return;
  watch_.emplace(watched_, [this] { End(Ended::kCancelled); });
  if (watched_->cancelled()) End(Ended::kCancelled);
}

void Response::Session::End(Ended how) {
  if (ended_ != Ended::kNo || lease_ == nullptr) return;
  ended_ = how;
  stream().Close();
}

void Response::Session::StartClock(std::string_view name, Duration limit, TimePoint from) {
  clock_ = name;
  limit_ = limit;
  const TimePoint own = limit > Duration::zero() ? After(from, limit) : kNever;
  deadline_.Set(std::min(own, ctx_.deadline));
}

Error Response::Session::EndedError() const {
  if (ended_ == Ended::kCancelled) return async::CancelledError();
  if (ctx_.Now() >= ctx_.deadline) return async::TotalTimeoutError(ctx_);
  if (clock_ == "idle") {
    return TimeoutError(clock_, limit_, "sent no more of its answer", where(),
                        Code::kStreamIdleTimeout);
  }
  return TimeoutError(clock_, limit_, "did not begin its answer", where(), Code::kTimeout);
}

async::Task<Result<void>> Response::Session::Start(const std::string& bytes,
                                                   std::string_view body) {
  written_before_ = lease_->bytes_written;
  lease_->bytes_written += bytes.size() + body.size();
  sent_at_ = ctx_.loop->RoughNow();
  StartClock("first_token", timeouts_.first_token, sent_at_);
  auto [error, written] = stream().TryWrite(bytes);
  nothing_written_ = error && written == 0;
  if (!error && written < bytes.size()) {
    const std::string_view rest = std::string_view(bytes).substr(written);
    const IoResult result = co_await stream().Write(rest);
    error = std::get<0>(result);
  }
  if (!error && !body.empty()) {
    const IoResult result = co_await stream().Write(body);
    error = std::get<0>(result);
  }
  if (error && ended_ != Ended::kNo) co_return Fail(EndedError());
  write_failed_ = static_cast<bool>(error);
  if (nothing_written_ && lease_->reused) {
    co_return Fail(Code::kConnectionError, StrCat("the connection to ", where(), " was gone"),
                   error.message());
  }
  // A server may answer and close before it has read everything: its answer is worth more than the
  // failed write, so reading goes on and reports the loss if there is none.
  while (!parser_.head_done()) {
    const IoResult read = co_await StartRead();
    Result<bool> more = Received(read);
    if (!more) co_return Fail(std::move(more).error());
    if (!*more) {
      if (!answered_) {
        co_return Fail(Code::kConnectionError,
                       StrCat(where(), " closed the connection without an answer"),
                       error ? error.message() : std::string());
      }
      WEIR_CO_CHECK(parser_.FeedEof());
      break;
    }
    WEIR_CO_CHECK(Feed());
  }
  co_return Result<void>();
}

void Response::Session::OpenBody() {
  const std::string_view type = parser_.head().headers.Find("Content-Type").value_or("");
  trickles_ = type.starts_with("text/event-stream") || type.starts_with("application/x-ndjson");
  const std::optional<std::string_view> encoding = parser_.head().headers.Find("Content-Encoding");
  if (!encoding) return;
  if (EqualsIgnoreCase(*encoding, "gzip")) {
    inflater_.emplace(Inflater::Coding::kGzip);
  } else if (EqualsIgnoreCase(*encoding, "deflate")) {
    inflater_.emplace(Inflater::Coding::kDeflate);
  } else if (!EqualsIgnoreCase(*encoding, "identity")) {
    failure_ = Error{.code = Code::kProtocolError,
                     .message = StrCat(where(), " sent the content encoding '", *encoding,
                                       "', which was not asked for")};
  }
}

async::Task<bool> Response::Session::NeverReached() {
  if (!lease_->reused || answered_ || ended_ != Ended::kNo) co_return false;
  if (nothing_written_) co_return true;
  // A reset that no close came before may be the work of a server that has read a part of the
  // request: what it reads, its machine may acknowledge late.
  if (!closed_by_peer_) co_return false;
  for (Duration waited{}; waited < kResetWait; waited += kResetPoll) {
    const std::optional<ByteStream::Delivery> delivery = stream().Delivered();
    if (!delivery || delivery->acknowledged > written_before_) co_return false;
    if (delivery->reset) co_return true;
    const Result<void> slept = co_await async::Sleep(ctx_, kResetPoll);
    if (!slept) co_return false;
  }
  co_return false;
}

// What came before an error is handed out before the error.
std::optional<Result<std::string_view>> Response::Session::Poll() {
  while (!piece_.empty() || !failure_) {
    if (!piece_.empty()) {
      body_began_ = true;
      Result<std::string_view> decoded = Decoded(std::exchange(piece_, {}));
      if (!decoded) failure_ = decoded.error();
      if (decoded && !decoded->empty()) return decoded;
    } else if (parser_.done()) {
      Finish();
      if (!failure_) return std::string_view();
    } else {
      return std::nullopt;
    }
  }
  return Result<std::string_view>(std::unexpect, Advised(**failure_));
}

async::Task<IoResult> Response::Session::Wait(const async::Context& ctx, bool useful) {
  Follow(ctx);
  if (useful && body_began_) heard_at_ = ctx_.loop->RoughNow();
  // The first piece is waited for like a head.
  if (trickles_ && heard_at_ && !lags_) Lag(true);
  return StartRead();
}

void Response::Session::Take(const IoResult& read) {
  Result<bool> more = Received(read);
  if (!more) {
    failure_ = std::move(more).error();
    return;
  }
  Result<void> parsed = *more ? Feed() : parser_.FeedEof();
  if (!parsed) failure_ = std::move(parsed).error();
}

async::Task<IoResult> Response::Session::StartRead() {
  if (heard_at_) {
    StartClock("idle", timeouts_.idle, *heard_at_);
  } else {
    StartClock("first_token", timeouts_.first_token, sent_at_);
  }
  Room();
  const std::span<char> whole(lease_->buffer.get(), lease_->buffer_size);
  return stream().ReadSome(whole.subspan(end_));
}

Result<bool> Response::Session::Received(const IoResult& read) {
  const auto& [error, count] = read;
  deadline_.Set(ctx_.deadline);  // the time that our caller takes is not the server's
  if (ended_ != Ended::kNo) return Fail(EndedError());
  closed_by_peer_ = error == boost::asio::error::eof;
  if (closed_by_peer_) return false;
  if (error) {
    const Code code = parser_.head_done() ? Code::kStreamTruncated : Code::kConnectionError;
    return Fail(code, StrCat("the connection to ", where(), " broke before the answer was whole"),
                error.message());
  }
  answered_ = true;
  end_ += count;
  return true;
}

// Makes room for a read. A read that filled all of the room asks for a larger buffer: the body is
// large, or the head does not fit yet.
void Response::Session::Room() {
  std::unique_ptr<char[]>& buffer = lease_->buffer;
  const std::size_t unparsed = end_ - begin_;
  const bool full = last_read_full_ || end_ == lease_->buffer_size;
  const std::size_t most =
      parser_.head_done() ? kMostResponseBuffer : header_bytes_ + kFirstResponseBuffer;
  if (full && lease_->buffer_size < most) {
    const std::size_t larger = std::max(kFirstResponseBuffer, lease_->buffer_size * 2);
    auto grown = std::make_unique_for_overwrite<char[]>(larger);
    if (unparsed > 0) std::memcpy(grown.get(), buffer.get() + begin_, unparsed);
    buffer = std::move(grown);
    lease_->buffer_size = larger;
  } else if (begin_ > 0 && unparsed > 0) {
    std::memmove(buffer.get(), buffer.get() + begin_, unparsed);
  }
  begin_ = 0;
  end_ = unparsed;
}

Result<void> Response::Session::Feed() {
  last_read_full_ = end_ == lease_->buffer_size;
  const Result<std::size_t> used = parser_.Feed(Unparsed());
  piece_ = parser_.body();
  if (!used) return Fail(used.error());
  begin_ += *used;
  return {};
}

Result<std::string_view> Response::Session::Decoded(std::string_view piece) {
  if (!inflater_) return piece;
  inflated_.clear();
  WEIR_CHECK(inflater_->Feed(piece, inflated_));
  return std::string_view(inflated_);
}

// The message is complete: the connection goes back, unless the server wants it closed or has sent
// more than its message.
void Response::Session::Finish() {
  if (lease_ == nullptr) return;
  deadline_.Set(kNever);
  watch_.reset();
  watched_ = nullptr;
  if (inflater_) {
    const Result<void> whole = inflater_->Finish();
    if (!whole) failure_ = whole.error();
  }
  if (lags_) Lag(false);
  if (parser_.keep_alive() && begin_ == end_ && ended_ == Ended::kNo && !write_failed_) {
    if (lease_->buffer_size > kKeptBuffer) {
      lease_->buffer.reset();
      lease_->buffer_size = 0;
    }
    pool_.Return(std::move(lease_));
  } else {
    pool_.Discard(std::move(lease_));
  }
}

Response::Response(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Response::~Response() = default;

int Response::status() const { return session_->head().status; }
const Headers& Response::headers() const { return session_->head().headers; }
bool Response::ended_by_close() const { return session_->ended_by_close(); }

std::optional<Result<std::string_view>> Response::Poll() { return session_->Poll(); }
async::Task<IoResult> Response::Wait(const async::Context& ctx, bool useful) {
  return session_->Wait(ctx, useful);
}
void Response::Take(const IoResult& read) { session_->Take(read); }

async::Task<Result<std::string_view>> Response::Read(async::Context ctx) {
  for (;;) {
    std::optional<Result<std::string_view>> piece = session_->Poll();
    if (piece) co_return *std::move(piece);
    const IoResult read = co_await session_->Wait(ctx, true);
    session_->Take(read);
  }
}

async::Task<Result<void>> Response::ReadInto(async::Context ctx, std::size_t max_bytes,
                                             std::string& body) {
  for (;;) {
    const std::optional<Result<std::string_view>> piece = session_->Poll();
    if (!piece) {
      const IoResult read = co_await session_->Wait(ctx, true);
      session_->Take(read);
      continue;
    }
    if (!*piece) co_return Fail(piece->error());
    if ((*piece)->empty()) co_return Result<void>();
    const std::string_view kept = (*piece)->substr(0, max_bytes - body.size());
    body += kept;
    if (kept.size() < (*piece)->size()) {
      co_return Fail(Code::kProtocolError,
                     StrCat("the answer is longer than the limit of ", max_bytes,
                            " bytes; is this the address of a model server?"));
    }
  }
}

async::Task<Result<std::string>> Response::ReadAll(async::Context ctx, std::size_t max_bytes) {
  std::string body;
  WEIR_CO_CHECK(co_await ReadInto(ctx, max_bytes, body));
  co_return body;
}

Result<FieldBlock> FixedFields(const Headers& headers) {
  WEIR_CHECK(LeaveOurs(headers));
  return FieldBlock::Make(headers);
}

Client::Client(ClientOptions options, std::unique_ptr<Dialer> dialer)
    : options_(options), dialer_(std::move(dialer)) {}
Client::~Client() = default;

Pool& Client::PoolOf(async::Loop& loop) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [its_loop, pool] : pools_) {
    if (its_loop == &loop) return *pool;
  }
  return *pools_.emplace_back(&loop, std::make_unique<Pool>(loop, *dialer_, options_.pool)).second;
}

std::size_t Client::open_connections() const {
  const std::scoped_lock lock(mutex_);
  std::size_t open = 0;
  for (const auto& [loop, pool] : pools_) open += pool->open();
  return open;
}

namespace {

bool IsLarge(const Request& request) { return request.body.size() > kLargeBody; }

// Head and body in one text; of a large body the head alone. `forwarder` is set when a proxy
// forwards the request.
Result<std::string> Serialize(const Origin& origin, const Request& request,
                              const Connection* forwarder, bool accept_gzip) {
  static const FieldBlock kNone;
  WEIR_CHECK(LeaveOurs(request.headers));
  const FieldBlock& fixed = request.fixed == nullptr ? kNone : *request.fixed;
  std::string bytes;
  const std::string_view body = IsLarge(request) ? "" : std::string_view(request.body);
  bytes.reserve(kUsualHead + fixed.lines().size() + body.size());
  HeadWriter head(bytes);
  const std::string_view scheme = forwarder == nullptr ? "" : "http://";
  const std::string_view authority = forwarder == nullptr ? "" : std::string_view(origin.authority);
  WEIR_CHECK(
      head.Start(request.method, {scheme, authority, origin.url.target_prefix, request.target}));
  head.AddKnown(fixed);
  head.AddKnown("Host", origin.authority);
  for (const Header& field : request.headers) {
    WEIR_CHECK(head.Add(field.name, field.value));
  }
  if (accept_gzip && !Has(request.headers, "Accept-Encoding")) {
    head.AddKnown("Accept-Encoding", "gzip");
  }
  if (forwarder != nullptr && !forwarder->proxy_authorization.empty()) {
    WEIR_CHECK(head.Add("Proxy-Authorization", forwarder->proxy_authorization));
  }
  if (request.method != "GET" || !request.body.empty()) {
    head.AddKnown("Content-Length", std::to_string(request.body.size()));
  }
  head.End();
  bytes += body;
  return bytes;
}

}  // namespace

async::Task<Result<std::unique_ptr<Response>>> Client::Send(async::Context ctx,
                                                            const Origin& origin,
                                                            const Request& request) {
  async::Span span(ctx, "http.exchange");
  // What has come is read before anything new is sent: the answers of a busy loop do not wait for
  // its requests, those leave in a row, and each step finds its code still in the cache.
  co_await boost::asio::post(ctx.loop->io(), async::kAwait);
  // Written before there is a connection: what cannot be sent does not cost one.
  Result<std::string> bytes = Serialize(origin, request, nullptr, options_.accept_gzip);
  if (!bytes) co_return span.End(Result<std::unique_ptr<Response>>(std::unexpect, bytes.error()));
  Pool& pool = PoolOf(*ctx.loop);
  Pool::Reuse reuse = Pool::Reuse::kAllowed;
  for (;;) {
    std::unique_ptr<Pool::Lease> lease;
    if (reuse == Pool::Reuse::kAllowed) lease = pool.TakeIdle(origin);
    if (lease == nullptr) {
      Result<std::unique_ptr<Pool::Lease>> taken =
          co_await pool.Take(span.context(), origin, request.timeouts.connect, reuse);
      if (!taken) {
        span.Fail(taken.error());
        co_return Fail(std::move(taken).error());
      }
      lease = *std::move(taken);
    }
    if (lease->connection.absolute_form) {
      bytes = Serialize(origin, request, &lease->connection, options_.accept_gzip);
    }
    auto session = std::make_unique<Response::Session>(span.context(), pool, std::move(lease),
                                                       request.timeouts, options_.header_bytes);
    if (!bytes) co_return span.End(Result<std::unique_ptr<Response>>(std::unexpect, bytes.error()));
    if (request.method == "HEAD") session->ExpectNoBody();
    const std::string_view apart = IsLarge(request) ? std::string_view(request.body) : "";
    const Result<void> started = co_await session->Start(*bytes, apart);
    if (started) {
      session->OpenBody();
      co_return std::unique_ptr<Response>(new Response(std::move(session)));
    }
    const bool again = reuse == Pool::Reuse::kAllowed && co_await session->NeverReached();
    if (!again) {
      Error error = session->Advised(started.error());
      span.Fail(error);
      co_return Fail(std::move(error));
    }
    reuse = Pool::Reuse::kFresh;
  }
}

}  // namespace weir::http
