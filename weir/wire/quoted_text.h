#pragma once

// Answers that come as one JSON string, because a server can hold a text to nothing but a schema:
// what stands between the quotation marks is the answer.

#include <string>
#include <string_view>

namespace weir::wire {

// A byte machine. What is no JSON string passes as it is, and so does what stands behind one.
class QuotedText {
 public:
  // The part of the answer that is sure once `bytes` have come.
  std::string Feed(std::string_view bytes);
  // What was held back, as it came: nothing if the string was whole.
  std::string Finish();

 private:
  enum class Place { kBefore, kInside, kBehind };

  void TakeInside(std::string_view& bytes, std::string& out);

  Place place_ = Place::kBefore;
  std::string held_;  // blanks before the string, or an escape sequence that is not whole
};

// A whole answer at once.
std::string Unquoted(std::string_view text);

}  // namespace weir::wire
