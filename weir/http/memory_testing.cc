#include "weir/http/memory_testing.h"

#include <boost/asio/error.hpp>

#include "weir/async/wait.h"
#include "weir/base/text.h"

namespace weir::http {
namespace {

namespace error = boost::asio::error;

// One direction.
struct Pipe {
  std::string bytes;
  bool ended = false;        // the writer will send no more
  bool reset = false;        // ... and its end is a reset
  bool reader_gone = false;  // nobody will read what is written
  async::WaitPoint* reader = nullptr;
  async::WaitPoint* writer = nullptr;

  void Wake() {
    if (reader != nullptr) reader->Notify();
    if (writer != nullptr) writer->Notify();
  }
};

// One end of a stream. Its outstanding operations share it, so that the stream may be destroyed
// under them, as a socket may.
struct End {
  async::Loop& loop;
  const std::shared_ptr<StreamScript> script;
  const std::shared_ptr<Pipe> in;
  const std::shared_ptr<Pipe> out;
  bool closed = false;

  void Close() {
    closed = true;
    out->ended = true;
    in->reader_gone = true;
    out->Wake();
    in->Wake();
  }

  void EndOutgoing() {
    out->ended = true;
    out->Wake();
  }

  IoResult WriteSome(std::string_view bytes) {
    if (closed) return {error::operation_aborted, 0};
    if (out->reader_gone || out->ended) return {error::broken_pipe, 0};
    const std::size_t used = std::min(script->capacity, out->bytes.size());
    const std::size_t count = std::min(bytes.size(), script->capacity - used);
    out->bytes += bytes.substr(0, count);
    if (count > 0 && out->reader != nullptr) out->reader->Notify();
    return {boost::system::error_code(), count};
  }
};

async::Task<IoResult> Read(std::shared_ptr<End> end, std::span<char> into) {
  Pipe& in = *end->in;
  if (end->script->Fails()) {
    in.reader_gone = true;
    in.Wake();
    end->EndOutgoing();
    co_return IoResult(error::connection_reset, 0);
  }
  while (in.bytes.empty() && !in.ended && !end->closed) {
    async::WaitPoint point((async::Context(end->loop)));
    in.reader = &point;
    co_await point.Wait();
    in.reader = nullptr;
  }
  if (end->closed) co_return IoResult(error::operation_aborted, 0);
  if (in.bytes.empty() && in.reset) co_return IoResult(error::connection_reset, 0);
  if (in.bytes.empty()) co_return IoResult(error::eof, 0);
  std::size_t count = std::min(in.bytes.size(), into.size());
  if (end->script->read_piece > 0) count = std::min(count, end->script->read_piece);
  in.bytes.copy(into.data(), count);
  in.bytes.erase(0, count);
  if (in.writer != nullptr) in.writer->Notify();
  co_return IoResult(boost::system::error_code(), count);
}

async::Task<IoResult> WriteAll(std::shared_ptr<End> end, std::string_view bytes) {
  if (end->script->Fails()) {
    end->EndOutgoing();
    co_return IoResult(error::connection_reset, 0);
  }
  std::size_t total = 0;
  for (;;) {
    const auto [failed, count] = end->WriteSome(bytes.substr(total));
    total += count;
    if (failed || total == bytes.size()) co_return IoResult(failed, total);
    async::WaitPoint point((async::Context(end->loop)));
    end->out->writer = &point;
    co_await point.Wait();
    end->out->writer = nullptr;
  }
}

class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::shared_ptr<End> end) : end_(std::move(end)) {}
  ~MemoryStream() override { end_->Close(); }

  async::Task<IoResult> ReadSome(std::span<char> into) override { return Read(end_, into); }

  IoResult TryWrite(std::string_view bytes) override {
    if (!end_->script->Fails()) return end_->WriteSome(bytes);
    end_->EndOutgoing();
    return {error::connection_reset, 0};
  }

  async::Task<IoResult> Write(std::string_view bytes) override { return WriteAll(end_, bytes); }

  void Close() noexcept override { end_->Close(); }

  void Reset() noexcept override {
    end_->out->reset = true;
    end_->Close();
  }

  void ShutdownSend() noexcept override { end_->EndOutgoing(); }

  Peek PeekPeer() noexcept override {
    if (end_->in->ended) return Peek::kClosed;
    return end_->in->bytes.empty() ? Peek::kQuiet : Peek::kBytes;
  }

  std::optional<Delivery> Delivered() noexcept override { return end_->script->delivery; }

 private:
  const std::shared_ptr<End> end_;
};

}  // namespace

bool StreamScript::Fails() {
  ++operations;
  if (fail_at == 0) return false;
  return operations == fail_at || (fail_from_then_on && operations > fail_at);
}

StreamPair NewMemoryStreams(async::Loop& loop, std::shared_ptr<StreamScript> client,
                            std::shared_ptr<StreamScript> server) {
  const auto up = std::make_shared<Pipe>();
  const auto down = std::make_shared<Pipe>();
  const auto end = [&](auto script, auto in, auto out) {
    return std::make_unique<MemoryStream>(
        std::make_shared<End>(loop, std::move(script), std::move(in), std::move(out)));
  };
  return {.client = end(std::move(client), down, up), .server = end(std::move(server), up, down)};
}

async::Task<Result<Connection>> MemoryDialer::Dial(async::Context ctx, const Origin& /*origin*/,
                                                   Duration connect_timeout) {
  ++dials_;
  const async::Context within =
      connect_timeout > Duration::zero() ? ctx.WithTimeout(connect_timeout) : ctx;
  if (delay > Duration::zero()) {
    WEIR_CO_CHECK(co_await async::Sleep(within, delay));
  }
  if (client_script->Fails()) co_return Fail(Code::kConnectionError, "nothing listens here");
  StreamPair pair = NewMemoryStreams(*ctx.loop, client_script, server_script);
  scope_.Spawn(peer_(std::move(pair.server), dials_));
  Connection connection;
  connection.stream = std::move(pair.client);
  co_return connection;
}

async::Task<std::string> ReadHead(ByteStream& stream) {
  std::string text;
  while (!text.ends_with("\r\n\r\n")) {
    char byte = 0;
    const std::span<char> room(&byte, 1);  // what follows the head is left for its reader
    const IoResult read = co_await stream.ReadSome(room);
    if (std::get<0>(read)) break;
    text += byte;
  }
  co_return text;
}

async::Task<std::string> ReadRequest(ByteStream& stream) {
  std::string text = co_await ReadHead(stream);
  const std::size_t head = text.size();
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t field = text.find(kLength);
  if (!text.ends_with("\r\n\r\n")) co_return "";
  if (field == text.npos) co_return text;
  const std::string_view value = std::string_view(text).substr(field + kLength.size());
  const std::size_t left = ParseUint(value.substr(0, value.find('\r'))).value_or(0);
  text.resize(head + left);
  for (std::size_t at = head; at < text.size();) {
    const std::span<char> room = std::span(text).subspan(at);
    const IoResult read = co_await stream.ReadSome(room);
    if (std::get<0>(read)) co_return "";
    at += std::get<1>(read);
  }
  co_return text;
}

async::Task<std::string> ReadToEnd(ByteStream& stream) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const IoResult read = co_await stream.ReadSome(buffer);
    if (std::get<0>(read)) co_return text;
    text.append(buffer, std::get<1>(read));
  }
}

async::Task<void> Answer(std::unique_ptr<ByteStream> stream, std::vector<std::string> replies,
                         std::vector<std::string>& requests) {
  for (const std::string& reply : replies) {
    std::string request = co_await ReadRequest(*stream);
    if (request.empty()) co_return;
    requests.push_back(std::move(request));
    const IoResult written = co_await stream->Write(reply);
    if (std::get<0>(written)) co_return;
  }
}

}  // namespace weir::http
