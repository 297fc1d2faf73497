#include "weir/text/template.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/text/template_parser.h"
#include "weir/text/template_reads.h"
#include "weir/text/template_runner.h"

namespace weir::text {
namespace {

enum class Form : std::uint8_t { kTemplate, kExpression };

Result<std::shared_ptr<const tmpl::Program>> CompileProgram(std::string_view source,
                                                            std::string_view name,
                                                            const TemplateOptions& options,
                                                            Form form) {
  if (source.size() > options.max_source_bytes) {
    return Fail(Code::kInvalidRequest, StrCat(name, ": the text has ", source.size(),
                                              " bytes and the limit is ", options.max_source_bytes,
                                              " (max_source_bytes); pass long parts as variables"));
  }
  auto program = std::make_shared<tmpl::Program>();
  program->source = {.name = std::string(name), .text = std::string(source)};
  program->options = options;
  const bool whole = form == Form::kTemplate;
  WEIR_TRY(auto tokens, whole ? LexTemplate(program->source) : LexExpression(program->source));
  tmpl::Parser parser(*program, std::move(tokens));
  WEIR_CHECK(whole ? parser.ParseTemplate() : parser.ParseExpression());
  program->reads = FindReads(*program);
  return program;
}

Result<void> CheckVariables(const tmpl::Program& program, json::View variables) {
  if (!variables.exists() || variables.IsObject()) return {};
  return Fail(Code::kInvalidRequest,
              StrCat(program.source.name, ": the variables must be an object, not ",
                     tmpl::Kind(variables)));
}

}  // namespace

Template::Template(std::shared_ptr<const tmpl::Program> program) : program_(std::move(program)) {}

Result<Template> Template::Compile(std::string_view source, std::string_view name,
                                   const TemplateOptions& options) {
  WEIR_TRY(auto program, CompileProgram(source, name, options, Form::kTemplate));
  return Template(std::move(program));
}

Result<std::string> Template::Render(json::View variables) const {
  WEIR_CHECK(CheckVariables(*program_, variables));
  return tmpl::Runner(*program_, variables).Render();
}

const std::vector<VariableRead>& Template::reads() const { return program_->reads; }

Expression::Expression(std::shared_ptr<const tmpl::Program> program)
    : program_(std::move(program)) {}

Result<Expression> Expression::Compile(std::string_view source, std::string_view name,
                                       const TemplateOptions& options) {
  WEIR_TRY(auto program, CompileProgram(source, name, options, Form::kExpression));
  return Expression(std::move(program));
}

Result<json::Value> Expression::Evaluate(json::View variables) const {
  WEIR_CHECK(CheckVariables(*program_, variables));
  WEIR_TRY(const tmpl::Datum value, tmpl::Runner(*program_, variables).Evaluate());
  return json::Value::CopyOf(value.view);
}

Result<bool> Expression::Truth(json::View variables) const {
  WEIR_CHECK(CheckVariables(*program_, variables));
  WEIR_TRY(const tmpl::Datum value, tmpl::Runner(*program_, variables).Evaluate());
  return tmpl::IsTrue(value.view);
}

const std::vector<VariableRead>& Expression::reads() const { return program_->reads; }

}  // namespace weir::text
