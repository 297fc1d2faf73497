#pragma once

// What the readers of both grammar notations share: a place in the text, errors with line and
// column, and the table of rules.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/schema/grammar.h"

namespace weir::schema::internal {

class GrammarReader {
 public:
  GrammarReader(std::string_view text, const GrammarOptions& options, bool slash_comments)
      : text_(text), options_(options), slash_comments_(slash_comments) {}

  // Size and encoding; to be called before anything is read.
  Result<void> CheckText() const;

  std::size_t at() const { return at_; }
  void GoTo(std::size_t at) { at_ = at; }
  std::string_view text() const { return text_; }
  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Take(std::string_view word);
  void SkipBlanks();  // white space, line ends and comments
  char32_t TakeChar();
  // Letters, digits and `_`; with `dashes` also `-` and `.`. Empty if there is none here.
  std::string_view TakeName(bool dashes);
  std::optional<std::uint32_t> TakeNumber();

  // The escape behind a '\' that has been taken: a control character by its letter, \xHH, \uHHHH,
  // \UHHHHHHHH, or any punctuation for itself.
  Result<char32_t> TakeEscape();
  // Behind "{": n}, n,} or n,m}.
  Result<void> TakeBraces(std::uint32_t& min, std::uint32_t& max);
  Result<void> CheckRepeat(std::size_t at, std::uint32_t min, std::uint32_t max) const;
  Result<void> CheckDepth(std::size_t depth) const;

  std::unexpected<Error> Wrong(std::size_t at, std::string_view what) const;

  // The rule of this name, defined or not yet.
  std::uint32_t Rule(std::string_view name, std::size_t at);
  Result<void> Define(std::string_view name, std::size_t at, std::uint32_t root);
  std::uint32_t AddUnnamed(std::uint32_t root);
  Result<Grammar> Finish(std::string_view start);

  Regex body;

 private:
  struct RuleState {
    std::string name;
    std::size_t first_use = 0;
    std::uint32_t root = 0;
    bool defined = false;
  };

  std::string_view text_;
  const GrammarOptions& options_;
  bool slash_comments_;
  std::size_t at_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> by_name_;
  std::vector<RuleState> rules_;
};

}  // namespace weir::schema::internal
