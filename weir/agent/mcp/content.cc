#include "weir/agent/mcp/content.h"

#include "weir/agent/mcp/message.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

Result<ToolInfo> ReadTool(json::View tool) {
  ToolInfo info{.name = std::string(tool.Find("name").StringOr("")),
                .description = std::string(tool.Find("description").StringOr(""))};
  if (info.name.empty()) return WrongMessage("a tool that has no name");
  const json::View schema = tool.Find("inputSchema");
  if (schema.exists() && !schema.IsObject()) {
    return WrongMessage(
        StrCat("the tool '", info.name, "' with an `inputSchema` that is no object"));
  }
  if (schema.exists()) info.schema = json::Value::CopyOf(schema);
  const json::View notes = tool.Find("annotations");
  info.read_only = notes.Find("readOnlyHint").BoolOr(false);
  if (info.description.empty()) {
    info.description = tool.Find("title").StringOr(notes.Find("title").StringOr(""));
  }
  return info;
}

std::string SizeOf(std::size_t bytes) {
  if (bytes < 1024) return StrCat(bytes, " bytes");
  if (bytes < (1 << 20)) return StrCat((bytes + 512) / 1024, " KB");
  return StrCat((bytes + (1 << 19)) >> 20, " MB");
}

// The bytes that a text of Base64 stands for.
std::size_t DecodedSize(std::string_view base64) {
  while (base64.ends_with('=')) base64.remove_suffix(1);
  return base64.size() / 4 * 3 + base64.size() % 4 * 3 / 4;
}

std::string Words(std::string_view kind, std::initializer_list<std::string_view> facts) {
  std::string words = StrCat("[", kind);
  std::string_view before = " ";
  for (const std::string_view fact : facts) {
    if (fact.empty()) continue;
    StrAppend(words, before, fact);
    before = ", ";
  }
  return words += ']';
}

// A resource that stands in the answer itself.
std::string DescribeResource(json::View resource) {
  const std::string_view uri = resource.Find("uri").StringOr("");
  const std::string_view type = resource.Find("mimeType").StringOr("");
  if (const auto text = resource.Find("text").AsString()) {
    return StrCat(Words("resource", {uri, type}), "\n", *text);
  }
  return Words("resource", {uri, type, SizeOf(DecodedSize(resource.Find("blob").StringOr("")))});
}

std::string DescribeItem(json::View item) {
  const std::string_view type = item.Find("type").StringOr("");
  const std::string_view format = item.Find("mimeType").StringOr("");
  if (type == "image" || type == "audio") {
    return Words(type, {format, SizeOf(DecodedSize(item.Find("data").StringOr("")))});
  }
  if (type == "resource") return DescribeResource(item.Find("resource"));
  if (type == "resource_link") {
    return Words("link", {item.Find("uri").StringOr(""), format, item.Find("name").StringOr(""),
                          item.Find("description").StringOr("")});
  }
  return Words("content of the type", {type.empty() ? "(none)" : type});
}

}  // namespace

Result<ToolPage> ReadToolPage(const json::Value& result) {
  const json::View tools = result.Find("tools");
  if (!tools.IsArray()) return WrongMessage("a list of tools that is no list");
  ToolPage page;
  page.tools.reserve(tools.size());
  for (const json::View tool : tools.items()) {
    WEIR_TRY(ToolInfo info, ReadTool(tool));
    if (tool.Find("execution").Find("taskSupport").StringOr("") == "required") {
      page.left_out.push_back(std::move(info.name));
    } else {
      page.tools.push_back(std::move(info));
    }
  }
  const std::string_view cursor = result.Find("nextCursor").StringOr("");
  if (!cursor.empty()) page.next_cursor = cursor;
  return page;
}

Result<CallResult> ReadCallResult(const json::Value& result) {
  const json::View content = result.Find("content");
  const json::View structured = result.Find("structuredContent");
  if (!content.IsArray() && !structured.IsObject())
    return WrongMessage("a result without `content`");
  CallResult call{.is_error = result.Find("isError").BoolOr(false)};
  for (const json::View item : content.items()) {
    if (!call.text.empty()) call.text += '\n';
    if (item.Find("type").StringOr("") == "text") {
      call.text += item.Find("text").StringOr("");
    } else {
      call.text += DescribeItem(item);
    }
  }
  if (structured.IsObject()) {
    call.structured = result.Share(structured);
    if (call.text.empty()) call.text = json::Write(structured);
  }
  return call;
}

}  // namespace weir::agent::mcp
