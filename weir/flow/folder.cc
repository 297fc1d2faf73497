#include "weir/flow/folder.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/flow/attempts.h"
#include "weir/flow/folder_core.h"
#include "weir/flow/history.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"
#include "weir/store/lock.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRunBytes = 64 << 20;    // of run.json
constexpr std::size_t kMaxRecordBytes = 1 << 30;  // of the ledger
constexpr int kVersionOfFolders = 1;

// Members of run.json that are this file's.
const char* const kOwnMembers[] = {"run_folder", "output", "identity", "state", "summary"};

// Names in the folder that no node may have.
const char* const kTaken[] = {"flattened", "errors", "attempts", "events", "ledger", "workspaces"};

// What a run that died while it was begun has left: nothing was asked yet.
const char* const kBegun[] = {"ledger", "graph.json", "graph.json.part", "run.json.part",
                              "events.jsonl"};

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// "ExtractName" and "extractName" are "extract_name".
std::string SnakeCase(std::string_view id) {
  std::string snake;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const bool upper = std::isupper(static_cast<unsigned char>(id[i])) != 0;
    const bool after_word =
        i > 0 && id[i - 1] != '_' &&
        (std::isupper(static_cast<unsigned char>(id[i - 1])) == 0 ||
         (i + 1 < id.size() && std::islower(static_cast<unsigned char>(id[i + 1])) != 0));
    if (upper && after_word) snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(id[i])));
  }
  return snake;
}

Result<void> MakeFolders(store::FileOps& ops, const std::string& path) {
  std::error_code none;
  if (fs::is_directory(path, none)) return {};
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (!fs::is_directory(part, none)) {
      WEIR_CHECK(MakeFolder(ops, part));
    }
    if (slash == std::string::npos) return {};
  }
}

Result<void> RefuseFull(const std::string& path) {
  std::error_code error;
  if (fs::exists(StrCat(path, "/run.json"), error)) {
    return Fail(Code::kConfigError,
                StrCat(path, " holds a run already; go on with it: weir run --resume ", path,
                       ", or choose another -o"));
  }
  for (fs::directory_iterator entries(path, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (std::ranges::find(kBegun, name) != std::end(kBegun)) continue;
    return Fail(Code::kConfigError, StrCat("the folder ", path, " is not empty (it has ", name,
                                           ") and holds no run; choose another -o"));
  }
  if (!error) return {};
  return Fail(Code::kConfigError, StrCat("cannot read the folder ", path), error.message());
}

// Of a folder without a run.json.
std::string WhyNoRun(const std::string& path) {
  bool begun = false;
  std::error_code error;
  for (fs::directory_iterator entries(path, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    begun = std::ranges::find(kBegun, name) != std::end(kBegun);
    if (!begun) break;
  }
  if (!begun || error) {
    return StrCat(path, " is no run: it has no run.json; name the folder that a run made");
  }
  return StrCat(
      path, " has no run.json: its run was stopped before it had asked anything, so that ",
      "there is nothing to resume; begin it again with the command that began it, with -o ", path);
}

bool HeldByAnother(store::FileOps& ops, const std::string& path) {
  const store::File file(ops, ops.Open(path, O_RDWR, 0));
  return file.open() && file.Lock(LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// Fails with kConfigError when another process has it.
Result<store::Journal> OpenLedger(store::FileOps& ops, const std::string& path,
                                  LedgerReader& reader) {
  Result<store::Journal> journal = store::Journal::Open(
      path, {.max_record_bytes = kMaxRecordBytes, .ops = &ops},
      [&](std::string_view payload, std::uint8_t type) { return reader.Take(payload, type); });
  if (!journal && HeldByAnother(ops, path)) journal.error().code = Code::kConfigError;
  return journal;
}

void WriteOutputOptions(json::Writer& json, const FolderOptions& options) {
  json.BeginObject();
  json.Field("format", options.format == OutputFormat::kCsv ? "csv" : "jsonl");
  json.Key("max_lines_per_file");
  json.Uint(options.max_lines_per_file);
  json.Key("flattened");
  json.Bool(options.flattened);
  json.EndObject();
}

// What was chosen when the run was begun stays.
void ReadOutputOptions(json::View json, FolderOptions& options) {
  options.format =
      json.Find("format").AsString() == "csv" ? OutputFormat::kCsv : OutputFormat::kJsonLines;
  options.max_lines_per_file =
      json.Find("max_lines_per_file").AsUint64().value_or(options.max_lines_per_file);
  options.flattened = json.Find("flattened").BoolOr(options.flattened);
}

// run.json of a new run, without its state.
Result<json::Value> BeginRun(const json::Value& info, const json::Value& identity,
                             const FolderOptions& options) {
  WEIR_TRY(const json::Value shown, json::Read(Redact(json::Write(info))));
  std::string text;
  json::Writer json(text);
  json.BeginObject();
  for (const json::Member member : shown.members()) {
    if (std::ranges::find(kOwnMembers, member.key) != std::end(kOwnMembers)) continue;
    json.Field(member.key, member.value);
  }
  json.Key("run_folder");
  json.Int(kVersionOfFolders);
  json.Key("output");
  WriteOutputOptions(json, options);
  json.Field("identity", identity);
  json.EndObject();
  return json::Read(text, {.max_depth = json::kDeepest});
}

Result<void> CheckIdentity(const std::string& path, json::View run, json::View identity) {
  if (run.Find("run_folder").AsInt64() != kVersionOfFolders) {
    return Fail(Code::kConfigError,
                StrCat("the run ", path,
                       " was made by another version of weir; "
                       "go on with that one, or start a new run with another -o"));
  }
  const std::vector<std::string> differences = Differences(run.Find("identity"), identity);
  if (differences.empty()) return {};
  return Fail(Code::kConfigError,
              StrCat("the run ", path, " cannot go on, because this changed since it was begun: ",
                     Join(differences, "; "), ". Restore it, or start a new run with another -o"));
}

Result<void> CutOutputs(store::FileOps& ops, const FolderStart& start) {
  for (std::size_t i = 0; i < start.layout.names.size(); ++i) {
    const OutputName& name = start.layout.names[i];
    const auto state = start.note.outputs.find(name.name);
    WEIR_CHECK(CutBack(ops, start.path, name,
                       state == start.note.outputs.end() ? OutputState() : state->second));
  }
  return {};
}

// Whether a row failed: by the note, or by what was recorded since.
Result<bool> AnyFailed(const LedgerReader& reader, const FolderStart& start) {
  const auto errors = start.note.outputs.find(start.layout.names[start.layout.errors].name);
  if (errors != start.note.outputs.end() && errors->second.lines > 0) return true;
  WEIR_TRY(const std::vector<Finished> behind, reader.Behind());
  return std::ranges::any_of(behind, [](const Finished& finished) {
    return std::holds_alternative<Error>(finished.outcome);
  });
}

// All rows go through the flow once more; from here on a kill changes nothing about that. The tries
// so far stay in attempts.jsonl.
Result<void> BeginRound(store::Journal& journal, LedgerReader& reader, FolderStart& start) {
  const std::string& attempts = start.layout.names[start.layout.attempts].name;
  WEIR_TRY(const bool failed, AnyFailed(reader, start));
  if (!failed && !start.options.retry_sent_back) return {};
  Note note;
  if (const OutputState state = start.note.outputs[attempts]; state.files > 0) {
    note.outputs[attempts] = state;
  }
  if (const Result<json::Value> totals = json::Read(start.note.totals)) {
    note.totals = TotalsAgain(*totals);
  }
  const std::string payload = EncodeNote(note);
  WEIR_CHECK(journal.Append(kAgainRecord, payload));
  WEIR_CHECK(journal.Sync());
  WEIR_CHECK(reader.Take(payload, kAgainRecord));
  start.note = std::move(note);
  return {};
}

store::FileOps& OpsOf(const FolderOptions& options) {
  return options.ops != nullptr ? *options.ops : store::SystemFileOps();
}

}  // namespace

FolderLayout FolderLayout::Of(const Graph& graph, OutputFormat format) {
  const std::string extension = format == OutputFormat::kCsv ? ".csv" : ".jsonl";
  FolderLayout layout;
  std::set<std::string> taken(std::begin(kTaken), std::end(kTaken));
  for (const GraphNode* node : graph.all()) {
    const std::string snake = SnakeCase(node->node->id);
    std::string name = snake;
    for (int i = 2; !taken.insert(name).second; ++i) name = StrCat(snake, "_", i);
    layout.names.push_back({.name = std::move(name), .extension = extension});
  }
  const auto add = [&](OutputName name) {
    layout.names.push_back(std::move(name));
    return layout.names.size() - 1;
  };
  layout.flattened = add({.name = "flattened", .extension = extension});
  layout.errors = add({.name = "errors", .extension = ".jsonl", .folder = false});
  layout.attempts = add({.name = "attempts", .extension = ".jsonl", .folder = false});
  layout.carried = add({.name = ".carried", .extension = ".jsonl", .spool = true});
  return layout;
}

Result<RunFolder> RunFolder::Create(const std::string& path, const Graph& graph, Identity identity,
                                    json::Value info, FolderOptions options) {
  store::FileOps& ops = OpsOf(options);
  FolderStart start{.path = WithoutSlashes(path), .graph = &graph};
  start.layout = FolderLayout::Of(graph, options.format);
  const json::Value begun = std::move(info);
  const json::Value members = std::move(identity.members);
  WEIR_TRY(start.run, BeginRun(begun, members, options));
  start.options = std::move(options);
  std::error_code none;
  if (fs::exists(start.path, none) && !fs::is_directory(start.path, none)) {
    return Fail(Code::kConfigError,
                StrCat(start.path, " is a file, and a run makes a folder; choose another -o"));
  }
  if (Result<void> made = MakeFolders(ops, start.path); !made) {
    made.error().message += "; choose another -o";
    return std::unexpected(std::move(made).error());
  }
  WEIR_CHECK(RefuseFull(start.path));

  LedgerReader reader;
  WEIR_TRY(store::Journal journal, OpenLedger(ops, StrCat(start.path, "/ledger"), reader));
  // Another process may have begun a run here since.
  WEIR_CHECK(RefuseFull(start.path));
  WEIR_TRY(const auto note, reader.LastNote());
  if (note || !reader.behind_empty()) {
    return Fail(Code::kConfigError, StrCat("the folder ", start.path,
                                           " has the ledger of a run whose run.json is gone; put "
                                           "that back, or choose another -o"));
  }
  if (reader.empty()) {
    WEIR_CHECK(journal.Append(kHeaderRecord, EncodeHeader()));
  }
  WEIR_CHECK(journal.Sync());
  WEIR_CHECK(WriteWhole(ops, StrCat(start.path, "/graph.json"), GraphJson(graph)));
  // The last step: from here on the folder holds a run.
  WEIR_CHECK(WriteWhole(ops, StrCat(start.path, "/run.json"), RunJson(start.run, "running", {})));
  return RunFolder(std::make_unique<Core>(std::move(start), std::move(journal)));
}

Result<RunFolder> RunFolder::Resume(const std::string& path, const Graph& graph, Identity identity,
                                    FolderOptions options) {
  store::FileOps& ops = OpsOf(options);
  FolderStart start{.path = WithoutSlashes(path), .graph = &graph};
  WEIR_TRY(start.run, ReadRun(start.path));
  const json::Value members = std::move(identity.members);
  WEIR_CHECK(CheckIdentity(start.path, start.run, members));
  ReadOutputOptions(start.run.Find("output"), options);
  start.layout = FolderLayout::Of(graph, options.format);
  start.options = std::move(options);

  const std::string ledger = StrCat(start.path, "/ledger");
  LedgerReader reader;
  std::error_code none;
  if (!fs::exists(ledger, none)) {
    return Fail(Code::kConfigError, StrCat(ledger,
                                           " is gone, and without it nothing is known of the "
                                           "run; put it back, or start a new run with another -o"));
  }
  WEIR_TRY(store::Journal journal, OpenLedger(ops, ledger, reader));
  if (reader.empty()) {
    return Fail(Code::kIoError, StrCat(ledger,
                                       " is empty, and without it nothing is known of the "
                                       "run; put it back, or start a new run with another -o"));
  }
  WEIR_TRY(std::optional<Note> note, reader.LastNote());
  start.note = std::move(note).value_or(Note());
  if (start.options.retry_failed || start.options.retry_sent_back) {
    WEIR_CHECK(BeginRound(journal, reader, start));
  }
  start.rounds = reader.rounds();
  WEIR_TRY(start.behind, reader.Behind());
  WEIR_CHECK(CutOutputs(ops, start));
  if (!start.note.finished && start.run.Find("state").AsString() != "running") {
    WEIR_CHECK(WriteWhole(ops, StrCat(start.path, "/run.json"), RunJson(start.run, "running", {})));
  }
  auto core = std::make_unique<Core>(std::move(start), std::move(journal));
  WEIR_CHECK(core->ReadColumns());
  return RunFolder(std::move(core));
}

Result<json::Value> RunFolder::ReadRun(const std::string& path) {
  const std::string file = StrCat(WithoutSlashes(path), "/run.json");
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(file, kMaxRunBytes));
  if (!text) {
    return Fail(Code::kConfigError, WhyNoRun(WithoutSlashes(path)));
  }
  Result<json::Value> run = json::Read(*text, {.max_depth = json::kDeepest});
  if (run && run->IsObject()) return run;
  return Fail(Code::kConfigError,
              StrCat(file, " is not what a run wrote: ",
                     run ? "it is no object" : run.error().message, "; put the file back"));
}

RunFolder::RunFolder(std::unique_ptr<Core> core) : core_(std::move(core)) {}
RunFolder::RunFolder(RunFolder&&) noexcept = default;
RunFolder& RunFolder::operator=(RunFolder&&) noexcept = default;
RunFolder::~RunFolder() = default;

const Progress& RunFolder::progress() const { return core_->progress(); }
const std::string& RunFolder::path() const { return core_->path(); }
const Finished* RunFolder::Recorded(std::size_t pass, std::uint64_t row, std::string_view child,
                                    std::size_t node) const {
  return core_->Recorded(pass, row, child, node);
}
Result<const Past*> RunFolder::Before(std::size_t pass, std::uint64_t origin,
                                      std::string_view child, std::size_t node) {
  return core_->Before(pass, origin, child, node);
}
void RunFolder::SkipTo(std::size_t pass, std::uint64_t origin) { core_->SkipTo(pass, origin); }
Result<void> RunFolder::Record(const Finished& finished) { return core_->Record(finished); }
Result<void> RunFolder::Write(RowRecord record) { return core_->Write(std::move(record)); }
Result<void> RunFolder::NoteCall(const AskedOnce& asked) {
  return core_->Attempt(AttemptLine(asked));
}
Result<std::string> RunFolder::EndPass() { return core_->EndPass(); }
Result<void> RunFolder::Close(json::View summary, bool finished) {
  return core_->Close(summary, finished);
}

}  // namespace weir::flow
