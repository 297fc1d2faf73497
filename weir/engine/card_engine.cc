#include "weir/engine/card_engine.h"

#include <algorithm>
#include <mutex>
#include <span>

#include "weir/async/semaphore.h"
#include "weir/base/text.h"
#include "weir/engine/card_call.h"
#include "weir/engine/card_reply.h"
#include "weir/text/call_writer.h"

namespace weir::engine {
namespace {

constexpr int kCallIdDigits = 24;

using text::ReasoningSwitch;

bool Says(json::View kwargs, bool on) {
  return kwargs.exists() && (kwargs.Find("enable_thinking").BoolOr(!on) == on ||
                             kwargs.Find("thinking").BoolOr(!on) == on);
}

// Whether the call switches thinking on, or off, in whichever way.
bool IsSwitched(const model::Call& call, bool on) {
  if (call.reasoning.enable == on || (!on && call.reasoning.effort == "none")) return true;
  return Says(call.chat_template_kwargs, on) || Says(call.extra.Find("chat_template_kwargs"), on);
}

// What of a call decides how its reply is read.
struct Asked {
  text::ToolMode mode = text::ToolMode::kNative;
  std::span<const model::ToolSpec> tools;  // that may be called
  bool to_think = false;
  bool not_to_think = false;
  bool constrained = false;
  bool live = false;  // what is read goes on as it comes, and cannot be taken back
};

Asked AskedOf(const model::Call& call, text::ToolMode mode, bool live) {
  Asked asked{.mode = mode,
              .to_think = IsSwitched(call, true),
              .not_to_think = IsSwitched(call, false),
              .constrained = call.constraint.has_value(),
              .live = live};
  if (call.tool_choice.kind != model::ToolChoice::Kind::kNone) asked.tools = call.tools;
  return asked;
}

CardReading ReadingOf(const text::ModelCard& card, const Asked& asked) {
  CardReading reading;
  const text::Family& family = text::FamilyOf(card);
  const bool in_prompt = asked.mode == text::ToolMode::kPrompted;
  reading.mode = asked.mode;
  reading.family = in_prompt ? &text::CallFamilyOf(family) : &family;
  reading.tools = asked.tools;
  reading.thinking_off = asked.not_to_think;
  if (family.thoughts.close.empty() || asked.not_to_think || asked.constrained) return reading;
  const bool always = card.reasoning == ReasoningSwitch::kAlways && family.starts_in_thoughts;
  const bool wanted = card.reasoning == ReasoningSwitch::kThinking && asked.to_think;
  reading.may_think_first = always || wanted || card.opens_thoughts;
  const bool never = card.reasoning == ReasoningSwitch::kNone && !card.pattern.empty();
  reading.may_close_alone = !asked.live && !never;
  return reading;
}

// Text without any mark of the family, from a model that was offered no tools: most answers.
bool IsPlainAnswer(const model::Choice& choice, const CardReading& reading) {
  const text::Family& family = *reading.family;
  if (choice.text.empty() || !choice.reasoning.empty() || !choice.tool_calls.empty()) return false;
  if (reading.mode != text::ToolMode::kNative || !reading.tools.empty()) return false;
  const bool cut = choice.finish == model::Finish::kLength;
  if ((reading.may_think_first && cut) || family.channels) return false;
  const auto stands_there = [&choice](const std::string& mark) {
    return choice.text.find(mark) != std::string::npos;
  };
  return std::ranges::none_of(family.thoughts.open, stands_there) &&
         std::ranges::none_of(family.thoughts.close, stands_there) &&
         std::ranges::none_of(family.wrappers, stands_there);
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

using Card = std::shared_ptr<const text::ModelCard>;  // shared by all calls, which are many
using Cards = std::vector<text::ModelCard>;

Card CardOf(std::string_view model, const Cards& cards) {
  return std::make_shared<const text::ModelCard>(text::FindCard(model, cards));
}

// The card of a model that nobody names, known from its first reply on, or from the server's list.
class LearnedCard {
 public:
  // With whether it is known, or has been asked for in vain.
  std::pair<Card, bool> Get() const {
    const std::scoped_lock lock(mutex_);
    return {card_, known_};
  }
  void Set(Card card) {
    const std::scoped_lock lock(mutex_);
    if (card != nullptr) card_ = std::move(card);
    known_ = true;
  }

 private:
  mutable std::mutex mutex_;
  Card card_ = std::make_shared<const text::ModelCard>();
  bool known_ = false;
};

// Of the model that a server gives to calls which name none: the first that is no adapter. A served
// name may say nothing, and what it stands for all. Null: there is none.
Card CardOfFirst(const std::vector<model::ModelEntry>& models, const Cards& cards) {
  const auto base = std::ranges::find(models, "", &model::ModelEntry::parent);
  if (base == models.end()) return nullptr;
  Card card = CardOf(base->id, cards);
  return card->pattern.empty() && !base->root.empty() ? CardOf(base->root, cards) : card;
}

// Whether the bytes of the call depend on the card.
bool AsksTheCard(const model::Call& call) {
  const bool has_tools =
      !call.tools.empty() && call.tool_choice.kind != model::ToolChoice::Kind::kNone;
  return has_tools || call.reasoning.enable.has_value();
}

// What a reader of replies needs to know, and what it finds out.
struct Lesson {
  Card card;
  std::shared_ptr<LearnedCard> learned;  // null: the model is known by its name
  std::shared_ptr<const Cards> cards;

  // The card of the model that answered.
  const text::ModelCard& Learn(const std::string& model) {
    if (learned == nullptr || model.empty()) return *card;
    Card named = CardOf(model, *cards);
    // A name that says nothing takes away nothing.
    if (card->pattern.empty() || !named->pattern.empty()) card = std::move(named);
    learned->Set(card);
    learned.reset();
    return *card;
  }
};

// More choices than were asked for are a fault of the server.
std::int64_t MostChoices(const model::Call& call) {
  const model::Sampling& sampling = call.sampling;
  return std::max({std::int64_t{1}, sampling.n.value_or(1), sampling.best_of.value_or(1),
                   sampling.beam_width.value_or(1)});
}

model::Degradation OnlyThoughts() {
  return {.what = "answer",
          .why =
              "there are only thoughts and no answer: see them with --reasoning show; if the "
              "answer is among them, the server's --reasoning-parser does not fit the model"};
}

void Append(std::vector<model::Degradation>& all, const std::vector<model::Degradation>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

class CardStream final : public model::ReplyStream {
 public:
  CardStream(std::unique_ptr<model::ReplyStream> next, CardPlan plan, Lesson lesson,
             const model::Call& call, std::shared_ptr<CallIds> ids)
      : next_(std::move(next)),
        degradations_(std::move(plan.degradations)),
        lesson_(std::move(lesson)),
        asked_(AskedOf(call, plan.mode, !call.buffer)),
        tools_(asked_.tools.begin(), asked_.tools.end()),
        most_choices_(MostChoices(call)),
        ids_(std::move(ids)) {
    asked_.tools = tools_;
  }

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    if (broken_) co_return BreakOff(piece);
    const Result<bool> more = co_await next_->Next(ctx, piece);
    if (!more) {
      broken_ = more.error();
      co_return BreakOff(piece);
    }
    if (!*more || !piece.has_choice) co_return more;
    if (piece.choice < 0 || piece.choice >= most_choices_) {
      co_return Fail(Code::kProtocolError,
                     StrCat("the server sent a piece of choice ", piece.choice, ", but only ",
                            most_choices_, " were asked for"));
    }
    ChoiceReader& reader = ReaderOf(piece.choice);
    reader.Feed(piece);
    if (piece.finish != model::Finish::kNone) {
      reader.Finish(piece);
      repairs_.insert(repairs_.end(), reader.repairs().begin(), reader.repairs().end());
      only_thought_ = only_thought_ || reader.only_thought();
    }
    ids_->Fill(piece.tool_calls);
    co_return true;
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    Append(info.degradations, degradations_);
    info.repairs.insert(info.repairs.end(), repairs_.begin(), repairs_.end());
    if (only_thought_) info.degradations.push_back(OnlyThoughts());
    return info;
  }

 private:
  // What was held back comes before the error.
  Result<bool> BreakOff(model::Delta& piece) {
    for (std::size_t choice = 0; choice < readers_.size(); ++choice) {
      if (readers_[choice] == nullptr) continue;
      piece = {};
      piece.has_choice = true;
      piece.choice = static_cast<std::int64_t>(choice);
      if (readers_[choice]->BreakOff(piece)) return true;
    }
    return Fail(**broken_);
  }

  ChoiceReader& ReaderOf(std::int64_t choice) {
    const auto place = static_cast<std::size_t>(choice);
    if (place >= readers_.size()) readers_.resize(place + 1);
    std::unique_ptr<ChoiceReader>& reader = readers_[place];
    if (reader == nullptr) {
      const text::ModelCard& card = lesson_.Learn(next_->info().model);
      reader = std::make_unique<ChoiceReader>(ReadingOf(card, asked_));
    }
    return *reader;
  }

  const std::unique_ptr<model::ReplyStream> next_;
  const std::vector<model::Degradation> degradations_;  // of the plan
  Lesson lesson_;
  Asked asked_;
  const std::vector<model::ToolSpec> tools_;  // that asked_ speaks of
  const std::int64_t most_choices_;
  const std::shared_ptr<CallIds> ids_;
  std::vector<std::unique_ptr<ChoiceReader>> readers_;  // by choice; null: none of it has come
  std::vector<std::string> repairs_;
  bool only_thought_ = false;
  std::optional<BoxedError> broken_;
};

class CardEngine final : public model::Engine {
 public:
  CardEngine(std::unique_ptr<model::Engine> next, CardOptions options, Random random)
      : next_(std::move(next)),
        options_(std::move(options)),
        cards_(std::make_shared<const Cards>(options_.cards)),
        own_card_(CardOf(options_.model, *cards_)),
        ids_(std::make_shared<CallIds>(random)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    return call.api == model::Api::kCompletions ? next_->Call(ctx, call) : CallWithCard(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    return call.api == model::Api::kCompletions ? next_->Stream(ctx, call)
                                                : StreamWithCard(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return DescribeWithCards(ctx);
  }

 private:
  async::Task<Result<model::Reply>> CallWithCard(async::Context ctx, const model::Call& call) {
    if (MustAsk(call)) {
      WEIR_CO_CHECK(co_await AskTheServer(ctx));
    }
    Lesson lesson = LessonOf(call);
    WEIR_CO_TRY(const CardPlan plan,
                PlanFor(*lesson.card, options_.tool_mode, options_.switching, call));
    const model::Call& sent = plan.call ? *plan.call : call;
    async::Task<Result<model::Reply>> asked = next_->Call(ctx, sent);
    Result<model::Reply>& reply = co_await asked;
    if (reply && Reads(plan)) {
      const Asked about = AskedOf(call, plan.mode, false);
      Read(*reply, ReadingOf(lesson.Learn(reply->info.model), about));
    }
    if (reply) Append(reply->info.degradations, plan.degradations);
    co_return std::move(asked);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> StreamWithCard(async::Context ctx,
                                                                          const model::Call& call) {
    if (MustAsk(call)) {
      WEIR_CO_CHECK(co_await AskTheServer(ctx));
    }
    Lesson lesson = LessonOf(call);
    WEIR_CO_TRY(CardPlan plan, PlanFor(*lesson.card, options_.tool_mode, options_.switching, call));
    const model::Call& sent = plan.call ? *plan.call : call;
    WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream, co_await next_->Stream(ctx, sent));
    if (!Reads(plan) && plan.degradations.empty()) co_return stream;
    co_return std::make_unique<CardStream>(std::move(stream), std::move(plan), std::move(lesson),
                                           call, ids_);
  }

  // The bytes of a call that names no model may depend on what the server has.
  bool MustAsk(const model::Call& call) const {
    return NamedBy(call).empty() && AsksTheCard(call) && !learned_->Get().second;
  }

  Lesson LessonOf(const model::Call& call) const {
    const std::string& model = NamedBy(call);
    if (model.empty()) {
      return {.card = learned_->Get().first, .learned = learned_, .cards = cards_};
    }
    const bool own = model == options_.model;
    return {.card = own ? own_card_ : CardOf(model, *cards_), .learned = {}, .cards = {}};
  }

  const std::string& NamedBy(const model::Call& call) const {
    return call.model.empty() ? options_.model : call.model;
  }

  // Once for all calls. A server that does not tell is asked no more, and the call goes its way.
  async::Task<Result<void>> AskTheServer(async::Context ctx) {
    WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
    if (learned_->Get().second) co_return Result<void>();
    const Result<model::EngineInfo> info = co_await next_->Describe(ctx);
    if (!info && ctx.ended()) co_return Fail(info.error());
    learned_->Set(info ? CardOfFirst(info->models, *cards_) : nullptr);
    co_return Result<void>();
  }

  // The windows that the server keeps to itself are those of the cards.
  async::Task<Result<model::EngineInfo>> DescribeWithCards(async::Context ctx) {
    WEIR_CO_TRY(model::EngineInfo info, co_await next_->Describe(ctx));
    for (model::ModelEntry& model : info.models) {
      if (model.max_model_len || !model.parent.empty()) continue;
      const std::int64_t window = CardOf(model.id, *cards_)->context;
      if (window > 0) model.max_model_len = window;
    }
    co_return info;
  }

  bool Reads(const CardPlan& plan) const {
    return options_.reads_text || plan.mode != text::ToolMode::kNative;
  }

  void Read(model::Reply& reply, const CardReading& reading) const {
    bool only_thought = false;
    for (model::Choice& choice : reply.choices) {
      if (IsPlainAnswer(choice, reading)) continue;
      ChoiceReader reader(reading);
      model::Delta piece;
      piece.text = std::move(choice.text);
      piece.reasoning = std::move(choice.reasoning);
      piece.finish = choice.finish;
      piece.finish_text = std::move(choice.finish_text);
      piece.tool_calls.resize(choice.tool_calls.size());
      for (std::size_t i = 0; i < piece.tool_calls.size(); ++i) {
        piece.tool_calls[i].index = static_cast<std::int64_t>(i);
        piece.tool_calls[i].name = choice.tool_calls[i].name;
        piece.tool_calls[i].arguments = choice.tool_calls[i].arguments;
      }
      reader.Feed(piece);
      reader.Finish(piece);
      ids_->Fill(piece.tool_calls);
      choice.text = std::move(piece.text);
      choice.reasoning = std::move(piece.reasoning);
      if (reader.answer_was_in_thoughts()) choice.reasoning.clear();
      only_thought = only_thought || reader.only_thought();
      choice.finish = piece.finish;
      choice.finish_text = std::move(piece.finish_text);
      for (std::size_t i = choice.tool_calls.size(); i < piece.tool_calls.size(); ++i) {
        model::ToolCallDelta& call = piece.tool_calls[i];
        if (call.name.empty()) {
          choice.tool_calls[static_cast<std::size_t>(call.index)].arguments = call.arguments;
          continue;
        }
        choice.tool_calls.push_back({.id = std::move(call.id),
                                     .name = std::move(call.name),
                                     .arguments = std::move(call.arguments)});
      }
      reply.info.repairs.insert(reply.info.repairs.end(), reader.repairs().begin(),
                                reader.repairs().end());
    }
    if (only_thought) reply.info.degradations.push_back(OnlyThoughts());
  }

  const std::unique_ptr<model::Engine> next_;
  const CardOptions options_;
  const std::shared_ptr<const Cards> cards_;  // streams may outlive the engine
  const Card own_card_;
  const std::shared_ptr<CallIds> ids_;  // streams may outlive the engine
  const std::shared_ptr<LearnedCard> learned_ = std::make_shared<LearnedCard>();
  async::Semaphore gate_{{.permits = 1}};
};

}  // namespace

std::unique_ptr<model::Engine> NewCardEngine(std::unique_ptr<model::Engine> next,
                                             CardOptions options, Random random) {
  return std::make_unique<CardEngine>(std::move(next), std::move(options), random);
}

}  // namespace weir::engine
