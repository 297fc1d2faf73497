#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/file_loader.h"
#include "weir/schema/generate.h"
#include "weir/schema/schema.h"
#include "weir/schema/subset.h"

namespace weir::cli {
namespace {

using json::Writer;
using schema::Draft;
using schema::Schema;
using schema::Violation;

// What every subcommand is told about its schema.
struct SchemaFlags {
  std::string schema_file;
  std::string draft = "2020-12";
  std::vector<std::string> maps;
  bool formats = false;
  std::string output = "text";

  bool as_json() const { return output == "json"; }
};

std::optional<Draft> DraftByName(std::string_view name) {
  if (name == "2020-12") return Draft::k2020;
  if (name == "2019-09") return Draft::k2019;
  if (name == "7") return Draft::k7;
  return std::nullopt;
}

void AddSchemaFlags(CLI::App& command, SchemaFlags& flags) {
  TextFlag(command, "--schema", flags.schema_file, "file of the schema");
  TextFlag(command, "--draft", flags.draft,
           "draft of a schema without \"$schema\": 2020-12 (default), 2019-09 "
           "or 7")
      .OneOf({"2020-12", "2019-09", "7"});
  ListFlag(command, "--map", flags.maps,
           "URL=DIR: where documents are that the schema refers to; may be repeated");
  SwitchFlag(command, "--formats", flags.formats, "check \"format\", not only note it");
  TextFlag(command, "-o,--output", flags.output, "text or json").OneOf({"text", "json"});
}

Result<schema::CompileOptions> OptionsOf(const SchemaFlags& flags) {
  schema::CompileOptions options;
  options.default_draft = DraftByName(flags.draft).value_or(Draft::k2020);
  options.assert_formats = flags.formats;
  std::vector<schema::UriFolder> folders;
  for (const std::string& map : flags.maps) {
    WEIR_TRY(schema::UriFolder folder, schema::ParseUriFolder(map));
    folders.push_back(std::move(folder));
  }
  if (!folders.empty()) options.loader = schema::FolderLoader(std::move(folders));
  return options;
}

Result<Schema> LoadSchema(const Session& session, const SchemaFlags& flags,
                          const schema::CompileOptions& options) {
  WEIR_TRY(const std::string text,
           ReadDocument(session, flags.schema_file, limits::kConfigFileBytes));
  const auto with_name = [&](Error error) {
    error.message = StrCat(flags.schema_file, ": ", error.message);
    return Fail(std::move(error));
  };
  Result<json::Value> value = json::Read(text);
  if (!value) return with_name(value.error());
  Result<Schema> compiled = Schema::Compile(*std::move(value), options);
  if (!compiled) return with_name(compiled.error());
  return compiled;
}

// A schema, a map or a file that is not right: the work cannot begin.
int Refuse(Session& session, const SchemaFlags& flags, const Error& error) {
  if (flags.as_json()) session.terminal.Out(ErrorJson(error));
  session.terminal.Problem(error);
  return kExitConfig;
}

// weir schema check

constexpr std::size_t kMostCounted = 10'000;  // violations of one document

struct CheckFlags {
  SchemaFlags schema;
  std::string instance{kStdin};
  bool lines = false;
  std::optional<std::uint64_t> max_errors;
  std::optional<std::uint64_t> max_bytes;

  std::size_t shown() const { return max_errors.value_or(schema::CheckOptions().max_violations); }
  // More are counted than are told, so that it can be said how many there are.
  std::size_t counted() const {
    const std::size_t above = shown() + 1;  // 0 when there is no number above
    return std::max({shown(), above, kMostCounted});
  }
  schema::CheckOptions check_options() const { return {.max_violations = counted()}; }
};

std::size_t Told(const CheckFlags& flags, const std::vector<Violation>& violations) {
  return std::min(flags.shown(), violations.size());
}

// {"valid":true}, or {"valid":false,"errors":[...]}, with "error_count" when not all are told.
void WriteVerdict(Writer& out, const CheckFlags& flags, const std::vector<Violation>& violations) {
  out.BeginObject();
  out.Key("valid");
  out.Bool(violations.empty());
  if (!violations.empty()) {
    out.Key("errors");
    out.BeginArray();
    for (const Violation& violation : std::span(violations).first(Told(flags, violations))) {
      out.BeginObject();
      out.Field("instance_path", violation.instance_path);
      out.Field("schema_path", violation.schema_path);
      out.Field("keyword", violation.keyword);
      out.Field("message", violation.message);
      out.EndObject();
    }
    out.EndArray();
    if (violations.size() > Told(flags, violations)) {
      out.Key("error_count");
      out.Uint(violations.size());
    }
  }
  out.EndObject();
}

void SayViolations(const Terminal& terminal, const CheckFlags& flags,
                   const std::vector<Violation>& violations) {
  const std::size_t told = Told(flags, violations);
  for (const Violation& violation : std::span(violations).first(told)) {
    terminal.Note(violation.message);
  }
  if (violations.size() == told) return;
  terminal.Note(StrCat("and ", violations.size() == flags.counted() ? "at least " : "",
                       violations.size() - told, " more; --max-errors tells more of them"));
}

int CheckOne(const CheckFlags& flags, Session& session, const Schema& schema) {
  const std::size_t max_bytes = flags.max_bytes.value_or(limits::kReplyBodyBytes);
  const auto refuse = [&](const Error& error) {
    Refuse(session, flags.schema, error);
    return ExitCode(error);
  };
  const Result<std::string> text = ReadDocument(session, flags.instance, max_bytes);
  if (!text) return refuse(text.error());
  const Result<json::Value> instance = json::Read(*text, {.max_bytes = max_bytes});
  if (!instance) return refuse(instance.error());

  const std::vector<Violation> violations = schema.Check(*instance, flags.check_options());
  if (flags.schema.as_json()) {
    std::string out;
    Writer writer(out);
    WriteVerdict(writer, flags, violations);
    session.terminal.Out(out + "\n");
  }
  SayViolations(session.terminal, flags, violations);
  return violations.empty() ? kExitOk : kExitFailed;
}

// The schemas of rows. One that is equal to that of the row before is not compiled again.
class RowSchemas {
 public:
  explicit RowSchemas(schema::CompileOptions options)
      : options_(std::move(options)), default_draft_(options_.default_draft) {}

  Result<Schema> For(const json::Value& row) {
    options_.default_draft = default_draft_;
    if (const json::View draft = row.Find("draft"); draft.exists()) {
      const std::optional<Draft> named = DraftByName(draft.StringOr(""));
      if (!named) {
        return Fail(
            Code::kInvalidRequest,
            StrCat("the draft ", Write(draft), " is none of \"2020-12\", \"2019-09\", ", "\"7\""));
      }
      options_.default_draft = *named;
    }
    const json::View source = row.Find("schema");
    if (!source.exists()) return Fail(Code::kInvalidRequest, "the row has no \"schema\"");
    if (!last_ || last_draft_ != options_.default_draft || json::View(last_source_) != source) {
      last_source_ = row.Share(source);
      last_draft_ = options_.default_draft;
      last_ = Schema::Compile(last_source_, options_);
    }
    return *last_;
  }

 private:
  schema::CompileOptions options_;
  const Draft default_draft_;
  json::Value last_source_;
  Draft last_draft_ = {};
  std::optional<Result<Schema>> last_;
};

// What a row asks: its instance, and the schema it names or the one of all rows.
struct Question {
  json::Value row;
  json::View instance;
  Schema schema;
};

Result<Question> QuestionOf(const Result<std::string_view>& line,
                            const std::optional<Schema>& of_all_rows, RowSchemas& schemas) {
  WEIR_TRY(const std::string_view text, line);
  WEIR_TRY(json::Value row, json::Read(text, {.max_bytes = text.size()}));
  if (of_all_rows) return Question{row, row, *of_all_rows};
  const json::View instance = row.Find("instance");
  if (!instance.exists()) return Fail(Code::kInvalidRequest, "the row has no \"instance\"");
  WEIR_TRY(Schema schema, schemas.For(row));
  return Question{std::move(row), instance, std::move(schema)};
}

int CheckLines(const CheckFlags& flags, Session& session, const std::optional<Schema>& of_all_rows,
               const schema::CompileOptions& options) {
  const LineInput input{.path = flags.instance,
                        .max_bytes = flags.max_bytes.value_or(limits::kStdinBytes)};
  RowSchemas schemas(options);
  return AnswerLines(session, input, [&](const auto& line, std::string& out) {
    Writer writer(out);
    const Result<Question> question = QuestionOf(line, of_all_rows, schemas);
    if (!question) {
      writer.BeginObject();
      writer.Field("error", question.error().message);
      writer.EndObject();
      return RowOutcome::kFailed;
    }
    std::vector<Violation> violations;
    if (!question->schema.Accepts(question->instance)) {
      violations = question->schema.Check(question->instance, flags.check_options());
    }
    WriteVerdict(writer, flags, violations);
    return violations.empty() ? RowOutcome::kOk : RowOutcome::kFailed;
  });
}

int Check(const CheckFlags& flags, Session& session) {
  if (flags.shown() == 0) {
    return Refuse(session, flags.schema,
                  Error{.code = Code::kConfigError,
                        .message = "--max-errors must be at least 1: what is wrong is told"});
  }
  const Result<schema::CompileOptions> options = OptionsOf(flags.schema);
  if (!options) return Refuse(session, flags.schema, options.error());
  std::optional<Schema> schema;
  if (!flags.schema.schema_file.empty()) {
    Result<Schema> loaded = LoadSchema(session, flags.schema, *options);
    if (!loaded) return Refuse(session, flags.schema, loaded.error());
    schema = *std::move(loaded);
  }
  if (flags.lines) return CheckLines(flags, session, schema, *options);
  if (schema) return CheckOne(flags, session, *schema);
  return Refuse(session, flags.schema,
                Error{.code = Code::kConfigError,
                      .message = "no schema is given; name its file with --schema, or with "
                                 "--lines give one in every row"});
}

void AddCheck(CLI::App& parent, Session& session) {
  auto flags = std::make_shared<CheckFlags>();  // shared by what the command keeps
  CLI::App& command =
      AddCommand(parent, "check", "Say whether a document obeys a schema, and all that does not");
  AddSchemaFlags(command, flags->schema);
  TextFlag(command, "instance", flags->instance, "the document; without one, or with -, stdin");
  SwitchFlag(command, "--lines", flags->lines,
             "many: one JSON row each line, {\"schema\", \"instance\", \"draft\"}, or with "
             "--schema the instances themselves");
  NumberFlag(command, "--max-errors", flags->max_errors, "errors to tell (default 64)");
  NumberFlag(command, "--max-bytes", flags->max_bytes,
             "longest document (default 256 MiB); with --lines, longest line (default 64 MiB)");
  SetRun(command, session, [flags, &session] { return Check(*flags, session); });
}

// weir schema generate

struct GenerateFlags {
  SchemaFlags schema;
  std::optional<std::uint64_t> count;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint64_t> max_depth;
  std::optional<std::uint64_t> max_bytes;
  std::optional<double> optional;
  bool lines = false;

  schema::GenerateOptions options() const {
    schema::GenerateOptions out;
    out.max_depth = max_depth.value_or(out.max_depth);
    out.max_bytes = max_bytes.value_or(out.max_bytes);
    out.optional_properties = optional.value_or(out.optional_properties);
    return out;
  }
};

int GenerateMany(const GenerateFlags& flags, Session& session, const Schema& schema) {
  constexpr std::size_t kChunk = 64 * 1024;
  schema::Generator generator(schema, flags.options());
  Random random(flags.seed.value_or(0));
  std::string out;
  for (std::uint64_t left = flags.count.value_or(1); left > 0; --left) {
    const Result<json::Value> value = generator.Next(random);
    if (!value) {
      session.terminal.Out(out);
      Refuse(session, flags.schema, value.error());
      return ExitCode(value.error());
    }
    Writer writer(out);
    writer.Value(*value);
    out += '\n';
    if (out.size() < kChunk && left > 1) continue;
    session.terminal.Out(out);
    if (session.terminal.out_error()) break;
    out.clear();
  }
  return kExitOk;
}

Result<json::Value> GenerateForRow(const Result<std::string_view>& line, const GenerateFlags& flags,
                                   const std::optional<Schema>& of_all_rows, RowSchemas& schemas,
                                   Random& random) {
  WEIR_TRY(const std::string_view text, line);
  WEIR_TRY(const json::Value row, json::Read(text, {.max_bytes = text.size()}));
  if (const json::View seed = row.Find("seed"); seed.exists()) {
    const std::optional<std::uint64_t> number = seed.AsUint64();
    if (!number) {
      return Fail(Code::kInvalidRequest, StrCat("the seed ", Write(seed),
                                                " is no integer from 0 to 18446744073709551615"));
    }
    random = Random(*number);
  }
  if (of_all_rows) return schema::Generate(*of_all_rows, random, flags.options());
  WEIR_TRY(const Schema schema, schemas.For(row));
  return schema::Generate(schema, random, flags.options());
}

int GenerateLines(const GenerateFlags& flags, Session& session,
                  const std::optional<Schema>& of_all_rows, const schema::CompileOptions& options) {
  RowSchemas schemas(options);
  Random random(flags.seed.value_or(0));
  return AnswerLines(session, LineInput(), [&](const auto& line, std::string& out) {
    Writer writer(out);
    const Result<json::Value> value = GenerateForRow(line, flags, of_all_rows, schemas, random);
    writer.BeginObject();
    if (value) {
      writer.Field("value", *value);
    } else {
      writer.Field("error", value.error().message);
    }
    writer.EndObject();
    return value ? RowOutcome::kOk : RowOutcome::kFailed;
  });
}

int Generate(const GenerateFlags& flags, Session& session) {
  const auto refuse = [&](std::string sentence) {
    return Refuse(session, flags.schema,
                  Error{.code = Code::kConfigError, .message = std::move(sentence)});
  };
  const Result<schema::CompileOptions> options = OptionsOf(flags.schema);
  if (!options) return Refuse(session, flags.schema, options.error());
  if (flags.optional && (*flags.optional < 0 || *flags.optional > 1)) {
    return refuse("--optional is a probability; give a number from 0 to 1");
  }
  if (flags.lines && flags.count) {
    return refuse(
        "--count and --lines exclude each other; with --lines give one row for each "
        "document");
  }
  std::optional<Schema> schema;
  if (!flags.schema.schema_file.empty()) {
    Result<Schema> loaded = LoadSchema(session, flags.schema, *options);
    if (!loaded) return Refuse(session, flags.schema, loaded.error());
    schema = *std::move(loaded);
  }
  if (flags.lines) return GenerateLines(flags, session, schema, *options);
  if (schema) return GenerateMany(flags, session, *schema);
  return refuse(
      "no schema is given; name its file with --schema (- is stdin), or with --lines give one in "
      "every row");
}

void AddGenerate(CLI::App& parent, Session& session) {
  auto flags = std::make_shared<GenerateFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(parent, "generate", "Make random documents that obey a schema");
  AddSchemaFlags(command, flags->schema);
  NumberFlag(command, "--count", flags->count, "documents to make, one per line (default 1)");
  NumberFlag(command, "--seed", flags->seed,
             "the same seed gives the same documents, another gives others (default 0)");
  NumberFlag(command, "--optional", flags->optional,
             "probability that a property that may be absent is there (default 0.5)");
  NumberFlag(command, "--max-depth", flags->max_depth,
             "nesting, where the schema leaves a choice (default 6)");
  NumberFlag(command, "--max-bytes", flags->max_bytes, "longest document (default 64 KiB)");
  SwitchFlag(command, "--lines", flags->lines,
             "many schemas: one JSON row each line of stdin, {\"schema\", \"draft\", "
             "\"seed\"}, or with --schema only the seeds");
  SetRun(command, session, [flags, &session] { return Generate(*flags, session); });
}

// weir schema explain

struct ExplainFlags {
  SchemaFlags schema;
  std::string decoder;
};

void WriteFindings(Writer& out, schema::Decoder decoder,
                   const std::vector<schema::Finding>& findings) {
  out.BeginObject();
  out.Field("decoder", schema::DecoderName(decoder));
  out.Field("checked_against", schema::CheckedAgainst(decoder));
  out.Key("findings");
  out.BeginArray();
  for (const schema::Finding& finding : findings) {
    out.BeginObject();
    out.Field("pointer", finding.pointer);
    out.Field("keyword", finding.keyword);
    out.Field("verdict", schema::VerdictName(finding.verdict));
    out.Key("certain");
    out.Bool(finding.certain);
    out.Field("message", finding.message);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

int Explain(const ExplainFlags& flags, Session& session) {
  const Result<schema::CompileOptions> options = OptionsOf(flags.schema);
  if (!options) return Refuse(session, flags.schema, options.error());
  const Result<Schema> loaded = LoadSchema(session, flags.schema, *options);
  if (!loaded) return Refuse(session, flags.schema, loaded.error());

  std::string text;
  std::string document;
  Writer writer(document);
  writer.BeginArray();
  for (const schema::Decoder decoder : schema::kDecoders) {
    if (!flags.decoder.empty() && schema::DecoderName(decoder) != flags.decoder) continue;
    const std::vector<schema::Finding> findings = schema::Explain(loaded->source(), decoder);
    WriteFindings(writer, decoder, findings);
    if (findings.empty())
      StrAppend(text, schema::DecoderName(decoder),
                ": nothing in it is known to be ignored or refused\n");
    for (const schema::Finding& finding : findings) StrAppend(text, finding.message, "\n");
  }
  writer.EndArray();
  session.terminal.Out(flags.schema.as_json() ? document + "\n" : text);
  return kExitOk;
}

void AddExplain(CLI::App& parent, Session& session) {
  auto flags = std::make_shared<ExplainFlags>();  // shared by what the command keeps
  flags->schema.schema_file = kStdin;
  CLI::App& command = AddCommand(
      parent, "explain", "Say which keywords of a schema constrained decoders ignore or refuse");
  AddSchemaFlags(command, flags->schema);
  TextFlag(command, "file", flags->schema.schema_file,
           "file of the schema, as with --schema; without one, or with -, stdin");
  std::vector<std::string> names;
  for (const schema::Decoder decoder : schema::kDecoders) {
    names.emplace_back(schema::DecoderName(decoder));
  }
  TextFlag(command, "--decoder", flags->decoder, "only this one: " + Join(names, ", "))
      .OneOf(names);
  SetRun(command, session, [flags, &session] { return Explain(*flags, session); });
}

}  // namespace

void AddSchemaCommand(CLI::App& app, Session& session) {
  CLI::App& schema = AddCommand(app, "schema", "Check and make documents by a JSON Schema");
  RequireCommand(schema);
  AddCheck(schema, session);
  AddGenerate(schema, session);
  AddExplain(schema, session);
}

}  // namespace weir::cli
