#include "weir/jobs/job_record.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <ranges>
#include <set>

#include "weir/agent/arguments.h"
#include "weir/agent/text_calls.h"
#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"

namespace weir::jobs {
namespace {

constexpr std::size_t kMostRawText = 64 << 10;  // of an answer, in a record

// "2026-11-21T17:45:03.120Z".
std::string StampOf(std::int64_t wall_nanos) {
  const std::time_t seconds = wall_nanos / 1'000'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
  char stamp[48];
  std::snprintf(stamp, sizeof(stamp), "%s.%03dZ", date,
                static_cast<int>(wall_nanos / 1'000'000 % 1000));
  return stamp;
}

void Count(json::Writer& out, std::string_view name, const std::optional<std::int64_t>& tokens) {
  if (!tokens) return;
  out.PlainKey(name);
  out.Int(*tokens);
}

void WriteError(json::Writer& out, const Error& error) {
  out.Field("error", std::string_view(Name(error)));
  out.Field("message", std::string_view(ToUtf8(Redact(error.message))));
  // Of an answer that was refused: what it was.
  if (!error.cause.empty()) {
    out.Field("cause", Truncate(ToUtf8(Redact(error.cause)), kMostRawText));
  }
  if (error.http_status == 0) return;
  out.PlainKey("http_status");
  out.Int(error.http_status);
}

void WriteUsage(json::Writer& out, const model::Usage& usage) {
  out.PlainKey("usage");
  out.BeginObject();
  Count(out, "prompt_tokens", usage.prompt_tokens);
  Count(out, "completion_tokens", usage.completion_tokens);
  Count(out, "cached_tokens", usage.cached_tokens);
  out.EndObject();
}

bool WasAnswered(const model::Usage& usage) {
  return usage.prompt_tokens.has_value() || usage.completion_tokens.has_value();
}

// The calls of tools as the model wrote them: their arguments are texts, and may be no JSON.
std::string CallsText(const std::vector<model::ToolCall>& calls) {
  std::string text;
  json::Writer out(text);
  out.BeginArray();
  for (const model::ToolCall& call : calls) {
    out.BeginObject();
    out.Field("name", std::string_view(call.name));
    out.Field("arguments", std::string_view(call.arguments));
    out.EndObject();
  }
  out.EndArray();
  return text;
}

// Null: not of an agent.
const agent::Agent* AgentOf(const flow::AskedOnce& asked) {
  const flow::Step* step = asked.call == nullptr ? asked.node->step() : nullptr;
  return step != nullptr && step->agent ? &*step->agent : nullptr;
}

Result<json::Value> SubmitSchemaOf(const agent::Agent& agent) {
  if (agent.submit.schema.IsNull()) return json::Read(agent::kResultSchema);
  return agent.submit.schema;
}

// What a turn hands in that obeys the schema; null: nothing.
json::Value HandedIn(const agent::Agent& agent, const model::Choice& choice) {
  std::vector<model::ToolCall> calls = choice.tool_calls;
  // A loop reads calls, and what is to be handed in, out of a text as well.
  if (calls.empty())
    calls = agent::CallsInText(choice.text,
                               {{.name = agent.submit.name, .description = {}, .parameters = {}}});
  if (calls.empty()) {
    const Result<json::Mended> said = json::ReadLenient(choice.text);
    if (!said || !said->report.complete || !said->value.IsObject()) return {};
    calls.push_back({.id = {}, .name = agent.submit.name, .arguments = choice.text});
  }
  const auto call = std::ranges::find(calls, agent.submit.name, &model::ToolCall::name);
  if (call == calls.end()) return {};
  const auto read = [&]() -> Result<json::Value> {
    WEIR_TRY(json::Value source, SubmitSchemaOf(agent));
    WEIR_TRY(const schema::Schema schema, schema::Schema::Compile(std::move(source)));
    return agent::ReadArguments(*call, schema, agent::Bending::kSmall);
  };
  return read().value_or(json::Value());
}

void WriteAnswer(json::Writer& out, const flow::AskedOnce& asked) {
  const model::Reply& reply = **asked.reply;
  if (!reply.choices.empty()) {
    const model::Choice& choice = reply.choices.front();
    const bool calls = !choice.tool_calls.empty();
    out.Field("raw_text",
              Truncate(calls ? CallsText(choice.tool_calls) : choice.text, kMostRawText));
    if (calls && !choice.text.empty()) out.Field("text", Truncate(choice.text, kMostRawText));
    const agent::Agent* agent = AgentOf(asked);
    const json::Value parsed = agent != nullptr ? HandedIn(*agent, choice) : choice.value;
    if (!parsed.IsNull()) out.Field("parsed", json::View(parsed));
  }
  out.PlainKey("repaired");
  out.Bool(!reply.info.repairs.empty());
  if (!reply.info.request_id.empty()) {
    out.Field("request_id", std::string_view(reply.info.request_id));
  }
  WriteUsage(out, reply.usage);
  if (reply.info.degradations.empty()) return;
  out.PlainKey("degradations");
  out.BeginArray();
  for (const model::Degradation& degradation : reply.info.degradations) {
    out.String(StrCat(degradation.what, ": ", degradation.why));
  }
  out.EndArray();
}

// 0: nothing is there.
struct Hashes {
  std::uint64_t prompt = 0;
  std::uint64_t schema = 0;
};

// Everything that was said, whoever said it.
std::uint64_t HashOf(const model::Call& call) {
  std::uint64_t hash = StableHash(call.prompt.data(), call.prompt.size());
  for (const model::Message& message : call.messages) {
    const std::string text = message.AllText();
    hash = StableHash(text.data(), text.size(), hash + static_cast<std::uint64_t>(message.role));
  }
  return hash;
}

std::uint64_t HashOf(json::View schema) {
  const std::string text = json::Write(schema);
  return StableHash(text.data(), text.size());
}

// Of an agent, what it is told before it works on any row: what a turn says comes of its tools.
Hashes HashesOf(const flow::Step& step) {
  model::Call call;
  call.messages.push_back(model::Message::Text(model::Role::kSystem, step.system.text));
  call.messages.push_back(model::Message::Text(model::Role::kUser, step.user.text));
  Hashes hashes{.prompt = HashOf(call)};
  if (const Result<json::Value> schema = SubmitSchemaOf(*step.agent)) {
    hashes.schema = HashOf(json::View(*schema));
  }
  return hashes;
}

Hashes HashesOf(const flow::AskedOnce& asked) {
  if (AgentOf(asked) != nullptr) return HashesOf(*asked.node->step());
  Hashes hashes;
  if (asked.call == nullptr) return hashes;
  hashes.prompt = HashOf(*asked.call);
  if (asked.call->constraint) hashes.schema = HashOf(json::View(asked.call->constraint->schema));
  return hashes;
}

// As HexText() wrote it.
std::uint64_t HashIn(json::View record, std::string_view key) {
  const std::string_view text = record.Find(key).StringOr("");
  std::uint64_t hash = 0;
  std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  return hash;
}

void WriteHashes(json::Writer& out, const Hashes& hashes) {
  if (hashes.prompt != 0) out.Field("prompt_hash", std::string_view(HexText(hashes.prompt)));
  if (hashes.schema != 0) out.Field("schema_hash", std::string_view(HexText(hashes.schema)));
}

const model::ReplyInfo& InfoOf(const Result<model::Reply>& reply) {
  return reply ? reply->info : model::TrailOf(reply.error()).info;
}

// In their order. A reply, or an error, names those before the last.
std::vector<model::Attempt> AllTries(const flow::AskedOnce& asked) {
  const Result<model::Reply>& reply = *asked.reply;
  const model::ReplyInfo& info = InfoOf(reply);
  std::vector<model::Attempt> tries = info.attempts;
  model::Attempt last{.engine = std::string(asked.engine), .duration = asked.took};
  for (const model::Attempt& tried : tries) last.duration -= tried.duration + tried.waited;
  last.duration = std::max(last.duration, std::chrono::nanoseconds::zero());
  if (!reply) last.error = reply.error();
  if (!info.engine.empty()) last.engine = info.engine;
  tries.push_back(std::move(last));
  // Who is tried once more by itself has no name there: it is the next one's.
  std::string_view whose;
  for (model::Attempt& tried : tries | std::views::reverse) {
    if (tried.engine.empty()) tried.engine = whose;
    whose = tried.engine;
  }
  return tries;
}

}  // namespace

std::vector<std::string> AttemptRecords(const flow::AskedOnce& asked, const ProviderOf& provider_of,
                                        std::string_view variant, Numbers numbers,
                                        std::int64_t wall_nanos) {
  const Result<model::Reply>& reply = *asked.reply;
  const std::vector<model::Attempt> tries = AllTries(asked);
  std::chrono::nanoseconds before = asked.took;
  std::vector<std::string> records;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    const model::Attempt& tried = tries[i];
    const bool last = i + 1 == tries.size();
    std::string record;
    json::Writer out(record);
    out.BeginObject();
    out.PlainKey("attempt");
    out.Int(numbers.Of(i));
    if (numbers.turn > 0) {
      out.PlainKey("turn");
      out.Int(numbers.turn);
    }
    out.Field("node", std::string_view(asked.node->node->id));
    out.Field("engine", std::string_view(tried.engine));
    out.Field("provider", std::string_view(provider_of(tried.engine)));
    const std::string& model = InfoOf(reply).model;
    if (last && (reply || !model.empty())) out.Field("model", std::string_view(model));
    if (!variant.empty()) out.Field("variant_id", variant);
    out.Field("started_at", std::string_view(StampOf(wall_nanos - before.count())));
    out.PlainKey("duration_ms");
    out.Int(WholeMillis(tried.duration));
    out.PlainKey("success");
    out.Bool(!tried.error.has_value());
    if (tried.error) WriteError(out, *tried.error);
    if (last) WriteHashes(out, HashesOf(asked));
    if (last && reply) WriteAnswer(out, asked);
    if (last && !reply && WasAnswered(model::TrailOf(reply.error()).usage)) {
      WriteUsage(out, model::TrailOf(reply.error()).usage);
    }
    out.EndObject();
    before = std::max(before - tried.duration - tried.waited, std::chrono::nanoseconds::zero());
    records.push_back(std::move(record));
  }
  return records;
}

int AttemptIn(std::string_view record) {
  const Result<json::Value> read = json::Read(record);
  if (!read) return 0;
  return static_cast<int>(read->Find("attempt").AsInt64().value_or(0));
}

void Metadata::Take(Step step) {
  const auto same = std::ranges::find(steps_, step.node, &Step::node);
  if (same == steps_.end()) {
    steps_.push_back(std::move(step));
  } else {
    *same = std::move(step);
  }
}

void Metadata::Add(const flow::AskedOnce& asked, const ProviderOf& provider_of,
                   std::string_view variant) {
  const Result<model::Reply>& reply = *asked.reply;
  const model::ReplyInfo& info = InfoOf(reply);
  const std::string engine = info.engine.empty() ? std::string(asked.engine) : info.engine;
  if (!reply) {
    failed_engine_ = engine;
    failed_provider_ = provider_of(engine);
    return;
  }
  const Hashes hashes = HashesOf(asked);
  Take({.node = asked.node->node->id,
        .engine = engine,
        .provider = provider_of(engine),
        .model = reply->info.model,
        .variant = std::string(variant),
        .prompt_hash = hashes.prompt,
        .schema_hash = hashes.schema});
  prompt_tokens_ += reply->usage.prompt_tokens.value_or(0);
  completion_tokens_ += reply->usage.completion_tokens.value_or(0);
}

void Metadata::AddRecord(std::string_view record) {
  const Result<json::Value> read = json::Read(record);
  if (!read || !read->Find("success").BoolOr(false)) return;
  const auto text = [&](std::string_view key) { return std::string(read->Find(key).StringOr("")); };
  Take({.node = text("node"),
        .engine = text("engine"),
        .provider = text("provider"),
        .model = text("model"),
        .variant = text("variant_id"),
        .prompt_hash = HashIn(*read, "prompt_hash"),
        .schema_hash = HashIn(*read, "schema_hash")});
  const json::View usage = read->Find("usage");
  prompt_tokens_ += usage.Find("prompt_tokens").AsInt64().value_or(0);
  completion_tokens_ += usage.Find("completion_tokens").AsInt64().value_or(0);
}

std::string Metadata::Json(const Assignment* asked, std::string_view flow_digest) const {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  // The one that made it; of several steps, the last.
  if (!steps_.empty()) {
    out.Field("provider", std::string_view(steps_.back().provider));
    out.Field("engine", std::string_view(steps_.back().engine));
    out.Field("model", std::string_view(steps_.back().model));
    out.Field("variant_id", std::string_view(steps_.back().variant));
  } else if (asked != nullptr) {
    const bool failed = !failed_engine_.empty();
    out.Field("provider", std::string_view(failed ? failed_provider_ : asked->provider));
    out.Field("engine", std::string_view(failed ? failed_engine_ : asked->engine));
    out.Field("model", std::string_view(asked->model));
    out.Field("variant_id", std::string_view(asked->variant));
  }
  out.Field("flow", flow_digest);
  Hashes all;
  for (const Step& step : steps_) {
    if (step.prompt_hash != 0) all.prompt = StableHash(&step.prompt_hash, 8, all.prompt);
    if (step.schema_hash != 0) all.schema = StableHash(&step.schema_hash, 8, all.schema);
  }
  WriteHashes(out, all);
  out.PlainKey("usage");
  out.BeginObject();
  out.PlainKey("prompt_tokens");
  out.Int(prompt_tokens_);
  out.PlainKey("completion_tokens");
  out.Int(completion_tokens_);
  out.EndObject();
  if (steps_.size() > 1) {
    out.PlainKey("steps");
    out.BeginObject();
    for (const Step& step : steps_) {
      out.Key(step.node);
      out.BeginObject();
      out.Field("provider", std::string_view(step.provider));
      out.Field("engine", std::string_view(step.engine));
      out.Field("model", std::string_view(step.model));
      out.EndObject();
    }
    out.EndObject();
  }
  out.EndObject();
  return text;
}

std::string ResultJson(const flow::Graph& graph, const std::vector<flow::Traveller>& through) {
  std::string text;
  json::Writer out(text);
  const auto write = [&](const flow::Traveller& traveller) {
    out.BeginObject();
    for (const auto& [node, value] : traveller.flat) {
      out.Key(graph.all()[node]->node->id);
      out.Value(value);
    }
    out.EndObject();
  };
  const bool several = through.size() > 1 || (through.size() == 1 && !through[0].child.empty());
  if (through.empty()) {
    out.Null();
  } else if (!several) {
    write(through.front());
  } else {
    out.BeginArray();
    for (const flow::Traveller& traveller : through) write(traveller);
    out.EndArray();
  }
  return text;
}

}  // namespace weir::jobs
