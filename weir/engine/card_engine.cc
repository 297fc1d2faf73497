#include "weir/engine/card_engine.h"

#include <map>
#include <mutex>

#include "weir/base/text.h"
#include "weir/engine/card_call.h"
#include "weir/engine/card_reply.h"
#include "weir/text/call_writer.h"

namespace weir::engine {
namespace {

constexpr int kCallIdDigits = 24;

using text::ReasoningSwitch;

CardReading ReadingOf(const text::ModelCard& card, const CardPlan& plan, const model::Call& call) {
  CardReading reading;
  const text::Family& family = text::FamilyOf(card);
  reading.mode = plan.mode;
  reading.family = plan.mode == text::ToolMode::kPrompted ? &text::CallFamilyOf(family) : &family;
  if (call.tool_choice.kind != model::ToolChoice::Kind::kNone) reading.tools = call.tools;
  reading.thinking_off = call.reasoning.enable == false;
  reading.may_think_first = family.starts_in_thoughts && !reading.thinking_off &&
                            card.reasoning != ReasoningSwitch::kNone;
  return reading;
}

// Ids for calls that came without one.
class CallIds {
 public:
  explicit CallIds(Random random) : random_(random) {}

  void Fill(std::vector<model::ToolCallDelta>& calls) {
    for (model::ToolCallDelta& call : calls) {
      if (!call.id.empty() || call.name.empty()) continue;
      const std::scoped_lock lock(mutex_);
      call.id = StrCat("call_", HexId(random_, kCallIdDigits));
    }
  }

 private:
  std::mutex mutex_;
  Random random_;
};

// The reply of a plan: what it says of itself, too.
void Note(model::ReplyInfo& info, const CardPlan& plan, const std::vector<std::string>& repairs) {
  info.degradations.insert(info.degradations.end(), plan.degradations.begin(),
                           plan.degradations.end());
  info.repairs.insert(info.repairs.end(), repairs.begin(), repairs.end());
}

class CardStream final : public model::ReplyStream {
 public:
  CardStream(std::unique_ptr<model::ReplyStream> next, CardPlan plan, CardReading reading,
             std::shared_ptr<CallIds> ids)
      : next_(std::move(next)),
        plan_(std::move(plan)),
        reading_(std::move(reading)),
        ids_(std::move(ids)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    const Result<bool> more = co_await next_->Next(ctx, piece);
    if (!more || !*more || !piece.has_choice) co_return more;
    ChoiceReader& reader = readers_.try_emplace(piece.choice, reading_).first->second;
    reader.Feed(piece);
    if (piece.finish != model::Finish::kNone) {
      reader.Finish(piece);
      repairs_.insert(repairs_.end(), reader.repairs().begin(), reader.repairs().end());
    }
    ids_->Fill(piece.tool_calls);
    co_return true;
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    Note(info, plan_, repairs_);
    return info;
  }

 private:
  const std::unique_ptr<model::ReplyStream> next_;
  const CardPlan plan_;
  const CardReading reading_;
  const std::shared_ptr<CallIds> ids_;
  std::map<std::int64_t, ChoiceReader> readers_;
  std::vector<std::string> repairs_;
};

class CardEngine final : public model::Engine {
 public:
  CardEngine(std::unique_ptr<model::Engine> next, CardOptions options, Random random)
      : next_(std::move(next)),
        options_(std::move(options)),
        own_card_(text::FindCard(options_.model, options_.cards)),
        ids_(std::make_shared<CallIds>(random)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    if (call.api == model::Api::kCompletions) co_return co_await next_->Call(ctx, call);
    const text::ModelCard card = CardOf(call);
    WEIR_CO_TRY(const CardPlan plan, PlanFor(card, options_.tool_mode, call));
    const model::Call& sent = plan.call ? *plan.call : call;
    async::Task<Result<model::Reply>> asked = next_->Call(ctx, sent);
    Result<model::Reply>& reply = co_await asked;
    if (reply && Reads(plan)) Read(*reply, ReadingOf(card, plan, call));
    if (reply) Note(reply->info, plan, {});
    co_return std::move(reply);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    if (call.api == model::Api::kCompletions) co_return co_await next_->Stream(ctx, call);
    const text::ModelCard card = CardOf(call);
    WEIR_CO_TRY(CardPlan plan, PlanFor(card, options_.tool_mode, call));
    const model::Call& sent = plan.call ? *plan.call : call;
    WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream, co_await next_->Stream(ctx, sent));
    if (!Reads(plan) && plan.degradations.empty()) co_return stream;
    CardReading reading = ReadingOf(card, plan, call);
    co_return std::make_unique<CardStream>(std::move(stream), std::move(plan), std::move(reading),
                                           ids_);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  text::ModelCard CardOf(const model::Call& call) const {
    if (call.model.empty() || call.model == options_.model) return own_card_;
    return text::FindCard(call.model, options_.cards);
  }

  bool Reads(const CardPlan& plan) const {
    return options_.reads_text || plan.mode != text::ToolMode::kNative;
  }

  void Read(model::Reply& reply, const CardReading& reading) const {
    for (model::Choice& choice : reply.choices) {
      ChoiceReader reader(reading);
      model::Delta piece;
      piece.text = std::move(choice.text);
      piece.reasoning = std::move(choice.reasoning);
      piece.finish = choice.finish;
      piece.tool_calls.resize(choice.tool_calls.size());
      reader.Feed(piece);
      reader.Finish(piece);
      ids_->Fill(piece.tool_calls);
      choice.text = std::move(piece.text);
      choice.reasoning = std::move(piece.reasoning);
      if (reader.answer_was_in_thoughts()) choice.reasoning.clear();
      choice.finish = piece.finish;
      for (std::size_t i = choice.tool_calls.size(); i < piece.tool_calls.size(); ++i) {
        model::ToolCallDelta& call = piece.tool_calls[i];
        choice.tool_calls.push_back({.id = std::move(call.id),
                                     .name = std::move(call.name),
                                     .arguments = std::move(call.arguments)});
      }
      reply.info.repairs.insert(reply.info.repairs.end(), reader.repairs().begin(),
                                reader.repairs().end());
    }
  }

  const std::unique_ptr<model::Engine> next_;
  const CardOptions options_;
  const text::ModelCard own_card_;
  const std::shared_ptr<CallIds> ids_;  // streams may outlive the engine
};

}  // namespace

std::unique_ptr<model::Engine> NewCardEngine(std::unique_ptr<model::Engine> next,
                                             CardOptions options, Random random) {
  return std::make_unique<CardEngine>(std::move(next), std::move(options), random);
}

}  // namespace weir::engine
