// The rooms of Ollama where a model writes, and the list of all of them.

#include "weir/sim/face/ollama.h"

#include <algorithm>
#include <utility>

#include "weir/sim/face/format.h"

namespace weir::sim {
namespace {

using async::Task;
using wire::OllamaApi;

constexpr std::int64_t kStillTokenNanos = 1'000'000;  // what a token takes when time stands still

// A request on its way through Answer(), with what the format needs beside it.
struct OllamaOrder : wire::IncomingOllama {
  const Visit* visit = nullptr;
  std::vector<TokenId> prompt;  // generate: for the context of the answer
};

class OllamaFormat final : public AnswerFormat {
 public:
  explicit OllamaFormat(std::shared_ptr<const OllamaOrder> order)
      : kept_(std::move(order)), encoder_(order_.form, order_.asked_model) {}

  std::string_view stream_type() const override { return kOllamaLines; }

  void Append(const model::Delta& delta, std::string& out) override {
    if (first_ == TimePoint()) first_ = Now();
    if (keeps_context()) answer_ += delta.text;
    encoder_.Append(delta, OllamaWall(*order_.visit), out);
  }
  void AppendEnd(const model::Usage& usage, std::string& out) override {
    encoder_.AppendEnd(EndOf(usage, answer_), OllamaWall(*order_.visit), out);
  }
  void AppendError(const wire::ServerError& error, std::string& out) override {
    encoder_.AppendError(error, out);
  }
  std::string Whole(const model::Reply& reply) override {
    return wire::EncodeOllamaReply(order_.form, order_.asked_model, reply,
                                   EndOf(reply.usage, reply.text()), OllamaWall(*order_.visit));
  }

 private:
  TimePoint Now() const { return order_.visit->exchange.context().Now(); }
  bool keeps_context() const { return order_.form == OllamaApi::kGenerate && !order_.raw; }

  wire::OllamaEnd EndOf(const model::Usage& usage, std::string_view answer) const {
    wire::OllamaEnd end;
    end.usage = usage;
    end.times = TimesOf(usage);
    if (keeps_context()) {
      for (const TokenId token : order_.prompt) end.context.push_back(token);
      for (const TokenId token : Tokenizer::Encode(answer)) end.context.push_back(token);
    }
    return end;
  }

  // A whole answer does not know when its first token came: its time is shared out by tokens.
  wire::OllamaTimes TimesOf(const model::Usage& usage) const {
    const std::int64_t written = usage.completion_tokens.value_or(0);
    wire::OllamaTimes times;
    if (order_.visit->core.options().deterministic) {
      times.prompt = usage.prompt_tokens.value_or(0) * kStillTokenNanos;
      times.answer = written * kStillTokenNanos;
      times.total = times.prompt + times.answer;
      return times;
    }
    const TimePoint now = Now();
    times.total = (now - order_.visit->began).count();
    times.answer =
        first_ != TimePoint() ? (now - first_).count() : times.total / (written + 1) * written;
    times.prompt = times.total - times.answer;
    return times;
  }

  const std::shared_ptr<const OllamaOrder> kept_;
  const OllamaOrder& order_ = *kept_;
  wire::OllamaEncoder encoder_;
  TimePoint first_{};
  std::string answer_;
};

// Only ServeOrder() hands this to Answer(), with an Order.
std::unique_ptr<AnswerFormat> NewOllamaFormat(std::shared_ptr<const wire::IncomingCall> incoming,
                                              const wire::Dialect&, model::ReplyInfo) {
  return std::make_unique<OllamaFormat>(
      std::static_pointer_cast<const OllamaOrder>(std::move(incoming)));
}

// Ollama fits a prompt and its answer into the window where other servers refuse: what is too long
// loses its beginning, and the answer ends where the window does.
void FitWindow(OllamaOrder& order, const SimModel& model) {
  model::Call& call = order.call;
  const Prompt only{call.prompt, call.prompt_token_ids};
  RenderedPrompt rendered = Render(call, only);
  if (!order.context.empty()) {
    std::vector<std::int64_t> tokens = order.context;
    tokens.insert(tokens.end(), rendered.tokens.begin(), rendered.tokens.end());
    call.api = model::Api::kCompletions;
    call.messages.clear();
    call.prompt.clear();
    call.prompt_token_ids = tokens;
    order.token_prompts = {std::move(tokens)};
    rendered = Render(call, {{}, order.token_prompts.front()});
  }
  const std::int64_t window =
      std::min(order.window.value_or(model.max_model_len), model.max_model_len);
  auto length = static_cast<std::int64_t>(rendered.tokens.size());
  if (length >= window && order.truncate) {
    call.sampling.truncate_prompt_tokens = length = window - 1;
    TruncatePrompt(call.sampling, window, rendered.tokens);
  }
  const std::int64_t room = std::max<std::int64_t>(1, window - length);
  call.sampling.max_tokens = std::min(call.sampling.max_tokens.value_or(room), room);
  order.prompt = std::move(rendered.tokens);
}

Task<void> ServeOrder(Visit& visit, OllamaApi form) {
  auto read = wire::DecodeOllama(form, visit.exchange.body());
  if (!read) co_return co_await RespondOllamaError(visit, read.error());
  const std::optional<OllamaFound> found = FindOllamaModel(visit.core.options(), read->asked_model);
  if (!found) {
    const wire::ServerError error = wire::OllamaModelNotFound(read->asked_model);
    co_return co_await RespondOllamaError(visit, error);
  }
  if (read->empty) {
    co_return co_await RespondJson(visit, 200, wire::EncodeOllamaLoad(*read, OllamaWall(visit)));
  }
  auto order = std::make_shared<OllamaOrder>();
  static_cast<wire::IncomingOllama&>(*order) = *std::move(read);
  order->visit = &visit;
  order->call.model = found->name;
  FitWindow(*order, *found->model);
  co_await Answer(visit, std::move(order), NewOllamaFormat);
}

Task<void> ServeChat(Visit& visit) { return ServeOrder(visit, OllamaApi::kChat); }
Task<void> ServeGenerate(Visit& visit) { return ServeOrder(visit, OllamaApi::kGenerate); }

constexpr Route kOllamaRoutes[] = {
    {"POST", "/api/chat", ServeChat},
    {"POST", "/api/generate", ServeGenerate},
    {"POST", "/api/embed", ServeOllamaEmbed},
    {"POST", "/api/embeddings", ServeOllamaEmbeddings},
    {"POST", "/api/show", ServeOllamaShow},
    {"GET", "/api/tags", ServeOllamaTags},
    {"HEAD", "/api/tags", ServeOllamaTags},
    {"GET", "/api/ps", ServeOllamaLoaded},
    {"GET", "/api/version", ServeOllamaVersion},
    {"HEAD", "/api/version", ServeOllamaVersion},
    {"GET", "/", ServeOllamaRoot},
    {"HEAD", "/", ServeOllamaRoot},
    {"POST", "/api/pull", ServeOllamaPull},
    {"DELETE", "/api/delete", ServeOllamaKnown},
    {"POST", "/api/delete", ServeOllamaKnown},
    {"POST", "/api/copy", ServeOllamaKnown},
    {"POST", "/api/create", ServeOllamaCreate},
};

}  // namespace

std::span<const Route> OllamaRoutes() { return kOllamaRoutes; }

}  // namespace weir::sim
