#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/syntax_error.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using json::Repair;
using json::RepairReport;
using json::Writer;

constexpr std::size_t kShownRepairs = 20;  // on stderr; -o json has all that are kept
constexpr std::uint64_t kMostIndent = 16;

struct JsonFlags {
  std::string file{kStdin};
  bool lines = false;
  std::string output = "text";
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> max_depth;
  // Of repair alone.
  std::string strictness = "mend";
  std::optional<std::uint64_t> indent;

  bool as_json() const { return output == "json"; }
  std::size_t depth() const { return max_depth.value_or(limits::kJsonDepth); }
  std::size_t document_bytes() const { return max_bytes.value_or(limits::kReplyBodyBytes); }
  LineInput line_input() const {
    return {.path = file, .max_bytes = max_bytes.value_or(limits::kStdinBytes)};
  }
};

int Refuse(Session& session, const JsonFlags& flags, const Error& error) {
  if (flags.as_json()) session.terminal.Out(ErrorJson(error));
  return Refuse(session, error);
}

json::LenientOptions LenientOf(const JsonFlags& flags, std::size_t max_bytes) {
  json::LenientOptions options;
  options.strictness = flags.strictness == "strict" ? json::Strictness::kStrict
                       : flags.strictness == "mend" ? json::Strictness::kMend
                                                    : json::Strictness::kSalvage;
  options.max_depth = flags.depth();
  options.max_bytes = max_bytes;
  return options;
}

std::vector<Repair> InOrderOfPlace(const RepairReport& report) {
  std::vector<Repair> repairs = report.repairs;
  std::ranges::sort(repairs, {}, [](const Repair& r) { return std::pair(r.offset, r.kind); });
  return repairs;
}

// The members "repairs", "repair_count" and "complete".
void WriteReport(Writer& out, std::string_view text, const RepairReport& report) {
  PlaceFinder places(text);
  out.Key("repairs");
  out.BeginArray();
  for (const Repair& repair : InOrderOfPlace(report)) {
    out.BeginObject();
    out.Field("kind", RepairName(repair.kind));
    WritePlace(out, repair.offset, places.Find(repair.offset));
    out.EndObject();
  }
  out.EndArray();
  if (report.count > report.repairs.size()) {
    out.Key("repair_count");
    out.Uint(report.count);
  }
  out.Key("complete");
  out.Bool(report.complete);
}

void SayRepairs(const Terminal& terminal, std::string_view text, const RepairReport& report) {
  if (report.count == 0) return;
  terminal.Note(StrCat("mended ", report.count, report.count == 1 ? " place:" : " places:"));
  PlaceFinder places(text);
  std::size_t shown = 0;
  for (const Repair& repair : InOrderOfPlace(report)) {
    if (shown == kShownRepairs) break;
    ++shown;
    std::string kind(RepairName(repair.kind));
    std::ranges::replace(kind, '_', ' ');
    const LineColumn place = places.Find(repair.offset);
    terminal.Note(StrCat("  line ", place.line, " column ", place.column, ": ", kind));
  }
  if (report.count > shown) {
    terminal.Note(StrCat("  and ", report.count - shown, " more; -o json lists them"));
  }
  if (!report.complete) {
    terminal.Warn("the document was cut off: what was open is closed, what is missing is missing");
  }
}

int RepairDocument(const JsonFlags& flags, Session& session) {
  const std::uint64_t indent = flags.indent.value_or(0);
  if (indent > kMostIndent) {
    const Error error{
        .code = Code::kConfigError,
        .message = StrCat("--indent must be in [0, ", kMostIndent, "], got ", indent)};
    return Refuse(session, flags, error);
  }
  const json::WriteOptions form{.indent = static_cast<int>(indent)};
  const Result<std::string> text = ReadDocument(session, flags.file, flags.document_bytes());
  if (!text) return Refuse(session, flags, text.error());
  const json::LenientOptions options = LenientOf(flags, flags.document_bytes());
  std::string out;
  RepairReport report;
  if (!flags.as_json() && form.indent == 0) {
    Result<RepairReport> repaired = json::RepairText(*text, out, options);
    if (!repaired) return Refuse(session, flags, repaired.error());
    report = *std::move(repaired);
  } else {
    Result<json::Mended> mended = json::ReadLenient(*text, options);
    if (!mended) return Refuse(session, flags, mended.error());
    report = std::move(mended->report);
    Writer writer(out, form);
    if (flags.as_json()) {
      writer.BeginObject();
      writer.Field("value", json::View(mended->value));
      WriteReport(writer, *text, report);
      writer.EndObject();
    } else {
      writer.Value(mended->value);
    }
  }
  out += '\n';
  session.terminal.Out(out);
  SayRepairs(session.terminal, *text, report);
  return kExitOk;
}

// {"ok":true,"value":...}, and "complete":false when the text was cut; with -o json the report too.
RowOutcome RepairRow(const JsonFlags& flags, const json::LenientOptions& options,
                     const Result<std::string_view>& line, RepairReport& total, std::string& out) {
  const auto refuse = [&](const Error& error) {
    Writer writer(out);
    writer.BeginObject();
    writer.Key("ok");
    writer.Bool(false);
    writer.Field("error", error.message);
    writer.EndObject();
    return RowOutcome::kFailed;
  };
  if (!line) return refuse(line.error());
  const Result<std::string> text = TextOfRow(*line);
  if (!text) return refuse(text.error());
  const std::size_t before = out.size();
  out += R"({"ok":true,"value":)";
  const Result<RepairReport> report = json::RepairText(*text, out, options);
  if (!report) {
    out.resize(before);
    return refuse(report.error());
  }
  total.count += report->count;
  if (flags.as_json()) {
    std::string more;
    Writer writer(more);
    writer.BeginObject();
    WriteReport(writer, *text, *report);
    writer.EndObject();
    out += ',';
    out.append(more, 1);
  } else {
    out += report->complete ? "}" : R"(,"complete":false})";
  }
  return RowOutcome::kOk;
}

int RepairLines(const JsonFlags& flags, Session& session) {
  const LineInput input = flags.line_input();
  const json::LenientOptions options = LenientOf(flags, input.max_bytes);
  RepairReport total;
  const int code = AnswerLines(session, input, [&](const auto& line, std::string& out) {
    return RepairRow(flags, options, line, total, out);
  });
  if (total.count > 0) session.terminal.Note(StrCat("places mended in all: ", total.count));
  return code;
}

// The members that tell what is wrong.
void WriteWrong(Writer& out, std::string_view text, const Error& error, std::size_t depth) {
  out.Field("error", error.message);
  if (const auto wrong = json::FindSyntaxError(text, std::min(depth, json::kDeepest))) {
    WritePlace(out, wrong->offset, PlaceFinder(text).Find(wrong->offset));
  }
}

json::ReadOptions ReadOf(const JsonFlags& flags, std::size_t max_bytes) {
  return {.max_depth = flags.depth(), .max_bytes = max_bytes};
}

int CheckDocument(const JsonFlags& flags, Session& session) {
  const Result<std::string> text = ReadDocument(session, flags.file, flags.document_bytes());
  if (!text) return Refuse(session, flags, text.error());
  const Result<json::Value> value = json::Read(*text, ReadOf(flags, flags.document_bytes()));
  if (flags.as_json()) {
    std::string out;
    Writer writer(out);
    writer.BeginObject();
    writer.Key("valid");
    writer.Bool(value.has_value());
    if (!value) WriteWrong(writer, *text, value.error(), flags.depth());
    writer.EndObject();
    session.terminal.Out(out + "\n");
  }
  if (value) return kExitOk;
  session.terminal.Problem(value.error());
  if (const auto wrong = json::FindSyntaxError(*text, std::min(flags.depth(), json::kDeepest))) {
    session.terminal.Raw(Excerpt(*text, wrong->offset));
  }
  return ExitCode(value.error());
}

// {"valid":true}, {"valid":false,"error":...,"offset":...}, or {"error":...} for what is no row.
RowOutcome CheckRow(const JsonFlags& flags, const Result<std::string_view>& line,
                    std::string& out) {
  Writer writer(out);
  writer.BeginObject();
  const Result<std::string> text = line ? TextOfRow(*line) : Fail(line.error());
  RowOutcome row = RowOutcome::kFailed;
  if (!text) {
    writer.Field("error", text.error().message);
  } else {
    const Result<json::Value> value = json::Read(*text, ReadOf(flags, text->size()));
    writer.Key("valid");
    writer.Bool(value.has_value());
    if (value) row = RowOutcome::kOk;
    if (!value) WriteWrong(writer, *text, value.error(), flags.depth());
  }
  writer.EndObject();
  return row;
}

int CheckLines(const JsonFlags& flags, Session& session) {
  return AnswerLines(session, flags.line_input(), [&](const auto& line, std::string& out) {
    return CheckRow(flags, line, out);
  });
}

using RunJson = int (*)(const JsonFlags&, Session&);

std::shared_ptr<JsonFlags> AddFlags(CLI::App& command, Session& session, RunJson one,
                                    RunJson lines) {
  auto flags = std::make_shared<JsonFlags>();  // shared by what the command keeps
  TextFlag(command, "file", flags->file, "the document; without one, or with -, stdin");
  SwitchFlag(command, "--lines", flags->lines,
             "many documents: one JSON row each line, {\"text\": ...} or {\"base64\": ...}, "
             "one answer line each");
  TextFlag(command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  NumberFlag(command, "--max-bytes", flags->max_bytes,
             "longest document (default 256 MiB); with --lines, longest line (default 64 MiB)");
  NumberFlag(command, "--max-depth", flags->max_depth,
             "arrays and objects inside each other (default 512)");
  SetRun(command, session,
         [flags, &session, one, lines] { return (flags->lines ? lines : one)(*flags, session); });
  return flags;
}

}  // namespace

void AddJsonCommand(CLI::App& app, Session& session) {
  CLI::App& json = AddCommand(app, "json", "Check JSON texts, or mend what models write");
  RequireCommand(json);

  CLI::App& check = AddCommand(json, "check", "Say whether a text is JSON, and where it is not");
  AddFlags(check, session, CheckDocument, CheckLines);

  CLI::App& repair = AddCommand(json, "repair", "Mend a broken document and say what was mended");
  const auto flags = AddFlags(repair, session, RepairDocument, RepairLines);
  TextFlag(repair, "--strictness", flags->strictness,
           "strict: only JSON; mend (default): refuses a cut document inside "
           "other text; salvage: takes what can be had")
      .OneOf({"strict", "mend", "salvage"});
  NumberFlag(repair, "--indent", flags->indent, "blanks per level; 0 (default): all on one line");
}

}  // namespace weir::cli
