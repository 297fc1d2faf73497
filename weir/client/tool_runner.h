#pragma once

// ToolRunner: a tool box whose schemas are compiled, and what becomes of a call that a model wrote.

#include <vector>

#include "weir/client/tool.h"
#include "weir/schema/schema.h"

namespace weir::client {

class ToolRunner {
 public:
  // `tools` must outlive it. Fails with kInvalidRequest for a tool without a name or a function, or
  // two of one name, and as schema::Schema does.
  static Result<ToolRunner> Make(const ToolBox& tools);

  // Mends the arguments where that is honest, holds them against the schema, and runs the tool. An
  // error is for the model: an unknown tool, wrong arguments, what the tool said. Exceptions of a
  // tool are errors of it.
  Result<std::string> Run(const model::ToolCall& call) const;

  std::vector<model::ToolSpec> specs() const;

 private:
  struct Entry {
    const Tool* tool;
    schema::Schema arguments;
  };

  const Entry* Find(std::string_view name) const;

  std::vector<Entry> entries_;
};

}  // namespace weir::client
