#pragma once

// The parts of OpenAI's server that are not vLLM's: its words for errors, and its form of replies.
// The entries are those of server_codec.h, which come here when the dialect is not vLLM's; so does
// the /v1 of Ollama, which differs in a few words.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/json/value.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {

// `error` as the server of the dialect words it: its message, type, param and code. What has a code
// already is left as it is.
struct WordedError {
  std::string message;
  std::string type;
  std::optional<std::string> param;
  std::string code;  // empty: null
};
WordedError WordError(const ServerError& error, const Dialect& dialect);

// 401. `key` is what came behind "Bearer", nullopt when nothing came. Keys are told back masked.
ServerError WrongKey(std::optional<std::string_view> key);

// 404, of a URL that the server does not have; 405 when it has it with another method.
ServerError UnknownUrl(int status, std::string_view method, std::string_view path);

// 400, of a value whose type is wrong or that is missing. `type` is pydantic's word for the mistake
// ("missing", "int_type"), `location` a path below the body ("messages.0.role").
ServerError WrongParameter(std::string_view type, std::string_view location, json::View value);

// What OpenAI refuses in a body and vLLM takes: fields that it does not know, values out of its
// ranges. nullopt: nothing.
std::optional<ServerError> RefuseAsOpenAi(model::Api api, json::View body);

// The error of a body that is not JSON.
ServerError UnreadableBody();

// A whole reply of chat or completions.
std::string EncodeOpenAiReply(model::Api api, const model::Reply& reply, const Dialect& dialect);

// {"id","object":"model","created","owned_by"}, as GET /v1/models/{id} answers.
std::string EncodeModel(const model::ModelEntry& model, std::int64_t created,
                        const Dialect& dialect);

}  // namespace weir::wire
