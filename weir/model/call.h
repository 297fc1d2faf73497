#pragma once

// Call: one request to a model, in our words. `wire` turns it into a server's.

#include <optional>
#include <string>
#include <vector>

#include "weir/model/confidence.h"
#include "weir/model/message.h"
#include "weir/model/sampling.h"

namespace weir::model {

enum class Api : std::uint8_t { kChat, kCompletions, kResponses };

struct Call {
  Api api = Api::kChat;
  std::string model;    // empty: the engine's own
  std::string adapter;  // LoRA adapter; replaces `model` on the wire

  std::vector<Message> messages;               // kChat, kResponses
  std::string prompt;                          // kCompletions: a text ...
  std::vector<std::int64_t> prompt_token_ids;  // ... or its tokens, when not empty
  std::optional<std::string> suffix;           // kCompletions
  std::optional<bool> echo;                    // kCompletions: repeat the prompt in the answer

  std::vector<ToolSpec> tools;
  ToolChoice tool_choice;
  std::optional<bool> parallel_tool_calls;

  Sampling sampling;
  std::optional<Constraint> constraint;
  Reasoning reasoning;
  Budget budget;
  ConfidenceRule confidence;
  std::optional<Timeouts> timeouts;  // unset: the engine's
  // A streamed call with a constraint or tools is held back until its answer is known to be good,
  // so that it can be mended and asked again; one without until it is known what of it are
  // thoughts. Otherwise it is delivered as it comes. When no answer was good, the last one is
  // delivered before the error.
  bool buffer = false;

  std::optional<std::int64_t> priority;  // vLLM: lower is sooner
  std::string request_id;                // empty: one is made
  std::string session_id;
  std::string series;  // calls that are meant to begin alike, such as those of one step
  std::string cache_salt;
  std::string user;
  std::optional<bool> add_generation_prompt;
  std::optional<bool> continue_final_message;
  std::optional<bool> add_special_tokens;
  std::string chat_template;
  json::Value chat_template_kwargs;  // object
  json::Value documents;             // array
  json::Value mm_processor_kwargs;   // object
  json::Value kv_transfer_params;    // object
  json::Value vllm_xargs;            // object

  bool stream_usage = true;       // ask for token counts at the end of a stream
  bool continuous_usage = false;  // ... and with every event of it
  json::Value extra;              // raw body fields, an object; computed fields win over them
};

std::string_view ApiName(Api api);

}  // namespace weir::model
