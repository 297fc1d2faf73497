#pragma once

// The escapes of JSON that are one letter.

namespace weir::json::internal {

// What a backslash and `letter` stand for; 0 when JSON does not know it, or more belongs to it (u).
constexpr char PlainEscape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace weir::json::internal
