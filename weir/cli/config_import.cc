#include "weir/cli/config_import.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/config/import.h"

namespace weir::cli {
namespace {

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

Result<void> Import(Session& session, const ImportFlags& flags) {
  if (!flags.output.empty()) {
    WEIR_CHECK(CheckNewFile(flags.output));
  }
  WEIR_TRY(const std::string text, ReadDocument(session, flags.file, limits::kConfigFileBytes));
  const std::string name = flags.file == kStdin ? "stdin" : flags.file;
  WEIR_TRY(const config::Imported imported, config::Import(KindOf(flags.format), text, name));
  if (flags.output.empty()) {
    session.terminal.Out(imported.yaml);
    if (session.terminal.out_error()) return Fail(*session.terminal.out_error());
  } else {
    WEIR_CHECK(WriteNew(flags.output, imported.yaml));
  }
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
  CLI::App* command =
      config.add_subcommand("import", "Turn another system's configuration into weir.yaml");
  std::vector<std::string> words;
  for (const auto& [word, kind] : kWords) words.emplace_back(word);
  OneOf(*command->add_option("format", flags->format, "whose configuration it is")->required(),
        std::move(words));
  command->add_option("file", flags->file, "the file; - is stdin")->required()->option_text("FILE");
  command->add_option("-o,--output", flags->output, "where to, a new file; default: stdout")
      ->option_text("FILE");
  command->callback([flags, &session] {
    session.run = [flags, &session] {
      const Result<void> done = Import(session, *flags);
      if (done) return kExitOk;
      session.terminal.Problem(done.error());
      return ExitCode(done.error());
    };
  });
}

}  // namespace weir::cli
