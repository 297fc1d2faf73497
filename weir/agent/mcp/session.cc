// The server as the rest of the program sees it: what is said over a transport, and when a new one
// is needed.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "weir/agent/mcp/content.h"
#include "weir/agent/mcp/secrets.h"
#include "weir/agent/mcp/server.h"
#include "weir/agent/mcp/stdio.h"
#include "weir/agent/mcp/streamable_http.h"
#include "weir/agent/mcp/variables.h"
#include "weir/async/semaphore.h"
#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"

namespace weir::agent::mcp {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kVersions[] = {"2025-06-18", "2025-03-26", "2024-11-05"};
constexpr int kMostCalls = 1024;    // under way at once
constexpr int kMostPages = 1000;    // of a list of tools
constexpr Duration kFarewell = 1s;  // for a message that nobody waits for
constexpr Duration kPatience = 2s;  // from one way to end a program to the next

template <class Fill>
json::Value Object(Fill fill) {
  json::Builder builder;
  builder.BeginObject();
  fill(builder);
  builder.EndObject();
  return std::move(builder).Finish();
}

json::Value InitializeParams() {
  return Object([](json::Builder& builder) {
    builder.Key("protocolVersion");
    builder.String(kVersions[0]);
    builder.Key("capabilities");
    builder.BeginObject();
    builder.EndObject();
    builder.Key("clientInfo");
    builder.BeginObject();
    builder.Key("name");
    builder.String("weir");
    builder.Key("version");
    builder.String(kVersion);
    builder.EndObject();
  });
}

json::Value CallParams(std::string_view tool, json::View arguments, std::int64_t token,
                       bool wants_progress) {
  return Object([&](json::Builder& builder) {
    builder.Key("name");
    builder.String(tool);
    builder.Key("arguments");
    if (arguments.IsObject()) {
      builder.Copy(arguments);
    } else {
      builder.BeginObject();
      builder.EndObject();
    }
    if (!wants_progress) return;
    builder.Key("_meta");
    builder.BeginObject();
    builder.Key("progressToken");
    builder.Int(token);
    builder.EndObject();
  });
}

std::string Seconds(Duration time) {
  return FormatMillis(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// Counts as long as it lives.
class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  int& count_;
};

class Session final : public Server, private Listener {
 public:
  // The definition holds the values of its variables.
  Session(McpServer definition, std::vector<std::string> secrets, ServerOptions options,
          TraceSink* trace)
      : definition_(std::move(definition)),
        options_(std::move(options)),
        secrets_(std::move(secrets)),
        trace_(trace) {
    if (!definition_.url.empty()) {
      client_ = std::make_unique<http::Client>(
          http::ClientOptions{},
          http::NewSystemDialer({.proxy = http::ProxyFromEnv(options_.env)}));
    }
  }

  // The first connection, and what only it is asked.
  async::Task<Result<void>> Start(async::Context ctx);

  const std::vector<ToolInfo>& tools() const override { return tools_; }
  async::Task<Result<CallResult>> Call(async::Context ctx, std::string tool, json::Value arguments,
                                       OnProgress on_progress) override;
  async::Task<void> Close(async::Context ctx) override;

 private:
  using SharedTransport = std::shared_ptr<Transport>;

  // Those who wait for progress of a call, by its number; in the frame of the call.
  class Listening {
   public:
    Listening(Session& session, std::int64_t id, const OnProgress& on_progress)
        : session_(session), id_(id) {
      if (on_progress) session_.listening_[id] = &on_progress;
    }
    ~Listening() { session_.listening_.erase(id_); }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    Session& session_;
    const std::int64_t id_;
  };

  std::string Who() const { return StrCat("MCP server '", definition_.name, "'"); }

  // A transport that has shaken hands: the one there is, or a new one.
  async::Task<Result<SharedTransport>> Connected(async::Context ctx);
  async::Task<Result<SharedTransport>> Connect(async::Context ctx);
  Result<std::unique_ptr<Transport>> NewTransport(const async::Context& ctx);
  async::Task<Result<void>> ShakeHands(async::Context ctx, Transport& transport);
  async::Task<Result<void>> ListTools(async::Context ctx, Transport& transport);
  async::Task<Result<json::Value>> Ask(async::Context ctx, Transport& transport,
                                       std::string_view method, json::Value params);
  async::Task<Result<CallResult>> CallOver(async::Context ctx, Transport& transport,
                                           std::string_view tool, json::View arguments,
                                           const OnProgress& on_progress);
  async::Task<void> Forget(async::Context ctx, Transport& transport, std::int64_t id,
                           std::string_view reason);
  Result<void> CheckOnly() const;
  Error Wrong(const Error& error) const;
  Error Refusal(std::string_view method, const Message& message, Code code) const;

  std::optional<std::string> Receive(const Message& message) override;
  void Hear(const Message& message);

  const McpServer definition_;
  const ServerOptions options_;
  const std::vector<std::string> secrets_;
  TraceSink* const trace_;
  std::unique_ptr<http::Client> client_;
  async::Semaphore connecting_{{.permits = 1}};
  SharedTransport transport_;
  std::vector<ToolInfo> tools_;
  std::set<std::string> left_out_;  // tools that were told of
  bool list_changed_ = false;
  bool has_tools_ = false;  // by its own word
  bool closed_ = false;
  int starts_ = 0;  // of the program
  int calls_ = 0;
  std::int64_t next_id_ = 1;
  std::map<std::int64_t, const OnProgress*> listening_;
};

Error Session::Wrong(const Error& error) const {
  Error wrong = error;
  wrong.message = StrCat(Who(), " sent ", HideSecrets(error.message, secrets_));
  return wrong;
}

Error Session::Refusal(std::string_view method, const Message& message, Code code) const {
  return Error{
      .code = code,
      .message = StrCat(Who(), " refused ", method, ": ", HideSecrets(message.complaint, secrets_),
                        " (code ", message.code, ")")};
}

async::Task<Result<void>> Session::Start(async::Context ctx) {
  const Result<SharedTransport> connected = co_await Connected(ctx);
  if (!connected) co_return Fail(connected.error());
  Result<void> right = CheckOnly();
  if (!right) co_await Close(ctx);
  co_return right;
}

Result<void> Session::CheckOnly() const {
  std::vector<std::string> names;
  names.reserve(tools_.size());
  for (const ToolInfo& tool : tools_) names.push_back(tool.name);
  for (const std::string& name : definition_.only) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::optional<std::string> nearest = Nearest(name, names);
    return Fail(Code::kConfigError, StrCat(Who(), " has no tool '", name, "', which `only` names",
                                           nearest ? StrCat("; did you mean '", *nearest, "'?")
                                                   : StrCat("; it has: ", Join(names, ", "))));
  }
  return {};
}

async::Task<Result<Session::SharedTransport>> Session::Connected(async::Context ctx) {
  if (transport_ != nullptr && !transport_->ended() && !list_changed_) co_return transport_;
  const Result<async::Semaphore::Permit> alone = co_await connecting_.Acquire(ctx);
  if (!alone) co_return Fail(alone.error());
  if (closed_) co_return Fail(Code::kConnectionError, StrCat(Who(), " was closed"));
  if (transport_ == nullptr || transport_->ended()) co_return co_await Connect(ctx);
  if (list_changed_) {
    const async::Context limited = ctx.WithTimeout(definition_.startup_timeout);
    const Result<void> listed = co_await ListTools(limited, *transport_);
    // What it listed before is as good as anything, until it can be asked again.
    if (!listed) {
      ctx.Emit("mcp.warning", {{"server", std::string_view(definition_.name)},
                               {"message", std::string_view(listed.error().message)}});
    }
  }
  co_return transport_;
}

async::Task<Result<Session::SharedTransport>> Session::Connect(async::Context ctx) {
  const TimePoint give_up = ctx.deadline;
  const async::Context limited = ctx.WithTimeout(definition_.startup_timeout);
  WEIR_CO_TRY(SharedTransport transport, NewTransport(ctx));
  Result<void> ready = co_await ShakeHands(limited, *transport);
  if (ready) ready = co_await ListTools(limited, *transport);
  if (!ready) {
    Error error = ready.error();
    if (error.code == Code::kTimeout && limited.Now() >= limited.deadline &&
        limited.deadline < give_up) {
      error.message = StrCat(Who(), " was not ready within its `startup_timeout` of ",
                             Seconds(definition_.startup_timeout), transport->Complaints());
    }
    co_await transport->Close(ctx, Duration::zero());
    co_return Fail(std::move(error));
  }
  // Those who still wait for the one before hold it themselves.
  if (transport_ != nullptr) co_await transport_->Close(ctx, Duration::zero());
  transport_ = transport;
  co_return transport;
}

Result<std::unique_ptr<Transport>> Session::NewTransport(const async::Context& ctx) {
  if (!definition_.url.empty()) {
    return NewStreamableHttpTransport({.name = definition_.name,
                                       .url = definition_.url,
                                       .headers = definition_.headers,
                                       .secrets = secrets_,
                                       .max_message_bytes = options_.max_message_bytes},
                                      *client_, *this);
  }
  if (starts_ > kMostRestarts) {
    return Fail(Code::kConnectionError,
                StrCat(Who(), " has ended ", starts_,
                       " times and is not started again; look at what it says when you run it "
                       "by hand: ",
                       Join(definition_.exec, " ")));
  }
  if (starts_++ > 0) {
    ctx.Emit("mcp.restart", {{"server", std::string_view(definition_.name)},
                             {"restarts", static_cast<std::int64_t>(starts_ - 1)}});
  }
  StdioOptions stdio{.name = definition_.name,
                     .argv = definition_.exec,
                     .secrets = secrets_,
                     .folder = options_.folder,
                     .max_message_bytes = options_.max_message_bytes};
  for (const std::string_view name : {"PATH", "HOME", "LANG", "TMPDIR"}) {
    if (auto value = options_.env.Get(name)) stdio.env.variables.emplace(name, *std::move(value));
  }
  for (const auto& [name, value] : definition_.env) stdio.env.variables[name] = value;
  async::Context own = ctx;
  own.trace = trace_;
  Result<std::unique_ptr<Transport>> transport = NewStdioTransport(own, std::move(stdio), *this);
  if (!transport) {
    Error& error = transport.error();
    error.message = StrCat(Who(), ": ", error.message);
  }
  return transport;
}

async::Task<Result<json::Value>> Session::Ask(async::Context ctx, Transport& transport,
                                              std::string_view method, json::Value params) {
  const std::int64_t id = next_id_++;
  std::string text = WriteRequest(id, method, params);
  WEIR_CO_TRY(Message answer, co_await transport.Ask(ctx, id, std::move(text)));
  if (answer.kind == Message::Kind::kResult) co_return std::move(answer.body);
  if (answer.code == kMethodNotFound && method == "tools/list" && !has_tools_) {
    co_return Object([](json::Builder& builder) {
      builder.Key("tools");
      builder.BeginArray();
      builder.EndArray();
    });
  }
  co_return Fail(Refusal(method, answer, Code::kProtocolError));
}

async::Task<Result<void>> Session::ShakeHands(async::Context ctx, Transport& transport) {
  json::Value params = InitializeParams();
  WEIR_CO_TRY(const json::Value result,
              co_await Ask(ctx, transport, "initialize", std::move(params)));
  const std::string_view version = result.Find("protocolVersion").StringOr("(none)");
  if (std::ranges::find(kVersions, version) == std::ranges::end(kVersions)) {
    co_return Fail(Code::kProtocolError,
                   StrCat(Who(), " speaks the revision ", Truncate(version, 40),
                          " of the protocol; weir speaks ", kVersions[0], ", ", kVersions[1],
                          " and ", kVersions[2]));
  }
  has_tools_ = result.Find("capabilities").Find("tools").IsObject();
  transport.Agree(version);
  std::string ready = WriteNotification("notifications/initialized", json::View());
  co_return co_await transport.Tell(ctx, std::move(ready));
}

async::Task<Result<void>> Session::ListTools(async::Context ctx, Transport& transport) {
  list_changed_ = false;  // a change from here on is news
  std::vector<ToolInfo> tools;
  std::optional<std::string> cursor;
  for (int pages = 1;; ++pages) {
    json::Value params = Object([&](json::Builder& builder) {
      if (!cursor) return;
      builder.Key("cursor");
      builder.String(*cursor);
    });
    WEIR_CO_TRY(const json::Value result,
                co_await Ask(ctx, transport, "tools/list", std::move(params)));
    Result<ToolPage> page = ReadToolPage(result);
    if (!page) co_return Fail(Wrong(page.error()));
    for (ToolInfo& tool : page->tools) tools.push_back(std::move(tool));
    for (const std::string& name : page->left_out) {
      if (!left_out_.insert(name).second) continue;
      ctx.Emit("mcp.left_out", {{"server", std::string_view(definition_.name)},
                                {"tool", std::string_view(name)},
                                {"message", "it only runs as a task, which weir has not"}});
    }
    if (tools.size() > options_.max_tools || pages == kMostPages) {
      co_return Fail(Code::kProtocolError,
                     StrCat(Who(), " has more than ", options_.max_tools, " tools, or a list of ",
                            "them that does not end"));
    }
    if (!page->next_cursor) break;
    cursor = std::move(page->next_cursor);
  }
  tools_ = std::move(tools);
  co_return Result<void>();
}

async::Task<Result<CallResult>> Session::Call(async::Context ctx, std::string tool,
                                              json::Value arguments, OnProgress on_progress) {
  if (calls_ >= kMostCalls) {
    co_return Fail(Code::kBudgetExceeded,
                   StrCat(Who(), " has ", calls_, " calls under way; one more is refused"));
  }
  const Counted counted(calls_);
  for (int attempt = 1;; ++attempt) {
    WEIR_CO_TRY(const SharedTransport transport, co_await Connected(ctx));
    Result<CallResult> result = co_await CallOver(ctx, *transport, tool, arguments, on_progress);
    // A session that was forgotten is opened again once; nothing of the call has been done.
    const bool again = !result && result.error().code == Code::kHttpStatus &&
                       transport->forgotten() && attempt == 1;
    if (!again) co_return result;
  }
}

async::Task<Result<CallResult>> Session::CallOver(async::Context ctx, Transport& transport,
                                                  std::string_view tool, json::View arguments,
                                                  const OnProgress& on_progress) {
  const std::int64_t id = next_id_++;
  const bool wants_progress = static_cast<bool>(on_progress);
  std::string text =
      WriteRequest(id, "tools/call", CallParams(tool, arguments, id, wants_progress));
  if (text.size() > options_.max_message_bytes) {
    co_return Fail(Code::kInvalidRequest, StrCat("the arguments of '", tool, "' are larger than ",
                                                 options_.max_message_bytes, " bytes"));
  }
  const Listening listening(*this, id, on_progress);
  const async::Context limited =
      definition_.timeout > Duration::zero() ? ctx.WithTimeout(definition_.timeout) : ctx;
  Result<Message> answer = co_await transport.Ask(limited, id, std::move(text));
  if (answer) {
    if (answer->kind == Message::Kind::kError) {
      co_return Fail(Refusal(tool, *answer, Code::kInvalidRequest));
    }
    Result<CallResult> result = ReadCallResult(answer->body);
    if (!result) co_return Fail(Wrong(result.error()));
    co_return result;
  }
  Error error = std::move(answer).error();
  if (error.code == Code::kCancelled) {
    co_await Forget(ctx, transport, id, "the caller has gone away");
  } else if (error.code == Code::kTimeout && limited.Now() >= limited.deadline) {
    if (limited.deadline < ctx.deadline) {
      error.message = StrCat("the tool '", tool, "' of ", Who(), " did not answer within ",
                             Seconds(definition_.timeout),
                             "; ask for less, or raise the `timeout` of the server");
    }
    co_await Forget(ctx, transport, id, "the time is over");
  }
  co_return Fail(std::move(error));
}

// Tells the server that nobody waits any more. The caller's own context may be over.
async::Task<void> Session::Forget(async::Context ctx, Transport& transport, std::int64_t id,
                                  std::string_view reason) {
  if (transport.ended()) co_return;
  async::Context own(*ctx.loop);
  own.trace = ctx.trace;
  own = own.WithTimeout(kFarewell);
  const json::Value params = Object([&](json::Builder& builder) {
    builder.Key("requestId");
    builder.Int(id);
    builder.Key("reason");
    builder.String(reason);
  });
  std::string text = WriteNotification("notifications/cancelled", params);
  (void)co_await transport.Tell(own, std::move(text));  // the answer is ignored either way
}

async::Task<void> Session::Close(async::Context ctx) {
  const SharedTransport transport = std::exchange(transport_, nullptr);
  closed_ = true;
  if (transport != nullptr) co_await transport->Close(ctx, kPatience);
}

std::optional<std::string> Session::Receive(const Message& message) {
  if (message.kind == Message::Kind::kNotification) {
    Hear(message);
    return std::nullopt;
  }
  if (message.method == "ping") {
    return WriteResult(message.id, Object([](json::Builder&) {}));
  }
  if (message.method == "roots/list") {
    const json::Value none = Object([](json::Builder& builder) {
      builder.Key("roots");
      builder.BeginArray();
      builder.EndArray();
    });
    return WriteResult(message.id, none);
  }
  return WriteError(message.id, kMethodNotFound,
                    StrCat("weir serves ping and roots/list, not ", Truncate(message.method, 80)));
}

void Session::Hear(const Message& message) {
  const json::View body = message.body;
  if (message.method == "notifications/tools/list_changed") {
    list_changed_ = true;
  } else if (message.method == "notifications/progress") {
    const std::optional<std::int64_t> token = body.Find("progressToken").AsInt64();
    const auto found = token ? listening_.find(*token) : listening_.end();
    if (found == listening_.end()) return;
    (*found->second)(body.Find("progress").AsDouble().value_or(0),
                     body.Find("total").AsDouble().value_or(0), body.Find("message").StringOr(""));
  } else if (message.method == "notifications/message" && trace_ != nullptr) {
    const json::View data = body.Find("data");
    std::string text(data.StringOr(""));
    if (data.exists() && !data.IsString()) text = json::Write(data);
    text = HideSecrets(text, secrets_);
    const TraceField fields[] = {{"server", std::string_view(definition_.name)},
                                 {"level", body.Find("level").StringOr("info")},
                                 {"logger", body.Find("logger").StringOr("")},
                                 {"message", std::string_view(text)}};
    trace_->OnEvent("mcp.log", fields);
  }
}

}  // namespace

async::Task<Result<std::unique_ptr<Server>>> Server::Open(async::Context ctx,
                                                          const McpServer& definition,
                                                          ServerOptions options) {
  WEIR_CO_TRY(McpServer filled, WithVariables(definition, options.env));
  std::vector<std::string> secrets = SecretsOf(definition, options.env);
  auto session = std::make_unique<Session>(std::move(filled), std::move(secrets),
                                           std::move(options), ctx.trace);
  const Result<void> started = co_await session->Start(ctx);
  if (!started) co_return Fail(started.error());
  co_return session;
}

}  // namespace weir::agent::mcp
