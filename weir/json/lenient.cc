#include "weir/json/lenient.h"

#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/lenient_values.h"
#include "weir/json/reader.h"
#include "weir/json/syntax_error.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

constexpr std::array<std::string_view, kRepairKinds> kNames = {
    "missing_comma",
    "extra_comma",
    "missing_colon",
    "extra_colon",
    "missing_opener",
    "extra_opener",
    "missing_closer",
    "extra_closer",
    "wrong_closer",
    "missing_value",
    "missing_quote",
    "unescaped_quote",
    "single_quotes",
    "smart_quotes",
    "backtick_quotes",
    "triple_quotes",
    "doubled_quotes",
    "escaped_quotes",
    "unquoted_key",
    "unquoted_string",
    "constant",
    "number",
    "control_character",
    "invalid_escape",
    "invalid_unicode",
    "line_break_at_end",
    "concatenation",
    "comment",
    "ellipsis",
    "call",
    "parentheses",
    "set",
    "special_space",
    "stray_text",
    "fence",
    "reasoning",
    "text_before",
    "text_after",
    "several_documents",
    "cut_off",
};

Result<void> CheckSize(std::string_view text, const LenientOptions& options) {
  if (text.size() <= options.max_bytes) return {};
  return Fail(Code::kInvalidJson,
              StrCat("the JSON text has ", text.size(), " bytes, more than the limit of ",
                     options.max_bytes, "; raise max_bytes if it should be read"));
}

std::unexpected<Error> Refused(std::string_view text, std::size_t offset, std::string_view why) {
  return Fail(Code::kInvalidJson,
              StrCat("cannot mend this as JSON at ", Place(text, offset), ": ", why));
}

Result<Value> ReadStrictly(std::string_view text, const LenientOptions& options) {
  return Read(text, {.max_depth = options.max_depth, .max_bytes = options.max_bytes});
}

}  // namespace

std::string_view RepairName(RepairKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Result<Mended> ReadLenient(std::string_view text, const LenientOptions& options) {
  if (options.strictness == Strictness::kStrict) {
    WEIR_TRY(Value value, ReadStrictly(text, options));
    return Mended{.value = std::move(value), .report = {}};
  }
  WEIR_CHECK(CheckSize(text, options));
  Mended mended;
  Builder builder(text.size());
  const std::string_view source = builder.AdoptSource(text);
  builder.BeginArray();
  internal::LenientMachine<Builder> machine(source, options, mended.report, builder);
  const std::size_t documents = machine.Run();
  if (documents == 0) return Refused(source, machine.offset(), machine.error());
  builder.EndArray();
  Value all = std::move(builder).Finish();
  mended.value = documents == 1 ? all.Share(all[0]) : std::move(all);
  return mended;
}

Result<RepairReport> RepairText(std::string_view text, std::string& out,
                                const LenientOptions& options) {
  const std::size_t before = out.size();
  if (options.strictness == Strictness::kStrict) {
    WEIR_TRY(Value value, ReadStrictly(text, options));
    Writer(out).Value(value);
    return RepairReport();
  }
  WEIR_CHECK(CheckSize(text, options));
  RepairReport report;
  out.reserve(before + text.size() + 16);
  Writer writer(out);
  writer.BeginArray();
  internal::LenientMachine<Writer> machine(text, options, report, writer);
  const std::size_t documents = machine.Run();
  if (documents == 0) {
    // Should the text be a part of `out`, it is still whole here.
    const auto refused = Refused(text, machine.offset(), machine.error());
    out.resize(before);
    return refused;
  }
  writer.EndArray();
  if (documents == 1) {
    out.pop_back();
    out.erase(before, 1);
  }
  return report;
}

}  // namespace weir::json
