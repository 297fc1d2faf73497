#include "weir/schema/regex_class.h"

#include <algorithm>
#include <map>
#include <mutex>

#include <re2/re2.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::schema {
namespace {

constexpr char32_t kFirstSurrogate = 0xD800;
constexpr char32_t kLastSurrogate = 0xDFFF;

// Lets RE2 read through all of Unicode once; what it finds are the ranges.
CodeSet Scan(const std::string& property) {
  std::string all;
  all.reserve(4'500'000);
  for (char32_t c = 0; c <= kLastCodePoint; ++c) {
    if (c < kFirstSurrogate || c > kLastSurrogate) AppendUtf8(all, c);
  }
  const re2::RE2 runs("(" + property + "+)", re2::RE2::Quiet);
  std::vector<CodeRange> ranges;
  re2::StringPiece rest(all);
  re2::StringPiece run;
  while (re2::RE2::FindAndConsume(&rest, runs, &run)) {
    std::size_t last = run.size() - 1;
    while (IsInsideUtf8(run[last])) --last;
    const std::string_view text(run.data(), run.size());
    ranges.push_back({DecodeUtf8(text).code_point, DecodeUtf8(text.substr(last)).code_point});
  }
  return CodeSet(std::move(ranges));
}

const CodeSet& PropertySet(const std::string& property) {
  static std::mutex mutex;
  static std::map<std::string, CodeSet>& known = *new std::map<std::string, CodeSet>;
  const std::lock_guard lock(mutex);
  const auto [place, added] = known.try_emplace(property);
  if (added) place->second = Scan(property);
  return place->second;
}

struct Category {
  std::string_view name;
  std::string_view alias;
};

// Of the Unicode standard: property value aliases of General_Category.
constexpr Category kCategories[] = {
    {"L", "Letter"},
    {"Lu", "Uppercase_Letter"},
    {"Ll", "Lowercase_Letter"},
    {"Lt", "Titlecase_Letter"},
    {"Lm", "Modifier_Letter"},
    {"Lo", "Other_Letter"},
    {"M", "Mark"},
    {"M", "Combining_Mark"},
    {"Mn", "Nonspacing_Mark"},
    {"Mc", "Spacing_Mark"},
    {"Me", "Enclosing_Mark"},
    {"N", "Number"},
    {"Nd", "Decimal_Number"},
    {"Nd", "digit"},
    {"Nl", "Letter_Number"},
    {"No", "Other_Number"},
    {"P", "Punctuation"},
    {"P", "punct"},
    {"Pc", "Connector_Punctuation"},
    {"Pd", "Dash_Punctuation"},
    {"Ps", "Open_Punctuation"},
    {"Pe", "Close_Punctuation"},
    {"Pi", "Initial_Punctuation"},
    {"Pf", "Final_Punctuation"},
    {"Po", "Other_Punctuation"},
    {"S", "Symbol"},
    {"Sm", "Math_Symbol"},
    {"Sc", "Currency_Symbol"},
    {"Sk", "Modifier_Symbol"},
    {"So", "Other_Symbol"},
    {"Z", "Separator"},
    {"Zs", "Space_Separator"},
    {"Zl", "Line_Separator"},
    {"Zp", "Paragraph_Separator"},
    {"Cc", "Control"},
    {"Cc", "cntrl"},
    {"Cf", "Format"},
    {"Co", "Private_Use"},
    {"Cs", "Surrogate"},
};

// The scripts whose short names are met in practice; every long name that RE2 has is taken.
constexpr Category kScripts[] = {
    {"Arabic", "Arab"},    {"Armenian", "Armn"},   {"Bengali", "Beng"},  {"Bopomofo", "Bopo"},
    {"Braille", "Brai"},   {"Cherokee", "Cher"},   {"Coptic", "Copt"},   {"Coptic", "Qaac"},
    {"Cyrillic", "Cyrl"},  {"Devanagari", "Deva"}, {"Ethiopic", "Ethi"}, {"Georgian", "Geor"},
    {"Gothic", "Goth"},    {"Greek", "Grek"},      {"Gujarati", "Gujr"}, {"Gurmukhi", "Guru"},
    {"Hangul", "Hang"},    {"Han", "Hani"},        {"Hebrew", "Hebr"},   {"Hiragana", "Hira"},
    {"Inherited", "Zinh"}, {"Inherited", "Qaai"},  {"Kannada", "Knda"},  {"Katakana", "Kana"},
    {"Khmer", "Khmr"},     {"Lao", "Laoo"},        {"Latin", "Latn"},    {"Malayalam", "Mlym"},
    {"Mongolian", "Mong"}, {"Myanmar", "Mymr"},    {"Ogham", "Ogam"},    {"Oriya", "Orya"},
    {"Runic", "Runr"},     {"Sinhala", "Sinh"},    {"Syriac", "Syrc"},   {"Tamil", "Taml"},
    {"Telugu", "Telu"},    {"Thaana", "Thaa"},     {"Thai", "Thai"},     {"Tibetan", "Tibt"},
    {"Common", "Zyyy"},    {"Yi", "Yiii"},
};

constexpr std::string_view kAssigned[] = {"L", "M", "N", "P", "S", "Z"};

void AddNamed(CharClass& out, std::string_view name, bool negated) {
  out.properties.push_back(StrCat(negated ? "\\P{" : "\\p{", name, "}"));
}

void AddSet(CharClass& out, const CodeSet& set, bool negated) {
  out.set = Union(out.set, negated ? set.Complement() : set);
}

// What RE2 has no name for: `others` are the categories outside. C and Cn are all the rest.
void AddRest(CharClass& out, const std::vector<std::string_view>& others, bool negated) {
  CharClass outside;
  for (const std::string_view name : others) AddNamed(outside, name, false);
  if (negated) {
    out.properties.insert(out.properties.end(), outside.properties.begin(),
                          outside.properties.end());
  } else {
    AddSet(out, Resolve(outside).Complement(), false);
  }
}

bool AddCategory(CharClass& out, std::string_view name, bool negated) {
  std::vector<std::string_view> assigned(std::begin(kAssigned), std::end(kAssigned));
  if (name == "C" || name == "Other") {
    AddRest(out, assigned, negated);
    return true;
  }
  if (name == "Cn" || name == "Unassigned") {
    assigned.push_back("C");  // RE2's own C lacks exactly the unassigned ones
    AddRest(out, assigned, negated);
    return true;
  }
  if (name == "LC" || name == "Cased_Letter") {
    CharClass cased;
    for (const std::string_view part : {"Lu", "Ll", "Lt"}) AddNamed(cased, part, false);
    cased.negated = negated;
    AddSet(out, Resolve(cased), false);
    return true;
  }
  const auto* const found = std::ranges::find_if(
      kCategories, [&](const Category& c) { return c.name == name || c.alias == name; });
  if (found == std::end(kCategories)) return false;
  AddNamed(out, found->name, negated);
  return true;
}

bool AddScript(CharClass& out, std::string_view name, bool negated) {
  const auto* const found = std::ranges::find(kScripts, name, &Category::alias);
  if (found != std::end(kScripts)) name = found->name;
  // One and two letters are RE2's categories; "Any" is its own invention.
  if (name.size() < 3 && name != "Yi") return false;
  if (name == "Any" || name.find_first_of("^{}\\") != name.npos) return false;
  if (!re2::RE2(StrCat("\\p{", name, "}"), re2::RE2::Quiet).ok()) return false;
  AddNamed(out, name, negated);
  return true;
}

}  // namespace

CodeSet::CodeSet(std::vector<CodeRange> ranges) {
  std::ranges::sort(ranges, {}, &CodeRange::low);
  const auto add = [&](char32_t low, char32_t high) {
    if (low > high) return;
    if (!ranges_.empty() && low <= ranges_.back().high + 1) {
      ranges_.back().high = std::max(ranges_.back().high, high);
    } else {
      ranges_.push_back({low, high});
    }
  };
  for (const CodeRange& range : ranges) {
    add(range.low, std::min<char32_t>(range.high, kFirstSurrogate - 1));
    add(std::max<char32_t>(range.low, kLastSurrogate + 1), range.high);
  }
}

bool CodeSet::Contains(char32_t c) const {
  const auto after = std::ranges::upper_bound(ranges_, c, {}, &CodeRange::low);
  return after != ranges_.begin() && c <= std::prev(after)->high;
}

CodeSet CodeSet::Complement() const {
  std::vector<CodeRange> out;
  char32_t next = 0;
  for (const CodeRange& range : ranges_) {
    if (range.low > next) out.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kLastCodePoint) out.push_back({next, kLastCodePoint});
  return CodeSet(std::move(out));
}

CodeSet Union(const CodeSet& a, const CodeSet& b) {
  std::vector<CodeRange> all = a.ranges_;
  all.insert(all.end(), b.ranges_.begin(), b.ranges_.end());
  return CodeSet(std::move(all));
}

CodeSet Intersection(const CodeSet& a, const CodeSet& b) {
  return Union(a.Complement(), b.Complement()).Complement();
}

CodeSet DigitSet() { return CodeSet({{'0', '9'}}); }

CodeSet WordSet() { return CodeSet({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}); }

CodeSet SpaceSet() {
  return CodeSet({{0x09, 0x0D},
                  {0x20, 0x20},
                  {0xA0, 0xA0},
                  {0x1680, 0x1680},
                  {0x2000, 0x200A},
                  {0x2028, 0x2029},
                  {0x202F, 0x202F},
                  {0x205F, 0x205F},
                  {0x3000, 0x3000},
                  {0xFEFF, 0xFEFF}});
}

CodeSet LineSet() { return CodeSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}); }

CodeSet Resolve(const CharClass& char_class) {
  CodeSet out = char_class.set;
  for (const std::string& property : char_class.properties) {
    out = Union(out, PropertySet(property));
  }
  return char_class.negated ? out.Complement() : out;
}

bool AddProperty(CharClass& char_class, std::string_view text, bool negated) {
  const std::size_t equals = text.find('=');
  if (equals != text.npos) {
    const std::string_view key = text.substr(0, equals);
    const std::string_view value = text.substr(equals + 1);
    if (key == "General_Category" || key == "gc") return AddCategory(char_class, value, negated);
    return (key == "Script" || key == "sc") && AddScript(char_class, value, negated);
  }
  const CodeSet hex({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
  if (text == "Any") {
    AddSet(char_class, CodeSet::All(), negated);
  } else if (text == "ASCII") {
    AddSet(char_class, CodeSet({{0, 0x7F}}), negated);
  } else if (text == "Assigned") {
    return AddCategory(char_class, "Cn", !negated);
  } else if (text == "ASCII_Hex_Digit" || text == "AHex") {
    AddSet(char_class, hex, negated);
  } else if (text == "Hex_Digit" || text == "Hex") {
    const CodeSet wide({{0xFF10, 0xFF19}, {0xFF21, 0xFF26}, {0xFF41, 0xFF46}});
    AddSet(char_class, Union(hex, wide), negated);
  } else if (text == "White_Space" || text == "space") {
    // U+0085 has the property but is no \s; U+FEFF the other way round.
    const CodeSet not_bom = CodeSet({{0xFEFF, 0xFEFF}}).Complement();
    const CodeSet white = Union(Intersection(SpaceSet(), not_bom), CodeSet({{0x85, 0x85}}));
    AddSet(char_class, white, negated);
  } else {
    return AddCategory(char_class, text, negated);
  }
  return true;
}

}  // namespace weir::schema
