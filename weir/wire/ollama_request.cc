#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_reader.h"
#include "weir/wire/ollama_server.h"

namespace weir::wire {
namespace {

using model::Constraint;
using model::Message;
using model::Role;

constexpr std::int64_t kMostLogprobs = 20;

void ReadFormat(OllamaReader& in, model::Call& call) {
  const json::View format = in.Find("format");
  if (!IsSet(format) || (format.IsString() && format.StringOr("").empty())) return;
  if (format.StringOr("") == "json") {
    call.constraint = Constraint{.kind = Constraint::Kind::kJsonObject};
  } else if (format.IsObject()) {
    call.constraint = Constraint{.schema = json::Value::CopyOf(format)};
  } else {
    in.Fail(StrCat("invalid format: ", json::Write(format),
                   "; expected \"json\" or a valid JSON Schema object"));
  }
}

void ReadThink(OllamaReader& in, model::Reasoning& reasoning) {
  const json::View think = in.Find("think");
  if (!IsSet(think)) return;
  if (think.IsBool()) {
    reasoning.enable = think.AsBool();
    return;
  }
  const std::string_view level = think.StringOr("");
  if (level == "high" || level == "medium" || level == "low") {
    reasoning.enable = true;
    reasoning.effort = level;
  } else if (think.IsString()) {
    in.Fail(StrCat("invalid think value: \"", level,
                   "\" (must be \"high\", \"medium\", \"low\", true, or false)"));
  } else {
    in.Fail("think must be a boolean or string (\"high\", \"medium\", \"low\", true, or false)");
  }
}

void ReadKeepAlive(OllamaReader& in, std::optional<double>& seconds) {
  const json::View value = in.Find("keep_alive");
  if (!IsSet(value)) return;
  if (value.IsNumber()) {
    seconds = value.AsDouble();
    return;
  }
  seconds = ParseGoDuration(value.StringOr(""));
  if (!seconds) in.Fail(StrCat("time: invalid duration \"", value.StringOr(""), "\""));
}

void ReadLogprobs(OllamaReader& in, model::Sampling& sampling) {
  bool wanted = false;
  std::optional<std::int64_t> top;
  in.Read("logprobs", wanted);
  in.Read("top_logprobs", top);
  if (top.value_or(0) < 0 || top.value_or(0) > kMostLogprobs) {
    in.Fail(StrCat("top_logprobs must be between 0 and ", kMostLogprobs));
  }
  if (wanted) sampling.logprobs = top.value_or(0);
}

void ReadGenerate(OllamaReader& in, IncomingOllama& out) {
  std::string prompt;
  std::string system;
  std::string suffix;
  std::string go_template;
  in.Read("prompt", prompt);
  in.Read("system", system);
  in.Read("suffix", suffix);
  in.Read("template", go_template);
  in.Read("raw", out.raw);
  in.Read("context", out.context);
  Message user = Message::Text(Role::kUser, prompt);
  in.ReadImages(user);
  if (out.raw && (!go_template.empty() || !system.empty() || !out.context.empty())) {
    in.Fail("raw mode does not support template, system, or context");
  }
  out.empty = prompt.empty();
  if (out.raw || !suffix.empty()) {
    out.call.api = model::Api::kCompletions;
    out.prompts = {prompt};
    out.call.prompt = std::move(prompt);
    if (!suffix.empty()) out.call.suffix = std::move(suffix);
    return;
  }
  if (!system.empty()) out.call.messages.push_back(Message::Text(Role::kSystem, std::move(system)));
  out.call.messages.push_back(std::move(user));
}

}  // namespace

std::expected<IncomingOllama, ServerError> DecodeOllama(OllamaApi form, std::string_view body) {
  const std::string go_struct = form == OllamaApi::kChat ? "ChatRequest" : "GenerateRequest";
  const auto root = ReadOllamaBody(body, go_struct);
  if (!root) return std::unexpected(root.error());
  std::optional<ServerError> error;
  OllamaReader in(*root, go_struct, error);
  IncomingOllama out;
  out.form = form;
  out.stream = true;
  in.Read("stream", out.stream);
  in.Read("model", out.asked_model);
  out.call.model = out.asked_model;
  if (form == OllamaApi::kChat) {
    ReadOllamaMessages(in, out.call, error);
    ReadOllamaTools(in, out.call, error);
    out.empty = out.call.messages.empty();
  } else {
    ReadGenerate(in, out);
  }
  ReadFormat(in, out.call);
  ReadThink(in, out.call.reasoning);
  ReadKeepAlive(in, out.keep_alive);
  ReadLogprobs(in, out.call.sampling);
  in.Read("truncate", out.truncate);
  ReadOllamaOptions(in, out, out.window);
  if (out.asked_model.empty()) in.Fail("model is required");
  if (error) return std::unexpected(*std::move(error));
  return out;
}

std::expected<IncomingOllamaEmbed, ServerError> DecodeOllamaEmbed(OllamaEmbedApi form,
                                                                  std::string_view body) {
  const bool legacy = form == OllamaEmbedApi::kLegacy;
  const std::string go_struct = legacy ? "EmbeddingRequest" : "EmbedRequest";
  const auto root = ReadOllamaBody(body, go_struct);
  if (!root) return std::unexpected(root.error());
  std::optional<ServerError> error;
  OllamaReader in(*root, go_struct, error);
  IncomingOllamaEmbed out;
  in.Read("model", out.model);
  if (legacy) {
    std::string prompt;
    in.Read("prompt", prompt);
    if (!prompt.empty()) out.texts.push_back(std::move(prompt));
  } else {
    const json::View input = in.Find("input");
    const bool list = input.IsArray();
    out.texts = list ? StringsOf(input) : std::vector<std::string>();
    if (input.IsString() && !StringOf(input).empty()) out.texts.push_back(StringOf(input));
    if ((list && out.texts.size() != input.size()) ||
        (IsSet(input) && !list && !input.IsString())) {
      in.Fail("invalid input type");
    }
    in.Read("truncate", out.truncate);
    in.Read("dimensions", out.dimensions);
  }
  if (out.model.empty()) in.Fail("model is required");
  if (error) return std::unexpected(*std::move(error));
  return out;
}

std::expected<IncomingOllamaModel, ServerError> DecodeOllamaModel(std::string_view body) {
  const auto root = ReadOllamaBody(body, "ShowRequest");
  if (!root) return std::unexpected(root.error());
  std::optional<ServerError> error;
  OllamaReader in(*root, "ShowRequest", error);
  IncomingOllamaModel out;
  for (const std::string_view key : {"model", "name", "source"}) {
    if (out.model.empty()) in.Read(key, out.model);
  }
  in.Read("destination", out.destination);
  in.Read("stream", out.stream);
  if (out.model.empty()) in.Fail("model is required");
  if (error) return std::unexpected(*std::move(error));
  return out;
}

ServerError OllamaModelNotFound(std::string_view model) {
  return {.status = 404,
          .type = {},
          .message = StrCat("model \"", model, "\" not found, try pulling it first")};
}

}  // namespace weir::wire
