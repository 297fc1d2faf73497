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
#include "weir/wire/field_table.h"

namespace weir::wire {

// The name of a member, a literal, with the row that it has in the table of fields. It is looked up
// while compiling: nearly every member of nearly every call is not set.
struct Member {
  consteval Member(const char* literal) : name(literal), row(FindField(name)) {}

  std::string_view name;
  const FieldSince* row;  // null: every server has it
};

class RequestWriter {
 public:
  RequestWriter(const model::Call& call, const EncodeOptions& options);

  const model::Call& call() const { return call_; }
  const Dialect& dialect() const { return options_.dialect; }
  bool stream() const { return options_.stream; }
  bool chat() const { return call_.api == model::Api::kChat; }
  bool responses() const { return call_.api == model::Api::kResponses; }
  bool openai() const { return dialect().kind == ServerKind::kOpenAi; }

  // Begins a member; its value goes to the result.
  json::Writer& Key(Member member) {
    if (records_keys_) keys_.push_back(member.name);
    json_.PlainKey(member.name);
    return json_;
  }
  void Set(Member member, std::int64_t value) { Key(member).Int(value); }
  void SetBool(Member member, bool value) { Key(member).Bool(value); }
  void SetText(Member member, std::string_view value) { Key(member).String(value); }

  // Whether this server can carry the member: true; false, when it is only a hint (the degradation
  // is recorded) or such things are to be left out; or kUnsupportedParam, when leaving it out would
  // change the answer.
  Result<bool> Carries(Member member) {
    if (member.row == nullptr) return true;
    const Version since = member.row->For(dialect().kind, call_.api);
    if (since != kAlways && since != kNever) version_matters_ = true;
    if (dialect().version >= since) return true;
    return Missing(*member.row);
  }

  // A member that is written if it is set and can be carried. Set means: has a value, and that is
  // not an empty text or list and not null. A failure is kept: see failure().
  template <class T>
  void Offer(Member member, const T& value) {
    if (IsGiven(value)) Give(member, value);
  }

  // What is written now depends on the version of the server.
  void SetVersionMatters() {
    if (dialect().kind == ServerKind::kVllm) version_matters_ = true;
  }

  // The first failure of Offer(). It stands before any that a writer of members returned later.
  const std::optional<Error>& failure() const { return failure_; }

  void Degrade(std::string what, std::string why) {
    degradations_.push_back({std::move(what), std::move(why)});
  }

  // Something that this server cannot carry and that no row of the table stands for: `what` is left
  // out, or it is kUnsupportedParam.
  Result<void> Refuse(std::string_view what, std::string why);

  // Adds the raw fields of the call, of which the computed ones win, and gives the result.
  Result<EncodedRequest> Finish(std::string_view path) &&;

 private:
  static bool IsGiven(json::View value) { return value.exists() && !value.IsNull(); }
  static bool IsGiven(const std::string& value) { return !value.empty(); }
  template <class T>
  static bool IsGiven(const std::vector<T>& values) {
    return !values.empty();
  }
  template <class T>
  static bool IsGiven(const std::optional<T>& value) {
    return value.has_value();
  }
  static bool IsGiven(const std::optional<std::string>& value) { return value && !value->empty(); }

  static void Write(json::Writer& json, bool value) { json.Bool(value); }
  static void Write(json::Writer& json, double value) { json.Double(value); }
  static void Write(json::Writer& json, std::int64_t value) { json.Int(value); }
  static void Write(json::Writer& json, const std::string& value) { json.String(value); }
  static void Write(json::Writer& json, json::View value) { json.Value(value); }
  template <class T>
  static void Write(json::Writer& json, const std::optional<T>& value) {
    Write(json, *value);
  }
  template <class T>
  static void Write(json::Writer& json, const std::vector<T>& values) {
    json.BeginArray();
    for (const T& value : values) Write(json, value);
    json.EndArray();
  }

  template <class T>
  void Give(Member member, const T& value) {
    const Result<bool> carried = Carries(member);
    if (carried && *carried) Write(Key(member), value);
    if (!carried && !failure_) failure_ = carried.error();
  }

  Result<bool> Missing(const FieldSince& field);

  const model::Call& call_;
  const EncodeOptions& options_;
  std::string body_;
  json::Writer json_;
  const bool records_keys_;  // only raw fields can clash with others
  std::vector<std::string_view> keys_;
  std::vector<model::Degradation> degradations_;
  bool version_matters_ = false;
  std::optional<Error> failure_;
};

// The groups of members, in the order in which they stand in the body.
Result<void> WriteMessages(RequestWriter& out);    // chat: messages
Result<void> WriteTools(RequestWriter& out);       // tools, tool_choice, ...
Result<void> WriteConstraint(RequestWriter& out);  // response_format, text, structured_outputs, ...
Result<void> WriteSampling(RequestWriter& out);    // max_tokens ... repetition_detection
Result<void> WriteReasoning(RequestWriter& out);   // reasoning_effort ... chat_template_kwargs
void WriteRequestMeta(RequestWriter& out);         // priority, request_id, ...

}  // namespace weir::wire
