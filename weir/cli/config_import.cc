#include "weir/cli/config_import.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/config/import.h"
#include "weir/config/import_agent.h"
#include "weir/config/run_script.h"
#include "weir/flow/graph.h"
#include "weir/flow/read_agent.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

namespace fs = std::filesystem;
using config::ImportKind;

constexpr std::pair<std::string_view, ImportKind> kWords[] = {
    {"remora", ImportKind::kSections},
    {"chainette", ImportKind::kEngines},
    {"stonks-env", ImportKind::kVariables},
    {"abstractcore", ImportKind::kSettings},
    {"amplifier", ImportKind::kProviders}};

struct ImportFlags {
  std::string format;
  std::string file;
  std::string output;
};

ImportKind KindOf(std::string_view word) {
  for (const auto& [known, kind] : kWords) {
    if (word == known) return kind;
  }
  return ImportKind::kSections;  // CLI11 lets no other word through
}

Result<void> Give(Session& session, const std::string& output, std::string_view yaml) {
  if (!output.empty()) return WriteNew(output, yaml);
  session.terminal.Out(yaml);
  return {};
}

// The program that the scripts of a bundle need, beside the definition.
Result<void> WriteRunner(const fs::path& path) {
  WEIR_TRY(const std::optional<std::string> there,
           store::ReadFile(path.string(), limits::kConfigFileBytes));
  if (there == config::kScriptRunner) return {};
  WEIR_CHECK(WriteNew(path.string(), config::kScriptRunner));
  std::error_code failed;
  fs::permissions(path, fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec,
                  fs::perm_options::add, failed);
  if (!failed) return {};
  return Fail(Code::kIoError, StrCat("cannot make ", path.string(), " executable"),
              failed.message());
}

Result<void> CheckAgent(std::string_view yaml, const std::string& name) {
  WEIR_TRY(flow::Flow flow, flow::ReadAgentText(yaml, name));
  WEIR_TRY(const flow::Graph graph, flow::Graph::Compile(std::move(flow)));
  return {};
}

Result<void> ImportBundle(Session& session, const ImportFlags& flags, std::string_view text,
                          const std::string& file) {
  const fs::path folder = fs::path(flags.output).parent_path();
  WEIR_TRY(const config::ImportedAgent imported,
           config::ImportAgent(text, file, folder.string(), CheckAgent));
  const fs::path runner = folder / config::kScriptRunnerName;
  if (imported.runs_scripts && !flags.output.empty()) {
    WEIR_CHECK(WriteRunner(runner));
  }
  WEIR_CHECK(Give(session, flags.output, imported.yaml));
  for (const std::string& note : imported.notes) session.terminal.Note(note);
  if (flags.output.empty()) {
    if (!imported.runs_scripts) return {};
    session.terminal.Note(StrCat("the tools are started by ./", config::kScriptRunnerName,
                                 ", which -o FILE writes beside the file"));
    return {};
  }
  session.terminal.Note(
      StrCat("wrote ", flags.output,
             imported.runs_scripts
                 ? StrCat(" and ", runner.string(), ", which starts the scripts of its tools")
                 : "",
             "; next: weir agent check ", flags.output));
  return {};
}

Result<void> Import(Session& session, const ImportFlags& flags) {
  if (!flags.output.empty()) {
    WEIR_CHECK(CheckNewFile(flags.output));
  }
  const config::ImportKind kind = KindOf(flags.format);
  const bool may_be_agent = kind == ImportKind::kSections;
  std::string file = flags.file;
  if (may_be_agent && file != kStdin) {
    WEIR_TRY(file, config::BundleFile(file));
  }
  WEIR_TRY(const std::string text, ReadDocument(session, file, limits::kConfigFileBytes));
  const std::string name = file == kStdin ? "stdin" : file;
  if (may_be_agent && config::IsAgentBundle(text)) return ImportBundle(session, flags, text, name);
  WEIR_TRY(const config::Imported imported, config::Import(kind, text, name));
  WEIR_CHECK(Give(session, flags.output, imported.yaml));
  for (const std::string& note : imported.notes) session.terminal.Note(note);
  if (!flags.output.empty()) {
    session.terminal.Note(
        StrCat("wrote ", flags.output, "; next: weir config check ", flags.output));
  }
  return {};
}

}  // namespace

Result<void> CheckNewFile(std::string_view path) {
  constexpr std::string_view kSlips[] = {"-", "json", "yaml", "yml", "text", "stdout"};
  if (!path.empty() && std::ranges::find(kSlips, path) == std::end(kSlips)) return {};
  return Fail(Code::kConfigError,
              StrCat("'", path, "' is hardly meant as the name of a file; write weir.yaml, or ./",
                     path, " if it is"));
}

Result<void> WriteNew(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr && errno == EEXIST) {
    return Fail(Code::kConfigError, StrCat(path,
                                           " is there already and stays as it is; give another "
                                           "name, or move it away first"));
  }
  bool ok = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int error = errno;
  if (file != nullptr && std::fclose(file) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (ok) return {};
  return Fail(Code::kIoError, StrCat("cannot write ", path), std::strerror(error));
}

void AddConfigImport(CLI::App& config, Session& session) {
  auto flags = std::make_shared<ImportFlags>();  // shared by the callbacks below
  CLI::App& command =
      AddCommand(config, "import", "Turn another system's configuration or agent into ours");
  std::vector<std::string> words;
  for (const auto& [word, kind] : kWords) words.emplace_back(word);
  TextFlag(command, "format", flags->format, "whose configuration it is")
      .Required()
      .OneOf(std::move(words));
  TextFlag(command, "file", flags->file, "the file, or the folder of an agent; - is stdin")
      .Required()
      .Shows("FILE");
  TextFlag(command, "-o,--output", flags->output, "where to, a new file; default: stdout")
      .Shows("FILE");
  SetRun(command, session, [flags, &session] {
    const Result<void> done = Import(session, *flags);
    if (done) return kExitOk;
    session.terminal.Problem(done.error());
    return ExitCode(done.error());
  });
}

}  // namespace weir::cli
