#include "weir/sim/surface.h"

#include <algorithm>
#include <cmath>

namespace weir::sim {
namespace {

// A factor beyond these would only lose precision when it is multiplied with a probability.
constexpr double kMost = 1e15;
constexpr double kLeast = 1e-15;

// The least that pressing to an end makes of what a longer text needs. It may be that the form asks
// for more: then nothing but white space is there beside it.
constexpr double kLeastLonger = 1e-6;

// The tokens after which a text is long enough for what it has to say.
constexpr int kSettled = 40;
// The bytes after which a string and the name of a member are.
constexpr int kString = 14;
constexpr int kName = 6;

}  // namespace

void Surface::Take(std::string_view piece) {
  ++tokens_;
  for (const char c : piece) {
    if (in_string_) {
      TakeInString(c);
    } else {
      TakeOutside(c);
    }
  }
}

void Surface::TakeInString(char c) {
  ++string_bytes_;
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    in_string_ = false;
    last_ = c;
  }
}

void Surface::TakeOutside(char c) {
  blanks_ = IsBlank(c) ? blanks_ + 1 : 0;
  if (blanks_ > 0) return;
  const bool digit = (c >= '0' && c <= '9') || (digits_ > 0 && (c == '.' || c == 'e' || c == 'E'));
  digits_ = digit ? digits_ + 1 : 0;
  if (first_ == '\0') first_ = c;
  last_ = c;
  if (c == '{' || c == '[' || c == '(') {
    if (!levels_.empty()) levels_.back().items = std::max(levels_.back().items, 1);
    levels_.push_back({.opener = c, .name = c == '{'});
  } else if (c == '}' || c == ']' || c == ')') {
    if (!levels_.empty()) levels_.pop_back();
  } else if (c == '"' && in_json()) {
    in_string_ = true;
    string_bytes_ = 0;
    if (!levels_.empty()) levels_.back().items = std::max(levels_.back().items, 1);
  } else if (levels_.empty()) {
    return;
  } else if (c == ',') {
    ++levels_.back().items;
    levels_.back().name = levels_.back().opener == '{';
  } else if (c == ':') {
    levels_.back().name = false;
  } else {
    levels_.back().items = std::max(levels_.back().items, 1);
  }
}

// Where quotation marks make strings and white space is only taste.
bool Surface::in_json() const {
  if (levels_.empty()) return first_ == '"' || first_ == '{' || first_ == '[';
  return levels_.back().opener != '(';
}

// Grows once the text is long enough, by e with every so many tokens.
double Surface::Late(double tokens) const {
  return std::exp(std::min(std::max(0, tokens_ - kSettled) / tokens, 30.0));
}

double Surface::Close() const {
  if (levels_.empty()) return Late(8);
  const int items = levels_.back().items;
  if (items == 0) return 0.3 * Late(8);
  const auto depth = static_cast<double>(levels_.size());
  return 0.25 * std::pow(1.7, std::min(items, 40)) * std::pow(1.25, std::min(depth, 40.0)) *
         Late(8);
}

double Surface::More() const {
  const int items = levels_.empty() ? 0 : levels_.back().items;
  return std::max(std::pow(1.5, -std::min(items, 40)) / Late(8), kLeastLonger);
}

double Surface::Open() const {
  const double depth = std::pow(0.5, std::min(static_cast<double>(levels_.size()), 40.0));
  return std::max(depth / Late(8), kLeastLonger);
}

// White space that only puts off what presses: below one where more is far less likely than at
// first.
double Surface::Blank() const {
  constexpr double kPatience = 1e3;
  const double pressed = std::min(1.0, kPatience * More());
  return (blanks_ > 0 ? 1e-5 : 0.02) * pressed * pressed;
}

double Surface::InString(PieceTraits traits) const {
  if (escaped_) return 1;
  if ((traits & kEscape) != 0) return 0.02;
  if ((traits & kQuote) == 0) return 1;
  double gain = 0.2;
  if (string_bytes_ > 0) {
    const bool name = !levels_.empty() && levels_.back().name;
    const int over = string_bytes_ - (name ? kName : kString);
    gain = std::pow(over < 0 ? 1.05 : 1.35, std::clamp(over, -20, 100)) * Late(12);
  }
  if ((traits & kQuoteCloses) != 0) gain *= Close();
  if ((traits & kQuoteMore) != 0) gain *= More();
  if ((traits & kQuoteOpens) != 0) gain *= Open();
  return gain;
}

double Surface::Outside(PieceTraits traits) const {
  double gain = 1;
  if (in_json() || first_ == '\0') {
    if ((traits & kBlank) != 0) gain *= Blank();
    if ((traits & kLoose) != 0) gain *= 0.01;
    if ((traits & kLeadsBlank) != 0 && blanks_ > 0) gain *= 1e-4;
  } else {
    if ((traits & kLoose) != 0) gain *= 0.05;
    if ((traits & kLeadsBlank) != 0 && blanks_ > 0) gain *= 0.1;
  }
  if ((traits & kDigits) != 0 && digits_ >= 2) gain *= std::pow(0.25, std::min(digits_ - 1, 20));
  if ((traits & kCloses) != 0) gain *= Close();
  if ((traits & kMore) != 0) gain *= More();
  if ((traits & kOpens) != 0) gain *= Open();
  return gain;
}

float Surface::OfPiece(PieceTraits traits) const {
  const double gain = in_string_ ? InString(traits) : Outside(traits);
  return static_cast<float>(std::clamp(gain, kLeast, kMost));
}

float Surface::OfEnd() const {
  if (tokens_ == 0) return 0.01F;
  const bool closed = last_ == '"' || last_ == '}' || last_ == ']';
  if (levels_.empty() && in_json() && closed) return 1e6F;
  const double gain =
      0.05 * std::pow(1.5, std::min(tokens_, 60)) * std::pow(3, std::min(digits_, 8));
  return static_cast<float>(std::min(gain, kMost));
}

float Surface::OfCompleting() const {
  return static_cast<float>(std::pow(1.12, std::min(tokens_, 150)));
}

float Surface::OfWayOut() const {
  const int settled = in_json() ? 3 * kSettled : kSettled;
  const int over = tokens_ - settled;
  return over <= 0 ? 1 : static_cast<float>(std::min(std::pow(1.3, std::min(over, 200)), kMost));
}
}  // namespace weir::sim
