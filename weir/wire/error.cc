#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/codec.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/retry_after.h"

namespace weir::wire {
namespace {

// What the body of an error says, whatever envelope it came in.
struct Words {
  std::string message;
  std::string type;
  std::string code;  // as text: "400" or "model_not_found"
  int status = 0;    // when the body names one
  bool route_missing = false;
  bool html = false;
  bool warming_up = false;
};

struct StatusOf {
  std::string_view word;
  int status;
};

// Statuses of error words, for error events that carry no number.
constexpr StatusOf kStatusOfWord[] = {
    {"model_not_found", 404},
    {"NotFoundError", 404},
    {"invalid_api_key", 401},
    {"Unauthorized", 401},
    {"rate_limit_exceeded", 429},
    {"insufficient_quota", 429},
    {"server_error", 500},
    {"InternalServerError", 500},
    {"Service Unavailable", 503},
    {"NotImplementedError", 501},
    {"invalid_request_error", 400},
    {"BadRequestError", 400},
    {"Bad Request", 400},
    {"InvalidUserInput", 400},
    {"json_parse_error", 400},
    {"context_length_exceeded", 400},
    {"content_filter", 400},
    {"exceed_context_size_error", 400},
    {"UnprocessableEntityError", 422},
};

// What gateways say in front of a server that is not there yet, with whatever status.
constexpr std::string_view kWarmUpPhrases[] = {
    "starting up", "warming up", "is starting", "is loading", "still loading", "not ready yet",
};

// What servers say when prompt and answer do not fit. The last two come from a server whose prompt
// leaves no room for an answer: weir itself never asks for less than one token.
constexpr std::string_view kContextPhrases[] = {
    "maximum context length",
    "context_length_exceeded",
    "exceeds the available context size",
    "exceeds the context length",
    "exceed_context_size",
    "cannot be greater than max_model_len",
    "longer than the maximum model length",
    "too long to fit into the model",
    "max_tokens must be at least 1, got",
    "max_completion_tokens must be at least 1, got",
};

constexpr std::string_view kFilterPhrases[] = {"content_filter", "content_policy_violation",
                                               "content management policy", "ResponsibleAIPolicy"};

bool Has(std::string_view text, std::string_view phrase) { return text.find(phrase) != text.npos; }

bool HasAny(const Words& words, std::span<const std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](std::string_view phrase) {
    return Has(words.message, phrase) || Has(words.type, phrase) || Has(words.code, phrase);
  });
}

void ReadCode(json::View code, Words& words) {
  if (const std::optional<std::int64_t> number = code.AsInt64()) {
    words.code = StrCat(*number);
  } else {
    words.code = StringOf(code);
  }
  const std::int64_t status = ParseInt(words.code).value_or(0);
  if (status >= 100 && status <= 599) words.status = static_cast<int>(status);
}

void ReadEnvelope(json::View envelope, Words& words) {
  words.message = StringOf(envelope.Find("message"));
  words.type = StringOf(envelope.Find("type"));
  ReadCode(envelope.Find("code"), words);
}

// FastAPI's detail: a text, or a list of what is wrong with the request.
std::string DetailText(json::View detail) {
  if (detail.IsString()) return StringOf(detail);
  std::string text;
  for (const json::View entry : detail.items()) {
    const std::string_view message = entry.Find("msg").StringOr("");
    if (!message.empty()) StrAppend(text, text.empty() ? "" : "; ", message);
  }
  return text;
}

std::string TitleOf(std::string_view html) {
  const std::string lower = ToLower(html);
  const std::size_t open = lower.find("<title");
  const std::size_t start = open == lower.npos ? open : lower.find('>', open);
  if (start == lower.npos) return {};
  const std::size_t end = lower.find("</title", start);
  if (end == lower.npos) return {};
  return std::string(Trim(html.substr(start + 1, end - start - 1)));
}

Words ReadWords(std::string_view body) {
  Words words;
  const std::string_view text = Trim(body);
  const std::string lower = ToLower(text);
  words.warming_up = std::ranges::any_of(
      kWarmUpPhrases, [&](std::string_view phrase) { return Has(lower, phrase); });
  if (text.starts_with('<')) {
    words.html = true;
    words.message = TitleOf(text);
    return words;
  }
  const auto root = json::Read(text, {.max_bytes = limits::kErrorBodyBytes});
  if (!root || !root->IsObject()) {
    words.message = text;
    return words;
  }
  const json::View error = root->Find("error");
  const json::View detail = root->Find("detail");
  if (error.IsObject()) {
    ReadEnvelope(error, words);
  } else if (error.IsString()) {
    words.message = StringOf(error);
  } else if (IsSet(detail)) {
    words.message = DetailText(detail);
    words.route_missing = words.message == "Not Found" || words.message == "Method Not Allowed";
  } else if (IsSet(root->Find("message"))) {
    ReadEnvelope(*root, words);
  } else {
    words.message = text;
  }
  return words;
}

// Unset when they name none.
std::optional<int> StatusFromWords(const Words& words) {
  if (words.status != 0) return words.status;
  for (const StatusOf& known : kStatusOfWord) {
    if (words.code == known.word || words.type == known.word || words.message == known.word) {
      return known.status;
    }
  }
  return std::nullopt;
}

// "The model `foo` does not exist." -> foo; Ollama writes other quotation marks.
std::string_view ModelIn(std::string_view message) {
  for (const std::string_view begin : {"model `", "model '", "model \""}) {
    const std::size_t start = message.find(begin);
    if (start == message.npos) continue;
    const std::size_t name = start + begin.size();
    const std::size_t end = message.find(begin.back(), name);
    return end == message.npos ? std::string_view() : message.substr(name, end - name);
  }
  return {};
}

// A gateway in front of a server that starts: the model or the page is "not found" for now.
bool IsWarmUp(int status, const Words& words) {
  return words.warming_up && (status == 403 || status == 404 || status == 425);
}

// What happened and what to do about it; the server's own words follow.
std::string Advice(int status, Code code, const Words& words) {
  if (IsWarmUp(status, words)) {
    return StrCat("a gateway says that the server is still starting (", status, ")");
  }
  if (code == Code::kContextLength) {
    return "prompt and answer do not fit the model's context window: shorten the prompt or lower "
           "max_tokens";
  }
  if (code == Code::kContentFilter) return "the server's filter refused the content";
  if (words.html) {
    const bool gateway = status == 502 || status == 503 || status == 504;
    return StrCat("an HTML page came instead of JSON (", status,
                  gateway ? "): a proxy answered, which does not reach the server behind it; is "
                            "that one up?"
                          : "): a proxy answered, or the base URL names a web site and no model "
                            "server");
  }
  if (status == 401) {
    return "the server wants an API key and did not accept the one that was sent, or none was "
           "(401): set the engine's api_key or api_key_env to one that it knows ($VLLM_API_KEY "
           "serves vLLM, $OPENAI_API_KEY OpenAI)";
  }
  if (status == 403) return "the API key may not do this (403)";
  if (words.route_missing) {
    return StrCat("the server has nothing at this path (", status,
                  "): the base URL is probably wrong, or the model is of another kind");
  }
  if (const std::string_view model = ModelIn(words.message); status == 404 && !model.empty()) {
    const bool ollama = Has(words.message, "\" not found") || Has(words.message, "' not found");
    return StrCat("the server does not have the model \"", Quoted(model), "\" (404): ",
                  ollama ? "pull it into Ollama first, or take one that its /api/tags lists"
                         : "its /v1/models lists those it has");
  }
  if (status == 404) return "the server does not know the model or the path (404)";
  if (status == 429) {
    return "the server limits the rate of requests (429): have fewer on their way at once "
           "(limits.max_in_flight of the engine, --concurrency of a run), or wait";
  }
  if (status == 400 && Has(ToLower(words.message), "provide a model")) {
    return "the server wants a model to be named (400): -m, or `model:` of the engine; weir models "
           "lists those it has";
  }
  if (status == 503) {
    return "the server is busy or not ready (503): try again later, or look at its log and its "
           "/health";
  }
  if (status == 502 || status == 504) {
    return StrCat("a proxy got no answer from the server behind it (", status,
                  "): is that one up?");
  }
  if (status >= 500) return StrCat("the server failed (", status, "): its log says why");
  if (status < 400) {
    return StrCat("the server sends requests elsewhere (", status,
                  "), and weir does not follow with a key in its hand: set the base_url to where "
                  "it points (curl -sI shows it)");
  }
  return StrCat("the server refused the request (", status, ")");
}

constexpr std::string_view kItSaid = "; it said: ";

}  // namespace

std::string_view ServersWords(std::string_view message) {
  return message.substr(std::min(message.find(kItSaid), message.size()));
}

Error DecodeError(int http_status, std::string_view body, std::string_view retry_after,
                  std::optional<std::int64_t> wall_nanos) {
  const Words words = ReadWords(body.substr(0, limits::kErrorBodyBytes));
  constexpr int kRedirects = 300;
  constexpr int kFailed = 500;  // what an error without any status counts as
  const std::optional<int> told =
      http_status >= kRedirects ? std::optional(http_status) : StatusFromWords(words);
  const int status = told.value_or(kFailed);

  Error error;
  error.http_status = status;
  error.code = Code::kHttpStatus;
  if (status < 500 && HasAny(words, kContextPhrases)) error.code = Code::kContextLength;
  if (status < 500 && HasAny(words, kFilterPhrases)) error.code = Code::kContentFilter;
  // A page may come with any status, good ones too.
  const int shown = words.html && http_status != 0 ? http_status : status;
  const bool nameless = !told && !words.html && error.code == Code::kHttpStatus;
  error.message =
      nameless ? "the server failed: its log says why" : Advice(shown, error.code, words);
  const std::string said = Quoted(words.message);
  if (!said.empty()) StrAppend(error.message, kItSaid, said);
  error.retry_after = ParseRetryAfter(retry_after, wall_nanos);
  // Asking again helps, which the status alone would deny.
  constexpr int kUnavailable = 503;
  if (IsWarmUp(status, words)) error.http_status = kUnavailable;
  return error;
}

}  // namespace weir::wire
