#pragma once

// Cuts a template into texts, delimiters and the words between them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::text::tmpl {

// The text of a template, and how errors name a place in it.
struct Source {
  std::string name;
  std::string text;

  struct Place {
    std::size_t line = 1;
    std::size_t column = 1;  // in characters
  };
  // Counting on from `from`, which is at `place`.
  Place At(std::size_t offset, std::size_t from, Place place) const;
  Place At(std::size_t offset) const { return At(offset, 0, {.line = 1, .column = 1}); }
  std::unexpected<Error> Fail(std::size_t offset, std::string_view sentence) const;
};

enum class TokenKind : std::uint8_t {
  kText,
  kPrintOpen,   // {{
  kPrintClose,  // }}
  kTagOpen,     // {%
  kTagClose,    // %}
  kName,
  kNumber,
  kString,
  kSign,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t offset = 0;
  std::string_view text;  // as it stands in the source; of kText what white space control leaves
  std::string value;      // of kString: what it means

  bool Is(TokenKind wanted, std::string_view word) const { return kind == wanted && text == word; }
  bool IsSign(std::string_view sign) const { return Is(TokenKind::kSign, sign); }
  bool IsName(std::string_view name) const { return Is(TokenKind::kName, name); }
};

// The tokens point into `source` and end with kEnd. Comments and raw blocks are resolved.
Result<std::vector<Token>> LexTemplate(const Source& source);
Result<std::vector<Token>> LexExpression(const Source& source);

// A token as an error message calls it.
std::string Describe(const Token& token);

}  // namespace weir::text::tmpl
