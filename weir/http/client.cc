#include "weir/http/client.h"

#include <boost/asio/error.hpp>

#include "weir/base/text.h"
#include "weir/http/inflate.h"

namespace weir::http {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;  // what every open stream costs
constexpr std::size_t kMostBuffer = 64 * 1024;  // where reads of a large body stop growing
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

  // Writes the request and reads the head of the response.
  async::Task<Result<void>> Start(const std::string& bytes);

  async::Task<Result<std::string_view>> Read(async::Context ctx);

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
  void StartClock(std::string_view name, Duration limit);
  Error EndedError() const;
  async::Task<Result<bool>> Fill();  // false at the end of the peer's bytes
  void Room();
  Result<void> Feed();
  Result<std::string_view> Decoded(std::string_view piece);
  void Finish();

  async::Context ctx_;
  Pool& pool_;
  std::unique_ptr<Pool::Lease> lease_;  // null once the connection went back to the pool
  const ClientTimeouts timeouts_;
  const std::size_t header_bytes_;
  ResponseParser parser_;
  std::optional<Inflater> inflater_;
  std::string inflated_;

  std::vector<char> buffer_;
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
  bool last_read_full_ = false;
  std::uint64_t written_before_ = 0;
  bool answered_ = false;
  std::optional<Error> failure_;
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

void Response::Session::StartClock(std::string_view name, Duration limit) {
  clock_ = name;
  limit_ = limit;
  const TimePoint own = limit > Duration::zero() ? After(ctx_.Now(), limit) : kNever;
  deadline_.Set(std::min(own, ctx_.deadline));
}

Error Response::Session::EndedError() const {
  if (ended_ == Ended::kCancelled) return async::CancelledError();
  if (ctx_.Now() >= ctx_.deadline) return async::TotalTimeoutError(ctx_);
  if (clock_ == "idle") {
    return TimeoutError(clock_, limit_, "sent nothing more", where(), Code::kStreamIdleTimeout);
  }
  return TimeoutError(clock_, limit_, "did not begin its answer", where(), Code::kTimeout);
}

async::Task<Result<void>> Response::Session::Start(const std::string& bytes) {
  written_before_ = lease_->bytes_written;
  lease_->bytes_written += bytes.size();
  StartClock("first_token", timeouts_.first_token);
  auto [error, written] = stream().TryWrite(bytes);
  if (!error && written < bytes.size()) {
    const std::string_view rest = std::string_view(bytes).substr(written);
    const IoResult result = co_await stream().Write(rest);
    error = std::get<0>(result);
  }
  if (error && ended_ != Ended::kNo) co_return Fail(EndedError());
  // A server may answer and close before it has read everything: its answer is worth more than the
  // failed write, so reading goes on and reports the loss if there is none.
  buffer_.resize(kFirstBuffer);
  while (!parser_.head_done()) {
    Result<bool> more = co_await Fill();
    if (!more) co_return Fail(std::move(more).error());
    if (!*more) {
      if (!answered_) {
        co_return Fail(Code::kConnectionError,
                       StrCat(where(), " closed the connection without an answer"),
                       error.message());
      }
      WEIR_CO_CHECK(parser_.FeedEof());
      break;
    }
    WEIR_CO_CHECK(Feed());
  }
  co_return Result<void>();
}

void Response::Session::OpenBody() {
  const std::string* encoding = parser_.head().headers.Find("Content-Encoding");
  if (encoding == nullptr) return;
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
  for (Duration waited{}; waited < kResetWait; waited += kResetPoll) {
    const std::optional<ByteStream::Delivery> delivery = stream().Delivered();
    if (!delivery || delivery->acknowledged > written_before_) co_return false;
    if (delivery->reset) co_return true;
    const Result<void> slept = co_await async::Sleep(ctx_, kResetPoll);
    if (!slept) co_return false;
  }
  co_return false;
}

async::Task<Result<std::string_view>> Response::Session::Read(async::Context ctx) {
  Follow(ctx);
  while (!failure_) {
    if (!piece_.empty()) {
      body_began_ = true;
      Result<std::string_view> decoded = Decoded(std::exchange(piece_, {}));
      if (!decoded) failure_ = decoded.error();
      if (!decoded || !decoded->empty()) co_return decoded;
    }
    if (parser_.done()) {
      Finish();
      if (!failure_) co_return std::string_view();
      break;
    }
    if (body_began_) {
      StartClock("idle", timeouts_.idle);
    } else {
      StartClock("first_token", timeouts_.first_token);
    }
    Result<bool> more = co_await Fill();
    Result<void> parsed;
    if (!more) {
      failure_ = std::move(more).error();
    } else {
      parsed = *more ? Feed() : parser_.FeedEof();
    }
    if (!parsed) failure_ = std::move(parsed).error();
  }
  co_return Fail(*failure_);
}

async::Task<Result<bool>> Response::Session::Fill() {
  if (lease_ == nullptr) co_return Fail(Code::kInternal, "read after the end of a response");
  Room();
  const std::span<char> room = std::span(buffer_).subspan(end_);
  const auto [error, count] = co_await stream().ReadSome(room);
  if (ended_ != Ended::kNo) co_return Fail(EndedError());
  if (error == boost::asio::error::eof) co_return false;
  if (error) {
    const Code code = parser_.head_done() ? Code::kStreamTruncated : Code::kConnectionError;
    co_return Fail(code,
                   StrCat("the connection to ", where(), " broke before the answer was whole"),
                   error.message());
  }
  answered_ = true;
  end_ += count;
  co_return true;
}

// Makes room for a read. A read that filled all of the room asks for a larger buffer: the body is
// large, or the head does not fit yet.
void Response::Session::Room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool full = last_read_full_ || end_ == buffer_.size();
  const std::size_t most = parser_.head_done() ? kMostBuffer : header_bytes_ + kFirstBuffer;
  if (full && buffer_.size() < most) buffer_.resize(buffer_.size() * 2);
}

Result<void> Response::Session::Feed() {
  last_read_full_ = end_ == buffer_.size();
  const Result<std::size_t> used = parser_.Feed(std::span(buffer_).subspan(begin_, end_ - begin_));
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
  if (parser_.keep_alive() && begin_ == end_ && ended_ == Ended::kNo) {
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

async::Task<Result<std::string_view>> Response::Read(async::Context ctx) {
  return session_->Read(ctx);
}

async::Task<Result<std::string>> Response::ReadAll(async::Context ctx, std::size_t max_bytes) {
  std::string body;
  for (;;) {
    WEIR_CO_TRY(const std::string_view piece, co_await session_->Read(ctx));
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > max_bytes) {
      co_return Fail(Code::kProtocolError,
                     StrCat("the answer is longer than the limit of ", max_bytes, " bytes"));
    }
    body += piece;
  }
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

Result<std::string> Serialize(const Origin& origin, const Request& request,
                              const Connection& connection, bool accept_gzip) {
  Headers headers{{"Host", origin.authority}};
  for (const Header& header : request.headers) headers.Add(header.name, header.value);
  if (accept_gzip) headers.Add("Accept-Encoding", "gzip");
  if (request.method != "GET") headers.Add("Content-Length", std::to_string(request.body.size()));
  std::string target = StrCat(origin.url.target_prefix, request.target);
  if (connection.absolute_form) {
    target = StrCat("http://", origin.authority, target);
    if (!connection.proxy_authorization.empty()) {
      headers.Add("Proxy-Authorization", connection.proxy_authorization);
    }
  }
  std::string bytes;
  bytes.reserve(512 + request.body.size());
  WEIR_CHECK(AppendRequestHead(bytes, request.method, target, headers));
  bytes += request.body;
  return bytes;
}

}  // namespace

async::Task<Result<std::unique_ptr<Response>>> Client::Send(async::Context ctx,
                                                            const Origin& origin,
                                                            const Request& request) {
  async::Span span(ctx, "http.exchange");
  Pool& pool = PoolOf(*ctx.loop);
  Pool::Reuse reuse = Pool::Reuse::kAllowed;
  for (;;) {
    Result<std::unique_ptr<Pool::Lease>> lease =
        co_await pool.Take(span.context(), origin, request.timeouts.connect, reuse);
    if (!lease) co_return span.End(Result<std::unique_ptr<Response>>(std::unexpect, lease.error()));
    Result<std::string> bytes =
        Serialize(origin, request, (*lease)->connection, options_.accept_gzip);
    auto session = std::make_unique<Response::Session>(span.context(), pool, *std::move(lease),
                                                       request.timeouts, options_.header_bytes);
    if (!bytes) co_return Fail(std::move(bytes).error());
    if (request.method == "HEAD") session->ExpectNoBody();
    const Result<void> started = co_await session->Start(*bytes);
    if (started) {
      session->OpenBody();
      co_return std::unique_ptr<Response>(new Response(std::move(session)));
    }
    const bool again = reuse == Pool::Reuse::kAllowed && co_await session->NeverReached();
    if (!again) {
      co_return span.End(Result<std::unique_ptr<Response>>(std::unexpect, started.error()));
    }
    reuse = Pool::Reuse::kFresh;
  }
}

}  // namespace weir::http
