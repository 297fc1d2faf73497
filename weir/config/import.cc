#include "weir/config/import.h"

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/config/config.h"
#include "weir/config/import_source.h"

namespace weir::config {
namespace {

constexpr std::string_view kCheckedAs = "weir.yaml";

Result<void> Read(ImportKind kind, std::string_view text, ImportJob& job) {
  switch (kind) {
    case ImportKind::kSections:
      return ImportSections(text, job);
    case ImportKind::kEngines:
      return ImportEngines(text, job);
    case ImportKind::kVariables:
      return ImportVariables(text, job);
    case ImportKind::kSettings:
      return ImportSettings(text, job);
    case ImportKind::kProviders:
      return ImportProviders(text, job);
  }
  return {};
}

std::vector<std::string> HeadOf(const ImportJob& job) {
  std::vector<std::string> head = {StrCat("Made by `weir config import` from ", job.file, ".")};
  if (!job.notes.empty()) head.emplace_back("Not carried, or not as it was:");
  for (const std::string& note : job.notes) head.push_back(StrCat("  ", note));
  return head;
}

// An objection to our text, told about the line that it was made of.
Error ToldOfSource(Error error, const Draft::Text& text, const ImportJob& job) {
  std::string_view rest = error.message;
  if (!rest.starts_with(kCheckedAs)) return error;
  rest.remove_prefix(kCheckedAs.size());
  const std::vector<std::string_view> parts = Split(rest, ':');  // "", line, column, ...
  const std::optional<std::uint64_t> line = parts.size() > 3 ? ParseUint(parts[1]) : std::nullopt;
  if (!line || *line == 0 || *line > text.lines.size()) return error;
  const ImportOrigin& origin = text.lines[*line - 1];
  const std::string_view what = Trim(rest.substr(parts[1].size() + parts[2].size() + 3));
  const bool named = origin.name.empty() || what.starts_with(origin.name);
  return job.Wrong(origin.mark, StrCat(Truncate(origin.name, 80), named ? "" : " does not fit: ",
                                       named ? what.substr(origin.name.size()) : what));
}

}  // namespace

Result<Imported> Import(ImportKind kind, std::string_view text, std::string_view file_name) {
  ImportJob job{.file = std::string(file_name), .draft = {}, .notes = {}};
  if (text.size() > limits::kConfigFileBytes) {
    return Fail(job.Wrong({}, StrCat("the file has ", text.size(), " bytes, and may have ",
                                     limits::kConfigFileBytes, "; is it a configuration?")));
  }
  WEIR_CHECK(Read(kind, text, job));
  Draft::Text out = job.draft.Write(HeadOf(job));
  const Result<Config> checked = Parse(out.yaml, kCheckedAs, {});
  if (!checked) return Fail(ToldOfSource(checked.error(), out, job));
  return Imported{.yaml = std::move(out.yaml), .notes = std::move(job.notes)};
}

}  // namespace weir::config
