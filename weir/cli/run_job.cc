#include "weir/cli/run_job.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <utility>

#include <sys/stat.h>

#include "weir/base/limits.h"
#include "weir/base/random.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/flow/traveller.h"
#include "weir/jobs/batch_file.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

constexpr int kUsualConcurrency = 16;

// Sixteen characters that change with the text.
std::string DigestOf(std::string_view text) {
  return HexText(StableHash(text.data(), text.size()));
}

Result<json::Value> VarsOf(const std::vector<std::string>& pairs) {
  json::Builder vars;
  vars.BeginObject();
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) {
      return Fail(Code::kConfigError, StrCat("--set wants NAME=VALUE, got '", pair, "'"));
    }
    const std::string_view text = std::string_view(pair).substr(equals + 1);
    vars.Key(std::string_view(pair).substr(0, equals));
    const Result<json::Value> value = json::Read(text);
    if (value) {
      vars.Copy(*value);
    } else {
      vars.String(text);
    }
  }
  vars.EndObject();
  return std::move(vars).Finish();
}

// A name that the flow neither has nor reads is a mistake.
Result<void> CheckVars(json::View vars, const flow::Graph& graph) {
  std::vector<std::string> known;
  for (const auto& [name, value] : graph.flow().vars.members()) known.emplace_back(name);
  for (const flow::GraphNode* node : graph.all()) {
    for (const std::string& path : flow::PathsOf(*node)) {
      constexpr std::string_view kVars = "vars.";
      if (!path.starts_with(kVars)) continue;
      const std::string_view rest = std::string_view(path).substr(kVars.size());
      known.emplace_back(rest.substr(0, rest.find_first_of(".[")));
    }
  }
  for (const auto& [name, value] : vars.members()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::optional<std::string> nearest = Nearest(name, known);
    return Fail(Code::kConfigError,
                StrCat("--set ", name, ": the flow has no variable of that name",
                       nearest ? StrCat("; did you mean '", *nearest, "'?") : std::string()));
  }
  return {};
}

void Number(json::Builder& out, std::string_view key, const std::optional<std::int64_t>& value) {
  if (!value) return;
  out.Key(key);
  out.Int(*value);
}

void Text(json::Builder& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.Key(key);
  out.String(value);
}

void Texts(json::Builder& out, std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out.Key(key);
  out.BeginArray();
  for (const std::string& value : values) out.String(value);
  out.EndArray();
}

// The files whose rows are asked for, and the folder that their glob counts from.
struct FilesOfRows {
  flow::FileRows files;
  std::string folder;
};

// None when the rows come from elsewhere.
std::optional<FilesOfRows> RowFilesOf(const RunJob& job, const flow::Flow& flow) {
  if (!job.input.empty()) return std::nullopt;
  if (job.files.empty() && !flow.files) return std::nullopt;
  FilesOfRows found{flow.files.value_or(flow::FileRows()), flow.folder};
  if (!job.files.empty()) {
    found.files.glob = job.files;
    found.folder = job.files_folder;
  }
  found.files.except = job.folder;
  return found;
}

// Agents change files that rows are made of, so that those are no sign of another run.
void AddFiles(const FilesOfRows& rows, bool agents_change_them, json::Builder& out) {
  Text(out, "files", rows.files.glob);
  if (agents_change_them) return;
  const auto paths = flow::FindRowFiles(rows.files, rows.folder);
  if (!paths) return;
  std::string all;
  std::int64_t bytes = 0;
  for (const std::string& path : *paths) {
    const std::filesystem::path full = std::filesystem::path(rows.folder) / path;
    struct stat status{};
    const bool regular = ::stat(full.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (regular) bytes += status.st_size;
    StrAppend(all, path, "\n", regular ? jobs::DigestFile(full.string()).value_or("") : "", "\n");
  }
  out.Key("count");
  out.Int(static_cast<std::int64_t>(paths->size()));
  out.Key("bytes");
  out.Int(bytes);
  Text(out, "digest", DigestOf(all));
}

// What an input was, so that a run does not go on with another one. Files are read for it.
void AddInput(const RunJob& job, const flow::Graph& graph, json::Builder& out) {
  out.Key("input");
  out.BeginObject();
  if (!job.input.empty()) {
    out.Key("path");
    out.String(AbsolutePath(job.input));
    struct stat status{};
    if (::stat(job.input.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      out.Key("bytes");
      out.Int(status.st_size);
      const Result<std::string> digest = jobs::DigestFile(job.input);
      Text(out, "digest", digest.value_or(""));
    }
  } else if (const auto rows = RowFilesOf(job, graph.flow())) {
    AddFiles(*rows, flow::HasAgents(graph), out);
  }
  Number(out, "limit", job.limit);
  out.EndObject();
}

void AddEngines(const LoadedFlow& loaded, const RunJob& job, const Session& session,
                json::Builder& out) {
  std::vector<std::string> names = flow::EnginesOf(loaded.graph);
  if (!job.engine.empty()) names = {job.engine};
  out.Key("engines");
  out.BeginObject();
  for (const std::string& name : names) {
    std::string asked = name;
    const auto role = loaded.config.routes.roles.find(name);
    if (role != loaded.config.routes.roles.end() && !role->second.empty()) {
      asked = role->second.front();
    }
    const auto engine = config::ResolveEngine(loaded.config, asked, session.env);
    out.Key(name.empty() ? std::string_view("default") : std::string_view(name));
    out.BeginObject();
    if (engine) {
      Text(out, "engine", Redact(engine->name));
      Text(out, "model", engine->http.model);
    }
    out.EndObject();
  }
  out.EndObject();
}

}  // namespace

json::Value JobJson(const RunJob& job) {
  json::Builder out;
  out.BeginObject();
  Text(out, "flow", AbsolutePath(job.flow));
  Text(out, "input", AbsolutePath(job.input));
  Text(out, "files", job.files);
  if (!job.files.empty()) Text(out, "files_folder", AbsolutePath(job.files_folder));
  Text(out, "engine", job.engine);
  Number(out, "seed", job.seed);
  Number(out, "limit", job.limit);
  Texts(out, "set", job.set);
  Text(out, "model", job.model);
  Text(out, "format", job.format);
  Text(out, "batch_file", AbsolutePath(job.batch_file));
  out.Key("flattened");
  out.Bool(job.flattened);
  Number(out, "max_lines_per_file", job.max_lines_per_file);
  Number(out, "concurrency", job.concurrency);
  Number(out, "batch_size", job.batch_size);
  Number(out, "max_total_tokens", job.max_total_tokens);
  out.Key("warmup");
  out.Bool(job.warmup);
  out.EndObject();
  return std::move(out).Finish();
}

Result<RunJob> JobOf(json::View run_json, const std::string& folder) {
  const json::View from = run_json.Find("job");
  if (!from.Find("flow").IsString() && from.Find("format").StringOr("") != kBatchFormat) {
    return Fail(Code::kConfigError,
                StrCat(folder, "/run.json does not say which flow it is of; start a new run"));
  }
  const auto text = [&](std::string_view key) { return std::string(from.Find(key).StringOr("")); };
  const auto number = [&](std::string_view key) { return from.Find(key).AsInt64(); };
  RunJob job;
  job.flow = text("flow");
  job.folder = folder;
  job.resumed = true;
  job.input = text("input");
  job.files = text("files");
  if (from.Find("files_folder").IsString()) job.files_folder = text("files_folder");
  job.engine = text("engine");
  job.seed = number("seed");
  job.limit = number("limit");
  for (const json::View pair : from.Find("set").items()) job.set.emplace_back(pair.StringOr(""));
  job.model = text("model");
  job.format = text("format");
  job.batch_file = text("batch_file");
  job.flattened = from.Find("flattened").BoolOr(true);
  job.max_lines_per_file = number("max_lines_per_file");
  job.concurrency = number("concurrency");
  job.batch_size = number("batch_size");
  job.max_total_tokens = number("max_total_tokens");
  job.warmup = from.Find("warmup").BoolOr(true);
  return job;
}

std::string NewRunFolder(std::int64_t wall_nanos) {
  const std::time_t seconds = wall_nanos / 1'000'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc);
  Random random = Random::FromSystem();
  return StrCat("runs/", std::string_view(stamp), "-", HexId(random, 8));
}

std::string AbsolutePath(const std::string& path) {
  if (path.empty() || path == "-") return path;
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (failed) return path;
  const std::filesystem::path normal = absolute.lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).string();
}

Result<std::string> DigestOfFlow(const flow::Flow& flow) {
  std::string all;
  const std::filesystem::path folder =
      flow.parts.empty() ? std::filesystem::path()
                         : std::filesystem::path(flow.parts.front()).parent_path();
  for (const std::string& path : flow.parts) {
    WEIR_TRY(const std::optional<std::string> text, store::ReadFile(path, limits::kStdinBytes));
    // Where the folder stands makes no difference: machines have it in different places.
    const std::string name = std::filesystem::path(path).lexically_proximate(folder).string();
    StrAppend(all, name, "\n", text.value_or(""), "\n");
  }
  return DigestOf(all);
}

Result<flow::Identity> IdentityOf(const RunJob& job, const LoadedFlow& loaded,
                                  const Session& session) {
  const flow::Flow& flow = loaded.graph.flow();
  json::Builder out;
  out.BeginObject();
  WEIR_TRY(const std::string digest, DigestOfFlow(flow));
  Text(out, "flow", StrCat(AbsolutePath(job.flow), ", digest ", digest));
  AddInput(job, loaded.graph, out);
  AddEngines(loaded, job, session, out);
  // A digest, since there may be secrets among them.
  if (!job.set.empty()) Text(out, "vars", StrCat("digest ", DigestOf(Join(job.set, "\n"))));
  Text(out, "model", job.model);
  out.Key("seed");
  out.Int(job.seed.value_or(static_cast<std::int64_t>(flow.seed.value_or(0))));
  Text(out, "format", job.format);
  out.EndObject();
  return flow::Identity{std::move(out).Finish()};
}

// Once a review has changed the tree, the rows of the run are what it began from: its snapshot.
std::optional<std::string> SnapshotOf(const RunJob& job) {
  std::error_code ignored;
  const std::string workspaces = job.folder + "/workspaces";
  const bool reviewed = job.resumed && std::filesystem::exists(workspaces + "/review", ignored) &&
                        std::filesystem::exists(workspaces + "/base", ignored);
  return reviewed ? std::optional(workspaces + "/base") : std::nullopt;
}

Result<std::unique_ptr<flow::RowSource>> RowsOf(const RunJob& job, const flow::Graph& graph,
                                                const Session& session) {
  const flow::Flow& flow = graph.flow();
  flow::RowOptions options{.id = flow.id, .same_ids = job.same_ids || job.format == kBatchFormat};
  if (graph.input()) options.input = graph.input()->source();
  options.on_notice = [&session](std::string_view text) { session.terminal.Note(text); };
  if (job.limit) options.limit = static_cast<std::uint64_t>(*job.limit);
  if (!job.input.empty()) return flow::OpenRows(job.input, options);
  if (auto rows = RowFilesOf(job, flow)) {
    if (const std::optional<std::string> snapshot = SnapshotOf(job)) {
      rows->folder = *snapshot;
      rows->files.except.clear();
    }
    return flow::OpenFiles(rows->files, rows->folder, options);
  }
  return Fail(Code::kConfigError,
              "there are no rows; give a file with -i rows.jsonl (or rows.csv, or - for stdin), or "
              "--files 'texts/*.txt'");
}

Result<flow::RunOptions> OptionsOf(const RunJob& job, const LoadedFlow& loaded,
                                   const Session& session) {
  const flow::Flow& flow = loaded.graph.flow();
  flow::RunOptions options;
  std::int64_t concurrency = flow.concurrency.value_or(kUsualConcurrency);
  const auto profile = loaded.config.profiles.find(flow.profile);
  if (!flow.concurrency && profile != loaded.config.profiles.end() && profile->second.concurrency) {
    concurrency = *profile->second.concurrency;
  }
  concurrency = job.concurrency.value_or(concurrency);
  if (concurrency < 1 || concurrency > 100'000) {
    return Fail(Code::kConfigError,
                StrCat("--concurrency must be from 1 to 100000; got ", concurrency));
  }
  for (const auto& [flag, value] :
       {std::pair("--batch-size", job.batch_size), std::pair("--limit", job.limit),
        std::pair("--max-lines-per-file", job.max_lines_per_file),
        std::pair("--max-total-tokens", job.max_total_tokens)}) {
    if (value && *value < 1) {
      return Fail(Code::kConfigError, StrCat(flag, " must be at least 1; got ", *value));
    }
  }
  options.concurrency = static_cast<int>(concurrency);
  if (job.batch_size) options.window = static_cast<std::size_t>(*job.batch_size);
  options.engine = job.engine;
  options.seed = job.seed ? static_cast<std::uint64_t>(*job.seed) : flow.seed.value_or(0);
  WEIR_TRY(options.vars, VarsOf(job.set));
  WEIR_CHECK(CheckVars(options.vars, loaded.graph));
  options.resumed = job.resumed;
  options.warmup = job.warmup;
  options.env = session.env;
  options.files = job.files;
  options.files_folder = job.files_folder;
  if (job.resumed) {
    WEIR_TRY(options.sent_back, agent::RetriedRows(job.folder));
  }
  options.max_total_tokens = job.max_total_tokens;
  return options;
}

}  // namespace weir::cli
