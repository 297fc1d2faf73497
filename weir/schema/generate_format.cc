#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/text.h"
#include "weir/schema/generate_text.h"

namespace weir::schema {
namespace {

std::string Digits(std::uint64_t value, std::size_t width) {
  std::string text = StrCat(value);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  return text;
}

std::string_view OneOf(std::span<const std::string_view> choices, Random& random) {
  return choices[random.Below(choices.size())];
}

std::string Word(Random& random) { return SampleWord(3 + random.Below(5), random); }

std::string Date(Random& random) {
  return StrCat(Digits(1970 + random.Below(80), 4), "-", Digits(1 + random.Below(12), 2), "-",
                Digits(1 + random.Below(28), 2));
}

std::string Time(Random& random) {
  constexpr std::array<std::string_view, 5> kOffsets = {"Z", "Z", "Z", "+02:00", "-05:30"};
  std::string text = StrCat(Digits(random.Below(24), 2), ":", Digits(random.Below(60), 2), ":",
                            Digits(random.Below(60), 2));
  if (random.Below(4) == 0) StrAppend(text, ".", Digits(random.Below(1000), 3));
  return StrCat(text, OneOf(kOffsets, random));
}

std::string DurationText(Random& random) {
  constexpr std::array<std::string_view, 6> kUnits = {"D", "M", "Y", "W", "TH", "TM"};
  const std::string_view unit = OneOf(kUnits, random);
  const bool time = unit.starts_with('T');
  return StrCat(time ? "PT" : "P", 1 + random.Below(30), time ? unit.substr(1) : unit);
}

std::string Host(Random& random) {
  constexpr std::array<std::string_view, 5> kEnds = {"example", "example.com", "example.org",
                                                     "test", "net"};
  return StrCat(Word(random), ".", OneOf(kEnds, random));
}

std::string Ipv4(Random& random) {
  return StrCat(1 + random.Below(223), ".", random.Below(256), ".", random.Below(256), ".",
                random.Below(256));
}

std::string Ipv6(Random& random) {
  std::string text = "2001:db8";
  const std::size_t groups = random.Below(6);
  for (std::size_t i = 0; i < groups; ++i) StrAppend(text, ":", HexId(random, 4));
  return StrCat(text, groups == 5 ? ":1" : "::1");
}

std::string Uuid(Random& random) {
  std::string text = HexId(random, 32);
  text[12] = '4';
  text[16] = "89ab"[random.Below(4)];
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::string Pointer(Random& random) {
  std::string text;
  for (std::uint64_t left = random.Below(4); left > 0; --left) {
    StrAppend(text, "/", random.Below(3) == 0 ? StrCat(random.Below(10)) : Word(random));
  }
  return text;
}

std::string Uri(Random& random) { return StrCat("https://", Host(random), Pointer(random)); }

std::string RegexText(Random& random) {
  constexpr std::array<std::string_view, 5> kTexts = {"^[a-z]+$", "a|b", "^\\d{3}$", ".*", "x?y"};
  return std::string(OneOf(kTexts, random));
}

struct Maker {
  std::string_view name;
  std::string (*make)(Random& random);
};

constexpr Maker kMakers[] = {
    {"date", Date},
    {"time", Time},
    {"date-time", [](Random& random) { return StrCat(Date(random), "T", Time(random)); }},
    {"duration", DurationText},
    {"email", [](Random& random) { return StrCat(Word(random), "@", Host(random)); }},
    {"idn-email", [](Random& random) { return StrCat(Word(random), "é@", Host(random)); }},
    {"hostname", Host},
    {"idn-hostname", Host},
    {"ipv4", Ipv4},
    {"ipv6", Ipv6},
    {"uri", Uri},
    {"uri-reference",
     [](Random& random) { return random.Below(2) == 0 ? Uri(random) : Pointer(random); }},
    {"iri", [](Random& random) { return StrCat(Uri(random), "/é"); }},
    {"iri-reference",
     [](Random& random) { return random.Below(2) == 0 ? Uri(random) : Pointer(random); }},
    {"uri-template", [](Random& random) { return StrCat(Uri(random), "/{", Word(random), "}"); }},
    {"uuid", Uuid},
    {"json-pointer", Pointer},
    {"relative-json-pointer",
     [](Random& random) { return StrCat(random.Below(5), Pointer(random)); }},
    {"regex", RegexText},
};

// What a small maximum length still has room for.
struct Short {
  std::string_view name;
  std::string_view text;
};

constexpr Short kShort[] = {
    {"email", "a@b"},     {"idn-email", "a@b"},
    {"hostname", "a"},    {"idn-hostname", "a"},
    {"ipv4", "1.2.3.4"},  {"ipv6", "::1"},
    {"uri", "a:b"},       {"uri-reference", "a"},
    {"iri", "a:b"},       {"iri-reference", "a"},
    {"duration", "P1D"},  {"uri-template", "{a}"},
    {"json-pointer", ""}, {"relative-json-pointer", "0"},
    {"regex", "a"},       {"time", "12:30:00Z"},
};

}  // namespace

std::string SampleFormat(std::string_view format, Random& random) {
  for (const Maker& maker : kMakers) {
    if (maker.name == format) return maker.make(random);
  }
  return "";
}

void Lengthen(std::string& text, std::string_view format, std::size_t missing, Random& random) {
  constexpr std::size_t kLabel = 60;  // a part of a host name has at most 63 characters
  constexpr std::array<std::string_view, 8> kPaths = {
      "uri",   "uri-reference", "iri",          "iri-reference",
      "regex", "uri-template",  "json-pointer", "relative-json-pointer"};
  if (std::ranges::find(kPaths, format) != kPaths.end()) {
    text += StrCat("/", SampleWord(missing - 1, random));
  } else if (format == "email" || format == "idn-email") {
    text.insert(0, SampleWord(missing, random));
  } else if (format == "hostname" || format == "idn-hostname") {
    for (; missing > kLabel; missing -= kLabel) {
      text.insert(0, SampleWord(kLabel - 1, random) + ".");
    }
    if (missing > 1) text.insert(0, SampleWord(missing - 1, random) + ".");
  }
}

std::string_view ShortestOfFormat(std::string_view format) {
  for (const Short& entry : kShort) {
    if (entry.name == format) return entry.text;
  }
  return "";
}

}  // namespace weir::schema
