#include "weir/engine/recording.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/events/call_json.h"
#include "weir/events/truncate.h"
#include "weir/json/writer.h"

namespace weir::engine {
namespace {

std::string_view ModelOf(const model::Call& call, const RecordOptions& options) {
  if (!call.adapter.empty()) return call.adapter;
  return call.model.empty() ? options.model : call.model;
}

std::string_view FinishText(const std::string& words, model::Finish finish) {
  if (!words.empty()) return words;
  return finish == model::Finish::kNone ? "" : model::FinishName(finish);
}

// To the microsecond: what is below is noise, and longer to write.
double MillisOf(Duration time) {
  constexpr double kMicrosInMilli = 1000;
  const auto micros = std::chrono::round<std::chrono::microseconds>(time).count();
  return static_cast<double>(micros) / kMicrosInMilli;
}

std::int64_t PromptLength(const model::Call& call) {
  const std::size_t tokens = call.prompt_token_ids.size();
  return static_cast<std::int64_t>(tokens > 0 ? tokens : CountCharacters(call.prompt));
}

}  // namespace

Recording::Recording(std::shared_ptr<const RecordOptions> options, const async::Context& ctx,
                     const model::Call& call, bool stream)
    : options_(std::move(options)),
      trace_(*ctx.trace),
      loop_(*ctx.loop),
      request_id_(ctx.request_id.empty() ? call.request_id : ctx.request_id),
      model_(ModelOf(call, *options_)),
      api_(model::ApiName(call.api)),
      stream_(stream),
      began_(ctx.Now()) {
  if (stream && options_->debug != DebugLevel::kOff) assembler_.emplace();
  TellRequest(call, stream);
}

Recording::~Recording() {
  if (open_) Fail(async::CancelledError());
}

double Recording::Millis() const { return MillisOf(loop_.Now() - began_); }

Recording::Fields Recording::Common() const {
  Fields fields;
  fields.AddText("engine", options_->engine);
  fields.AddText("provider", options_->provider);
  fields.AddText("model", model_);
  fields.AddText("request_id", request_id_);
  return fields;
}

void Recording::TellRequest(const model::Call& call, bool stream) {
  Fields fields = Common();
  fields.Add("api", model::ApiName(call.api));
  fields.Add("stream", stream);
  if (call.api == model::Api::kCompletions) {
    fields.Add("prompt_length", PromptLength(call));
  } else {
    fields.Add("message_count", static_cast<std::int64_t>(call.messages.size()));
  }
  trace_.OnEvent("llm:request", fields.all());
  TellPayload("llm:request:debug", "request", [&](json::Writer& out, std::size_t max_chars) {
    events::WriteCall(out, call, max_chars);
  });
}

void Recording::TellPayload(std::string_view event, std::string_view key, const auto& write) const {
  if (options_->debug == DebugLevel::kOff) return;
  std::string text;
  json::Writer out(text);
  write(out, options_->truncate);
  Fields fields = Common();
  fields.Add(key, JsonText{text});
  trace_.OnEvent(event, fields.all());
}

void Recording::TellReply(const model::Reply& reply) {
  TellPayload("llm:response:debug", "response", [&](json::Writer& out, std::size_t max_chars) {
    events::WriteReply(out, reply, max_chars);
  });
}

void Recording::TellResponse(const Outcome& outcome) {
  Fields fields = Common();
  std::string error;
  std::string usage;
  fields.Add("api", api_);
  fields.Add("status", outcome.error == nullptr ? "ok" : "error");
  if (outcome.error != nullptr) {
    error = Name(*outcome.error);
    fields.Add("error", error);
    fields.AddText("message", outcome.error->message);
  }
  if (outcome.usage != nullptr) {
    usage.reserve(128);
    json::Writer out(usage);
    events::WriteUsage(out, *outcome.usage);
    if (usage != "{}") fields.Add("usage", JsonText{usage});
    if (outcome.usage->prompt_tokens) fields.Add("prompt_tokens", *outcome.usage->prompt_tokens);
    if (outcome.usage->completion_tokens) {
      fields.Add("completion_tokens", *outcome.usage->completion_tokens);
    }
  }
  fields.Add("duration_ms", Millis());
  if (outcome.first_token > Duration::zero()) {
    fields.Add("ttft_ms", MillisOf(outcome.first_token));
  }
  if (outcome.info != nullptr) {
    fields.AddText("response_model", outcome.info->model);
    fields.AddText("response_id", outcome.info->id);
  }
  fields.AddText("finish_reason", outcome.finish);
  trace_.OnEvent("llm:response", fields.all());
}

void Recording::TellAborted(const Error& error) {
  const std::string name = Name(error);
  Fields fields = Common();
  fields.Add("error", name);
  fields.AddText("message", error.message);
  fields.Add("pieces", pieces_);
  fields.Add("duration_ms", Millis());
  trace_.OnEvent("llm:stream_aborted", fields.all());
}

void Recording::End(const model::Reply& reply) {
  if (!std::exchange(open_, false)) return;
  Outcome outcome{.info = &reply.info, .usage = &reply.usage};
  outcome.first_token = reply.info.first_token;
  if (!reply.choices.empty()) {
    const model::Choice& first = reply.choices.front();
    outcome.finish = FinishText(first.finish_text, first.finish);
  }
  TellResponse(outcome);
  TellReply(reply);
}

void Recording::End(const model::ReplyInfo& info) {
  if (!std::exchange(open_, false)) return;
  for (Block& block : blocks_) EndBlock(block);
  TellResponse({.info = &info, .usage = &usage_, .finish = finish_, .first_token = first_token_});
  if (assembler_) TellReply(std::move(*assembler_).Finish(info));
}

void Recording::Refuse(const Error& error) {
  if (!std::exchange(open_, false)) return;
  TellResponse({.error = &error});
}

void Recording::Fail(const Error& error) {
  if (!open_) return;
  if (!stream_) return Refuse(error);
  open_ = false;
  for (Block& block : blocks_) EndBlock(block);
  TellAborted(error);
  TellResponse({.error = &error, .usage = &usage_, .finish = finish_, .first_token = first_token_});
  if (assembler_) TellReply(std::move(*assembler_).Finish({}));
}

void Recording::Piece(const model::Delta& piece) {
  if (!open_) return;
  ++pieces_;
  const bool has_content = model::HasContent(piece);
  if (has_content && first_token_ == Duration::zero()) first_token_ = loop_.Now() - began_;
  if (piece.usage) usage_ = *piece.usage;
  if (piece.finish != model::Finish::kNone && finish_.empty()) {
    finish_ = FinishText(piece.finish_text, piece.finish);
  }
  if (assembler_) assembler_->Add(piece);
  if (options_->deltas && has_content) TellBlocks(piece);
}

void Recording::TellBlocks(const model::Delta& piece) {
  if (!piece.reasoning.empty()) TellBlock(piece.choice, "thinking", 0, "", piece.reasoning);
  if (!piece.text.empty()) TellBlock(piece.choice, "text", 0, "", piece.text);
  if (!piece.refusal.empty()) TellBlock(piece.choice, "text", 0, "", piece.refusal);
  for (const model::ToolCallDelta& call : piece.tool_calls) {
    TellBlock(piece.choice, "tool_use", call.index, call.name, call.arguments);
  }
}

void Recording::TellBlock(std::int64_t choice, std::string_view type, std::int64_t tool,
                          std::string_view name, std::string_view text) {
  auto block = std::ranges::find(blocks_, choice, &Block::choice);
  if (block == blocks_.end()) block = blocks_.insert(block, {.choice = choice});
  if (block->type != type || block->tool != tool) {
    EndBlock(*block);
    *block = {.choice = choice, .type = type, .tool = tool, .index = block->index + 1};
    Fields fields;
    fields.AddText("request_id", request_id_);
    fields.Add("choice", choice);
    fields.Add("block_index", block->index);
    fields.Add("block_type", type);
    fields.AddText("name", name);
    trace_.OnEvent("llm:stream_block_start", fields.all());
  }
  if (text.empty()) return;
  Fields fields;
  fields.AddText("request_id", request_id_);
  fields.Add("choice", choice);
  fields.Add("block_index", block->index);
  fields.Add("sequence", block->sequence++);
  fields.Add("text", text);
  trace_.OnEvent("llm:stream_block_delta", fields.all());
}

void Recording::EndBlock(Block& block) {
  if (block.type.empty()) return;
  Fields fields;
  fields.AddText("request_id", request_id_);
  fields.Add("choice", block.choice);
  fields.Add("block_index", block.index);
  fields.Add("block_type", block.type);
  trace_.OnEvent("llm:stream_block_end", fields.all());
  block.type = {};
}

}  // namespace weir::engine
