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
  if (!checked) return Fail(ToldOfSource(checked.error(), out, kCheckedAs, job));
  return Imported{.yaml = std::move(out.yaml), .notes = std::move(job.notes)};
}

}  // namespace weir::config
