// The tools of an agent, and the servers that have some.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/read_agent.h"
#include "weir/flow/read_nodes.h"

namespace weir::flow {
namespace {

using agent::McpServer;
using agent::ToolDefinition;

constexpr double kMostBytes = 1 << 30;

// Each item is a program: words between blanks, or a list.
agent::ContextPrograms ReadContext(Keys& keys) {
  agent::ContextPrograms programs;
  const std::string_view key = NameOfKey(keys, {"context", "context_providers"});
  const json::View list = keys.Find(key);
  if (!list.exists()) return programs;
  if (!list.IsArray()) {
    keys.WrongKind(key, "a list of programs", list);
    return programs;
  }
  programs.reserve(list.size());
  for (const json::View item : list.items()) {
    std::vector<std::string> words = ProgramOf(keys, item);
    if (words.empty() || words.front().empty()) {
      keys.Wrong(key, "must be programs, each a list of words, or words between blanks");
      break;
    }
    programs.push_back(std::move(words));
  }
  return programs;
}

ToolDefinition ReadTool(Keys& keys) {
  ToolDefinition tool;
  tool.place = keys.place();
  tool.name = keys.Text(NameOfKey(keys, {"name", "tool_name"}));
  tool.builtin = keys.Text("builtin");
  if (tool.name.empty()) tool.name = tool.builtin;
  if (!tool.name.empty()) keys.Rename(StrCat("tool ", Truncate(tool.name, 64)));
  tool.description = keys.Text(NameOfKey(keys, {"description", "tool_description"}));
  const Shape arguments = ReadShape(keys, NameOfKey(keys, {"args", "arguments", "parameters"}));
  if (arguments.schema) tool.arguments = *arguments.schema;
  tool.exec = ReadProgramWords(keys, "exec");
  tool.mutates = keys.Flag("mutates");
  tool.approval = ReadApproval(keys);
  tool.context = ReadContext(keys);
  const json::View inputs = keys.Find("inputs");
  if (inputs.exists() && !inputs.IsObject()) keys.WrongKind("inputs", "a map of values", inputs);
  if (inputs.IsObject()) tool.inputs = json::Value::CopyOf(inputs);
  tool.allow = keys.Texts("allow").value_or(std::vector<std::string>{});
  if (const auto timeout = keys.Seconds("timeout")) tool.timeout = *timeout;
  if (const auto most = keys.Whole("max_output", {.least = 1, .most = kMostBytes})) {
    tool.max_output = static_cast<std::size_t>(*most);
  }
  keys.Finish();
  return tool;
}

std::vector<std::pair<std::string, std::string>> ReadPairs(Keys& keys, std::string_view key) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const json::View value = keys.Find(key);
  if (!value.exists()) return pairs;
  if (!value.IsObject()) {
    keys.WrongKind(key, "a map of texts", value);
    return pairs;
  }
  for (const auto& [name, one] : value.members()) {
    auto text = ScalarText(one);
    if (!text) keys.WrongKind(key, "a map of texts", one);
    pairs.emplace_back(name, std::move(text).value_or(""));
  }
  return pairs;
}

McpServer ReadServer(Keys& keys) {
  McpServer server;
  server.place = keys.place();
  server.name = keys.Text("name");
  if (!server.name.empty()) keys.Rename(StrCat("server ", Truncate(server.name, 64)));
  server.exec = ReadProgramWords(keys, "exec");
  server.url = keys.Text("url");
  server.headers = ReadPairs(keys, "headers");
  server.env = ReadPairs(keys, "env");
  server.only = keys.Texts("only").value_or(std::vector<std::string>{});
  server.prefix = keys.Text("prefix");
  server.approval = ReadApproval(keys);
  if (const auto timeout = keys.Seconds("timeout")) server.timeout = *timeout;
  if (const auto timeout = keys.Seconds("startup_timeout")) server.startup_timeout = *timeout;
  keys.Finish();
  return server;
}

// The list `key`, whose items `read` reads.
template <class Read>
void ReadList(Keys& keys, std::string_view key, std::string_view what, Read read) {
  const json::View list = keys.Find(key);
  if (!list.IsArray()) return keys.WrongKind(key, StrCat("a list of ", what), list);
  for (std::size_t i = 0; i < list.size(); ++i) {
    read(list[i], StrCat(keys.PointerOf(key), "/", i));
  }
}

}  // namespace

std::vector<ToolDefinition> ReadTools(Keys& keys) {
  std::vector<ToolDefinition> tools;
  ReadList(keys, "tools", "tools", [&](json::View item, std::string pointer) {
    if (item.IsString()) {
      const std::string name(item.StringOr(""));
      tools.push_back({.name = name, .builtin = name, .place = keys.file().yaml.Where(pointer)});
      return;
    }
    const std::size_t before = keys.reading().problems.size();
    Keys inner(keys.reading(), keys.file(), item, std::move(pointer),
               StrCat("a tool of ", keys.what()));
    ToolDefinition tool = ReadTool(inner);
    const bool wrong = keys.reading().problems.size() != before;
    if (tool.name.empty() && !wrong) {
      keys.reading().Wrong(inner.place(),
                           "a tool needs a name: {name, description, args, exec}, or the name "
                           "of a built-in tool alone");
    }
    tools.push_back(std::move(tool));
  });
  return tools;
}

std::vector<McpServer> ReadServers(Keys& keys) {
  std::vector<McpServer> servers;
  ReadList(keys, "mcp", "servers", [&](json::View item, std::string pointer) {
    Keys inner(keys.reading(), keys.file(), item, std::move(pointer),
               StrCat("a server of ", keys.what()));
    servers.push_back(ReadServer(inner));
  });
  return servers;
}

}  // namespace weir::flow
