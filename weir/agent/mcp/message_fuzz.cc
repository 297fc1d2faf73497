// Property: a message that is accepted, written by the writer of its kind and read again is the
// same message. Results of tools are read without a crash, whatever they hold.

#include "weir/agent/mcp/content.h"
#include "weir/agent/mcp/message.h"
#include "weir/base/fuzz_testing.h"

namespace weir::agent::mcp {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

// Ids of our own requests are numbers; those of a server may be texts, which stand in an answer.
std::string Written(const Message& message) {
  json::View body;
  if (!message.body.IsNull()) body = message.body;
  switch (message.kind) {
    case Message::Kind::kRequest:
      return WriteRequest(message.id.AsInt64().value_or(0), message.method, body);
    case Message::Kind::kNotification:
      return WriteNotification(message.method, body);
    case Message::Kind::kResult:
      return WriteResult(message.id, body);
    case Message::Kind::kError:
      return WriteError(message.id, message.code, message.complaint);
  }
  return "";
}

}  // namespace
}  // namespace weir::agent::mcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::agent::mcp;
  const Result<Message> message = ParseMessage(FuzzText(data, size), kMostBytes);
  if (!message) {
    Require(message.error().code == Code::kProtocolError && !message.error().message.empty());
    return 0;
  }

  const std::string text = Written(*message);
  const Result<Message> again = ParseMessage(text, 2 * kMostBytes);
  Require(again.has_value() && !text.contains('\n'));
  Require(again->kind == message->kind && again->method == message->method);
  Require(again->code == message->code && again->complaint == message->complaint);
  Require(again->body == message->body);
  if (message->kind != Message::Kind::kRequest) Require(again->id == message->id);

  if (const Result<CallResult> result = ReadCallResult(message->body)) {
    Require(result->structured.IsNull() || result->structured.IsObject());
  }
  if (const Result<ToolPage> page = ReadToolPage(message->body)) {
    for (const ToolInfo& tool : page->tools) Require(!tool.name.empty());
  }
  return 0;
}
