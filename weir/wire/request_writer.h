#pragma once

// The body of a request while it is written: the top-level members in order, what the dialect may
// carry of them, and what had to be left out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/writer.h"
#include "weir/model/call.h"
#include "weir/wire/codec.h"

namespace weir::wire {

class RequestWriter {
 public:
  RequestWriter(const model::Call& call, const EncodeOptions& options)
      : call_(call), options_(options), json_(body_) {
    json_.BeginObject();
  }

  const model::Call& call() const { return call_; }
  const Dialect& dialect() const { return options_.dialect; }
  bool stream() const { return options_.stream; }
  bool chat() const { return call_.api == model::Api::kChat; }

  // Begins a member; its value goes to the result. Keys are literals.
  json::Writer& Key(std::string_view key);
  void Set(std::string_view key, std::int64_t value) { Key(key).Int(value); }
  void SetBool(std::string_view key, bool value) { Key(key).Bool(value); }
  void SetText(std::string_view key, std::string_view value) { Key(key).String(value); }

  // Whether this server can carry the member: true; false, when it is only a hint (the degradation
  // is recorded); or kUnsupportedParam, when leaving it out would change the answer.
  Result<bool> Carries(std::string_view key);

  // A member that is written if it is set and can be carried.
  Result<void> Offer(std::string_view key, const std::optional<std::int64_t>& value);
  Result<void> Offer(std::string_view key, const std::optional<double>& value);
  Result<void> Offer(std::string_view key, const std::optional<bool>& value);
  Result<void> Offer(std::string_view key, const std::string& value);  // set: not empty
  Result<void> Offer(std::string_view key, json::View value);          // set: not null
  Result<void> Offer(std::string_view key, const std::vector<std::string>& values);
  Result<void> Offer(std::string_view key, const std::vector<std::int64_t>& values);

  void Degrade(std::string what, std::string why) {
    degradations_.push_back({std::move(what), std::move(why)});
  }

  // Adds the raw fields of the call, of which the computed ones win, and gives the result.
  Result<EncodedRequest> Finish(std::string path) &&;

 private:
  const model::Call& call_;
  const EncodeOptions& options_;
  std::string body_;
  json::Writer json_;
  std::vector<std::string_view> keys_;
  std::vector<model::Degradation> degradations_;
};

// The groups of members, in the order in which they stand in the body.
Result<void> WriteMessages(RequestWriter& out);     // chat: messages
Result<void> WriteTools(RequestWriter& out);        // chat: tools, tool_choice, ...
Result<void> WriteConstraint(RequestWriter& out);   // response_format, structured_outputs, ...
Result<void> WriteSampling(RequestWriter& out);     // max_tokens ... repetition_detection
Result<void> WriteReasoning(RequestWriter& out);    // reasoning_effort ... chat_template_kwargs
Result<void> WriteRequestMeta(RequestWriter& out);  // priority, request_id, ...

}  // namespace weir::wire
