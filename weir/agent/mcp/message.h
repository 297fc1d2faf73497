#pragma once

// Messages of JSON-RPC 2.0, as the Model Context Protocol uses them: ids are integers or texts,
// parameters and results are objects, and there are no batches.

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent::mcp {

struct Message {
  enum class Kind : std::uint8_t { kRequest, kNotification, kResult, kError };

  Kind kind = Kind::kNotification;
  json::Value id;         // null: a notification, or an error that belongs to no request
  std::string method;     // of a request and a notification
  json::Value body;       // parameters or result: an object; null: none
  std::int64_t code = 0;  // of an error ...
  std::string complaint;  // ... and its words

  // Whether this answers the request that was sent with this number.
  bool Answers(std::int64_t number) const {
    return kind != Kind::kRequest && kind != Kind::kNotification && id.AsInt64() == number;
  }
};

inline constexpr std::int64_t kMethodNotFound = -32601;

// kProtocolError: a sentence that goes on from "it sent ".
inline std::unexpected<Error> WrongMessage(std::string_view what) {
  return Fail(Code::kProtocolError, std::string(what));
}

// Reads one message. Fails with kProtocolError and a sentence that goes on from "it sent ".
Result<Message> ParseMessage(std::string_view text, std::size_t max_bytes);

// Each is one line, without its end. An absent view leaves the member out.
std::string WriteRequest(std::int64_t id, std::string_view method, json::View params);
std::string WriteNotification(std::string_view method, json::View params);
std::string WriteResult(json::View id, json::View result);
std::string WriteError(json::View id, std::int64_t code, std::string_view complaint);

}  // namespace weir::agent::mcp
