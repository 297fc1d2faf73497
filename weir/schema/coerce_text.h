#pragma once

// How texts are compared and read when a schema asks for something else than what stands there.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::schema {

// Lower case, without accents, only letters and digits: "User-Name", "user_name" and "userName"
// are one. What is not Latin stays as it is.
std::string Fold(std::string_view text);

// The same, but words stay apart: " the answer is no ", with one blank at each end.
std::string FoldWords(std::string_view text);

// Without white space, pairs of quotation marks and markdown marks around it, and without
// punctuation behind it: "**`red`**." is "red".
std::string_view Unquote(std::string_view text);

struct ReadNumber {
  std::string text;  // a JSON number
  bool grouped = false;
};

// A number as people write it: "+5", ".5", "5.", "1,234,567.8". Commas only between groups of
// three. Nullopt for everything else: units, percent and fractions are data.
std::optional<ReadNumber> NumberFromText(std::string_view text);

// "12.0" -> "12"; anything else stays.
std::string WithoutZeroFraction(std::string number);

// true, false, yes and no in any case.
std::optional<bool> BoolFromText(std::string_view text);

// "False. The sum is ..." and "The answer is True": the word stands first or last, its opposite
// nowhere, and nothing denies it.
std::optional<bool> BoolFromProse(std::string_view text);

// Which of the choices, given as FoldWords(), stand as whole words in a text in the same form. One
// that only stands inside of a longer one does not count.
std::vector<std::size_t> NamedIn(std::string words, const std::vector<std::string>& choices);

}  // namespace weir::schema
