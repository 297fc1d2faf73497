#pragma once

// The one error vocabulary. `Name()` is the short stable word that scripts count and compare,
// `ClassOf()` groups it, `Retryable()` says whether asking again can help; all three are derived
// here and nowhere else.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

namespace model {
struct CallTrail;
}

enum class Code : std::uint8_t {
  kTimeout,                // connect, first_token or total ran out
  kStreamIdleTimeout,      // a stream fell silent for longer than `idle`
  kConnectionError,        // DNS, refused, reset, TLS: no usable connection
  kHttpStatus,             // the server answered with an error status
  kContextLength,          // ... because prompt and answer do not fit the context window
  kContentFilter,          // ... because a filter refused the content
  kProtocolError,          // the peer broke the rules of HTTP, SSE, JSON or of its own API
  kStreamTruncated,        // the connection ended before a finish reason
  kEmptyModelResponse,     // a well-formed reply with nothing in it
  kTruncated,              // the model hit its token limit (finish reason `length`)
  kInvalidJson,            // a text that should be JSON is not
  kSchemaMismatch,         // JSON that breaks its schema
  kConstraintViolated,     // the server ignored a constraint
  kUnsupportedConstraint,  // this engine cannot enforce this constraint
  kUnsupportedParam,       // this engine cannot carry this parameter
  kInvalidSchema,          // a JSON Schema that is none
  kUnsupportedSchema,      // a JSON Schema that is right, but cannot be served here
  kInvalidPattern,         // a regular expression that is none
  kUnsupportedPattern,     // lookaround, back references: what linear time cannot do
  kInvalidGrammar,         // a grammar that cannot be read
  kInvalidRequest,         // refused here, before anything was sent
  kConfigError,            // a configuration file, variable or option is wrong
  kBudgetExceeded,         // a token budget would be broken
  kNoSubmit,               // an agent's model ended without handing in a result
  kTurnLimit,              // ... or had no turns left
  kCancelled,              // the caller went away or pressed Ctrl-C
  kIoError,                // a local file or descriptor failed
  kInternal,               // a bug in weir
};

enum class ErrorClass : std::uint8_t {
  kTimeout,
  kNetwork,
  kRateLimit,
  kUnavailable,
  kAuth,
  kDenied,
  kNotFound,
  kInvalidRequest,
  kContextLength,
  kContentFilter,
  kModel,
  kValidation,
  kConfig,
  kBudget,
  kAgent,
  kAbort,
  kInternal,
};

struct Error {
  Code code = Code::kInternal;
  std::string message;  // for a person: what happened, where, what to do next; never a secret
  int http_status = 0;  // the status (or the `code` of an error event) behind this error, 0 if none
  std::optional<std::chrono::milliseconds> retry_after = std::nullopt;  // what the server asked for
  std::string cause;  // the lower layer's words, e.g. "Connection refused"; empty if none
  // There is no way to the server, because who answers is not whom we want (or a proxy wants a
  // password), and another try finds the same.
  bool permanent = false;
  // What a call that failed for good has behind it, in the words of `model`; null: nothing is
  // known.
  std::shared_ptr<const model::CallTrail> trail = nullptr;

  // Whether both say the same, whatever is behind them.
  friend bool operator==(const Error& a, const Error& b);
};

// "timeout", "http_503", "connection_error", ... The two refinements of an HTTP error keep their
// status as their name: context_length and content_filter are classes.
std::string Name(const Error& error);
ErrorClass ClassOf(const Error& error);
std::string_view ClassName(ErrorClass error_class);

// Whether the same request, sent again unchanged, may succeed.
bool Retryable(const Error& error);
bool RetryableStatus(int http_status);

// "name: message", as a log or a terminal shows it.
std::string Describe(const Error& error);

}  // namespace weir
