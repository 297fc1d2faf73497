#include <string>

#include <benchmark/benchmark.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/automaton.h"
#include "weir/schema/grammar.h"
#include "weir/schema/schema_language.h"

namespace weir::schema {
namespace {

constexpr std::string_view kJsonGrammar = R"(
root   ::= ws value ws
value  ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)*)? ws "}"
array  ::= "[" ws (value (ws "," ws value)*)? ws "]"
string ::= "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?
ws     ::= [ \t\n\r]*
)";

constexpr std::string_view kSchema = R"({"type":"array","items":{"type":"object",
  "properties":{"id":{"type":"integer"},"name":{"type":"string"},"score":{"type":"number"},
  "tags":{"type":"array","items":{"type":"string"}},"ok":{"type":"boolean"}},
  "required":["id","name"],"additionalProperties":false}})";

std::string Rows() {
  std::string text = "[";
  for (int i = 0; text.size() < 100'000; ++i) {
    StrAppend(text, i == 0 ? "" : ",", "{\"id\":", i, ",\"name\":\"row ", i, "\",\"score\":0.", i,
              ",\"tags\":[\"a\",\"a sentence of the usual length that holds \xC3\xA9\"],",
              "\"ok\":true}");
  }
  text += ']';
  return text;
}

Language Words() {
  return LanguageOfRegex(ParseRegex(R"((?:\p{L}+[\s,.]+|[0-9]{1,8}\s)*)").value()).value();
}
std::string Sentences() {
  std::string text;
  while (text.size() < 100'000) text += "Der Fluß trägt 1234 Schiffe, und noch mehr. ";
  return text;
}

void Advance(benchmark::State& state, const Language& language, const std::string& text) {
  for (auto _ : state) {
    Matcher matcher = language.Begin();
    if (!matcher.Advance(text)) state.SkipWithError("the text is not in the language");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

// A token at a time, as a stream brings them.
void AdvanceTokens(benchmark::State& state, const Language& language, const std::string& text) {
  for (auto _ : state) {
    Matcher matcher = language.Begin();
    for (std::size_t i = 0; i < text.size(); i += 4) {
      if (!matcher.Advance(std::string_view(text).substr(i, 4))) state.SkipWithError("dead");
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void Next(benchmark::State& state, const Language& language, const std::string& text) {
  Matcher matcher = language.Begin();
  if (!matcher.Advance(std::string_view(text).substr(0, 5000))) state.SkipWithError("dead");
  for (auto _ : state) benchmark::DoNotOptimize(matcher.Next());
}

void Copy(benchmark::State& state, const Language& language, const std::string& text) {
  Matcher matcher = language.Begin();
  if (!matcher.Advance(std::string_view(text).substr(0, 5000))) state.SkipWithError("dead");
  for (auto _ : state) {
    Matcher copy = matcher;
    benchmark::DoNotOptimize(copy);
  }
}

Language JsonGrammar() { return ParseGrammar(kJsonGrammar).value(); }
Language Schema() { return LanguageOfSchema(json::Read(kSchema).value()).value().language; }

void BM_RegexAdvance(benchmark::State& state) { Advance(state, Words(), Sentences()); }
void BM_RegexAdvanceTokens(benchmark::State& state) { AdvanceTokens(state, Words(), Sentences()); }
void BM_RegexNext(benchmark::State& state) { Next(state, Words(), Sentences()); }
void BM_GrammarAdvance(benchmark::State& state) { Advance(state, JsonGrammar(), Rows()); }
void BM_GrammarAdvanceTokens(benchmark::State& state) {
  AdvanceTokens(state, JsonGrammar(), Rows());
}
void BM_GrammarNext(benchmark::State& state) { Next(state, JsonGrammar(), Rows()); }
void BM_GrammarCopy(benchmark::State& state) { Copy(state, JsonGrammar(), Rows()); }
void BM_SchemaAdvance(benchmark::State& state) { Advance(state, Schema(), Rows()); }
void BM_SchemaNext(benchmark::State& state) { Next(state, Schema(), Rows()); }
void BM_SchemaCompile(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Schema());
}

BENCHMARK(BM_RegexAdvance);
BENCHMARK(BM_RegexAdvanceTokens);
BENCHMARK(BM_RegexNext);
BENCHMARK(BM_GrammarAdvance);
BENCHMARK(BM_GrammarAdvanceTokens);
BENCHMARK(BM_GrammarNext);
BENCHMARK(BM_GrammarCopy);
BENCHMARK(BM_SchemaAdvance);
BENCHMARK(BM_SchemaNext);
BENCHMARK(BM_SchemaCompile);

}  // namespace
}  // namespace weir::schema
