#include "weir/http/conversation.h"

#include <ctime>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::size_t kFirstRequestBuffer =
    2 * 1024;  // thousands of streams keep theirs while they wait
constexpr std::size_t kMostRequestBuffer = 256 * 1024;
constexpr std::size_t kKeptBody = 1 << 20;       // a larger one is not kept for the next request
constexpr std::size_t kWriteSlice = 256 * 1024;  // what a client must take within `write_stall`
// How often a client that waits for its answer is looked at, to notice that it has gone.
constexpr Duration kLookAtClient = std::chrono::milliseconds(250);
constexpr std::string_view kPromise = "400\r\n";  // the size of a chunk that is not kept
constexpr std::size_t kLingerBytes = 1 << 20;
constexpr Duration kLingerTime = std::chrono::seconds(1);

std::string HttpDate(std::int64_t wall_nanos) {
  const std::time_t seconds = wall_nanos / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text, size};
}

}  // namespace

Conversation::Conversation(const async::Context& ctx, ServerState& server,
                           std::unique_ptr<ByteStream> stream)
    : server_(server),
      stream_(std::move(stream)),
      cancellation_(ctx.cancellation),
      ctx_(ctx),
      parser_(ParserLimits{.header_bytes = server.options.header_bytes,
                           .body_bytes = server.options.body_bytes}),
      deadline_(*ctx.loop, [this] { OnClock(); }),
      watch_(ctx.cancellation, [this] { Gone(); }) {
  ctx_.cancellation = &cancellation_;
  buffer_.resize(kFirstRequestBuffer);
  server_.open.insert(this);
}

Conversation::~Conversation() { server_.open.erase(this); }

void Conversation::Drain() {
  keep_alive_ = false;
  if (phase_ == Phase::kIdle) Gone();
}

// The client has gone, or must go: whoever works for it is told.
void Conversation::Gone() {
  if (gone_) return;
  gone_ = true;
  stream_->Close();
  cancellation_.Cancel();
}

void Conversation::Abort() { Gone(); }

async::Task<void> Conversation::Break(BreakOff how) {
  if (gone_) co_return;
  if (how == BreakOff::kReset) {
    stream_->Reset();
    co_return Gone();
  }
  if (how == BreakOff::kTruncatedChunk && answer_ == Answer::kStreaming && chunked_ && !bodyless_) {
    const Result<void> sent = co_await Send(kPromise);
    if (!sent) co_return;
  }
  co_await Linger();
  Gone();
}

void Conversation::GiveTime(Duration time) { deadline_.Set(After(ctx_.loop->RoughNow(), time)); }

void Conversation::OnClock() {
  if (phase_ != Phase::kHandling || writing_) {
    Gone();
    return;
  }
  // A client that shuts its sending side has hung up, as far as model servers are concerned.
  if (stream_->PeekPeer() == ByteStream::Peek::kClosed) {
    Gone();
  } else {
    GiveTime(kLookAtClient);
  }
}

async::Task<void> Conversation::Run() {
  do {
    phase_ = Phase::kIdle;
    if (server_.draining) break;
    parser_.Reset();
    body_.clear();
    if (body_.capacity() > kKeptBody) body_.shrink_to_fit();
    answer_ = Answer::kNone;
    const bool whole = co_await ReadRequest();
    if (!whole) break;
    phase_ = Phase::kHandling;
    keep_alive_ = parser_.keep_alive() && !server_.draining;
    GiveTime(kLookAtClient);
    co_await server_.handler.Handle(*this);
    if (answer_ == Answer::kNone && !gone_) {
      const Headers none;
      const Result<void> sent = co_await Respond(500, none, "");
      if (!sent) break;
    }
    if (answer_ != Answer::kComplete) break;
  } while (keep_alive_ && !gone_);
  deadline_.Set(kNever);
  stream_->Close();
}

async::Task<bool> Conversation::ReadRequest() {
  bool invited = false;
  GiveTime(server_.options.keep_alive);
  while (!parser_.done()) {
    if (end_ == 0 || parser_.started()) {
      const bool more = co_await Fill();
      if (!more) co_return false;
    }
    if (phase_ == Phase::kIdle) {
      phase_ = Phase::kReading;
      GiveTime(server_.options.header_time);
    }
    const Result<std::size_t> used = parser_.Feed(std::span(buffer_).first(end_));
    if (!used) {
      co_await Refuse(parser_.suggested_status(), used.error().message);
      co_return false;
    }
    body_ += parser_.body();
    std::memmove(buffer_.data(), buffer_.data() + *used, end_ - *used);
    end_ -= *used;
    if (parser_.head_done() && parser_.suggested_status() != 0) {
      co_await Refuse(parser_.suggested_status(), "only the expectation 100-continue is known");
      co_return false;
    }
    if (parser_.head_done()) GiveTime(server_.options.body_idle);
    if (parser_.head_done() && !parser_.done() && parser_.expects_continue() && !invited) {
      invited = true;
      const Result<void> sent = co_await Send("HTTP/1.1 100 Continue\r\n\r\n");
      if (!sent) co_return false;
    }
  }
  co_return true;
}

async::Task<bool> Conversation::Fill() {
  const bool full = last_read_full_ || end_ == buffer_.size();
  const std::size_t most =
      std::max(kMostRequestBuffer, server_.options.header_bytes + kFirstRequestBuffer);
  if (full && buffer_.size() < most) buffer_.resize(buffer_.size() * 2);
  const std::span<char> room = std::span(buffer_).subspan(end_);
  const auto [error, count] = co_await stream_->ReadSome(room);
  if (error || gone_) co_return false;
  end_ += count;
  last_read_full_ = end_ == buffer_.size();
  co_return true;
}

async::Task<void> Conversation::Refuse(int status, std::string_view why) {
  keep_alive_ = false;
  phase_ = Phase::kHandling;
  const Headers headers{{"Content-Type", "text/plain; charset=utf-8"}};
  const std::string body = StrCat(why, "\n");
  const Result<void> sent = co_await Respond(status, headers, body);
  if (sent) co_await Linger();
}

// Closing while the client still sends would make its machine throw our answer away; so what comes
// is read and dropped for a moment.
async::Task<void> Conversation::Linger() {
  stream_->ShutdownSend();
  phase_ = Phase::kReading;
  GiveTime(kLingerTime);
  for (std::size_t dropped = 0; dropped < kLingerBytes;) {
    const auto [error, count] = co_await stream_->ReadSome(buffer_);
    if (error || gone_) break;
    dropped += count;
  }
}

Result<void> Conversation::StartHead(int status, const Headers& headers,
                                     std::optional<std::size_t> length) {
  bodyless_ = status == 204 || status == 304 || head().method == "HEAD";
  chunked_ = !length && status != 204 && head().minor_version >= 1;
  if (!length && !chunked_ && !bodyless_) keep_alive_ = false;
  out_.clear();
  HeadWriter writer(out_);
  WEIR_CHECK(writer.Start(status));
  writer.AddKnown("Date", HttpDate(ctx_.loop->WallNanos()));
  WEIR_CHECK(writer.Add(headers));
  if (length && status != 204) writer.AddKnown("Content-Length", std::to_string(*length));
  if (chunked_) writer.AddKnown("Transfer-Encoding", "chunked");
  if (!keep_alive_) writer.AddKnown("Connection", "close");
  if (keep_alive_ && head().minor_version == 0) writer.AddKnown("Connection", "keep-alive");
  writer.End();
  return {};
}

// A second answer would stand in the place of the next request's.
Result<void> Conversation::CheckTurn(Answer wanted) const {
  if (answer_ == wanted) return {};
  return Fail(Code::kInternal, "an exchange is answered once: Respond, or Begin, Write and End");
}

async::Task<Result<void>> Conversation::Respond(int status, const Headers& headers,
                                                std::string_view body) {
  WEIR_CO_CHECK(CheckTurn(Answer::kNone));
  WEIR_CO_CHECK(StartHead(status, headers, body.size()));
  if (!bodyless_) out_ += body;
  answer_ = Answer::kComplete;
  co_return co_await Send(out_);
}

async::Task<Result<void>> Conversation::Begin(int status, const Headers& headers) {
  return BeginBody(status, headers, std::nullopt);
}

async::Task<Result<void>> Conversation::BeginSized(int status, const Headers& headers,
                                                   std::size_t length) {
  return BeginBody(status, headers, length);
}

async::Task<Result<void>> Conversation::BeginBody(int status, const Headers& headers,
                                                  std::optional<std::size_t> length) {
  WEIR_CO_CHECK(CheckTurn(Answer::kNone));
  WEIR_CO_CHECK(StartHead(status, headers, length));
  unwritten_ = length;
  answer_ = Answer::kStreaming;
  co_return co_await Send(out_);
}

async::Task<Result<void>> Conversation::Write(std::string_view piece) {
  WEIR_CO_CHECK(CheckTurn(Answer::kStreaming));
  if (piece.empty() || bodyless_) co_return Result<void>();
  if (unwritten_) {
    if (piece.size() > *unwritten_) {
      co_return Fail(Code::kInternal, "the body is longer than BeginSized was told");
    }
    *unwritten_ -= piece.size();
  }
  if (!chunked_) co_return co_await Send(piece);
  out_.clear();
  // Growing in steps would leave each of many streams with twice what it needs.
  constexpr std::size_t kChunkFrame = 24;
  out_.reserve(piece.size() + kChunkFrame);
  AppendChunk(out_, piece);
  co_return co_await Send(out_);
}

async::Task<Result<void>> Conversation::End() {
  WEIR_CO_CHECK(CheckTurn(Answer::kStreaming));
  if (unwritten_.value_or(0) > 0 && !bodyless_) {
    Gone();
    co_return Fail(Code::kInternal, "the body is shorter than BeginSized was told");
  }
  answer_ = Answer::kComplete;
  if (!chunked_ || bodyless_) co_return Result<void>();
  out_.clear();
  AppendLastChunk(out_);
  co_return co_await Send(out_);
}

async::Task<Result<void>> Conversation::Send(std::string_view bytes) {
  if (gone_) co_return Fail(async::CancelledError());
  auto [error, written] = stream_->TryWrite(bytes);
  if (!error && written < bytes.size()) {
    const TimePoint due = deadline_.at();
    writing_ = true;
    for (bytes.remove_prefix(written); !error && !bytes.empty();) {
      GiveTime(server_.options.write_stall);
      const std::string_view slice = bytes.substr(0, kWriteSlice);
      const IoResult result = co_await stream_->Write(slice);
      error = std::get<0>(result);
      bytes.remove_prefix(slice.size());
    }
    writing_ = false;
    if (phase_ == Phase::kHandling) {
      GiveTime(kLookAtClient);
    } else {
      deadline_.Set(due);
    }
  }
  if (!error && !gone_) co_return Result<void>();
  Gone();
  co_return Fail(Code::kCancelled, "the client has gone", error.message());
}

}  // namespace weir::http
