#include "weir/sim/author.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"
#include "weir/sim/scoring.h"

namespace weir::sim {
namespace {

using model::Delta;
using model::Finish;

constexpr std::uint64_t kTrials = 200;
constexpr int kSlice = 16;                  // tokens that are tried before others have their turn
constexpr std::int64_t kLongThought = 300;  // tokens; a model that rambles on is stopped
constexpr auto kThinkBegin = static_cast<TokenId>(Special::kThinkBegin);
constexpr auto kThinkEnd = static_cast<TokenId>(Special::kThinkEnd);

// Characters, not bytes: that is how the server counts what it holds back.
std::size_t HoldBack(const AuthorOptions& options) {
  if (options.stop_shown) return 0;
  std::size_t longest = 1;
  for (const std::string& stop : options.stop) {
    longest = std::max(longest, CountCharacters(stop));
  }
  return longest - 1;
}

// The end of the last whole character.
std::size_t WholeCharacters(std::string_view text) {
  std::size_t begin = text.size();
  for (int i = 0; i < 4 && begin > 0; ++i) {
    --begin;
    if (!IsInsideUtf8(text[begin])) break;
  }
  return IsUtf8(text.substr(begin)) || text.size() - begin >= 4 ? text.size() : begin;
}

// What is no character becomes U+FFFD, as where the server turns tokens into text.
std::string Mended(std::string_view bytes) {
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string text;
  while (!bytes.empty()) {
    std::size_t size = 1;
    while (size < std::min<std::size_t>(4, bytes.size()) && !IsUtf8(bytes.substr(0, size))) ++size;
    if (IsUtf8(bytes.substr(0, size))) {
      text += bytes.substr(0, size);
    } else {
      text += "\xEF\xBF\xBD";
      size = 1;
      while (size < bytes.size() && IsInsideUtf8(bytes[size])) ++size;
    }
    bytes.remove_prefix(size);
  }
  return text;
}

std::vector<std::uint8_t> BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

// Whether a text that was tried is what it has to be.
bool Passes(const Stretch& stretch, std::string_view text) {
  const auto value = json::Read(text);
  if (!value) return false;
  if (stretch.violates.empty()) return stretch.check->Accepts(*value);
  const std::vector<schema::Violation> violations = stretch.check->Check(*value);
  return !violations.empty() && std::ranges::all_of(violations, [&](const auto& violation) {
    return violation.keyword == stretch.violates;
  });
}

}  // namespace

Author::Author(std::shared_ptr<const LanguageModel> model, std::shared_ptr<const PieceTree> pieces,
               const RenderedPrompt& prompt, AuthorOptions options)
    : model_(std::move(model)),
      pieces_(std::move(pieces)),
      options_(std::move(options)),
      reads_passage_(options_.logprobs || !std::ranges::all_of(options_.outline, IsLaidOut)),
      passage_(reads_passage_ ? prompt.question : std::vector<TokenId>()),
      sampler_(*model_, options_.rules, prompt.tokens, options_.seed),
      hold_back_(HoldBack(options_)) {
  constexpr std::int64_t kFirstTokens = 32;
  tokens_.reserve(
      static_cast<std::size_t>(std::clamp<std::int64_t>(options_.room, 1, kFirstTokens)));
  for (const TokenId token : prompt.lead) Read(token);
}

// What the model is never asked about, it need not read.
void Author::Read(TokenId token) {
  if (reads_passage_) passage_.Append(token);
}

void Author::BeginTrial() {
  const std::uint64_t number[] = {tries_++, prepared_};
  attempt_.reset(new Attempt{.passage = passage_,
                             .sampler = Sampler(*model_, options_.rules, {},
                                                StableHash(number, sizeof number, options_.seed)),
                             .mask = TokenMask(pieces_, *options_.outline[prepared_].held.language),
                             .text = {},
                             .trial = {}});
}

// One token more.
Author::Tried Author::Try(Attempt& attempt, const Segment& segment, bool last) const {
  std::optional<Sampled> sampled =
      attempt.sampler.Next(attempt.passage, &attempt.mask, options_.logprobs);
  if (!sampled) return Tried::kWrong;
  if (sampled->token == kEndToken) {
    if (!Passes(segment.held, attempt.text)) return Tried::kWrong;
    if (last) attempt.trial.push_back(*std::move(sampled));
    return Tried::kRight;
  }
  attempt.text += Tokenizer::Piece(sampled->token);
  attempt.sampler.Commit(sampled->token);
  attempt.passage.Append(sampled->token);
  if (!attempt.mask.Commit(sampled->token)) return Tried::kWrong;
  attempt.trial.push_back(*std::move(sampled));
  return Tried::kGoesOn;
}

// The trial that writes just this text; nothing when the stretch does not have it.
std::optional<Author::Trial> Author::Spell(const Segment& segment, bool last,
                                           std::string_view text) const {
  Trial trial;
  Passage passage = passage_;
  TokenMask mask(pieces_, *segment.held.language);
  const auto add = [&](TokenId token) {
    trial.push_back(options_.logprobs ? Score(*model_, passage, token, *options_.logprobs)
                                      : Sampled{.token = token});
    passage.Append(token);
  };
  for (const TokenId token : Tokenizer::Encode(text)) {
    if (!mask.Commit(token)) return std::nullopt;
    add(token);
  }
  if (!mask.complete()) return std::nullopt;
  if (last) add(kEndToken);
  return trial;
}

Result<Author::Trial> Author::Make(const Segment& segment, bool last) const {
  std::string why = "its words would break the keyword that is to hold";
  if (segment.held.violates.empty()) {
    const auto texts = RareTexts(segment.held, options_.seed);
    for (const std::string& text : texts.value_or(std::vector<std::string>())) {
      if (auto trial = Spell(segment, last, text)) return *std::move(trial);
    }
    why =
        texts ? "what obeys it is spelled in a way that answers never have" : texts.error().message;
  }
  return Fail(Code::kUnsupportedConstraint,
              StrCat("no answer was found that obeys the schema by trying words, because ",
                     Join(segment.held.open, ", "),
                     " can only be checked when the answer is written; making one failed too: ",
                     why, ". Loosen what stands there"));
}

Result<bool> Author::Prepare(std::int64_t& left) {
  for (int said = 0; prepared_ < options_.outline.size();) {
    const Segment& segment = options_.outline[prepared_];
    const bool last = prepared_ + 1 == options_.outline.size();
    if (segment.held.check != nullptr) {
      if (said++ >= kSlice) return false;
      if (left > 0 && (attempt_ != nullptr || tries_ < kTrials)) {
        --left;
        if (attempt_ == nullptr) BeginTrial();
        const Tried tried = Try(*attempt_, segment, last);
        if (tried == Tried::kWrong) attempt_ = nullptr;
        if (tried != Tried::kRight) continue;
        trials_[prepared_] = std::move(attempt_->trial);
      } else {
        WEIR_TRY(trials_[prepared_], Make(segment, last));
        said = kSlice;  // as much work as that, or more
      }
      attempt_ = nullptr;
    }
    ++prepared_;
    tries_ = 0;
    if (said >= kSlice) return false;
  }
  return true;
}

void Author::Write(Delta& out) {
  out.choice = options_.index;
  out.has_choice = true;
  if (written() == 0 && !options_.echo.empty()) BeginEcho(out);
  const Sampled sampled = Choose(out);
  Take(sampled, out);
}

void Author::Abort(Delta& out) {
  out.choice = options_.index;
  out.has_choice = true;
  Finish(Finish::kAbort, json::Value(), out);
}

void Author::OpenSegment() {
  open_ = true;
  laid_at_ = 0;
  const Segment& now = segment();
  sampler_.Block({kThinkBegin, now.kind == Segment::Kind::kReasoning ? kEndToken : kThinkEnd});
  mask_.reset();
  if (now.kind == Segment::Kind::kReasoning) {
    Read(kThinkBegin);
  }
  if (!IsLaid() && now.held.language && !trials_.contains(at_)) {
    mask_ = std::make_unique<TokenMask>(pieces_, *now.held.language);
  }
}

void Author::NextSegment(Delta& out) {
  Release(true, out);
  text_.clear();
  shown_ = 0;
  if (segment().kind == Segment::Kind::kName) {
    out.tool_calls.push_back(segment().call);
    call_ = segment().call.index;
    ++calls_;
  }
  mask_.reset();
  open_ = false;
  ++at_;
}

Sampled Author::Choose(Delta& out) {
  while (!AtEnd()) {
    if (!open_) OpenSegment();
    if (std::optional<Sampled> sampled = ChooseInSegment()) return *std::move(sampled);
    NextSegment(out);
  }
  return Laid(kEndToken);
}

// Nothing: the segment is over.
std::optional<Sampled> Author::ChooseInSegment() {
  const Segment& now = segment();
  if (const auto trial = trials_.find(at_); trial != trials_.end()) {
    if (laid_at_ == trial->second.size()) return std::nullopt;
    return trial->second[laid_at_++];
  }
  if (IsLaid()) {
    if (laid_at_ == now.fixed.size()) return std::nullopt;
    return Laid(now.fixed[laid_at_++]);
  }
  if (now.kind == Segment::Kind::kReasoning) {
    const std::int64_t budget = options_.thinking_budget;
    if (thought_ >= (budget >= 0 ? budget : kLongThought)) return Laid(kThinkEnd);
  }
  if (mask_ && mask_->only_end() && !InLast()) return std::nullopt;
  std::optional<Sampled> sampled = sampler_.Next(passage_, mask_.get(), options_.logprobs);
  if (!sampled) return InLast() ? std::optional(Laid(kEndToken)) : std::nullopt;
  if (sampled->token == kEndToken && !InLast()) return std::nullopt;
  return sampled;
}

Sampled Author::Laid(TokenId token) const {
  if (!options_.logprobs) return {.token = token};
  const auto probability = AtEnd() ? std::nullopt : segment().probability;
  if (!probability) return Score(*model_, passage_, token, *options_.logprobs);
  return ScoreAs(*model_, passage_, token, *options_.logprobs, *probability);
}

void Author::Take(const Sampled& sampled, Delta& out) {
  const TokenId token = sampled.token;
  tokens_.push_back(token);
  sampler_.Commit(token);
  Read(token);
  if (mask_) (void)mask_->Commit(token);
  Report(sampled, out);
  const std::size_t before = text_.size();
  if (!AtEnd()) {
    if (segment().kind == Segment::Kind::kReasoning) ++thought_;
    if (!Tokenizer::IsSpecial(token)) text_ += Tokenizer::Piece(token);
  }
  EndAfter(token, out);
  if (finished()) return;
  if (written() > options_.rules.min_tokens && EndAtStop(before, out)) return;
  Release(false, out);
  if (token == kThinkEnd && !AtEnd()) NextSegment(out);
}

// What vLLM's engine looks at after each token, in its order.
void Author::EndAfter(TokenId token, Delta& out) {
  if (written() < options_.rules.min_tokens) return;
  const auto& stops = options_.rules.stops;
  if (token == kEndToken) {
    json::Value reason;
    if (options_.end_named) reason = json::Value::Of(std::int64_t{kEndToken});
    return Finish(Finish::kStop, std::move(reason), out);
  }
  if (std::ranges::find(stops, token) != stops.end()) {
    if (!options_.stop_shown && !Tokenizer::IsSpecial(token)) {
      text_.resize(text_.size() - Tokenizer::Piece(token).size());
    }
    return Finish(Finish::kStop, json::Value::Of(std::int64_t{token}), out);
  }
  if (written() < options_.room) {
    if (Repeats()) {
      Finish(Finish::kRepetition, json::Value::Of(std::string_view("repetition_detected")), out);
    }
    return;
  }
  if (written() > options_.rules.min_tokens && EndAtStop(shown_, out)) return;
  if (options_.room == 0) text_.clear();
  Finish(Finish::kLength, json::Value(), out);
}

// The stop text that is complete first in what came behind `before`.
bool Author::EndAtStop(std::size_t before, Delta& out) {
  std::size_t best_begin = 0;
  std::size_t best_end = std::string::npos;
  const std::string* best = nullptr;
  for (const std::string& stop : options_.stop) {
    const std::size_t from = before + 1 > stop.size() ? before + 1 - stop.size() : 0;
    const std::size_t found = text_.find(stop, from);
    if (found == std::string::npos || found + stop.size() >= best_end) continue;
    best_begin = found;
    best_end = found + stop.size();
    best = &stop;
  }
  if (best == nullptr) return false;
  text_.resize(options_.stop_shown ? best_end : best_begin);
  Finish(Finish::kStop, json::Value::Of(std::string_view(*best)), out);
  return true;
}

// vLLM's test: the last tokens are one pattern, as often as `min_count` says.
bool Author::Repeats() const {
  if (!options_.repetition.IsObject()) return false;
  const auto number = [&](std::string_view key, std::int64_t otherwise) {
    return static_cast<std::size_t>(
        std::max<std::int64_t>(1, options_.repetition.Find(key).AsInt64().value_or(otherwise)));
  };
  const std::size_t count = number("min_count", 2);
  for (std::size_t size = number("min_pattern_size", 1); size <= number("max_pattern_size", 1);
       ++size) {
    if (size * count > tokens_.size()) return false;
    const auto end = tokens_.end();
    const auto step = static_cast<std::ptrdiff_t>(size);
    if (std::equal(end - step * static_cast<std::ptrdiff_t>(count), end - step,
                   end - step * static_cast<std::ptrdiff_t>(count - 1))) {
      return true;
    }
  }
  return false;
}

void Author::Finish(model::Finish finish, json::Value reason, Delta& out) {
  finish_ = finish;
  if (!AtEnd()) Release(true, out);
  const bool called = calls_ > 0 || options_.called_without_calls;
  if (called && finish == Finish::kStop && options_.called != Finish::kNone) {
    finish_ = options_.called;
  } else if (calls_ > 0 && finish == Finish::kLength && options_.called_and_cut != Finish::kNone) {
    finish_ = options_.called_and_cut;
  }
  out.finish = finish_;
  out.finish_text = model::FinishName(finish_);
  if (!options_.finish_word.empty()) {
    out.finish_text = options_.finish_word;
    out.finish = model::ParseFinish(options_.finish_word);
  }
  out.stop_reason = std::move(reason);
}

// Hands out what is sure: whole characters, less what may still become a stop text.
void Author::Release(bool all, Delta& out) {
  if (AtEnd()) return;
  // Half a character that nothing completes is never said.
  std::size_t end = WholeCharacters(text_);
  if (!all) {
    for (std::size_t held = 0; held < hold_back_ && end > shown_; ++held) {
      do {
        --end;
      } while (end > shown_ && IsInsideUtf8(text_[end]));
    }
  }
  if (end <= shown_) return;
  const std::string piece = Mended(std::string_view(text_).substr(shown_, end - shown_));
  shown_ = end;
  switch (segment().kind) {
    case Segment::Kind::kReasoning:
      if (options_.thoughts_shown) out.reasoning += piece;
      break;
    case Segment::Kind::kText:
      out.text += piece;
      break;
    case Segment::Kind::kArguments:
      if (out.tool_calls.empty() || out.tool_calls.back().index != call_) {
        out.tool_calls.push_back({.index = call_});
      }
      out.tool_calls.back().arguments += piece;
      break;
    case Segment::Kind::kHidden:
    case Segment::Kind::kName:
      break;
  }
}

void Author::Report(const Sampled& sampled, Delta& out) {
  if (options_.token_ids) out.token_ids.push_back(sampled.token);
  if (options_.logprobs) out.tokens.push_back(Describe(sampled));
}

// What a token is in its place: nothing where it leaves a character half, and all of the character
// where it completes one.
std::string Author::TextOf(TokenId token) const {
  const std::string_view piece = Tokenizer::Piece(token);
  if (IsUtf8(piece)) return std::string(piece);
  const std::string bytes = StrCat(half_, piece);
  return Mended(std::string_view(bytes).substr(0, WholeCharacters(bytes)));
}

model::Token Author::Describe(const Sampled& sampled) {
  const auto wanted =
      static_cast<std::size_t>(*options_.logprobs < 0 ? Tokenizer::size() : *options_.logprobs);
  const auto shown = [&](TokenId token) {
    return options_.tokens_as_ids ? StrCat("token_id:", token) : TextOf(token);
  };
  const auto top_token = [&](TokenId token, float logprob) {
    std::string text = shown(token);
    std::vector<std::uint8_t> bytes = BytesOf(text);
    return model::TopToken{std::move(text), logprob, std::move(bytes)};
  };
  model::Token token{.text = shown(sampled.token),
                     .logprob = sampled.logprob,
                     .bytes = BytesOf(TextOf(sampled.token))};
  if (options_.token_ids) token.id = sampled.token;
  // The chosen token stands first; chat counts it among the alternatives, completions do not.
  const std::size_t size = options_.chat ? wanted : wanted + 1;
  if (size > 0) token.top.push_back(top_token(sampled.token, sampled.logprob));
  for (std::size_t i = 0; i < std::min(wanted, sampled.top.size()); ++i) {
    if (token.top.size() == size) break;
    if (sampled.top[i].token == sampled.token) continue;
    token.top.push_back(top_token(sampled.top[i].token, sampled.top[i].logprob));
  }
  if (!options_.chat) {
    token.text_offset = offset_;
    offset_ += static_cast<std::int64_t>(CountCharacters(token.text));
  }
  const std::string_view piece = Tokenizer::Piece(sampled.token);
  half_ = IsUtf8(piece) ? std::string() : StrCat(half_, piece);
  half_.erase(0, WholeCharacters(half_));
  return token;
}

void Author::BeginEcho(Delta& out) {
  out.text = options_.echo;
  if (!options_.logprobs) return;
  const std::vector<Sampled> scores =
      ScorePrompt(*model_, options_.echo_tokens, *options_.logprobs);
  for (const Sampled& score : scores) {
    out.tokens.push_back(Describe(score));
    if (out.tokens.size() > 1) continue;
    out.tokens.back().logprob.reset();
    out.tokens.back().top.clear();
  }
}

}  // namespace weir::sim
