#pragma once

// The client's half of the wire: a Call becomes a request, a reply or an event becomes our words
// again. No I/O, no policy. `wire` is the only module that knows a server's field names; the
// server's half is server_codec.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/engine.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

struct EncodeOptions {
  Dialect dialect;
  bool stream = false;
  // What the server cannot carry is left out with a degradation instead of failing with
  // kUnsupportedParam. Constraints stay errors.
  bool degrade = false;
};

struct EncodedRequest {
  std::string_view path;  // below the server's root, a literal: "/v1/chat/completions"
  std::string
      body;  // JSON; the same call gives the same bytes in every run (prefix caches rely on it)
  std::vector<model::Degradation> degradations;  // what could be carried only in part
  // Whether another version of the same kind of server would have been sent something else. Only
  // then is it worth asking a server for its version.
  bool version_matters = false;
  // The text of the answer is a JSON string: what that says is the answer (wire/quoted_text.h).
  bool quoted_answer = false;
};

// Encodes for vLLM's chat and completions. The members stand in one order: model, messages or
// prompt, tools, constraint, sampling, reasoning and template, request data, stream, extra. Unset
// fields are left out, null is never sent, and no key is named extra_body: extra fields stand at
// the top level. Fails with kUnsupportedParam when the dialect cannot carry something at all,
// kUnsupportedConstraint when it is the constraint, kInvalidRequest when the call itself is wrong.
Result<EncodedRequest> EncodeRequest(const model::Call& call, const EncodeOptions& options);

// Decodes a whole 200 reply. Fails with kProtocolError when it is not one (HTML, cut JSON, an error
// object), kEmptyModelResponse when it has no choice at all.
Result<model::Reply> DecodeReply(model::Api api, std::string_view body);

// Decodes the events of one stream, in order: one implementation for each form of stream.
class EventDecoder {
 public:
  enum class Kind : std::uint8_t {
    kDelta,  // `out` holds the piece
    kEmpty,  // nothing for the reader in it (a role chunk, a keep-alive)
    kDone,   // the last event of the stream; it holds no piece
  };

  virtual ~EventDecoder() = default;

  // `data` is one event (of server-sent events, the data) or one line. An error in the stream
  // becomes the error it stands for. The memory of `out` is used again.
  virtual Result<Kind> Decode(std::string_view data, model::Delta& out) = 0;

  // id, model, created and fingerprint, taken from the events seen so far.
  virtual const model::ReplyInfo& info() const = 0;
  // Whether every choice that was opened has had its finish reason, and at least one was.
  virtual bool finished() const = 0;
};

// The chunks of chat and completions, ended by [DONE].
class ChunkDecoder final : public EventDecoder {
 public:
  explicit ChunkDecoder(model::Api api);
  ~ChunkDecoder() override;
  ChunkDecoder(ChunkDecoder&&) noexcept;
  ChunkDecoder& operator=(ChunkDecoder&&) noexcept;

  // The `code` of an error event is the effective HTTP status; text that is not a chunk, or holds
  // more than one choice, is kProtocolError. In `out.extra`, unknown fields of the choice stand
  // under "choice", those of its delta under "delta".
  Result<Kind> Decode(std::string_view data, model::Delta& out) override;

  const model::ReplyInfo& info() const override;
  bool finished() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Turns an error status and its body (any of the four envelopes, a string, FastAPI's detail, HTML,
// nothing) into the one Error. A status below 400 means that the body alone tells (an error event,
// a 200 with an error in it). `retry_after` is the header's value, empty if there was none; a date
// in it is measured against `wall_nanos` (since 1970, UTC; unset: the system's clock).
Error DecodeError(int http_status, std::string_view body, std::string_view retry_after = {},
                  std::optional<std::int64_t> wall_nanos = std::nullopt);

// "; it said: ...": the end of such an error's message, which quotes the server; empty: there is
// none.
std::string_view ServersWords(std::string_view message);

// The answer of GET /v1/models.
Result<std::vector<model::ModelEntry>> DecodeModels(std::string_view body);

// --- where to send it -------------------------------------------------------------------------

// The root of a server as users write it: "http://h:8000", ".../", ".../v1" and ".../v1/" are one.
// Other path prefixes stay. Paths such as "/v1/models" are appended to the result.
std::string NormalizeBaseUrl(std::string_view base_url);

enum class AuthMode : std::uint8_t {
  kAuto,    // send a key unless it is empty or EMPTY
  kNone,    // never
  kBearer,  // always
};

// The value of the Authorization header, or nullopt when none is sent.
std::optional<std::string> Authorization(AuthMode mode, std::string_view api_key);

}  // namespace weir::wire
