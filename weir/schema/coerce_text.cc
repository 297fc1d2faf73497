#include "weir/schema/coerce_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/number.h"

namespace weir::schema {
namespace {

struct Letters {
  std::uint32_t first;
  std::uint32_t last;
  std::string_view plain;
};

// Latin letters with marks, and the marks that follow a letter.
constexpr std::array kLetters = {
    Letters{0xC0, 0xC5, "a"},    Letters{0xC6, 0xC6, "ae"},  Letters{0xC7, 0xC7, "c"},
    Letters{0xC8, 0xCB, "e"},    Letters{0xCC, 0xCF, "i"},   Letters{0xD0, 0xD0, "d"},
    Letters{0xD1, 0xD1, "n"},    Letters{0xD2, 0xD6, "o"},   Letters{0xD8, 0xD8, "o"},
    Letters{0xD9, 0xDC, "u"},    Letters{0xDD, 0xDD, "y"},   Letters{0xDE, 0xDE, "th"},
    Letters{0xDF, 0xDF, "ss"},   Letters{0xE0, 0xE5, "a"},   Letters{0xE6, 0xE6, "ae"},
    Letters{0xE7, 0xE7, "c"},    Letters{0xE8, 0xEB, "e"},   Letters{0xEC, 0xEF, "i"},
    Letters{0xF0, 0xF0, "d"},    Letters{0xF1, 0xF1, "n"},   Letters{0xF2, 0xF6, "o"},
    Letters{0xF8, 0xF8, "o"},    Letters{0xF9, 0xFC, "u"},   Letters{0xFD, 0xFD, "y"},
    Letters{0xFE, 0xFE, "th"},   Letters{0xFF, 0xFF, "y"},   Letters{0x100, 0x105, "a"},
    Letters{0x106, 0x10D, "c"},  Letters{0x10E, 0x111, "d"}, Letters{0x112, 0x11B, "e"},
    Letters{0x11C, 0x123, "g"},  Letters{0x124, 0x127, "h"}, Letters{0x128, 0x131, "i"},
    Letters{0x132, 0x133, "ij"}, Letters{0x134, 0x135, "j"}, Letters{0x136, 0x138, "k"},
    Letters{0x139, 0x142, "l"},  Letters{0x143, 0x14B, "n"}, Letters{0x14C, 0x151, "o"},
    Letters{0x152, 0x153, "oe"}, Letters{0x154, 0x159, "r"}, Letters{0x15A, 0x161, "s"},
    Letters{0x162, 0x167, "t"},  Letters{0x168, 0x173, "u"}, Letters{0x174, 0x175, "w"},
    Letters{0x176, 0x178, "y"},  Letters{0x179, 0x17E, "z"}, Letters{0x17F, 0x17F, "s"},
    Letters{0x218, 0x219, "s"},  Letters{0x21A, 0x21B, "t"}, Letters{0x300, 0x36F, ""},
};

// Appends the character of two bytes without its marks; false when it is none of ours.
bool AppendPlain(std::string& out, char lead, char next) {
  const std::uint32_t character =
      (static_cast<std::uint32_t>(lead) & 0x1F) << 6 | (static_cast<std::uint32_t>(next) & 0x3F);
  const auto letters = std::ranges::find_if(kLetters, [&](const Letters& range) {
    return character >= range.first && character <= range.last;
  });
  if (letters == kLetters.end()) return false;
  out += letters->plain;
  return true;
}

std::string FoldWith(std::string_view text, bool keep_words) {
  std::string out(keep_words ? " " : "");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) {
      const bool two = byte >= 0xC3 && byte < 0xE0 && i + 1 < text.size();
      if (two && AppendPlain(out, c, text[i + 1])) {
        ++i;
      } else {
        out += c;
      }
    } else if (IsLetter(c)) {
      out += static_cast<char>(c | 0x20);
    } else if (IsDigit(c)) {
      out += c;
    } else if (keep_words && out.back() != ' ') {
      out += ' ';
    }
  }
  if (keep_words && out.back() != ' ') out += ' ';
  return out;
}

struct Quotes {
  std::string_view open;
  std::string_view close;
};

constexpr std::array kQuotes = {
    Quotes{"**", "**"}, Quotes{"__", "__"}, Quotes{"*", "*"}, Quotes{"```", "```"},
    Quotes{"`", "`"},   Quotes{"\"", "\""}, Quotes{"'", "'"}, Quotes{"“", "”"},
    Quotes{"‘", "’"},   Quotes{"«", "»"},   Quotes{"„", "“"}, Quotes{"(", ")"},
};

bool StripOnce(std::string_view& text) {
  for (const Quotes& quotes : kQuotes) {
    if (text.size() <= quotes.open.size() + quotes.close.size()) continue;
    if (!text.starts_with(quotes.open) || !text.ends_with(quotes.close)) continue;
    text.remove_prefix(quotes.open.size());
    text.remove_suffix(quotes.close.size());
    return true;
  }
  if (text.size() > 1 && std::string_view(".,;:!?").find(text.back()) != text.npos) {
    text.remove_suffix(1);
    return true;
  }
  return false;
}

// Digits with a comma before every three of the last ones.
bool ProperlyGrouped(std::string_view whole) {
  const std::vector<std::string_view> groups = Split(whole, ',');
  if (groups.front().empty() || groups.front().size() > 3 || groups.front() == "0") return false;
  return std::all_of(groups.begin() + 1, groups.end(),
                     [](std::string_view group) { return group.size() == 3; }) &&
         std::ranges::all_of(whole, [](char c) { return IsDigit(c) || c == ','; });
}

}  // namespace

std::string Fold(std::string_view text) { return FoldWith(text, false); }

std::string FoldWords(std::string_view text) { return FoldWith(text, true); }

std::string_view Unquote(std::string_view text) {
  text = Trim(text);
  while (StripOnce(text)) text = Trim(text);
  return text;
}

std::optional<ReadNumber> NumberFromText(std::string_view text) {
  text = Trim(text);
  ReadNumber read;
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  } else if (text.starts_with('-')) {
    read.text = "-";
    text.remove_prefix(1);
  }
  const std::size_t whole_size = std::min(text.find_first_not_of("0123456789,"), text.size());
  std::string_view whole = text.substr(0, whole_size);
  std::string_view rest = text.substr(whole_size);
  read.grouped = whole.find(',') != whole.npos;
  if (read.grouped && !ProperlyGrouped(whole)) return std::nullopt;
  if (whole.empty() && rest.size() > 1 && rest[0] == '.' && IsDigit(rest[1])) whole = "0";
  if (rest == ".") rest = {};
  if (whole.empty()) return std::nullopt;
  std::ranges::copy_if(whole, std::back_inserter(read.text), [](char c) { return c != ','; });
  read.text += rest;
  if (!json::IsNumber(read.text)) return std::nullopt;
  return read;
}

std::string WithoutZeroFraction(std::string number) {
  const std::size_t point = number.find('.');
  if (point == number.npos) return number;
  if (number.find_first_not_of('0', point + 1) == number.npos) number.resize(point);
  return number;
}

std::optional<bool> BoolFromText(std::string_view text) {
  const std::string_view word = Unquote(text);
  if (EqualsIgnoreCase(word, "true") || EqualsIgnoreCase(word, "yes")) return true;
  if (EqualsIgnoreCase(word, "false") || EqualsIgnoreCase(word, "no")) return false;
  return std::nullopt;
}

std::optional<bool> BoolFromProse(std::string_view text) {
  const std::string words = FoldWords(text);
  const auto has = [&](std::string_view word) { return words.find(word) != words.npos; };
  const bool yes = has(" true ");
  const bool no = has(" false ");
  if (yes == no) return std::nullopt;
  const std::string_view word = yes ? " true " : " false ";
  if (words.starts_with(word)) return yes;
  const bool denied =
      has(" not ") || has(" never ") || has(" no ") || has("n t ") || has(" neither ");
  if (words.ends_with(word) && !denied) return yes;
  return std::nullopt;
}

std::vector<std::size_t> NamedIn(std::string words, const std::vector<std::string>& choices) {
  std::vector<std::size_t> order(choices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater{}, [&](std::size_t i) { return choices[i].size(); });
  std::vector<std::size_t> named;
  for (std::size_t i = 0; i < order.size();) {
    const std::size_t size = choices[order[i]].size();
    const std::size_t first = named.size();
    // Those of one size are looked for together: none of them hides another.
    const std::string before = words;
    for (; i < order.size() && choices[order[i]].size() == size; ++i) {
      const std::string& choice = choices[order[i]];
      if (choice.size() > 2 && before.find(choice) != before.npos) named.push_back(order[i]);
    }
    for (std::size_t k = first; k < named.size(); ++k) {
      const std::string& choice = choices[named[k]];
      for (std::size_t at = words.find(choice); at != words.npos; at = words.find(choice, at)) {
        words.replace(at, choice.size(), " | ");
      }
    }
  }
  std::ranges::sort(named);
  return named;
}

}  // namespace weir::schema
