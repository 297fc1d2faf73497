#include "weir/sim/constraint/breaking_words.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/json/reader.h"
#include "weir/schema/generate.h"
#include "weir/schema/schema.h"
#include "weir/sim/constraint/edit.h"

namespace weir::sim {
namespace {

using json::Value;
using json::View;

constexpr std::size_t kEnough = 32;
constexpr std::string_view kStrings[] = {"other",      "unknown",
                                         "none",       "n/a",
                                         "not sure",   "???",
                                         "12/31/2024", "tomorrow",
                                         "not@valid@", "%zz",
                                         "((",         "http://[broken",
                                         "a b",        "-",
                                         "",           " ",
                                         "x",          "X",
                                         "7",          "_",
                                         "\n",         "0x1F",
                                         "~2",         "{",
                                         "Zo\u00eb",   "one two three",
                                         "aaaa",       "AAAA",
                                         "1234567890"};

schema::CompileOptions Asserting() { return {.assert_formats = true}; }

void Keep(std::vector<Value>& values, View schema, bool obeying) {
  const auto compiled = schema::Schema::Compile(schema, Asserting());
  if (!compiled) return values.clear();
  std::erase_if(values, [&](const Value& v) { return compiled->Accepts(v) != obeying; });
}

}  // namespace

const std::vector<Value>& OddValues() {
  static const std::vector<Value> values = [] {
    std::vector<Value> out;
    for (const std::string_view text : kStrings) out.push_back(Value::Of(text));
    constexpr int kNumbers[] = {0, 1, 2, 3, 5, 7, 10, 42, 99, 100, 1000, -1, -7};
    for (const int number : kNumbers) out.push_back(Value::Of(number));
    for (const std::string_view text : {"0.5", "2.25", "true", "false", "null", "[]", "{}"}) {
      if (auto read = json::Read(text)) out.push_back(*std::move(read));
    }
    return out;
  }();
  return values;
}

std::vector<Value> Odd(View rest, View broken) {
  std::vector<Value> out = OddValues();
  Keep(out, rest, true);
  Keep(out, broken, false);
  return out;
}

std::vector<Value> Sample(View schema, std::size_t count) {
  std::vector<Value> out;
  const auto compiled = schema::Schema::Compile(schema, Asserting());
  if (!compiled) return out;
  schema::Generator generator(*compiled, {.max_steps = 2'000, .attempts = 4});
  Random random(1);
  for (std::size_t i = 0; i < 2 * count && out.size() < count; ++i) {
    Result<Value> value = generator.Next(random);
    if (!value) break;
    const auto same = [&](const Value& other) { return other == *value; };
    if (std::ranges::none_of(out, same)) out.push_back(*std::move(value));
  }
  return out;
}

std::vector<Value> TextsBreaking(View schema, std::string_view keyword) {
  const Value rest = Edit(schema)
                         .Keep({"minLength", "maxLength", "pattern"})
                         .Remove({keyword})
                         .Set("type", std::string_view("string"))
                         .Build();
  const Value broken = Edit(schema).Keep({keyword}).Build();
  std::vector<Value> out;
  for (const std::string_view text : kStrings) out.push_back(Value::Of(text));
  Edit wanted(rest);
  if (keyword == "minLength" || keyword == "maxLength") {
    // Said directly; a generator does not turn bounds round.
    const auto bound = schema.Find(keyword).AsUint64().value_or(0);
    if (keyword == "minLength" && bound > 0) wanted.Set("maxLength", bound - 1);
    if (keyword == "maxLength") wanted.Set("minLength", bound + 1);
  } else {
    wanted.Set("not", broken);
  }
  for (Value& value : Sample(wanted.Build(), kEnough)) out.push_back(std::move(value));
  Keep(out, rest, true);
  Keep(out, broken, false);
  if (out.size() > kEnough) out.resize(kEnough);
  return out;
}

}  // namespace weir::sim
