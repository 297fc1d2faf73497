// weir-mcp: weir's client of MCP against a server that somebody else wrote (mcp.test.mjs).
//
//   weir-mcp each SPEC     calls every tool, with arguments made from its schema
//   weir-mcp cancel SPEC   cancels the long tool at its first progress, then calls `echo`
//   weir-mcp crash SPEC    calls the long tool; when that has failed and a line has come on stdin,
//                          calls `echo`
//
// SPEC is JSON: {"exec": [...]} or {"url": "..."}, with "arguments" by tool in place of made ones,
// and "long": the name of a tool that reports progress. Answers are lines of JSON.

#include <iostream>
#include <string>
#include <string_view>

#include "weir/agent/mcp/server.h"
#include "weir/base/random.h"
#include "weir/base/trace.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/generate.h"

namespace {

using namespace std::chrono_literals;
using weir::Describe;
using weir::Result;
namespace async = weir::async;
namespace json = weir::json;
namespace mcp = weir::agent::mcp;
namespace schema = weir::schema;

constexpr int kUsage = 64;

// One line: an object.
class Line {
 public:
  Line() { writer_.BeginObject(); }
  ~Line() {
    writer_.EndObject();
    std::cout << text_ << std::endl;  // at once: the test acts on it
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  Line& Add(std::string_view key, std::string_view value) {
    writer_.Field(key, value);
    return *this;
  }
  Line& Ok(bool value) {
    writer_.Key("ok");
    writer_.Bool(value);
    return *this;
  }

 private:
  std::string text_;
  json::Writer writer_{text_};
};

class Events final : public weir::TraceSink {
 public:
  void OnEvent(std::string_view name, std::span<const weir::TraceField> fields) override {
    Line line;
    line.Add("event", name);
    for (const weir::TraceField& field : fields) {
      const auto* text = std::get_if<std::string_view>(&field.value);
      if (text != nullptr) line.Add(field.key, *text);
    }
  }
  void OnSpanStart(const weir::SpanRecord& /*span*/) override {}
  void OnSpanEnd(const weir::SpanRecord& /*span*/) override {}
};

void Report(std::string_view what, std::string_view tool, const Result<mcp::CallResult>& result) {
  Line line;
  line.Add("did", what).Add("tool", tool).Ok(result && !result->is_error);
  if (result) {
    line.Add("text", result->text);
  } else {
    line.Add("error", Name(result.error())).Add("text", result.error().message);
  }
}

Result<json::Value> ArgumentsOf(const mcp::ToolInfo& tool, const json::Value& spec) {
  const json::View given = spec.Find("arguments").Find(tool.name);
  if (given.exists()) return json::Value::CopyOf(given);
  WEIR_TRY(const schema::Schema compiled, schema::Schema::Compile(tool.schema));
  weir::Random random(1);
  return schema::Generate(compiled, random);
}

async::Task<void> Each(async::Context ctx, mcp::Server& server, const json::Value& spec) {
  const std::vector<mcp::ToolInfo> tools = server.tools();  // a call may bring a new list
  for (const mcp::ToolInfo& tool : tools) {
    const Result<json::Value> arguments = ArgumentsOf(tool, spec);
    if (!arguments) {
      Report("each", tool.name, weir::Fail(arguments.error()));
      continue;
    }
    const Result<mcp::CallResult> result =
        co_await server.Call(ctx, tool.name, *arguments, nullptr);
    Report("each", tool.name, result);
  }
}

async::Task<void> Echo(async::Context ctx, mcp::Server& server) {
  json::Value arguments = json::Read(R"({"message": "still here"})").value();
  const Result<mcp::CallResult> result =
      co_await server.Call(ctx, "echo", std::move(arguments), nullptr);
  Report("next", "echo", result);
}

async::Task<void> Break(async::Context ctx, mcp::Server& server, const json::Value& spec,
                        bool cancel) {
  async::Cancellation cancellation;
  async::Context its = ctx;
  its.cancellation = &cancellation;
  mcp::Server::OnProgress on_progress = [&](double, double, std::string_view) {
    Line().Add("did", "progress");
    if (cancel) cancellation.Cancel();
  };
  const std::string tool(spec.Find("long").StringOr(""));
  json::Value arguments = json::Read(R"({"duration": 60, "steps": 600})").value();
  const Result<mcp::CallResult> result =
      co_await server.Call(its, tool, std::move(arguments), std::move(on_progress));
  Report("break", tool, result);
  std::string line;
  if (!cancel) std::getline(std::cin, line);
  co_await Echo(ctx, server);
}

async::Task<int> Play(async::Context ctx, std::string scenario, const json::Value& spec) {
  weir::agent::McpServer definition{.name = "peer",
                                    .url = std::string(spec.Find("url").StringOr(""))};
  mcp::ServerOptions options;
  for (const json::View part : spec.Find("exec").items()) {
    definition.exec.emplace_back(part.StringOr(""));
  }
  for (const json::Member member : spec.Find("env").members()) {
    options.env.variables.emplace(member.key, member.value.StringOr(""));
  }
  Result<std::unique_ptr<mcp::Server>> server =
      co_await mcp::Server::Open(ctx, definition, std::move(options));
  if (!server) {
    Line().Add("did", "open").Ok(false).Add("text", Describe(server.error()));
    co_return 1;
  }
  if (scenario == "each") co_await Each(ctx, **server, spec);
  if (scenario == "cancel") co_await Break(ctx, **server, spec, true);
  if (scenario == "crash") co_await Break(ctx, **server, spec, false);
  co_await (*server)->Close(ctx);
  co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Result<json::Value> spec = json::Read(argc == 3 ? argv[2] : "");
  if (!spec) {
    std::cerr << "usage: weir-mcp each|cancel|crash SPEC\n";
    return kUsage;
  }
  async::Loop loop;
  Events events;
  async::Context ctx = async::Context(loop).WithTimeout(120s);
  ctx.trace = &events;
  return loop.Run(Play(ctx, argv[1], *spec));
}
