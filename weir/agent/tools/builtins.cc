#include "weir/agent/tools/builtins.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "weir/agent/tools/builtin_call.h"
#include "weir/agent/tools/builtin_command.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::agent {
namespace {

// In short words: small models read them.
constexpr std::array kBuiltins = {
    Builtin{"read_file", "Reads a text file. Give first_line and last_line to read a part of it.",
            R"({"type": "object", "required": ["path"], "additionalProperties": false,
"properties": {
  "path": {"type": "string", "description": "The file, such as src/a.py"},
  "first_line": {"type": "integer", "minimum": 1, "description": "Lines count from 1."},
  "last_line": {"type": "integer", "minimum": 1}}})",
            false},
    Builtin{"write_file",
            "Writes a whole file. Makes it if it is not there, replaces all of it if it is.",
            R"({"type": "object", "required": ["path", "text"], "additionalProperties": false,
"properties": {
  "path": {"type": "string", "description": "The file, such as src/a.py"},
  "text": {"type": "string", "description": "All of its new text."}}})",
            true},
    Builtin{"edit_file",
            "Replaces a piece of text in a file. Read the file first, and copy `old` from it "
            "exactly, blanks included.",
            R"({"type": "object", "required": ["path", "old", "new"],
"additionalProperties": false,
"properties": {
  "path": {"type": "string", "description": "The file, such as src/a.py"},
  "old": {"type": "string", "description": "Text that is in the file exactly once."},
  "new": {"type": "string", "description": "What stands there instead; may be empty."},
  "all": {"type": "boolean", "description": "true: replaces it everywhere in the file."}}})",
            true},
    Builtin{"list_files",
            "Lists a folder, or with `glob` all files below it that match. Folders end in /.",
            R"({"type": "object", "additionalProperties": false,
"properties": {
  "path": {"type": "string", "description": "The folder; left out: the top."},
  "glob": {"type": "string", "description": "Such as *.py (anywhere) or src/**/*.py"}}})",
            false},
    Builtin{"search_text",
            "Finds lines in files. Gives `path:line: text` for each. Give text or regex, not both.",
            R"({"type": "object", "additionalProperties": false,
"properties": {
  "text": {"type": "string", "description": "What a line must contain, exactly as it is."},
  "regex": {"type": "string", "description": "Or a regular expression."},
  "path": {"type": "string", "description": "A file or folder; left out: everywhere."},
  "glob": {"type": "string", "description": "Only files like this, such as *.py"}}})",
            false},
    Builtin{"run_command",
            "Runs a program in the workspace and gives what it prints. No shell: no pipes, no ~, "
            "no *.",
            R"({"type": "object", "required": ["command"], "additionalProperties": false,
"properties": {
  "command": {"type": "array", "items": {"type": "string"}, "minItems": 1,
    "description": "The program, then each argument as an item."},
  "input": {"type": "string", "description": "What the program reads from its stdin."}}})",
            true},
};

// The tools that only look at files and change them.
class FileTool final : public Tool {
 public:
  FileTool(model::ToolSpec spec, bool mutates, const ToolDefinition& definition)
      : Tool(std::move(spec), mutates), definition_(definition) {}

  async::Task<Result<std::string>> Run(async::Context ctx, ToolInput input) override {
    if (input.around.root == nullptr) {
      co_return Fail(Code::kInvalidRequest, "there is no workspace, so there are no files");
    }
    const BuiltinCall call{.root = *input.around.root,
                           .schema = spec().parameters,
                           .arguments = input.arguments,
                           .fixed = definition_.inputs,
                           .row = input.around.inputs,
                           .max_output = definition_.max_output};
    const std::string_view builtin = definition_.builtin;
    if (builtin == "read_file") co_return ReadFileTool(call);
    if (builtin == "write_file") co_return WriteFileTool(call);
    if (builtin == "edit_file") co_return EditFileTool(call);
    if (builtin == "list_files") co_return ListFilesTool(call);
    async::Task<Result<std::string>> search = SearchTextTool(ctx, call);
    co_return co_await std::move(search);
  }

 private:
  const ToolDefinition definition_;
};

}  // namespace

std::span<const Builtin> Builtins() { return kBuiltins; }

Result<std::unique_ptr<Tool>> NewBuiltin(const ToolDefinition& definition) {
  const std::string where =
      definition.place.empty() ? std::string() : StrCat(definition.place, ": ");
  const auto found = std::ranges::find(kBuiltins, definition.builtin, &Builtin::name);
  if (found == kBuiltins.end()) {
    std::vector<std::string> names;
    names.reserve(kBuiltins.size());
    for (const Builtin& one : kBuiltins) names.emplace_back(one.name);
    const auto nearest = Nearest(definition.builtin, names);
    return Fail(Code::kConfigError,
                StrCat(where, "there is no built-in tool '", definition.builtin, "'; ",
                       nearest ? StrCat("did you mean '", *nearest, "'?")
                               : StrCat("there are ", Join(names, ", "))));
  }
  model::ToolSpec spec{.name = definition.name.empty() ? std::string(found->name) : definition.name,
                       .description = definition.description.empty()
                                          ? std::string(found->description)
                                          : definition.description,
                       .parameters = definition.arguments,
                       .strict = {}};
  if (spec.parameters.IsNull()) {
    WEIR_TRY(spec.parameters, json::Read(found->arguments));
  }
  const bool mutates = definition.mutates.value_or(found->mutates);
  if (found->name != "run_command") {
    return std::make_unique<FileTool>(std::move(spec), mutates, definition);
  }
  if (definition.allow.empty()) {
    return Fail(Code::kConfigError,
                StrCat(where,
                       "run_command needs `allow`, the programs that may be run, such as "
                       "allow: [pytest, ls]"));
  }
  if (definition.description.empty()) {
    StrAppend(spec.description, " Programs: ", Join(definition.allow, ", "), ".");
  }
  return NewCommandTool(std::move(spec), mutates, definition);
}

}  // namespace weir::agent
