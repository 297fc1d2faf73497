#include <algorithm>
#include <optional>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/responses_client.h"
#include "weir/wire/responses_client_parts.h"

namespace weir::wire {
namespace {

// What a response repeats of its request, and what has a place of its own.
constexpr auto kKnown = {std::string_view("id"),
                         std::string_view("object"),
                         std::string_view("created_at"),
                         std::string_view("completed_at"),
                         std::string_view("status"),
                         std::string_view("error"),
                         std::string_view("incomplete_details"),
                         std::string_view("output"),
                         std::string_view("usage"),
                         std::string_view("model"),
                         std::string_view("instructions"),
                         std::string_view("metadata"),
                         std::string_view("parallel_tool_calls"),
                         std::string_view("temperature"),
                         std::string_view("top_p"),
                         std::string_view("presence_penalty"),
                         std::string_view("frequency_penalty"),
                         std::string_view("tool_choice"),
                         std::string_view("tools"),
                         std::string_view("background"),
                         std::string_view("max_output_tokens"),
                         std::string_view("max_tool_calls"),
                         std::string_view("previous_response_id"),
                         std::string_view("prompt"),
                         std::string_view("reasoning"),
                         std::string_view("store"),
                         std::string_view("text"),
                         std::string_view("top_logprobs"),
                         std::string_view("truncation"),
                         std::string_view("user")};

Result<void> CheckResponse(json::View root, std::string_view body) {
  const json::View error = root.Find("error");
  const std::string_view status = root.Find("status").StringOr("completed");
  if (root.Find("output").IsArray() || root.Find("object").StringOr("") == "response") {
    if (IsSet(error) || status == "failed") return Fail(ResponseFailure(error));
  } else if (IsSet(error) || root.Find("object").StringOr("") == "error") {
    return Fail(Code::kProtocolError, "the server answered with an error in it",
                DecodeError(0, body).message);
  }
  if (!root.Find("output").IsArray()) {
    return Fail(Code::kProtocolError,
                "the server answered with JSON that is not a response: it has no output",
                Quoted(body));
  }
  if (status == "in_progress" || status == "queued") {
    return Fail(Code::kProtocolError,
                StrCat("the response is still ", status,
                       ": weir waits for no work in the background; leave that out"));
  }
  return {};
}

model::Choice DecodeOutput(json::View output) {
  model::Choice choice;
  json::Builder others;
  bool any_other = false;
  others.BeginObject();
  others.Key("items");
  others.BeginArray();
  for (const json::View item : output.items()) {
    const std::string_view type = item.Find("type").StringOr("");
    if (type == "message") {
      TakeMessage(item, choice);
    } else if (type == "reasoning") {
      choice.reasoning += ThoughtsOf(item);
    } else if (type == "function_call") {
      choice.tool_calls.push_back({StringOf(item.Find("call_id")), StringOf(item.Find("name")),
                                   StringOf(item.Find("arguments"))});
    } else {
      others.Copy(item);
      any_other = true;
    }
  }
  others.EndArray();
  others.EndObject();
  if (any_other) choice.extra = std::move(others).Finish();
  return choice;
}

}  // namespace

Error ResponseFailure(json::View error) {
  const std::string_view code = error.Find("code").StringOr("");
  // The codes that blame the request have no place among those of other APIs.
  const bool blames_request = code.starts_with("invalid_prompt") || code.contains("image");
  const std::string body =
      error.IsObject()
          ? StrCat(R"({"error":)", json::Write(error), "}")
          : R"({"error":{"message":"the response failed without a reason","code":"server_error"}})";
  return DecodeError(blames_request ? 400 : 0, body);
}

void NoteResponse(json::View response, model::ReplyInfo& info) {
  const std::string_view id = response.Find("id").StringOr("");
  const std::string_view model = response.Find("model").StringOr("");
  if (!id.empty()) info.id = id;
  if (!model.empty()) info.model = model;
  if (const std::optional<double> created = response.Find("created_at").AsDouble()) {
    constexpr double kFarFuture = 1e15;
    if (*created > 0 && *created < kFarFuture) info.created = static_cast<std::int64_t>(*created);
  }
}

model::Usage DecodeResponseUsage(json::View usage) {
  model::Usage decoded;
  decoded.prompt_tokens = CountOf(usage.Find("input_tokens"));
  decoded.completion_tokens = CountOf(usage.Find("output_tokens"));
  decoded.total_tokens = CountOf(usage.Find("total_tokens"));
  const json::View input = usage.Find("input_tokens_details");
  const json::View output = usage.Find("output_tokens_details");
  decoded.cached_tokens = CountOf(input.Find("cached_tokens"));
  decoded.reasoning_tokens = CountOf(output.Find("reasoning_tokens"));
  // The details survive whole when they hold more than the one count that has a place of its own.
  const bool input_more = HasUnknown(input, {"cached_tokens"});
  const bool output_more = HasUnknown(output, {"reasoning_tokens"});
  decoded.extra = UnknownMembers(usage, {"input_tokens", "output_tokens", "total_tokens",
                                         input_more ? "total_tokens" : "input_tokens_details",
                                         output_more ? "total_tokens" : "output_tokens_details"});
  return decoded;
}

ResponseEnd EndOf(json::View response, bool calls) {
  using model::Finish;
  const std::string_view status = response.Find("status").StringOr("completed");
  const std::string_view reason = response.Find("incomplete_details").Find("reason").StringOr("");
  Finish finish = calls ? Finish::kToolCalls : Finish::kStop;
  if (status == "cancelled") finish = Finish::kAbort;
  if (status == "incomplete" || !reason.empty()) {
    finish = reason == "content_filter"                        ? Finish::kContentFilter
             : reason.empty() || reason == "max_output_tokens" ? Finish::kLength
                                                               : Finish::kOther;
  }
  return {finish, std::string(finish == Finish::kOther ? reason : model::FinishName(finish))};
}

std::string ThoughtsOf(json::View item) {
  std::string text;
  for (const json::View part : item.Find("content").items()) {
    text += part.Find("text").StringOr("");
  }
  if (!text.empty()) return text;
  for (const json::View part : item.Find("summary").items()) {
    StrAppend(text, text.empty() ? "" : "\n\n", part.Find("text").StringOr(""));
  }
  return text;
}

Result<model::Reply> DecodeResponse(std::string_view body) {
  WEIR_TRY(const json::Value root, ReadReplyBody(body));
  WEIR_CHECK(CheckResponse(root, body));
  model::Reply reply;
  NoteResponse(root, reply.info);
  model::Choice choice = DecodeOutput(root.Find("output"));
  ResponseEnd end = EndOf(root, !choice.tool_calls.empty());
  if (root.Find("output").empty() && end.finish == model::Finish::kStop) {
    return Fail(Code::kEmptyModelResponse, "the server answered without any output");
  }
  choice.finish = end.finish;
  choice.finish_text = std::move(end.text);
  reply.choices.push_back(std::move(choice));
  reply.usage = DecodeResponseUsage(root.Find("usage"));
  reply.extra = UnknownMembers(root, kKnown);
  return reply;
}

}  // namespace weir::wire
