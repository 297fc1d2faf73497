#pragma once

// Leaves: the strings, numbers and constants of a JSON document, and where they stand in the text
// that it was read from, which may be written in another way.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/text/token_map.h"

namespace weir::text {

// A key or a leaf of a document, in the order of the text.
struct Lexeme {
  Range place;        // of a string: between its quotation marks
  std::string at;     // JSON pointer of a leaf
  bool key = false;   // the name of a member
  bool text = false;  // a string; keys are as well

  // The bytes that count as the leaf. An empty string is its quotation marks.
  Range bytes() const {
    return text && place.begin == place.end ? Range{place.begin - 1, place.end + 1} : place;
  }
};

// nullopt: the document is no JSON. Of more than `most` lexemes, or of pointers that are megabytes
// long together, the first ones.
std::optional<std::vector<Lexeme>> ReadLexemes(std::string_view document, std::size_t most);

// What may stand between two lexemes of a text.
enum class Between : std::uint8_t {
  kLayout,  // white space, brackets, commas, quotation marks of any kind
  kMarkup,  // also the marks that models put around calls and their arguments
};

// Looks for lexemes of a document in a text that has the same values in the same order, with other
// layout, escapes, quotation marks, or none.
class LexemeFinder {
 public:
  // The texts must outlive this.
  LexemeFinder(std::string_view document, std::string_view source, Between between)
      : document_(document), source_(source), between_(between) {}

  // Where the lexemes stand from `from` on, until the first one that does not come next. Linear.
  std::vector<Lexeme> Find(std::span<const Lexeme> lexemes, std::size_t from) const;

 private:
  struct Match {
    Range place;
    std::size_t next = 0;  // where the following one may begin
  };

  std::optional<Match> Next(const Lexeme& lexeme, std::size_t from) const;
  // `at` is where it would begin; `quote` is the mark before it, 0 when there is none.
  std::optional<Match> MatchAt(const Lexeme& lexeme, std::size_t at, char quote) const;
  std::size_t SkipBetween(std::size_t at) const;

  std::string_view document_;
  std::string_view source_;
  Between between_;
};

}  // namespace weir::text
