#pragma once

// Units: the functions and classes of a source file, as ranges of it. They are found by the looks
// of a language, not by a parser: strings, comments and brackets are understood, the rest is not.
// A file that does not compile has units, too.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::flow {

enum class Language : std::uint8_t { kPython, kC, kCpp, kJava, kScript, kGo, kRust };

// By the ending of the name; nullopt for others.
std::optional<Language> LanguageOf(std::string_view path);

// "Python (.py, .pyi), C (.c), ...", for messages.
std::string_view LanguagesText();

enum class UnitKind : std::uint8_t { kFunction, kMethod, kClass };
std::string_view UnitKindName(UnitKind kind);  // "function", "method", "class"

struct Unit {
  std::string name;  // with the names around it: "Account.deposit"
  UnitKind kind = UnitKind::kFunction;
  std::size_t begin = 0;  // bytes of the text, from the indentation of its first line ...
  std::size_t end = 0;    // ... to behind its last character
  std::size_t line = 0;   // from 1; decorators and templates belong to it
  std::size_t end_line = 0;
  std::size_t depth = 0;  // how many units it is inside of
};

// In the order of their beginnings. Two units of one depth have no byte in common; a deeper one is
// inside of the last one before it that is less deep. C-like functions are not looked into.
std::vector<Unit> UnitsOf(std::string_view text, Language language);

// The ones that are rows: with `classes` the classes that are inside of no other unit, else the
// functions and methods that are inside of no other function. None overlap.
std::vector<Unit> RowUnitsOf(std::string_view text, Language language, bool classes);

// The same for the same place, however the file is formatted: 16 hexadecimal digits, a hash of
// "path:kind:name".
std::string UnitId(std::string_view path, const Unit& unit);

}  // namespace weir::flow
