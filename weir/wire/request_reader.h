#pragma once

// The body of a request while a server reads it: typed fields, the complaints of vLLM's validation
// in its own words, and what nobody asked for.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {

enum class Null : std::uint8_t { kAllowed, kRefused };

class RequestReader {
 public:
  // `body` must outlive the reader.
  RequestReader(model::Api api, json::View body, const Dialect& dialect);

  model::Api api() const { return api_; }
  bool chat() const { return api_ == model::Api::kChat; }
  json::View body() const { return body_; }
  const Dialect& dialect() const { return dialect_; }

  // The member of that name, which then counts as read. Absent when it is not there or when this
  // version of the server does not know it.
  json::View Take(std::string_view key);

  // Typed members; a wrong type is a complaint. Texts that are numbers count as numbers, except
  // with OpenAI.
  void Read(std::string_view key, std::optional<std::int64_t>& out, Null null = Null::kAllowed);
  void Read(std::string_view key, std::optional<double>& out, Null null = Null::kAllowed);
  void Read(std::string_view key, std::optional<bool>& out, Null null = Null::kAllowed);
  // ... that another table of fields knows nothing of: `value` is the member.
  void ReadBool(std::string_view key, json::View value, std::optional<bool>& out, Null null);
  void Read(std::string_view key, std::string& out);
  void Read(std::string_view key, std::vector<std::int64_t>& out);
  void Read(std::string_view key, std::vector<std::string>& out);
  void ReadObject(std::string_view key, json::Value& out);
  void ReadArray(std::string_view key, json::Value& out);

  // One entry of pydantic's list; the other servers tell the first only, in their words. `location`
  // is a path below the body: "messages", "messages.0". `context` is Python too: {'ge': -1}.
  void Complain(std::string_view type, std::string_view location, std::string_view message,
                json::View input, std::string_view context = {});
  // A refusal by vLLM's own validators, which run before pydantic looks at the types.
  void Refuse(std::string message, std::string_view param = {}, const std::string& value = {});
  // A refusal that comes later, when sampling parameters are made.
  void RefuseLate(std::string message, std::string_view param = {}, const std::string& value = {});

  // The error to answer with, if there is one.
  std::optional<ServerError> TakeError();
  // The members that were not read, as an object; null when there are none.
  json::Value Rest() const;

 private:
  bool strict() const { return dialect_.kind != ServerKind::kVllm; }
  std::optional<std::string_view> NumberText(json::View value) const;

  model::Api api_;
  json::View body_;
  const Dialect& dialect_;
  std::uint64_t marks_ = 0;  // of the keys that are there: most that are asked for are not
  std::vector<std::string_view> read_;
  std::vector<std::string> complaints_;
  std::string first_location_;
  std::optional<ServerError> wrong_;  // what stands instead of complaints
  std::optional<ServerError> refusal_;
  std::optional<ServerError> late_;
};

// pydantic's error, from the entries of its list.
ServerError ValidationError(const std::vector<std::string>& entries, std::string param,
                            const Dialect& dialect);

// The error of a body that is not JSON.
ServerError BadJson(std::string_view body, const Dialect& dialect);

// The parts of a request.
void ReadMessages(RequestReader& in, model::Call& call);
void ReadTools(RequestReader& in, model::Call& call);
void ReadConstraint(RequestReader& in, IncomingCall& out);
void ReadSampling(RequestReader& in, model::Call& call);
void CheckSampling(RequestReader& in, const model::Call& call);
void ReadStop(RequestReader& in, model::Sampling& sampling);
void ReadLogitBias(RequestReader& in, model::Sampling& sampling);
void ReadMeta(RequestReader& in, model::Call& call);
// `object` is the member of that name; it counts the constraint that the call already has.
void ReadStructuredOutputs(json::View object, RequestReader& in, IncomingCall& out);
// The template's switch for thinking has two names; both are the call's `reasoning.enable`.
void SplitTemplateKwargs(model::Call& call);

// The parts of a request of the Responses API.
void ReadResponsesInput(RequestReader& in, model::Call& call);
void ReadResponses(RequestReader& in, IncomingCall& out);

}  // namespace weir::wire
