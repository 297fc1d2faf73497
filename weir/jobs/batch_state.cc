#include "weir/jobs/batch_state.h"

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::jobs {
namespace {

constexpr std::int64_t kStateVersion = 1;

std::string Text(json::View value) { return std::string(value.StringOr("")); }

BatchRound RoundOf(json::View view) {
  BatchRound round;
  round.key = Text(view.Find("key"));
  round.input = Text(view.Find("input"));
  round.requests = view.Find("requests").AsUint64().value_or(0);
  round.since = view.Find("since").AsInt64().value_or(0);
  round.file_id = Text(view.Find("file_id"));
  round.ordered = view.Find("ordered").BoolOr(false);
  round.batch_id = Text(view.Find("batch_id"));
  round.status = Text(view.Find("status"));
  round.fetched = view.Find("fetched").BoolOr(false);
  return round;
}

void WriteRound(json::Writer& out, const BatchRound& round) {
  out.BeginObject();
  out.Field("key", round.key);
  out.Field("input", round.input);
  out.PlainKey("requests");
  out.Uint(round.requests);
  out.PlainKey("since");
  out.Int(round.since);
  out.Field("file_id", round.file_id);
  out.PlainKey("ordered");
  out.Bool(round.ordered);
  out.Field("batch_id", round.batch_id);
  out.Field("status", round.status);
  out.PlainKey("fetched");
  out.Bool(round.fetched);
  out.EndObject();
}

}  // namespace

std::string BatchStatePath(const std::string& out) { return out + ".batch.json"; }

std::string BatchFolder(const std::string& out) { return out + ".batch"; }

Result<std::optional<BatchState>> ReadBatchState(const std::string& out) {
  const std::string path = BatchStatePath(out);
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(path, limits::kConfigFileBytes));
  if (!text) return std::nullopt;
  const Result<json::Value> read = json::Read(*text);
  if (!read || read->Find("version").AsInt64() != kStateVersion || read->Find("rounds").empty()) {
    return Fail(Code::kConfigError,
                StrCat(path,
                       " is no state of a batch that this weir can read; remove it only if "
                       "no batch is on its way, or it would be paid twice"),
                read ? "" : read.error().message);
  }
  BatchState state;
  state.input = Text(read->Find("input"));
  state.digest = Text(read->Find("digest"));
  state.requests = read->Find("requests").AsUint64().value_or(0);
  state.endpoint = Text(read->Find("endpoint"));
  state.completion_window = Text(read->Find("completion_window"));
  for (const auto& [key, value] : read->Find("metadata").members()) {
    state.metadata.emplace(key, Text(value));
  }
  state.engine = Text(read->Find("engine"));
  state.server = Text(read->Find("server"));
  for (const json::View round : read->Find("rounds").items()) {
    state.rounds.push_back(RoundOf(round));
  }
  state.collected = read->Find("collected").BoolOr(false);
  return state;
}

Result<void> WriteBatchState(const std::string& out, const BatchState& state) {
  std::string text;
  json::Writer writer(text, {.indent = 2});
  writer.BeginObject();
  writer.PlainKey("version");
  writer.Int(kStateVersion);
  writer.Field("input", state.input);
  writer.Field("digest", state.digest);
  writer.PlainKey("requests");
  writer.Uint(state.requests);
  writer.Field("endpoint", state.endpoint);
  writer.Field("completion_window", state.completion_window);
  writer.PlainKey("metadata");
  writer.BeginObject();
  for (const auto& [key, value] : state.metadata) writer.Field(key, value);
  writer.EndObject();
  writer.Field("engine", state.engine);
  writer.Field("server", state.server);
  writer.PlainKey("rounds");
  writer.BeginArray();
  for (const BatchRound& round : state.rounds) WriteRound(writer, round);
  writer.EndArray();
  writer.PlainKey("collected");
  writer.Bool(state.collected);
  writer.EndObject();
  return store::ReplaceFile(BatchStatePath(out), text + "\n");
}

}  // namespace weir::jobs
