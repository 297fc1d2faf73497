#pragma once

// What the languages share.

#include "weir/base/text.h"
#include "weir/flow/units.h"

namespace weir::flow {

inline bool IsWordByte(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

// Opened and closed as the text is gone through. Lines are filled in by UnitsOf().
class UnitStack {
 public:
  void Open(std::string name, UnitKind kind, std::size_t begin);
  void Close(std::size_t end);
  bool empty() const { return open_.empty(); }
  std::size_t size() const { return open_.size(); }
  // The kind of the innermost open unit.
  std::optional<UnitKind> kind() const;
  std::vector<Unit> Take() && { return std::move(units_); }

 private:
  std::vector<Unit> units_;
  std::vector<std::size_t> open_;  // their places in units_
};

// The first byte of the line of `at`, if there is only white space between, else `at`.
std::size_t LineStart(std::string_view text, std::size_t at);

std::vector<Unit> PythonUnits(std::string_view text);
std::vector<Unit> BraceUnits(std::string_view text, Language language);

}  // namespace weir::flow
