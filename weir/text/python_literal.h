#pragma once

// Python literals as models write them in calls, turned into JSON.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/text/call_list.h"

namespace weir::text {

class PythonLiteral {
 public:
  // What may follow a text: it decides whether a quote ends it or was forgotten to be escaped.
  enum class Place : std::uint8_t { kArgument, kInside };

  PythonLiteral(std::string_view text, CallList& list) : text_(text), list_(list) {}

  // Appends the JSON of the literal at `at` to `json` and moves `at` behind it. False when none
  // stands there; what was appended by then is the caller's to drop.
  bool Read(std::size_t& at, std::string& json, Place place);

  // The name at `at`, if an assignment follows it, else empty; then `at` is behind the sign.
  std::string_view ReadKeyword(std::size_t& at) const;

  // Whether a bare word stands at `at` and nothing behind it: a keyword that was cut.
  bool IsCutWord(std::size_t at) const;
  // The same for a value: a part of True, None and the like.
  bool IsCutConstant(std::size_t at) const;

  // Whether the name of a tool and a parenthesis stand at `at`.
  bool StartsCall(std::size_t at) const;

  std::size_t SkipSpace(std::size_t at) const;

 private:
  bool Value(std::string& json, Place place, std::size_t depth);
  bool List(char closer, std::string& json, std::size_t depth);
  bool Braces(std::string& json, std::size_t depth);
  bool Texts(std::string& json, Place place);
  bool Text(std::string& out, Place place);
  bool SmartText(std::string& json, Place place);
  void Escape(std::string& out);
  void Code(std::string& out, std::size_t digits);
  bool Number(std::string& json);
  bool Word(std::string& json);
  bool StartsText() const;
  std::size_t NameEnd(std::size_t at) const;
  bool IsConstant(std::size_t at) const;
  bool MayEndText(std::size_t at, Place place) const;
  void NoteCut();
  bool At(char c) const { return at_ < text_.size() && text_[at_] == c; }

  std::string_view text_;
  CallList& list_;
  std::size_t at_ = 0;
};

bool IsNameStart(char c);
bool IsNameByte(char c);

}  // namespace weir::text
