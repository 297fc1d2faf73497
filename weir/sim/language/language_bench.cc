#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "weir/sim/language/language_model.h"

namespace weir::sim {
namespace {

constexpr std::string_view kQuestion = "How does a heat pump work, and is it worth the price?";

// Some of it from the corpus, most of it not.
std::string English() {
  constexpr std::string_view kText =
      "It was already late when the committee returned to the question of the harbour. The older "
      "members remembered the storm, which had lifted two trawlers over the breakwater and set "
      "them down, almost unharmed, in the vegetable market. \"We were lucky,\" said the chairman; "
      "nobody contradicted him. In 1987 alone, 14 vessels had been lost between the lighthouse "
      "and the northern cape.\n\n";
  std::string text;
  while (text.size() < 100'000) text += kText;
  return text;
}

void BM_Encode(benchmark::State& state) {
  const std::string text = English();
  std::vector<TokenId> tokens;
  for (auto _ : state) {
    tokens.clear();
    Tokenizer::Encode(text, tokens);
    benchmark::DoNotOptimize(tokens.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_Encode);

void BM_EncodeUnknownLetters(benchmark::State& state) {
  const std::string text(100'000, 'q');
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::Count(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_EncodeUnknownLetters);

// Passages in the middle of answers.
std::vector<Passage> Passages(const LanguageModel& model) {
  Random random(1);
  std::vector<Passage> passages;
  Passage passage(Tokenizer::Encode(kQuestion));
  while (passages.size() < 512) {
    const TokenId token = model.Draw(passage, random);
    passage.Append(token);
    if (token == kEndToken) passage = Passage(Tokenizer::Encode(kQuestion));
    passages.push_back(passage);
  }
  return passages;
}

void BM_Distribute(benchmark::State& state) {
  const LanguageModel model(static_cast<std::uint64_t>(state.range(0)));
  const std::vector<Passage> passages = Passages(model);
  std::vector<float> probabilities(static_cast<std::size_t>(Tokenizer::size()));
  std::size_t i = 0;
  for (auto _ : state) {
    model.Distribute(passages[i++ % passages.size()], probabilities);
    benchmark::DoNotOptimize(probabilities.data());
  }
}
BENCHMARK(BM_Distribute)->Arg(0)->Arg(7);

void BM_Probability(benchmark::State& state) {
  const LanguageModel model;
  const std::vector<Passage> passages = Passages(model);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model.Probability(passages[i++ % passages.size()], 300));
  }
}
BENCHMARK(BM_Probability);

void BM_Draw(benchmark::State& state) {
  const LanguageModel model(static_cast<std::uint64_t>(state.range(0)));
  const std::vector<Passage> passages = Passages(model);
  Random random(1);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model.Draw(passages[i++ % passages.size()], random));
  }
}
BENCHMARK(BM_Draw)->Arg(0)->Arg(7);

void BM_DrawAndAppend(benchmark::State& state) {
  const LanguageModel model;
  const Passage start(Tokenizer::Encode(kQuestion));
  Passage passage = start;
  Random random(1);
  for (auto _ : state) {
    const TokenId token = model.Draw(passage, random);
    if (token == kEndToken) {
      passage = start;
    } else {
      passage.Append(token);
    }
  }
}
BENCHMARK(BM_DrawAndAppend);

void BM_Copy(benchmark::State& state) {
  const Passage passage(Tokenizer::Encode(kQuestion));
  for (auto _ : state) {
    Passage copy = passage;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(BM_Copy);

void BM_ReadPrompt(benchmark::State& state) {
  const std::vector<TokenId> prompt = Tokenizer::Encode(kQuestion);
  for (auto _ : state) {
    const Passage passage(prompt);
    benchmark::DoNotOptimize(passage.tail().data());
  }
}
BENCHMARK(BM_ReadPrompt);

}  // namespace
}  // namespace weir::sim
