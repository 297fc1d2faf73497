#pragma once

// The client's half of what a vLLM server does for LoRA adapters and budgets: load, unload, and
// count the tokens of a call.

#include <string_view>

#include "weir/base/result.h"
#include "weir/model/call.h"
#include "weir/wire/codec.h"

namespace weir::wire {

// POST /v1/load_lora_adapter; `path` is on the server, or a repository that it can reach. Both fail
// with kInvalidRequest for an empty name or path. The answers are plain text and say nothing that
// their status does not.
Result<EncodedRequest> EncodeLoadAdapter(std::string_view name, std::string_view path);
// POST /v1/unload_lora_adapter.
Result<EncodedRequest> EncodeUnloadAdapter(std::string_view name);

// Whether the refusal of a load means that the adapter is there already.
bool SaysAlreadyLoaded(const Error& error);

// POST /tokenize of what the call would be asked with: its messages and tools through the model's
// chat template, or its prompt. The base model counts for its adapters, which have its tokenizer.
Result<EncodedRequest> EncodeCount(const model::Call& call, const EncodeOptions& options);

}  // namespace weir::wire
