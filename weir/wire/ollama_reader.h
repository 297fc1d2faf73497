#pragma once

// The body of a request while Ollama reads it: typed fields, with the complaints of Go's JSON
// package in its own words.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {

// Reads a body that must be an object; what follows it is ignored, as Go's decoder does.
std::expected<json::Value, ServerError> ReadOllamaBody(std::string_view body,
                                                       std::string_view go_struct);

// Typed members of one object. Absent and null leave a value as it is; a wrong type is the error,
// the first of which is kept.
class OllamaReader {
 public:
  // `object` must outlive the reader. `go_struct` is what Go calls the object:
  // "ChatRequest", or "ChatRequest.messages" for what lies in it.
  OllamaReader(json::View object, std::string go_struct, std::optional<ServerError>& error)
      : object_(object), go_struct_(std::move(go_struct)), error_(error) {}

  json::View Find(std::string_view key) const { return object_.Find(key); }
  void Read(std::string_view key, std::string& out);
  void Read(std::string_view key, bool& out);
  void Read(std::string_view key, std::optional<bool>& out);
  void Read(std::string_view key, std::optional<std::int64_t>& out);
  void Read(std::string_view key, std::vector<std::int64_t>& out);
  // Images: base64, which become parts of a message.
  void ReadImages(model::Message& message);
  // The array of that name; absent when there is none, or something else.
  json::View Array(std::string_view key, std::string_view go_type);
  void Fail(std::string message);

 private:
  void WrongType(std::string_view key, json::View value, std::string_view go_type);

  const json::View object_;
  const std::string go_struct_;
  std::optional<ServerError>& error_;
};

// The name that Go gives the type of a JSON value in its complaints.
std::string_view GoTypeOf(json::View value);
// "5m", "1h30m", "-1s" as Go reads a duration, in seconds.
std::optional<double> ParseGoDuration(std::string_view text);

// `options` of a request.
void ReadOllamaOptions(OllamaReader& in, IncomingCall& out, std::optional<std::int64_t>& window);
// `messages` and `tools` of a chat.
void ReadOllamaMessages(OllamaReader& in, model::Call& call, std::optional<ServerError>& error);
void ReadOllamaTools(OllamaReader& in, model::Call& call, std::optional<ServerError>& error);

}  // namespace weir::wire
