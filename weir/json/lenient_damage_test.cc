// Documents damaged in the ways models damage them must come back equal. Every class of damage has
// a floor; the rates are printed, so that a change that costs a class shows before it breaks one.

#include <array>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

constexpr std::size_t kDocuments = 400;  // of every class

struct Token {
  char kind;         // one of { } [ ] , :  or k(ey), s(tring), n(umber), l(iteral)
  std::string text;  // of keys and strings: what they mean
  std::size_t depth = 0;
};

// How a document is written down. Damage changes tokens or this.
struct Script {
  std::vector<Token> tokens;
  std::string indent;       // per level; empty: one line
  std::string open = "\"";  // quotation marks
  std::string close = "\"";
  std::vector<std::size_t> no_open;   // tokens that lose their first mark
  std::vector<std::size_t> no_close;  // ... their last
  bool escape_quotes = true;
  bool escape_breaks = true;
  bool bare_keys = false;
  bool python = false;
  std::string before;
  std::string after;
  std::function<std::string(std::size_t)> comment;  // behind the n-th comma
};

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  std::size_t Below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  bool OneIn(std::size_t n) { return Below(n) == 0; }

  Script Document() {
    Script script;
    tokens_.clear();
    budget_ = 6 + Below(30);
    OneIn(4) ? Array(0) : Object(0);
    script.tokens = tokens_;
    constexpr std::array<std::string_view, 3> kIndents = {"", "  ", "    "};
    script.indent = kIndents[Below(3)];
    return script;
  }

 private:
  void Add(char kind, std::string text, std::size_t depth) {
    tokens_.push_back({kind, std::move(text), depth});
  }

  void Object(std::size_t depth) {
    Add('{', "{", depth);
    const std::size_t count = depth == 0 ? 2 + Below(4) : Below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0) Add(',', ",", depth);
      Add('k', StrCat(Word(), OneIn(3) ? "_" : "", OneIn(3) ? Word() : "", i), depth);
      Add(':', ":", depth);
      Value(depth + 1);
    }
    Add('}', "}", depth);
  }

  void Array(std::size_t depth) {
    Add('[', "[", depth);
    const std::size_t count = 1 + Below(4);
    const std::size_t kind = Below(5);
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0) Add(',', ",", depth);
      if (kind == 0 && depth < 4) {
        Object(depth + 1);
      } else if (kind == 1) {
        Number(depth);
      } else if (kind == 2) {
        Value(depth + 1);
      } else {
        Add('s', Sentence(), depth);
      }
    }
    Add(']', "]", depth);
  }

  void Value(std::size_t depth) {
    if (budget_ > 0) --budget_;
    const std::size_t kind = Below(10);
    if (kind < 2 && depth < 4 && budget_ > 0) return Object(depth);
    if (kind < 4 && depth < 4 && budget_ > 0) return Array(depth);
    if (kind < 5) return Number(depth);
    if (kind < 6) {
      constexpr std::array<std::string_view, 3> kLiterals = {"true", "false", "null"};
      return Add('l', std::string(kLiterals[Below(3)]), depth);
    }
    Add('s', Sentence(), depth);
  }

  void Number(std::size_t depth) {
    std::string text = OneIn(4) ? "-" : "";
    StrAppend(text, Below(3) == 0 ? Below(10) : Below(100000));
    if (OneIn(3)) StrAppend(text, ".", Below(100), 1 + Below(9));
    if (OneIn(12)) StrAppend(text, "e", Below(20));
    Add('n', text, depth);
  }

  std::string_view Word() {
    constexpr std::array<std::string_view, 24> kWords = {
        "name",  "status", "user",   "value",  "the",   "model",  "answer", "city",
        "order", "a",      "result", "is",     "total", "Zürich", "score",  "note",
        "with",  "price",  "of",     "street", "id",    "東京",   "item",   "café"};
    return kWords[Below(kWords.size())];
  }

  std::string Sentence() {
    constexpr std::array<std::string_view, 12> kWhole = {
        "",
        "2024-05-01T12:00:00Z",
        "https://example.com/a?b=c&d=1",
        "Yes, that's right: 5 of 7 (see [2]).",
        "it's a dog's life",
        "def f(x):\n    return {x: 1}",
        "SELECT a, b FROM t WHERE c = 'x';",
        "C:\\Users\\me",
        "line one\nline two\n\n- a point",
        "He said \"hello\" and left",
        "a \"quoted\" word, then \"another one\".",
        "# Title\n\nSome **bold** text, with a list:\n1. one\n2. two"};
    if (OneIn(3)) return std::string(kWhole[Below(kWhole.size())]);
    std::string text;
    const std::size_t words = 1 + Below(9);
    for (std::size_t i = 0; i < words; ++i) {
      if (i != 0) text += OneIn(8) ? ", " : OneIn(12) ? ": " : " ";
      text += Word();
    }
    if (OneIn(4)) text += '.';
    return text;
  }

  std::mt19937_64 random_;
  std::vector<Token> tokens_;
  std::size_t budget_ = 0;
};

bool Has(const std::vector<std::size_t>& list, std::size_t item) {
  return std::ranges::find(list, item) != list.end();
}

std::string Quoted(const Script& script, std::size_t index) {
  const Token& token = script.tokens[index];
  const bool own = script.open == "\"";  // other marks are escaped by nobody
  std::string out = Has(script.no_open, index) ? "" : script.open;
  for (const char c : token.text) {
    if (c == '\n' && script.escape_breaks) {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && script.escape_quotes && own) ||
               (script.open.find(c) != std::string::npos && c == '\'')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  if (!Has(script.no_close, index)) out += script.close;
  return out;
}

std::string Render(const Script& script) {
  std::string out = script.before;
  std::size_t commas = 0;
  for (std::size_t i = 0; i < script.tokens.size(); ++i) {
    const Token& token = script.tokens[i];
    const auto new_line = [&](std::size_t depth) {
      if (script.indent.empty()) return;
      out += '\n';
      for (std::size_t level = 0; level < depth; ++level) out += script.indent;
    };
    const bool empty =
        i > 0 && (script.tokens[i - 1].kind == '{' || script.tokens[i - 1].kind == '[');
    if ((token.kind == '}' || token.kind == ']') && !empty) new_line(token.depth);
    if ((token.kind == 'k' && !script.bare_keys) || token.kind == 's') {
      out += Quoted(script, i);
    } else if (token.kind == 'l' && script.python) {
      out += token.text == "true" ? "True" : token.text == "false" ? "False" : "None";
    } else {
      out += token.text;
    }
    if (token.kind == ':') out += ' ';
    if (token.kind == ',' && script.comment) out += script.comment(commas++);
    if (token.kind == ',' && script.indent.empty()) out += ' ';
    const bool opens = token.kind == '{' || token.kind == '[';
    const bool empties = i + 1 < script.tokens.size() &&
                         (script.tokens[i + 1].kind == '}' || script.tokens[i + 1].kind == ']');
    if ((opens && !empties) || token.kind == ',') new_line(token.depth + 1);
  }
  return out + script.after;
}

using Damage = std::function<void(Maker&, Script&)>;

std::vector<std::size_t> Places(const Script& script, std::string_view kinds) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < script.tokens.size(); ++i) {
    const Token& token = script.tokens[i];
    // Of an empty string with one mark nothing tells what it was.
    if (kinds.find(token.kind) != kinds.npos && !token.text.empty()) places.push_back(i);
  }
  return places;
}

std::size_t Pick(Maker& maker, const Script& script, std::string_view kinds) {
  const std::vector<std::size_t> places = Places(script, kinds);
  return places.empty() ? script.tokens.size() : places[maker.Below(places.size())];
}

void Blank(Script& script, std::size_t place) {
  if (place < script.tokens.size()) script.tokens[place].text.clear();
}

struct Class {
  std::string_view name;
  Damage damage;
  double floor;  // of the documents that come back equal
  Strictness strictness = Strictness::kMend;
};

void DropFinalClosers(Maker& maker, Script& script) {
  std::size_t closers = 0;
  for (std::size_t i = script.tokens.size(); i-- > 0; ++closers) {
    if (script.tokens[i].kind != '}' && script.tokens[i].kind != ']') break;
  }
  if (closers == 0) return;
  for (std::size_t drop = 1 + maker.Below(closers); drop > 0; --drop) script.tokens.pop_back();
}

void WrongCloser(Maker& maker, Script& script) {
  const std::size_t place = Pick(maker, script, "}]");
  if (place == script.tokens.size()) return;
  const std::string_view wrong = script.tokens[place].text == "]" ? "})" : "])";
  script.tokens[place].text = wrong[maker.Below(2)];
}

void TrailingCommas(Maker& maker, Script& script) {
  for (std::size_t i = 1; i < script.tokens.size(); ++i) {
    const char before = script.tokens[i - 1].kind;
    if ((script.tokens[i].kind != '}' && script.tokens[i].kind != ']') || before == '{' ||
        before == '[' || maker.OneIn(3)) {
      continue;
    }
    script.tokens.insert(script.tokens.begin() + static_cast<std::ptrdiff_t>(i),
                         {',', ",", script.tokens[i].depth});
    ++i;
  }
}

void Comments(Maker& maker, Script& script) {
  const std::size_t kind = maker.Below(3);
  const bool lines = !script.indent.empty();
  script.comment = [kind, lines](std::size_t n) -> std::string {
    if (n % 3 != 0) return "";
    if (!lines || kind == 0) return " /* it's \"so\", {x} */";
    return kind == 1 ? " // don't use: [1, 2" : " # the \"best\" one, }";
  };
}

void Marks(Script& script, std::string_view open, std::string_view close) {
  script.open = open;
  script.close = close;
}

void Prose(Maker& maker, Script& script) {
  constexpr std::array<std::string_view, 4> kBefore = {
      "Here is the JSON you asked for:\n\n", "Sure! It's below (note: 2 parts).\n",
      "Based on the text [1], the answer is ", "**Result**\n\nI used {placeholders}.\n\n"};
  constexpr std::array<std::string_view, 4> kAfter = {
      "\n\nLet me know if you need more.", "\nI hope \"this\" helps: it's all there!", "", "\n"};
  script.before += kBefore[maker.Below(4)];
  script.after += kAfter[maker.Below(4)];
}

void Fence(Maker& maker, Script& script) {
  constexpr std::array<std::string_view, 3> kOpen = {"```json\n", "```\n", "```JSON5\n"};
  script.before += kOpen[maker.Below(3)];
  if (!maker.OneIn(4)) script.after = "\n```" + script.after;
}

const std::vector<Class>& Classes() {
  static const std::vector<Class> kClasses = {
      {"none", [](Maker&, Script&) {}, 1},
      {"final_closers", DropFinalClosers, 0.99},
      {"drop_comma", [](Maker& m, Script& s) { Blank(s, Pick(m, s, ",")); }, 0.95},
      {"drop_colon", [](Maker& m, Script& s) { Blank(s, Pick(m, s, ":")); }, 0.95},
      {"drop_open_quote", [](Maker& m, Script& s) { s.no_open = {Pick(m, s, "ks")}; }, 0.85},
      {"drop_close_quote", [](Maker& m, Script& s) { s.no_close = {Pick(m, s, "ks")}; }, 0.85},
      {"drop_array_end", [](Maker& m, Script& s) { Blank(s, Pick(m, s, "]")); }, 0.6},
      {"wrong_closer", WrongCloser, 0.97},
      {"trailing_commas", TrailingCommas, 0.99},
      {"single_quotes", [](Maker&, Script& s) { Marks(s, "'", "'"); }, 0.97},
      {"smart_quotes", [](Maker&, Script& s) { Marks(s, "“", "”"); }, 0.97},
      {"bare_keys", [](Maker&, Script& s) { s.bare_keys = true; }, 0.97},
      {"inner_quotes", [](Maker&, Script& s) { s.escape_quotes = false; }, 0.97},
      {"line_breaks", [](Maker&, Script& s) { s.escape_breaks = false; }, 0.97},
      {"python",
       [](Maker&, Script& s) {
         s.python = true;
         Marks(s, "'", "'");
       },
       0.97},
      {"comments", Comments, 0.98},
      {"prose", Prose, 0.97},
      {"fence", Fence, 0.99},
      {"prose_and_fence",
       [](Maker& m, Script& s) {
         Prose(m, s);
         Fence(m, s);
       },
       0.97},
      {"reasoning",
       [](Maker& m, Script& s) {
         s.before = "<think>\nMaybe {\"a\": 1}? No, it's [\n</think>\n";
         if (m.OneIn(2)) Fence(m, s);
       },
       0.99},
      {"several",
       [](Maker& m, Script& s) {
         for (std::size_t left = 2 + m.Below(2); left > 0; --left) {
           constexpr std::array<std::size_t, 12> kMixable = {2,  7,  8,  10, 11, 12,
                                                             13, 14, 15, 16, 1,  3};
           Classes()[kMixable[m.Below(kMixable.size())]].damage(m, s);
         }
       },
       0.9, Strictness::kSalvage},
  };
  return kClasses;
}

// Returns how many of the documents come back equal.
std::size_t Recovered(const Class& damage, std::vector<std::string>& failures) {
  std::size_t equal = 0;
  for (std::size_t seed = 0; seed < kDocuments; ++seed) {
    Maker maker(seed * 1000003 + 17);
    Script script = maker.Document();
    const std::string original = Render(script);
    const Value wanted = Read(original).value();
    damage.damage(maker, script);
    const std::string damaged = Render(script);
    const auto mended = ReadLenient(damaged, {.strictness = damage.strictness});
    if (mended && mended->value == wanted) {
      ++equal;
    } else {
      failures.push_back(StrCat("--- ", damaged, "\n+++ ",
                                mended ? Write(mended->value) : mended.error().message));
    }
  }
  return equal;
}

TEST(LenientDamageTest, DamagedDocumentsComeBackEqual) {
  std::size_t all = 0;
  for (const Class& damage : Classes()) {
    std::vector<std::string> failures;
    const std::size_t equal = Recovered(damage, failures);
    const double rate = static_cast<double>(equal) / static_cast<double>(kDocuments);
    all += equal;
    RecordProperty(std::string(damage.name), std::to_string(equal));
    EXPECT_GE(rate, damage.floor) << damage.name << "\n" << failures.front();
  }
  RecordProperty("all", std::to_string(all));
  EXPECT_GE(all, kDocuments * Classes().size() * 95 / 100);
}

}  // namespace
}  // namespace weir::json
