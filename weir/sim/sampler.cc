#include "weir/sim/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <numbers>
#include <numeric>
#include <string>

#include "weir/base/text.h"

// One machine must not round where another one does not: no fused multiplication and addition.
#pragma STDC FP_CONTRACT OFF

namespace weir::sim {
namespace {

constexpr double kGreedy = 1e-5;
constexpr double kColdest = 0.01;
constexpr float kLogFloor = -9999;
constexpr double kLeastRepetition = 1e-6;  // Ollama takes 0, by which nothing can be divided
// Draws from the model before the exact way is taken: what a rule allows is mostly nearly all.
constexpr int kTries = 8;
constexpr int kColdTries = 48;
constexpr double kCool = 0.3;  // below it too few draws would be kept
// So many probabilities cost less one by one than all of them at once.
constexpr std::size_t kFew = 8;

constexpr std::array kNeverDrawn = {
    static_cast<TokenId>(Special::kTextEnd), static_cast<TokenId>(Special::kMessageBegin),
    static_cast<TokenId>(Special::kCallBegin), static_cast<TokenId>(Special::kCallEnd),
    static_cast<TokenId>(Special::kMedium)};

// The natural logarithm and its inverse, for the sake of two things that those of <cmath> are not:
// the same on every machine, and written so that the compiler works on several at once.
float LogOf(float x) {
  constexpr std::uint32_t kHalfRoot = 0x3F3504F3;  // the square root of 1/2
  const auto bits = std::bit_cast<std::uint32_t>(std::max(x, 1e-37F));
  const std::int32_t power = static_cast<std::int32_t>(bits - kHalfRoot) >> 23;
  const float m = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(power) << 23));
  const float s = (m - 1) / (m + 1);  // ln m = 2 artanh s
  const float z = s * s;
  const float series = 2 + z * (2.0F / 3 + z * (2.0F / 5 + z * (2.0F / 7 + z * (2.0F / 9))));
  return static_cast<float>(power) * std::numbers::ln2_v<float> + s * series;
}

// For x <= 0. Below the range of a float it is 0.
float Exp(float x) {
  const float bounded = std::max(x, -87.0F);
  const auto power = static_cast<std::int32_t>(bounded * std::numbers::log2e_v<float> - 0.5F);
  constexpr float kLn2High = 0.693359375F;  // few bits: its products with a power are exact
  constexpr float kLn2Low = static_cast<float>(std::numbers::ln2 - 0.693359375);
  const float whole = static_cast<float>(power);
  const float y = (bounded - whole * kLn2High) - whole * kLn2Low;
  const float series =
      1 + y * (1 + y * (1.0F / 2 +
                        y * (1.0F / 6 +
                             y * (1.0F / 24 + y * (1.0F / 120 + y * (1.0F / 720 + y / 5040))))));
  const float scale = std::bit_cast<float>(static_cast<std::uint32_t>(power + 127) << 23);
  return x < -87.0F ? 0 : series * scale;
}

// Floats are added in eight lanes, chunk by chunk, so that the order (and with it every bit of the
// sum) does not depend on the machine.
constexpr std::size_t kChunk = 128;

double SumOfChunk(std::span<const float> values) {
  std::array<float, 8> lanes = {};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += values[i + lane];
  }
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < values.size(); ++i) sum += values[i];
  return sum;
}

double Sum(std::span<const float> values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); i += kChunk) {
    sum += SumOfChunk(values.subspan(i, std::min(kChunk, values.size() - i)));
  }
  return sum;
}

float Largest(std::span<const float> values) {
  std::array<float, 16> lanes = {};
  std::size_t i = 0;
  for (; i + lanes.size() <= values.size(); i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] = std::max(lanes[lane], values[i + lane]);
    }
  }
  float largest = *std::ranges::max_element(lanes);
  for (; i < values.size(); ++i) largest = std::max(largest, values[i]);
  return largest;
}

// The index into `weights` that lies at `share` (in [0, 1)) of their sum.
std::size_t IndexAt(std::span<const float> weights, double share) {
  double rest = share * Sum(weights);
  for (std::size_t i = 0; i < weights.size(); i += kChunk) {
    const auto chunk = weights.subspan(i, std::min(kChunk, weights.size() - i));
    const double sum = SumOfChunk(chunk);
    if (rest >= sum) {
      rest -= sum;
      continue;
    }
    for (std::size_t j = 0; j < chunk.size(); ++j) {
      rest -= chunk[j];
      if (rest < 0 && chunk[j] > 0) return i + j;
    }
  }
  std::size_t last = weights.size() - 1;  // rounding went over the end
  while (last > 0 && weights[last] <= 0) --last;
  return last;
}

// A weight and its place as one number: the order is by weight, and of equal ones the first place
// is the largest. The bits of floats that are not negative are in the order of the floats.
std::uint64_t Key(float weight, std::size_t place) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(weight)} << 32 |
         (0xFFFFFFFFu - static_cast<std::uint32_t>(place));
}
std::size_t PlaceOf(std::uint64_t key) { return 0xFFFFFFFFu - static_cast<std::uint32_t>(key); }
float WeightOf(std::uint64_t key) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
}

void MakeKeys(std::span<const float> weights, std::vector<std::uint64_t>& keys) {
  keys.resize(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) keys[i] = Key(weights[i], i);
}

using Offset = std::ptrdiff_t;

// Brings the `count` largest of those from `begin` on to the front, in order.
void SortLargest(std::vector<std::uint64_t>& keys, std::size_t begin, std::size_t count) {
  const auto first = keys.begin() + static_cast<Offset>(begin);
  const auto last = first + static_cast<Offset>(std::min(count, keys.size() - begin));
  if (last != keys.end()) std::nth_element(first, last, keys.end(), std::greater<>());
  std::sort(first, last, std::greater<>());
}

// Brings the `count` largest of those from `begin` to `end` to the front of them; their sum.
double PullLargest(std::vector<std::uint64_t>& keys, std::size_t begin, std::size_t count,
                   std::size_t end) {
  const auto first = keys.begin() + static_cast<Offset>(begin);
  const auto last = first + static_cast<Offset>(count);
  if (begin + count < end) {
    std::nth_element(first, last, keys.begin() + static_cast<Offset>(end), std::greater<>());
  }
  return std::accumulate(first, last, 0.0,
                         [](double sum, std::uint64_t key) { return sum + WeightOf(key); });
}

// The smallest set of the likeliest that has this share of the sum; at least one. Mostly it is
// small: it is looked for in growing steps from above, and then by halves.
void KeepShare(std::vector<std::uint64_t>& keys, double share, double sum) {
  double missing = share * sum;
  std::size_t kept = 0;
  std::size_t end = keys.size();
  for (std::size_t count = 64; kept < keys.size(); count *= 4) {
    count = std::min(count, keys.size() - kept);
    const double mass = PullLargest(keys, kept, count, keys.size());
    if (mass >= missing) {
      end = kept + count;
      break;
    }
    missing -= mass;
    kept += count;
  }
  while (end - kept > 1) {
    const std::size_t half = (end - kept) / 2;
    const double mass = PullLargest(keys, kept, half, end);
    if (mass >= missing) {
      end = kept + half;
    } else {
      missing -= mass;
      kept += half;
    }
  }
  keys.resize(end);
}

bool Holds(const std::vector<TokenId>& sorted, TokenId token) {
  return std::ranges::binary_search(sorted, token);
}

// Takes the ones out of the others, in one pass: both are sorted.
void RemoveSorted(std::vector<TokenId>& tokens, const std::vector<TokenId>& unwanted) {
  auto kept = tokens.begin();
  auto next = tokens.begin();
  for (const TokenId token : unwanted) {
    const auto found = std::lower_bound(next, tokens.end(), token);
    if (found == tokens.end() || *found != token) continue;
    kept = std::move(next, found, kept);
    next = found + 1;
  }
  kept = next == kept ? tokens.end() : std::move(next, tokens.end(), kept);
  tokens.erase(kept, tokens.end());
}

// Inside of a text a word has a blank before it, and then it may be one token just as well.
void AddBadWord(std::string_view word, std::vector<std::vector<TokenId>>& out) {
  const std::string bare(word.substr(std::min(word.find_first_not_of(' '), word.size())));
  std::vector<TokenId> alone = Tokenizer::Encode(bare);
  std::vector<TokenId> inside = Tokenizer::Encode(StrCat(" ", bare));
  if (alone.empty()) return;
  const bool other = inside.size() == alone.size() && inside[0] != alone[0];
  out.push_back(std::move(alone));
  if (other) out.push_back(std::move(inside));
}

bool InVocabulary(std::int64_t token) { return token >= 0 && token < Tokenizer::size(); }

}  // namespace

// Buffers of one step. They belong to the thread and not to the sampler: there may be thousands of
// answers under way, and nothing stays in here from one step to the next.
struct Sampler::Work {
  std::vector<float> space;  // for `model`
  std::span<float> model;    // its distribution; empty: not asked yet
  std::vector<TokenId> candidates;
  std::vector<float> weights;  // of the candidates
  std::vector<std::uint64_t> keys;
};

SamplingRules SamplingRules::Of(const model::Sampling& sampling) {
  SamplingRules rules;
  rules.temperature = sampling.temperature.value_or(1);
  rules.top_p = sampling.top_p.value_or(1);
  rules.top_k = std::max<std::int64_t>(sampling.top_k.value_or(0), 0);
  rules.min_p = sampling.min_p.value_or(0);
  rules.frequency_penalty = sampling.frequency_penalty.value_or(0);
  rules.presence_penalty = sampling.presence_penalty.value_or(0);
  rules.repetition_penalty = sampling.repetition_penalty.value_or(1);
  for (const auto& [text, bias] : sampling.logit_bias) {
    const std::optional<std::int64_t> token = ParseInt(text);
    if (!token || !InVocabulary(*token)) continue;
    rules.logit_bias.emplace_back(static_cast<TokenId>(*token), std::clamp(bias, -100.0, 100.0));
  }
  for (const std::int64_t token : sampling.allowed_token_ids) {
    if (InVocabulary(token)) rules.allowed.push_back(static_cast<TokenId>(token));
  }
  for (const std::string& word : sampling.bad_words) AddBadWord(word, rules.bad_words);
  for (const std::int64_t token : sampling.stop_token_ids) {
    if (InVocabulary(token)) rules.stops.push_back(static_cast<TokenId>(token));
  }
  rules.min_tokens = sampling.min_tokens.value_or(0);
  rules.ignore_eos = sampling.ignore_eos.value_or(false);
  return rules;
}

bool SamplingRules::plain() const {
  return temperature == 1 && top_p >= 1 && top_k <= 0 && min_p <= 0 && frequency_penalty == 0 &&
         presence_penalty == 0 && repetition_penalty == 1 && logit_bias.empty() &&
         allowed.empty() && bad_words.empty() && min_tokens <= 0 && !ignore_eos;
}

Sampler::Sampler(const LanguageModel& model, SamplingRules rules, std::span<const TokenId> prompt,
                 std::uint64_t seed)
    : model_(&model), rules_(std::move(rules)), random_(seed) {
  std::ranges::sort(rules_.allowed);
  const auto again = std::ranges::unique(rules_.allowed);
  rules_.allowed.erase(again.begin(), again.end());
  for (const std::vector<TokenId>& word : rules_.bad_words) {
    longest_bad_word_ = std::max(longest_bad_word_, word.size());
  }
  if (rules_.repetition_penalty != 1) {
    std::vector<TokenId> seen(prompt.begin(), prompt.end());
    std::ranges::sort(seen);
    const auto repeated = std::ranges::unique(seen);
    seen.erase(repeated.begin(), repeated.end());
    for (const TokenId token : seen) changes_.push_back({.token = token, .seen = true});
  }
  for (const auto& [token, bias] : rules_.logit_bias) {
    ChangeOf(token).bias = static_cast<float>(bias);
  }
  Block({static_cast<TokenId>(Special::kThinkBegin), static_cast<TokenId>(Special::kThinkEnd)});
}

Sampler::Change& Sampler::ChangeOf(TokenId token) {
  auto found = std::ranges::lower_bound(changes_, token, {}, &Change::token);
  if (found == changes_.end() || found->token != token) {
    found = changes_.insert(found, {.token = token});
  }
  return *found;
}

void Sampler::Block(std::vector<TokenId> tokens) {
  blocked_ = std::move(tokens);
  CloseTokens();
}

void Sampler::Commit(TokenId token) {
  ++written_;
  if (rules_.repetition_penalty != 1 || rules_.frequency_penalty != 0 ||
      rules_.presence_penalty != 0) {
    Change& change = ChangeOf(token);
    ++change.times;
    change.seen = true;
  }
  if (longest_bad_word_ > 1) {
    if (history_.size() + 1 == longest_bad_word_) history_.erase(history_.begin());
    history_.push_back(token);
  }
  if (longest_bad_word_ > 1 || written_ == rules_.min_tokens) CloseTokens();
}

void Sampler::CloseTokens() {
  closed_.assign(kNeverDrawn.begin(), kNeverDrawn.end());
  closed_.insert(closed_.end(), blocked_.begin(), blocked_.end());
  const bool early = written_ < rules_.min_tokens;
  if (early || rules_.ignore_eos) closed_.push_back(kEndToken);
  if (early) closed_.insert(closed_.end(), rules_.stops.begin(), rules_.stops.end());
  for (const std::vector<TokenId>& word : rules_.bad_words) {
    if (word.empty() || word.size() - 1 > history_.size()) continue;
    const auto recent = std::span(history_).last(word.size() - 1);
    if (std::ranges::equal(recent, std::span(word).first(word.size() - 1))) {
      closed_.push_back(word.back());
    }
  }
  std::ranges::sort(closed_);
}

bool Sampler::greedy() const { return rules_.temperature < kGreedy; }

// Whether the probabilities are bent and not only cut: by more than masks, top_k, top_p and min_p.
bool Sampler::shaped() const { return rules_.temperature != 1 || !changes_.empty(); }

bool Sampler::Permits(TokenId token) const {
  return !Holds(closed_, token) && (rules_.allowed.empty() || Holds(rules_.allowed, token));
}

std::optional<Sampled> Sampler::Next(const Passage& passage, const TokenFilter* filter,
                                     std::optional<std::int64_t> top) {
  static thread_local Work work;
  work.model = {};
  std::optional<TokenId> token = Try(passage, filter);
  if (!token) token = Choose(passage, filter, work);
  if (!token) return std::nullopt;
  if (!top) return Sampled{.token = *token};
  return Report(*token, passage, filter, *top, work);
}

// Where the rules only mask, a draw from the model that happens to be permitted is exact. So is one
// that a colder temperature keeps with the chance p^(1/t - 1): what is kept is spread like p^(1/t).
std::optional<TokenId> Sampler::Try(const Passage& passage, const TokenFilter* filter) {
  const bool cut = rules_.top_k > 0 || rules_.top_p < 1 || rules_.min_p > 0;
  if (!changes_.empty() || cut || (filter != nullptr && filter->leans())) return std::nullopt;
  const double temperature = rules_.temperature;
  if (temperature > 1 || temperature < kCool) return std::nullopt;
  const auto exponent = static_cast<float>(1 / temperature - 1);
  for (int i = 0; i < (exponent > 0 ? kColdTries : kTries); ++i) {
    const TokenId token = model_->Draw(passage, random_);
    if (!Permits(token) || (filter != nullptr && !filter->Allows(token))) continue;
    if (exponent > 0) {
      const float kept = Exp(exponent * std::min(0.0F, LogOf(model_->Probability(passage, token))));
      if (random_.Uniform() >= kept) continue;
    }
    return token;
  }
  return std::nullopt;
}

void Sampler::AskModel(const Passage& passage, Work& work) const {
  work.space.resize(static_cast<std::size_t>(Tokenizer::size()));
  work.model = work.space;
  model_->Distribute(passage, work.model);
}

// The likeliest token, where nothing but blocked tokens stands in its way.
std::optional<TokenId> Sampler::Likeliest(const Passage& passage, Work& work) const {
  AskModel(passage, work);
  const float most = Largest(work.model);
  const auto found = static_cast<TokenId>(std::ranges::find(work.model, most) - work.model.begin());
  return Permits(found) ? std::optional(found) : std::nullopt;
}

std::optional<TokenId> Sampler::Choose(const Passage& passage, const TokenFilter* filter,
                                       Work& work) {
  if (greedy() && filter == nullptr && changes_.empty() && rules_.allowed.empty()) {
    if (const std::optional<TokenId> likeliest = Likeliest(passage, work)) return likeliest;
  }
  ListCandidates(filter, work);
  if (work.candidates.empty()) return std::nullopt;
  if (work.candidates.size() == 1) return work.candidates[0];
  Weigh(passage, filter, work);
  if (greedy() ? !changes_.empty() : shaped()) Shape(work);
  if (greedy()) {
    const auto best = std::ranges::max_element(work.weights);
    return work.candidates[static_cast<std::size_t>(best - work.weights.begin())];
  }
  Cut(work);
  return work.candidates[IndexAt(work.weights, random_.Uniform())];
}

void Sampler::ListCandidates(const TokenFilter* filter, Work& work) const {
  std::vector<TokenId>& out = work.candidates;
  if (filter != nullptr) {
    out.clear();
    filter->AppendAll(out);
    if (!rules_.allowed.empty()) {
      std::erase_if(out, [&](TokenId token) { return !Holds(rules_.allowed, token); });
    }
  } else if (!rules_.allowed.empty()) {
    out = rules_.allowed;
  } else {
    out.resize(static_cast<std::size_t>(Tokenizer::size()));
    std::iota(out.begin(), out.end(), TokenId{0});
  }
  RemoveSorted(out, closed_);
}

void Sampler::Weigh(const Passage& passage, const TokenFilter* filter, Work& work) const {
  work.weights.resize(work.candidates.size());
  if (work.candidates.size() > kFew) AskModel(passage, work);
  for (std::size_t i = 0; i < work.candidates.size(); ++i) {
    const TokenId token = work.candidates[i];
    work.weights[i] = work.model.empty() ? model_->Probability(passage, token)
                                         : work.model[static_cast<std::size_t>(token)];
  }
  if (filter == nullptr || !filter->leans()) return;
  for (std::size_t i = 0; i < work.candidates.size(); ++i) {
    work.weights[i] *= filter->Leaning(work.candidates[i]);
  }
}

// Bias, penalties and temperature. They mean logits, of which a distribution only tells the
// differences; here a token that is as likely as all on average has the logit 0, so that, as in
// real models, the few that may well come next are above it and the rest below.
void Sampler::Shape(Work& work) const {
  const std::span<float> weights = work.weights;
  const float zero = LogOf(static_cast<float>(Tokenizer::size()));
  for (float& weight : weights) weight = LogOf(weight) + zero;
  auto at = work.candidates.begin();
  for (const Change& change : changes_) {
    at = std::lower_bound(at, work.candidates.end(), change.token);
    if (at == work.candidates.end()) break;
    if (*at != change.token) continue;
    float& logit = weights[static_cast<std::size_t>(at - work.candidates.begin())];
    logit += change.bias;
    if (change.seen) {
      const auto repetition =
          static_cast<float>(std::max(rules_.repetition_penalty, kLeastRepetition));
      logit = logit > 0 ? logit / repetition : logit * repetition;
    }
    logit -= static_cast<float>(rules_.frequency_penalty * change.times);
    if (change.times > 0) logit -= static_cast<float>(rules_.presence_penalty);
  }
  if (greedy()) return;
  float most = weights[0];
  for (const float logit : weights) most = std::max(most, logit);
  const auto scale = static_cast<float>(1 / std::max(rules_.temperature, kColdest));
  for (float& logit : weights) logit = Exp((logit - most) * scale);
}

template <typename Keeps>
void Sampler::KeepIf(Work& work, const Keeps& keeps) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < work.weights.size(); ++i) {
    if (!keeps(i)) continue;
    work.weights[kept] = work.weights[i];
    work.candidates[kept++] = work.candidates[i];
  }
  work.weights.resize(kept);
  work.candidates.resize(kept);
}

void Sampler::Cut(Work& work) const {
  if (rules_.min_p > 0) {
    const float least = std::ranges::max(work.weights) * static_cast<float>(rules_.min_p);
    KeepIf(work, [&](std::size_t i) { return work.weights[i] >= least; });
  }
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(rules_.top_k, 0));
  const bool fewer = most > 0 && most < work.weights.size();
  if (!fewer && rules_.top_p >= 1) return;
  MakeKeys(work.weights, work.keys);
  double sum = 0;
  if (fewer) {
    sum = PullLargest(work.keys, 0, most, work.keys.size());
    work.keys.resize(most);
  } else {
    sum = Sum(work.weights);
  }
  if (rules_.top_p < 1) KeepShare(work.keys, rules_.top_p, sum);
  const std::uint64_t least = std::ranges::min(work.keys);
  KeepIf(work, [&](std::size_t i) { return Key(work.weights[i], i) >= least; });
}

Sampled Sampler::Report(TokenId token, const Passage& passage, const TokenFilter* filter,
                        std::int64_t top, Work& work) const {
  const auto size = static_cast<std::size_t>(Tokenizer::size());
  if (work.model.empty()) AskModel(passage, work);
  if (filter != nullptr && filter->leans()) {
    for (std::size_t i = 0; i < size; ++i) {
      work.model[i] *= filter->Leaning(static_cast<TokenId>(i));
    }
    const auto scale = static_cast<float>(1 / Sum(work.model));
    for (float& probability : work.model) probability *= scale;
  }
  const auto log = [](float p) { return p > 0 ? std::min(LogOf(p), 0.0F) : kLogFloor; };
  const float own = work.model[static_cast<std::size_t>(token)];
  const auto likelier = std::ranges::count_if(work.model, [own](float p) { return p > own; });
  Sampled sampled{.token = token, .logprob = log(own), .rank = likelier + 1, .top = {}};
  if (top == 0) return sampled;
  const std::size_t count = top < 0 ? size : std::min(static_cast<std::size_t>(top), size);
  MakeKeys(work.model, work.keys);
  SortLargest(work.keys, 0, count);
  sampled.top.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    sampled.top.push_back({.token = static_cast<TokenId>(PlaceOf(work.keys[i])),
                           .logprob = log(WeightOf(work.keys[i]))});
  }
  return sampled;
}

}  // namespace weir::sim
