#include "weir/client/client.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/client/agent_work.h"
#include "weir/client/answer_text.h"
#include "weir/client/core.h"
#include "weir/client/feed.h"
#include "weir/client/tool_loop.h"
#include "weir/client/tool_runner.h"
#include "weir/client/typed.h"
#include "weir/engine/prefix.h"
#include "weir/engine/withheld.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir {
namespace {

json::Value EnumSchema(const std::vector<std::string>& labels) {
  json::Builder out;
  out.BeginObject();
  out.Key("type");
  out.String("string");
  out.Key("enum");
  out.BeginArray();
  for (const std::string& label : labels) out.String(label);
  out.EndArray();
  out.EndObject();
  return std::move(out).Finish();
}

Result<void> CheckLabels(std::vector<std::string> labels) {
  std::ranges::sort(labels);
  const auto twin = std::ranges::adjacent_find(labels);
  if (!labels.empty() && twin == labels.end()) return {};
  return Fail(Code::kInvalidRequest, labels.empty()
                                         ? "there are no labels to choose from"
                                         : StrCat("the label '", *twin, "' is given twice"));
}

// Job: the prefix of the call, once.
async::Task<Result<model::Reply>> ReadBeginning(async::Context ctx, model::Engine& engine,
                                                const model::Call& call) {
  std::vector<model::Call> calls(1, call);
  WEIR_CO_TRY(const engine::WarmUpReport report,
              co_await engine::WarmUp(ctx, engine, std::move(calls)));
  if (report.prefixes.empty()) {
    co_return Fail(Code::kInvalidRequest,
                   "there is nothing to warm up: give a system message or tools");
  }
  const engine::WarmedPrefix& prefix = report.prefixes.front();
  if (prefix.error) co_return Fail(*prefix.error);
  co_return model::Reply{.usage = prefix.usage};
}

}  // namespace

Client::Client(std::shared_ptr<client::Core> core) : core_(std::move(core)) {}
Client::Client(Client&&) noexcept = default;

Client& Client::operator=(Client&& other) noexcept {
  if (core_ != nullptr && core_ != other.core_) core_->Close();
  core_ = std::move(other.core_);
  return *this;
}

Client::~Client() {
  if (core_ != nullptr) core_->Close();
}

Result<Client> Client::Open(ClientOptions options) {
  WEIR_TRY(std::shared_ptr<client::Core> core, client::Core::Open(std::move(options)));
  return Client(std::move(core));
}

Result<std::string> Client::Ask(Prompt prompt, const CallOptions& options) {
  return client::TextOf(Call(std::move(prompt), options));
}

Result<model::Reply> Client::Call(Prompt prompt, const CallOptions& options) {
  return core_->Wait(std::move(prompt), options, client::CallWhole);
}

Result<model::Usage> Client::WarmUp(Prompt prompt, const ToolBox& tools,
                                    const CallOptions& options) {
  if (!tools.empty()) {
    WEIR_TRY(const client::ToolRunner runner, client::ToolRunner::Make(tools));
    prompt.call.tools = runner.specs();
  }
  WEIR_TRY(const model::Reply reply, core_->Wait(std::move(prompt), options, ReadBeginning));
  return reply.usage;
}

Result<Stream> Client::Stream(Prompt prompt, const CallOptions& options) {
  WEIR_TRY(std::shared_ptr<client::Feed> feed,
           client::OpenFeed(*core_, std::move(prompt), options));
  return weir::Stream(core_, std::move(feed));
}

Result<WorkDone> Client::Work(const Agent& agent, Prompt task, const WorkOptions& options) {
  return client::WorkOn(*core_, agent, std::move(task), options);
}

Session Client::OpenSession(SessionOptions options) { return Session(core_, std::move(options)); }

Result<std::string> Client::Classify(Prompt prompt, const std::vector<std::string>& labels,
                                     const CallOptions& options) {
  WEIR_CHECK(CheckLabels(labels));
  CallOptions constrained = options;
  model::Constraint& constraint = constrained.constraint.emplace();
  constraint.kind = model::Constraint::Kind::kChoice;
  constraint.choices = labels;
  Result<model::Reply> reply = Call(prompt, constrained);
  if (reply || reply.error().code != Code::kUnsupportedConstraint)
    return client::TextOf(std::move(reply));
  // What knows no choices knows schemas.
  constrained.constraint = client::internal::SchemaConstraint(EnumSchema(labels));
  WEIR_TRY(reply, Call(std::move(prompt), constrained));
  WEIR_TRY(const json::Value value, client::internal::AnswerOf(*reply));
  return std::string(value.StringOr(""));
}

Result<ToolRun> Client::Run(Prompt prompt, const ToolBox& tools, const RunOptions& options) {
  return client::RunTools(*core_, std::move(prompt), tools, options);
}

std::future<Result<std::string>> Client::AskAsync(Prompt prompt, const CallOptions& options) {
  std::promise<Result<std::string>> promise;
  std::future<Result<std::string>> future = promise.get_future();
  client::internal::Start(*core_, std::move(prompt), options,
                          [promise = std::move(promise)](Result<model::Reply> reply) mutable {
                            promise.set_value(client::TextOf(std::move(reply)));
                          });
  return future;
}

std::future<Result<model::Reply>> Client::CallAsync(Prompt prompt, const CallOptions& options) {
  std::promise<Result<model::Reply>> promise;
  std::future<Result<model::Reply>> future = promise.get_future();
  client::internal::Start(*core_, std::move(prompt), options,
                          [promise = std::move(promise)](Result<model::Reply> reply) mutable {
                            promise.set_value(std::move(reply));
                          });
  return future;
}

namespace client::internal {

void Start(Core& core, Prompt prompt, const CallOptions& options,
           std::move_only_function<void(Result<model::Reply>)> done) {
  core.Start(std::move(prompt), options, CallWhole, std::move(done));
}

model::Constraint SchemaConstraint(json::Value schema) {
  model::Constraint constraint;
  constraint.schema = std::move(schema);
  return constraint;
}

Result<json::Value> AnswerOf(const model::Reply& reply) {
  if (reply.choices.empty()) {
    return Fail(Code::kEmptyModelResponse, "the reply has no choice in it");
  }
  const model::Choice& choice = reply.choices.front();
  if (!choice.value.IsNull()) return choice.value;
  if (engine::IsRefusal(choice)) return Fail(engine::RefusedAnswer(choice));
  if (choice.finish == model::Finish::kContentFilter) return Fail(engine::FilteredAnswer(choice));
  return json::Read(choice.text);
}

}  // namespace client::internal
}  // namespace weir
