#include "weir/events/call_json.h"

#include <cmath>
#include <concepts>

#include "weir/events/truncate.h"

namespace weir::events {
namespace {

using json::Writer;

// Writes members of one object; those that are not set are left out.
class Members {
 public:
  Members(Writer& out, std::size_t max_chars) : out_(out), max_chars_(max_chars) {
    out_.BeginObject();
  }
  ~Members() { out_.EndObject(); }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  void Text(std::string_view key, std::string_view text) {
    if (text.empty()) return;
    out_.PlainKey(key);
    WriteTruncated(out_, text, max_chars_);
  }
  void Json(std::string_view key, json::View value) {
    if (!value.exists() || value.IsNull()) return;
    out_.PlainKey(key);
    WriteTruncated(out_, value, max_chars_);
  }
  void Set(std::string_view key, const std::optional<std::int64_t>& value) {
    if (!value) return;
    out_.PlainKey(key);
    out_.Int(*value);
  }
  void Set(std::string_view key, const std::optional<double>& value) {
    if (!value) return;
    out_.PlainKey(key);
    std::isfinite(*value) ? out_.Double(*value) : out_.Null();
  }
  void Set(std::string_view key, const std::optional<bool>& value) {
    if (!value) return;
    out_.PlainKey(key);
    out_.Bool(*value);
  }
  void Set(std::string_view key, const std::optional<std::string>& value) {
    if (value) Text(key, *value);
  }
  // A member for each item, which `write` writes.
  template <class Item>
  void List(std::string_view key, const std::vector<Item>& items,
            std::invocable<const Item&> auto write) {
    if (items.empty()) return;
    out_.PlainKey(key);
    out_.BeginArray();
    for (const Item& item : items) write(item);
    out_.EndArray();
  }
  void Texts(std::string_view key, const std::vector<std::string>& texts) {
    List(key, texts, [&](const std::string& text) { WriteTruncated(out_, text, max_chars_); });
  }
  void Ids(std::string_view key, const std::vector<std::int64_t>& ids) {
    List(key, ids, [&](const std::int64_t& id) { out_.Int(id); });
  }

 private:
  Writer& out_;
  const std::size_t max_chars_;
};

void WriteToolCall(Writer& out, const model::ToolCall& call, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Text("id", call.id);
  members.Text("name", call.name);
  members.Text("arguments", call.arguments);
}

void WriteMessage(Writer& out, const model::Message& message, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Text("role", model::RoleName(message.role));
  members.Text("name", message.name);
  members.Text("text", message.AllText());
  std::vector<std::string> media;
  for (const model::Part& part : message.parts) {
    if (!part.url.empty()) media.push_back(part.url);
  }
  members.Texts("media", media);
  members.Text("reasoning", message.reasoning);
  members.List("tool_calls", message.tool_calls,
               [&](const model::ToolCall& call) { WriteToolCall(out, call, max_chars); });
  members.Text("tool_call_id", message.tool_call_id);
}

void WriteSampling(Writer& out, const model::Sampling& sampling, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Set("max_tokens", sampling.max_tokens);
  members.Set("min_tokens", sampling.min_tokens);
  members.Set("temperature", sampling.temperature);
  members.Set("top_p", sampling.top_p);
  members.Set("top_k", sampling.top_k);
  members.Set("min_p", sampling.min_p);
  members.Set("frequency_penalty", sampling.frequency_penalty);
  members.Set("presence_penalty", sampling.presence_penalty);
  members.Set("repetition_penalty", sampling.repetition_penalty);
  members.Set("length_penalty", sampling.length_penalty);
  members.Set("seed", sampling.seed);
  members.Set("n", sampling.n);
  members.Set("best_of", sampling.best_of);
  members.Set("beam_width", sampling.beam_width);
  members.Texts("stop", sampling.stop);
  members.Ids("stop_token_ids", sampling.stop_token_ids);
  members.Texts("bad_words", sampling.bad_words);
  members.Ids("allowed_token_ids", sampling.allowed_token_ids);
  if (!sampling.logit_bias.empty()) {
    out.PlainKey("logit_bias");
    Members biases(out, max_chars);
    for (const auto& [id, bias] : sampling.logit_bias) biases.Set(id, std::optional(bias));
  }
  members.Set("include_stop_in_output", sampling.include_stop_in_output);
  members.Set("ignore_eos", sampling.ignore_eos);
  members.Set("skip_special_tokens", sampling.skip_special_tokens);
  members.Set("truncate_prompt_tokens", sampling.truncate_prompt_tokens);
  members.Set("logprobs", sampling.logprobs);
  members.Set("prompt_logprobs", sampling.prompt_logprobs);
}

void WriteFields(Members& members, std::string_view key,
                 const std::vector<model::FieldConfidence>& fields, Writer& out) {
  members.List(key, fields, [&](const model::FieldConfidence& field) {
    Members entry(out, kUncut);
    out.Field("at", field.at);
    entry.Set("confidence", std::optional(field.confidence));
  });
}

}  // namespace

void WriteConfidence(Writer& out, const model::Confidence& confidence) {
  Members members(out, kUncut);
  members.Set("mean", std::optional(confidence.mean));
  members.Set("p10", std::optional(confidence.p10));
  members.Set("lowest", std::optional(confidence.lowest));
  members.Set("tokens", std::optional(confidence.tokens));
  WriteFields(members, "fields", confidence.fields, out);
  members.List("tools", confidence.tools, [&](const model::ToolConfidence& tool) {
    Members entry(out, kUncut);
    entry.Text("name", tool.name);
    entry.Set("of_name", tool.of_name);
    WriteFields(entry, "arguments", tool.arguments, out);
  });
}

namespace {

void WriteChoice(Writer& out, const model::Choice& choice, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Set("index", std::optional(choice.index));
  members.Text("text", choice.text);
  members.Text("reasoning", choice.reasoning);
  members.Text("refusal", choice.refusal);
  members.List("tool_calls", choice.tool_calls,
               [&](const model::ToolCall& call) { WriteToolCall(out, call, max_chars); });
  members.Text("finish_reason", choice.finish_text);
  members.Json("stop_reason", choice.stop_reason);
  if (choice.confidence) {
    out.PlainKey("confidence");
    WriteConfidence(out, *choice.confidence);
  }
}

}  // namespace

void WriteCall(Writer& out, const model::Call& call, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Text("api", model::ApiName(call.api));
  members.Text("model", call.model);
  members.Text("adapter", call.adapter);
  members.List("messages", call.messages,
               [&](const model::Message& message) { WriteMessage(out, message, max_chars); });
  members.Text("prompt", call.prompt);
  members.Ids("prompt_token_ids", call.prompt_token_ids);
  members.Set("suffix", call.suffix);
  std::vector<std::string> tools;
  for (const model::ToolSpec& tool : call.tools) tools.push_back(tool.name);
  members.Texts("tools", tools);
  out.PlainKey("sampling");
  WriteSampling(out, call.sampling, max_chars);
  if (call.constraint) members.Text("constraint", model::ConstraintName(call.constraint->kind));
  members.Set("reasoning_effort", call.reasoning.effort);
  members.Text("session_id", call.session_id);
  members.Json("extra", call.extra);
}

void WriteReply(Writer& out, const model::Reply& reply, std::size_t max_chars) {
  Members members(out, max_chars);
  members.Text("id", reply.info.id);
  members.Text("model", reply.info.model);
  members.List("choices", reply.choices,
               [&](const model::Choice& choice) { WriteChoice(out, choice, max_chars); });
  out.PlainKey("usage");
  WriteUsage(out, reply.usage);
  members.Json("extra", reply.extra);
}

void WriteUsage(Writer& out, const model::Usage& usage) {
  Members members(out, kUncut);
  members.Set("input_tokens", usage.prompt_tokens);
  members.Set("output_tokens", usage.completion_tokens);
  members.Set("cache_read_tokens", usage.cached_tokens);
  members.Set("reasoning_tokens", usage.reasoning_tokens);
}

}  // namespace weir::events
