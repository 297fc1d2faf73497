#include "weir/agent/mcp/variables.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "weir/base/expand.h"
#include "weir/base/text.h"

namespace weir::agent::mcp {
namespace {

constexpr std::size_t kShownKey = 80;

// `tell` gets each value, and the key that it stands under.
template <class Definition, class Tell>
void ForEachValue(Definition& definition, Tell tell) {
  const auto all = [&](std::string_view key, auto& pairs) {
    for (auto& [name, value] : pairs) {
      tell(StrCat("`", key, ".", Truncate(name, kShownKey), "`"), value);
    }
  };
  all("headers", definition.headers);
  all("env", definition.env);
}

}  // namespace

std::vector<std::string> NotationProblems(const McpServer& definition) {
  std::vector<std::string> problems;
  ForEachValue(definition, [&](const std::string& key, const std::string& value) {
    if (!BareVariable(value).empty()) {
      problems.push_back(StrCat(key,
                                " is a dollar and a name: write ${NAME} for the value of a "
                                "variable, $$ for a dollar"));
    } else if (!Expand(value, {}).wrong.empty()) {
      // What stands between the braces may be a part of a key.
      problems.push_back(
          StrCat(key, " has a ${ that names no variable: write ${NAME}, or $${ if that is meant"));
    }
  });
  return problems;
}

std::vector<std::string> MissingVariables(const McpServer& definition, const Env& env) {
  std::vector<std::string> problems;
  ForEachValue(definition, [&](const std::string& key, const std::string& value) {
    const std::string missing = Expand(value, env).missing;
    if (missing.empty()) return;
    problems.push_back(StrCat(key, " needs the variable ", missing,
                              ", which is not set; export it, or give a default: ${", missing,
                              ":-...}"));
  });
  return problems;
}

Result<McpServer> WithVariables(const McpServer& definition, const Env& env) {
  std::vector<std::string> problems = NotationProblems(definition);
  std::ranges::move(MissingVariables(definition, env), std::back_inserter(problems));
  if (!problems.empty()) {
    return Fail(Code::kConfigError,
                StrCat(definition.place, definition.place.empty() ? "" : ": ", "MCP server '",
                       definition.name, "': ", Join(problems, "; ")));
  }
  McpServer made = definition;
  ForEachValue(made,
               [&](const std::string&, std::string& value) { value = Expand(value, env).text; });
  return made;
}

}  // namespace weir::agent::mcp
