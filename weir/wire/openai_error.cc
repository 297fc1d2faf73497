#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

constexpr std::string_view kInvalid = "invalid_request_error";
constexpr std::size_t kKeyEnds = 4;    // characters of a key that are told at its end
constexpr std::size_t kKeyBegins = 8;  // ... and at its beginning

// Without vLLM's " (parameter=..., value=...)".
std::string_view Undecorated(std::string_view message) {
  const std::size_t from = message.rfind(" (parameter=");
  return from != message.npos && message.ends_with(')') ? message.substr(0, from) : message;
}

// What stands between the first two backquotes.
std::string_view QuotedName(std::string_view message) {
  const std::size_t from = message.find('`');
  if (from == message.npos) return {};
  const std::size_t to = message.find('`', from + 1);
  return to == message.npos ? std::string_view() : message.substr(from + 1, to - from - 1);
}

bool IsUnknownModel(const ServerError& error) {
  return error.status == 404 && error.message.starts_with("The model `");
}

bool IsTooLong(const ServerError& error) {
  return error.message.starts_with("This model's maximum context length is");
}

WordedError WordForOpenAi(const ServerError& error) {
  WordedError words{.message = std::string(Undecorated(error.message)),
                    .type = std::string(error.status >= 500 ? "server_error" : kInvalid),
                    .param = error.param,
                    .code = error.code};
  if (error.status == 429) words.type = "requests";
  if (error.type == "insufficient_quota" || error.type == "tokens") words.type = error.type;
  if (!words.code.empty()) return words;
  if (IsUnknownModel(error)) {
    words.message = StrCat("The model `", QuotedName(error.message),
                           "` does not exist or you do not have access to it.");
    words.param.reset();
    words.code = "model_not_found";
  } else if (IsTooLong(error)) {
    words.param = "messages";
    words.code = "context_length_exceeded";
  } else if (error.status == 401) {
    words.code = "invalid_api_key";
  } else if (error.status == 429) {
    words.code = "rate_limit_exceeded";
  } else if (error.status >= 500) {
    words.code = "server_error";
  }
  return words;
}

// Of Ollama's /v1: no codes, and types of its own.
WordedError WordForOllama(const ServerError& error) {
  WordedError words{.message = std::string(Undecorated(error.message)),
                    .type = "api_error",
                    .param = std::nullopt,
                    .code = error.code};
  if (error.status == 400) words.type = kInvalid;
  if (error.status == 404) words.type = "not_found_error";
  if (IsUnknownModel(error)) {
    words.message =
        StrCat("model \"", QuotedName(error.message), "\" not found, try pulling it ", "first");
  }
  return words;
}

// "messages.0.role" -> "messages[0].role"
std::string Bracketed(std::string_view location) {
  std::string path;
  for (const std::string_view step : Split(location, '.')) {
    if (ParseInt(step)) {
      StrAppend(path, "[", step, "]");
    } else {
      StrAppend(path, path.empty() ? "" : ".", step);
    }
  }
  return path;
}

std::string_view ExpectedType(std::string_view type) {
  if (type.starts_with("int_") || type.ends_with("_than_equal")) return "an integer";
  if (type.starts_with("float_")) return "a decimal";
  if (type.starts_with("bool_")) return "a boolean";
  if (type.starts_with("list_")) return "an array";
  if (type.starts_with("string_")) return "a string";
  return "an object";
}

std::string_view TypeName(json::View value) {
  if (value.IsString()) return "a string";
  if (value.IsBool()) return "a boolean";
  if (value.IsNumber()) return value.AsInt64() ? "an integer" : "a decimal number";
  if (value.IsArray()) return "an array";
  return value.IsObject() ? "an object" : "null";
}

}  // namespace

WordedError WordError(const ServerError& error, const Dialect& dialect) {
  return dialect.kind == ServerKind::kOllama ? WordForOllama(error) : WordForOpenAi(error);
}

ServerError WrongKey(std::optional<std::string_view> key) {
  ServerError error{.status = 401, .type = std::string(kInvalid), .message = {}};
  if (!key || key->empty()) {
    error.message =
        "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key "
        "from https://platform.openai.com/account/api-keys.";
    return error;
  }
  std::string masked;
  if (key->size() > kKeyBegins + kKeyEnds) {
    masked =
        StrCat(key->substr(0, kKeyBegins), std::string(key->size() - kKeyBegins - kKeyEnds, '*'),
               key->substr(key->size() - kKeyEnds));
  } else {
    masked = std::string(key->size(), '*');
  }
  error.message = StrCat("Incorrect API key provided: ", masked,
                         ". You can find your API key at "
                         "https://platform.openai.com/account/api-keys.");
  error.code = "invalid_api_key";
  return error;
}

ServerError UnknownUrl(int status, std::string_view method, std::string_view path) {
  ServerError error{.status = status, .type = std::string(kInvalid), .message = {}};
  if (status == 405) {
    error.message = StrCat("Not allowed to ", method, " on ", path, ".");
    error.code = "method_not_supported";
  } else {
    error.message = StrCat("Invalid URL (", method, " ", path, ")");
  }
  return error;
}

ServerError WrongParameter(std::string_view type, std::string_view location, json::View value) {
  const std::string path = Bracketed(location);
  ServerError error{.type = std::string(kInvalid), .message = {}, .param = path};
  if (type == "missing") {
    error.message = StrCat("Missing required parameter: '", path, "'.");
    error.code = "missing_required_parameter";
  } else if (type == "literal_error") {
    error.message =
        StrCat("Invalid value: '", value.StringOr(""), "' is not supported for '", path, "'.");
    error.code = "invalid_value";
  } else {
    error.message = StrCat("Invalid type for '", path, "': expected ", ExpectedType(type),
                           ", but got ", TypeName(value), " instead.");
    error.code = "invalid_type";
  }
  return error;
}

ServerError UnreadableBody() {
  return {.type = std::string(kInvalid),
          .message =
              "We could not parse the JSON body of your request. (HINT: This likely means "
              "you aren't using your HTTP library correctly. The OpenAI API expects a JSON "
              "payload, but what was sent was not valid JSON.)"};
}

}  // namespace weir::wire
