#include "weir/wire/reply_parts.h"

#include <string>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"

namespace weir::wire {
namespace {

std::vector<std::uint8_t> BytesOf(json::View array) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(array.items().size());
  for (const json::View item : array.items()) {
    bytes.push_back(static_cast<std::uint8_t>(item.AsInt64().value_or(0)));
  }
  return bytes;
}

std::vector<model::Token> CompletionTokens(json::View logprobs) {
  std::vector<model::Token> tokens;
  const json::View texts = logprobs.Find("tokens");
  tokens.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    model::Token& token = tokens.emplace_back();
    token.text = StringOf(texts[i]);
    token.logprob = logprobs.Find("token_logprobs")[i].AsDouble();
    token.text_offset = logprobs.Find("text_offset")[i].AsInt64();
    for (const json::Member member : logprobs.Find("top_logprobs")[i].members()) {
      model::TopToken& top = token.top.emplace_back();
      top.text = member.key;
      top.logprob = member.value.AsDouble().value_or(model::kLogprobFloor);
    }
  }
  return tokens;
}

std::string_view ReasoningOf(json::View message) {
  const std::string_view reasoning = message.Find("reasoning").StringOr("");
  return reasoning.empty() ? message.Find("reasoning_content").StringOr("") : reasoning;
}

// Of a part of `content`: a text, or a list of further parts.
Result<void> ReadPart(json::View part, std::string_view type, std::string& out) {
  const json::View said = part.Find(type);
  if (const std::optional<std::string_view> text = said.AsString()) {
    out += *text;
    return {};
  }
  if (!said.IsArray()) {
    return Fail(Code::kProtocolError,
                StrCat("a part of the answer is said to be ", type, ", but holds none"),
                Quoted(json::Write(part)));
  }
  for (const json::View inner : said.items()) {
    WEIR_CHECK(ReadPart(inner, "text", out));
  }
  return {};
}

}  // namespace

Result<json::Value> ReadReplyBody(std::string_view body) {
  auto read = json::Read(body);
  if (read) return *std::move(read);
  const std::string_view text = Trim(body);
  if (text.empty()) {
    return Fail(Code::kProtocolError,
                "the server answered with nothing at all: is the base URL that of a model server?");
  }
  const bool html = text.starts_with('<');
  return Fail(Code::kProtocolError,
              StrCat("the server answered with ",
                     html ? "an HTML page instead of a reply: the base URL probably names a web "
                            "site, not a model server"
                          : "something that is not JSON: it may have been cut on its way, or the "
                            "base URL names no model server"),
              Quoted(html ? body : read.error().message));
}

std::vector<model::Token> DecodeTokenList(json::View list) {
  std::vector<model::Token> tokens;
  tokens.reserve(list.items().size());
  for (const json::View entry : list.items()) {
    model::Token& token = tokens.emplace_back();
    token.text = StringOf(entry.Find("token"));
    token.logprob = entry.Find("logprob").AsDouble();
    token.bytes = BytesOf(entry.Find("bytes"));
    token.id = entry.Find("id").AsInt64();
    for (const json::View item : entry.Find("top_logprobs").items()) {
      model::TopToken& top = token.top.emplace_back();
      top.text = StringOf(item.Find("token"));
      top.logprob = item.Find("logprob").AsDouble().value_or(model::kLogprobFloor);
      top.bytes = BytesOf(item.Find("bytes"));
    }
  }
  return tokens;
}

model::Usage DecodeUsage(json::View usage) {
  model::Usage decoded;
  decoded.prompt_tokens = CountOf(usage.Find("prompt_tokens"));
  decoded.completion_tokens = CountOf(usage.Find("completion_tokens"));
  decoded.total_tokens = CountOf(usage.Find("total_tokens"));
  const json::View prompt = usage.Find("prompt_tokens_details");
  const json::View completion = usage.Find("completion_tokens_details");
  decoded.cached_tokens = CountOf(prompt.Find("cached_tokens"));
  decoded.reasoning_tokens = CountOf(completion.Find("reasoning_tokens"));

  // The details survive whole when they hold more than the one count that has a place of its own.
  const bool prompt_more = HasUnknown(prompt, {"cached_tokens"});
  const bool completion_more = HasUnknown(completion, {"reasoning_tokens"});
  decoded.extra =
      UnknownMembers(usage, {"prompt_tokens", "completion_tokens", "total_tokens",
                             prompt_more ? "total_tokens" : "prompt_tokens_details",
                             completion_more ? "total_tokens" : "completion_tokens_details"});
  return decoded;
}

std::vector<model::Token> DecodeLogprobs(json::View logprobs) {
  const json::View content = logprobs.IsArray() ? logprobs : logprobs.Find("content");
  return content.IsArray() ? DecodeTokenList(content) : CompletionTokens(logprobs);
}

Result<void> ReadContent(json::View message, std::string& text, std::string& reasoning) {
  const json::View content = message.Find("content");
  reasoning = ReasoningOf(message);
  text.clear();
  if (const std::optional<std::string_view> plain = content.AsString()) text = *plain;
  if (!IsSet(content) || content.IsString()) return {};
  if (!content.IsArray()) {
    return Fail(Code::kProtocolError,
                "the answer's `content` is neither a text nor a list of parts",
                Quoted(json::Write(content)));
  }
  for (const json::View part : content.items()) {
    const std::string_view type = part.Find("type").StringOr("");
    if (type == "text" || type == "output_text") {
      WEIR_CHECK(ReadPart(part, "text", text));
    } else if (type == "thinking") {
      WEIR_CHECK(ReadPart(part, "thinking", reasoning));
    } else {
      return Fail(
          Code::kProtocolError,
          "the answer has a part that is neither a text nor a thought, which weir would lose",
          Quoted(json::Write(part)));
    }
  }
  return {};
}

std::string CallArgumentsOf(json::View function) {
  const json::View arguments = function.Find("arguments");
  const bool is_json = arguments.IsObject() || arguments.IsArray();
  return is_json ? json::Write(arguments) : StringOf(arguments);
}

void DecodeFinish(json::View choice, model::Finish& finish, std::string& finish_text,
                  json::Value& stop_reason) {
  const std::string_view word = choice.Find("finish_reason").StringOr("");
  if (!word.empty()) {
    finish = model::ParseFinish(word);
    finish_text = word;
  }
  const json::View reason = choice.Find("stop_reason");
  if (IsSet(reason)) stop_reason = json::Value::CopyOf(reason);
}

void Reset(model::Delta& out) {
  out.choice = 0;
  out.text.clear();
  out.reasoning.clear();
  out.refusal.clear();
  out.tool_calls.clear();
  out.tokens.clear();
  out.token_ids.clear();
  out.finish = model::Finish::kNone;
  out.finish_text.clear();
  if (!out.stop_reason.IsNull()) out.stop_reason = {};
  out.usage.reset();
  out.has_choice = false;
  if (!out.extra.IsNull()) out.extra = {};
}

}  // namespace weir::wire
