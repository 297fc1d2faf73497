#include "weir/schema/schema.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/compile_node.h"
#include "weir/schema/compile_registry.h"
#include "weir/schema/compiled.h"
#include "weir/schema/validate.h"
#include "weir/schema/validate_report.h"

namespace weir::schema {
namespace {

Result<std::shared_ptr<const Compiled>> CompileAll(json::Value schema,
                                                   const CompileOptions& options) {
  auto compiled = std::make_shared<Compiled>();
  compiled->max_recursion = options.max_recursion;
  compiled->max_steps = options.max_steps;
  Registry registry(options, *compiled);
  WEIR_TRY(const std::uint32_t root, registry.AddRoot(std::move(schema)));
  NodeCompiler nodes(options, registry, *compiled);
  compiled->root = nodes.NodeOf(root);
  WEIR_CHECK(nodes.Run());
  WEIR_CHECK(RefuseEmptyCycles(*compiled));
  FindShortcuts(*compiled);
  return compiled;
}

std::string_view MetaSchemaOf(Draft draft) {
  switch (draft) {
    case Draft::k7:
      return "http://json-schema.org/draft-07/schema";
    case Draft::k2019:
      return "https://json-schema.org/draft/2019-09/schema";
    case Draft::k2020:
      break;
  }
  return "https://json-schema.org/draft/2020-12/schema";
}

// The meta-schema that a schema names, or that of its draft.
Result<void> CheckMetaSchema(json::View schema, const CompileOptions& options) {
  std::string_view uri = schema.Find("$schema").StringOr(MetaSchemaOf(options.default_draft));
  while (uri.ends_with('#')) uri.remove_suffix(1);
  CompileOptions plain = options;
  plain.check_meta_schema = false;
  plain.assert_formats = false;
  const std::string_view text = MetaSchemaText(uri);
  if (text.empty() && !options.loader) return {};  // the compiler says why this cannot be served
  WEIR_TRY(json::Value document, text.empty() ? options.loader(uri) : json::Read(text));
  WEIR_TRY(const Schema meta_schema, Schema::Compile(std::move(document), plain));
  const std::vector<Violation> found = meta_schema.Check(schema, {.max_violations = 1});
  if (found.empty()) return {};
  return Fail(Code::kInvalidSchema,
              StrCat("the schema breaks its meta-schema ", uri, ": ", found.front().message));
}

}  // namespace

Result<Schema> Schema::Compile(json::View schema, const CompileOptions& options) {
  if (!schema.exists()) return Fail(Code::kInvalidSchema, "there is no schema to compile");
  return Compile(json::Value::CopyOf(schema), options);
}

Result<Schema> Schema::Compile(json::Value schema, const CompileOptions& options) {
  if (options.check_meta_schema) {
    WEIR_CHECK(CheckMetaSchema(schema, options));
  }
  WEIR_TRY(std::shared_ptr<const Compiled> compiled, CompileAll(std::move(schema), options));
  return Schema(std::move(compiled));
}

bool Schema::Accepts(json::View instance) const {
  Evaluator evaluator(*compiled_);
  return instance.exists() && evaluator.Accepts(compiled_->root, instance) &&
         !evaluator.exhausted();
}

Result<void> Schema::Validate(json::View instance) const {
  if (Accepts(instance)) return {};
  const std::vector<Violation> found = ReportViolations(*compiled_, instance, 1);
  return Fail(Code::kSchemaMismatch, found.front().message);
}

std::vector<Violation> Schema::Check(json::View instance, const CheckOptions& options) const {
  if (Accepts(instance)) return {};
  return ReportViolations(*compiled_, instance, std::max<std::size_t>(options.max_violations, 1));
}

json::View Schema::source() const { return compiled_->documents.front(); }

Draft Schema::draft() const {
  return compiled_->resources[compiled_->nodes[compiled_->root].resource].draft;
}

}  // namespace weir::schema
