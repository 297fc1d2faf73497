#include "weir/flow/attempts.h"

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::flow {

std::string AttemptLine(const AskedOnce& asked) {
  const Result<model::Reply>& reply = *asked.reply;
  std::string line;
  json::Writer out(line);
  out.BeginObject();
  out.Field("row_id", asked.row_id);
  out.Field("node", std::string_view(asked.node->node->id));
  const model::ReplyInfo& info = reply ? reply->info : model::TrailOf(reply.error()).info;
  const model::Usage& usage = reply ? reply->usage : model::TrailOf(reply.error()).usage;
  const std::string_view engine =
      info.engine.empty() ? asked.engine : std::string_view(info.engine);
  if (!engine.empty()) out.Field("engine", engine);
  if (!info.model.empty()) out.Field("model", info.model);
  if (!info.request_id.empty()) out.Field("request_id", info.request_id);
  if (!reply) out.Field("error", Name(reply.error()));
  out.PlainKey("attempts");
  out.Uint(info.attempts.size() + 1);
  if (reply && !reply->choices.empty()) {
    out.Field("finish", model::FinishName(reply->choices.front().finish));
  }
  const auto count = [&](std::string_view name, const std::optional<std::int64_t>& tokens) {
    if (!tokens) return;
    out.PlainKey(name);
    out.Int(*tokens);
  };
  count("prompt_tokens", usage.prompt_tokens);
  count("completion_tokens", usage.completion_tokens);
  count("cached_tokens", usage.cached_tokens);
  if (info.first_token.count() > 0) {
    out.PlainKey("first_token_ms");
    out.Int(WholeMillis(info.first_token));
  }
  out.PlainKey("ms");
  out.Int(WholeMillis(asked.took));
  if (!info.repairs.empty()) {
    out.PlainKey("repairs");
    out.BeginArray();
    for (const std::string& repair : info.repairs) out.String(repair);
    out.EndArray();
  }
  if (!info.degradations.empty()) {
    out.PlainKey("degradations");
    out.BeginArray();
    for (const model::Degradation& degradation : info.degradations) {
      out.String(StrCat(degradation.what, ": ", degradation.why));
    }
    out.EndArray();
  }
  out.EndObject();
  return line;
}

}  // namespace weir::flow
