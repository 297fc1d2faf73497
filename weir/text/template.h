#pragma once

// Prompt templates: a subset of Jinja2 that reads JSON and writes text (docs/templates.md). Nothing
// can be called or changed from inside a template, and a variable that is not there is an error.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::text {

struct TemplateOptions {
  std::size_t max_source_bytes = 1 << 20;
  // Blocks, parentheses and operations inside each other. Never more than kDeepestTemplate,
  // whatever stands here.
  std::size_t max_depth = 100;
  std::size_t max_output_bytes = 16 << 20;  // of the result, and of every text made on the way
  // What one rendering may do: one step for each operation, each item looked at and each 16 bytes
  // read or made. It bounds time and memory, whatever the loops and the variables are.
  std::uint64_t max_steps = 10'000'000;
};

// The parser and the runner recurse; this keeps them inside a thread's stack.
inline constexpr std::size_t kDeepestTemplate = 256;

// What works on a value as it is read, and fails on values of other kinds.
struct KindNeed {
  std::string by;           // "`-`", "`| round`"
  std::uint32_t kinds = 0;  // KindBit()s
  bool sometimes = false;   // a condition decides whether it comes to that

  friend bool operator==(const KindNeed&, const KindNeed&) = default;
};
constexpr std::uint32_t KindBit(json::Kind kind) { return 1U << static_cast<unsigned>(kind); }

// A variable that a template reads, so that what will be missing is known before anything runs.
struct VariableRead {
  // "answer.confidence"; `rows[].name` is a member of each item of a list, `rows[0]` an item,
  // `limits.*` each value of an object, `row["first name"]` a key that is no name.
  std::string path;
  std::size_t line = 1;  // where it is read first
  std::size_t column = 1;
  // Somewhere `is defined` or `default` asks whether it is there, or a `set` may come before it:
  // it may be missing.
  bool optional = false;
  std::vector<KindNeed> needs;  // of all places where it is read, each once

  friend bool operator==(const VariableRead&, const VariableRead&) = default;
};

namespace tmpl {
struct Program;
}

// A compiled template. Copies share what was compiled; it may be rendered from many threads.
class Template {
 public:
  // `name` stands in front of every error: "name:line:column: ...". Fails with kInvalidRequest,
  // naming what is not supported and what to write instead.
  static Result<Template> Compile(std::string_view source, std::string_view name = "template",
                                  const TemplateOptions& options = {});

  // `variables` is an object, or absent for none. Fails with kInvalidRequest: a variable that is
  // not there, an operation on the wrong kind of value, a limit.
  Result<std::string> Render(json::View variables) const;

  // Each path once, in the order of the source.
  const std::vector<VariableRead>& reads() const;

 private:
  explicit Template(std::shared_ptr<const tmpl::Program> program);

  std::shared_ptr<const tmpl::Program> program_;  // shared because it never changes
};

// One expression of the same language without delimiters: `answer.confidence >= 0.7`.
class Expression {
 public:
  static Result<Expression> Compile(std::string_view source, std::string_view name = "expression",
                                    const TemplateOptions& options = {});

  // The value, in a document of its own.
  Result<json::Value> Evaluate(json::View variables) const;
  // Whether the value counts as true: everything does but false, null, 0, "", [] and {}.
  Result<bool> Truth(json::View variables) const;

  const std::vector<VariableRead>& reads() const;

 private:
  explicit Expression(std::shared_ptr<const tmpl::Program> program);

  std::shared_ptr<const tmpl::Program> program_;  // shared because it never changes
};

}  // namespace weir::text
