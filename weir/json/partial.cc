#include "weir/json/partial.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/escapes.h"
#include "weir/json/partial_tree.h"
#include "weir/json/reader.h"
#include "weir/json/syntax_error.h"

namespace weir::json {
namespace {

using internal::Node;
using internal::PartialTree;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Where in a number the reader stands. A number may end at the even ones.
enum class Digits : std::uint8_t {
  kZero = 0,
  kMinus = 1,
  kInteger = 2,
  kPoint = 3,
  kFraction = 4,
  kE = 5,
  kExponent = 6,
  kSign = 7,
};

bool MayEnd(Digits place) { return static_cast<int>(place) % 2 == 0; }

// Where `c` leads to; nullopt when it does not belong to the number.
std::optional<Digits> Advance(Digits place, char c) {
  const bool digit = IsDigit(c);
  const bool e = c == 'e' || c == 'E';
  switch (place) {
    case Digits::kMinus:
      if (digit) return c == '0' ? Digits::kZero : Digits::kInteger;
      return std::nullopt;
    case Digits::kInteger:
      if (digit) return Digits::kInteger;
      [[fallthrough]];
    case Digits::kZero:
      if (c == '.') return Digits::kPoint;
      return e ? std::optional(Digits::kE) : std::nullopt;
    case Digits::kPoint:
      return digit ? std::optional(Digits::kFraction) : std::nullopt;
    case Digits::kFraction:
      if (digit) return Digits::kFraction;
      return e ? std::optional(Digits::kE) : std::nullopt;
    case Digits::kE:
      if (c == '+' || c == '-') return Digits::kSign;
      [[fallthrough]];
    case Digits::kSign:
    case Digits::kExponent:
      return digit ? std::optional(Digits::kExponent) : std::nullopt;
  }
  std::unreachable();
}

}  // namespace

// Walks over the text as far as it is there. A character, an escape or a pair of them that is not
// whole yet is looked at again with the next piece; everything else is left behind for good.
class PartialReader::Scanner {
 public:
  explicit Scanner(const PartialOptions& options)
      : options_(options), max_depth_(std::min(options.max_depth, kDeepest)), tree_(options_) {}

  Result<void> Feed(std::string_view piece) {
    if (!error_ && finished_ && !piece.empty()) {
      error_ = Fail(Code::kInvalidJson, "JSON text came after Finish(), which ends the document")
                   .error();
    }
    if (!error_ && piece.size() > options_.max_bytes - std::min(options_.max_bytes, text_.size())) {
      error_ = Fail(Code::kInvalidJson,
                    StrCat("the JSON text has ", text_.size() + piece.size(),
                           " bytes or more, beyond the limit of ", options_.max_bytes,
                           "; raise max_bytes if it should be read"))
                   .error();
    }
    if (!error_) {
      text_ += piece;
      while (Step()) {
      }
    }
    return Verdict();
  }

  Result<void> Finish() {
    if (error_) return Verdict();
    finished_ = true;
    if (next_ == Next::kInNumber && tree_.depth() == 0 && MayEnd(digits_)) EndNumber();
    if (!error_ && !tree_.complete()) Wrong();
    return Verdict();
  }

  PartialTree& tree() { return tree_; }
  const PartialTree& tree() const { return tree_; }

  // The scalar that is being read, if it may be shown.
  std::optional<Node> Open() const {
    switch (next_) {
      case Next::kInString:
        if (!options_.strings || in_key_) return std::nullopt;
        return PartialTree::Scalar(Kind::kString, string_);
      case Next::kInNumber:
        if (!options_.numbers || number_size_ == 0) return std::nullopt;
        return PartialTree::Scalar(Kind::kNumber, {text_.data() + start_, number_size_});
      case Next::kInLiteral:
        if (!options_.literals) return std::nullopt;
        return LiteralNode();
      default:
        return std::nullopt;
    }
  }

 private:
  enum class Next : std::uint8_t {
    kValue,
    kValueOrEnd,
    kKey,
    kKeyOrEnd,
    kColon,
    kCommaOrEnd,
    kInString,
    kInNumber,
    kInLiteral,
    kNothing,
  };

  // One step forward; false when there is nothing to step over, or the text is wrong.
  bool Step() {
    if (next_ == Next::kInString) return String();
    if (next_ == Next::kInNumber) return Number();
    if (next_ == Next::kInLiteral) return Literal();
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    switch (next_) {
      case Next::kValueOrEnd:
        return c == ']' ? Close() : Value(c);
      case Next::kValue:
        return Value(c);
      case Next::kKeyOrEnd:
        if (c == '}') return Close();
        [[fallthrough]];
      case Next::kKey:
        return c == '"' ? OpenString(true) : Wrong();
      case Next::kColon:
        return c == ':' ? Go(Next::kValue) : Wrong();
      case Next::kCommaOrEnd:
        if (c == ',') return Go(tree_.in_object() ? Next::kKey : Next::kValue);
        return c == (tree_.in_object() ? '}' : ']') ? Close() : Wrong();
      default:
        return Wrong();
    }
  }

  bool Go(Next next) {
    ++at_;
    next_ = next;
    return true;
  }

  bool Value(char c) {
    start_ = at_;
    if (c == '"') return OpenString(false);
    if (c == '{' || c == '[') {
      if (tree_.depth() >= max_depth_) return Wrong();
      tree_.Begin(c == '{' ? Kind::kObject : Kind::kArray);
      return Go(c == '{' ? Next::kKeyOrEnd : Next::kValueOrEnd);
    }
    if (c == '-' || IsDigit(c)) {
      digits_ = c == '-' ? Digits::kMinus : c == '0' ? Digits::kZero : Digits::kInteger;
      number_size_ = c == '-' ? 0 : 1;
      return Go(Next::kInNumber);
    }
    if (c != 't' && c != 'f' && c != 'n') return Wrong();
    word_ = c == 't' ? "true" : c == 'f' ? "false" : "null";
    return Go(Next::kInLiteral);
  }

  bool Close() {
    ++at_;
    tree_.End();
    return AfterValue();
  }

  bool AfterValue() {
    next_ = tree_.depth() == 0 ? Next::kNothing : Next::kCommaOrEnd;
    return true;
  }

  bool Literal() {
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != word_[at_ - start_]) return Wrong();
      if (at_ - start_ + 1 < word_.size()) continue;
      ++at_;
      tree_.Add(LiteralNode());
      return AfterValue();
    }
    return false;
  }

  Node LiteralNode() const {
    if (word_ == "null") return PartialTree::Scalar(Kind::kNull);
    return PartialTree::Bool(word_ == "true");
  }

  bool Number() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const std::optional<Digits> place = Advance(digits_, c);
      if (!place) {
        const bool leading_zero = digits_ == Digits::kZero && IsDigit(c);
        return MayEnd(digits_) && !leading_zero ? EndNumber() : Wrong();
      }
      digits_ = *place;
      if (MayEnd(digits_)) number_size_ = at_ + 1 - start_;
    }
    return false;
  }

  bool EndNumber() {
    const std::string_view number(text_.data() + start_, number_size_);
    tree_.Add(PartialTree::Scalar(Kind::kNumber, number));
    return AfterValue();
  }

  bool OpenString(bool key) {
    in_key_ = key;
    string_.clear();
    return Go(Next::kInString);
  }

  bool CloseString() {
    ++at_;
    if (in_key_) {
      tree_.Key(string_);
      next_ = Next::kColon;
      return true;
    }
    tree_.Add(PartialTree::Scalar(Kind::kString, string_));
    return AfterValue();
  }

  bool String() {
    while (at_ < text_.size()) {
      const std::size_t run = at_;
      while (at_ < text_.size() && IsPlain(text_[at_])) ++at_;
      string_.append(text_, run, at_ - run);
      if (at_ == text_.size()) return false;
      const char c = text_[at_];
      if (c == '"') return CloseString();
      if (static_cast<unsigned char>(c) < 0x20) return Wrong();
      if (c == '\\' ? !Escape() : !Character()) return false;
    }
    return false;
  }

  static bool IsPlain(char c) {
    return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20 &&
           static_cast<unsigned char>(c) < 0x80;
  }

  // One character outside ASCII; false when it is not whole yet.
  bool Character() {
    const std::string_view rest = std::string_view(text_).substr(at_);
    const Utf8Char character = DecodeUtf8(rest);
    if (!character.valid) {
      const auto lead = static_cast<unsigned char>(rest.front());
      const bool half = lead >= 0xC2 && lead <= 0xF4 && character.length == rest.size();
      return half ? false : Wrong();
    }
    string_ += rest.substr(0, character.length);
    at_ += character.length;
    return true;
  }

  bool Escape() {
    const std::string_view rest = std::string_view(text_).substr(at_);
    if (rest.size() < 2) return false;
    if (rest[1] == 'u') return UnicodeEscape(rest);
    const char meaning = internal::PlainEscape(rest[1]);
    if (meaning == 0) return Wrong();
    string_ += meaning;
    at_ += 2;
    return true;
  }

  bool UnicodeEscape(std::string_view rest) {
    constexpr std::size_t kSize = 6;  // of \uXXXX
    const std::optional<unsigned> first = Unit(rest);
    if (!first) return false;
    if (*first < 0xD800 || *first > 0xDFFF) {
      AppendUtf8(string_, *first);
      at_ += kSize;
      return true;
    }
    if (*first > 0xDBFF) return Wrong();
    rest.remove_prefix(kSize);
    if (!std::string_view("\\u").starts_with(rest.substr(0, 2))) return Wrong();
    const std::optional<unsigned> second = Unit(rest);
    if (!second) return false;
    if (*second < 0xDC00 || *second > 0xDFFF) return Wrong();
    AppendUtf8(string_, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
    at_ += 2 * kSize;
    return true;
  }

  // The four digits of an escape; nullopt when they are not all there, or wrong.
  std::optional<unsigned> Unit(std::string_view escape) {
    unsigned unit = 0;
    for (std::size_t i = 2; i < 6; ++i) {
      if (i >= escape.size()) return std::nullopt;
      const int digit = HexValue(escape[i]);
      if (digit < 0) {
        Wrong();
        return std::nullopt;
      }
      unit = unit * 16 + static_cast<unsigned>(digit);
    }
    return unit;
  }

  // The sentence comes from the same place as that of Read().
  bool Wrong() {
    const SyntaxError wrong =
        FindSyntaxError(text_, max_depth_).value_or(SyntaxError{at_, "this cannot stand here"});
    error_ = Fail(Code::kInvalidJson,
                  StrCat("invalid JSON at ", Place(text_, wrong.offset), ": ", wrong.what))
                 .error();
    return false;
  }

  Result<void> Verdict() const {
    if (error_) return Fail(*error_);
    return {};
  }

  const PartialOptions options_;
  const std::size_t max_depth_;
  PartialTree tree_;
  std::string text_;
  std::size_t at_ = 0;
  Next next_ = Next::kValue;
  bool finished_ = false;
  std::optional<Error> error_;

  std::size_t start_ = 0;        // of the value that is being read
  bool in_key_ = false;          // whether the string that is being read is one
  std::string string_;           // that string, decoded
  std::string_view word_;        // the literal that is being read
  Digits digits_ = {};           // where in the number
  std::size_t number_size_ = 0;  // of the longest part of it that is a number
};

PartialReader::PartialReader(const PartialOptions& options)
    : scanner_(std::make_unique<Scanner>(options)) {}
PartialReader::~PartialReader() = default;

Result<void> PartialReader::Feed(std::string_view piece) { return scanner_->Feed(piece); }
Result<void> PartialReader::Finish() { return scanner_->Finish(); }
bool PartialReader::complete() const { return scanner_->tree().complete(); }
View PartialReader::Snapshot() { return scanner_->tree().Snapshot(scanner_->Open()); }

std::vector<std::string> PartialReader::OpenPlaces() const {
  return scanner_->tree().OpenPlaces(scanner_->Open().has_value());
}

std::vector<std::string> PartialReader::TakeCompleted() { return scanner_->tree().TakeCompleted(); }

}  // namespace weir::json
