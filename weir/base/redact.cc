#include "weir/base/redact.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "weir/base/text.h"

namespace weir {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kNoKey = "EMPTY";
constexpr std::size_t kMinShapeChars = 16;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxSchemeBytes = 16;  // "Bearer" and the blanks after it

constexpr std::string_view kSecretParts[] = {
    "password", "passwd", "passphrase",    "secret",  "apikey",     "cookie",
    "cookies",  "bearer", "authorization", "apikeys", "credential", "credentials"};
constexpr std::string_view kBeforeKey[] = {"api",    "access",  "private",    "secret",      "auth",
                                           "master", "signing", "encryption", "subscription"};
constexpr std::string_view kBeforeToken[] = {"auth", "access", "bearer", "hf",      "api",
                                             "id",   "hub",    "github", "session", "refresh",
                                             "x",    "csrf",   "secret", "security"};
constexpr std::string_view kSchemes[] = {"bearer", "basic", "token", "apikey"};
// What people write after "Bearer" or "Basic" when no credential follows.
constexpr std::string_view kSchemeProse[] = {"token",         "tokens", "auth",   "authentication",
                                             "authorization", "scheme", "header", "of"};

enum class NameKind { kPlain, kSecret, kCookie, kAuthorization };

// How far a value without quotes reaches.
enum class Extent {
  kWord,       // VARIABLE=value, ?query=value&, --option value: to white space
  kLine,       // YAML: to the end of the line, or to what ends an item of a flow mapping
  kWholeLine,  // Cookie, Authorization: Digest a="b", c="d": commas and quotes belong to it
};

// A quotation mark, with the backslashes that stand before it in JSON inside of JSON strings.
struct Quote {
  std::size_t backslashes = 0;
  char mark = '"';

  std::size_t size() const { return backslashes + 1; }
};

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlnum(char c) { return IsLetter(c) || IsDigit(c); }
bool IsTokenChar(char c) { return IsAlnum(c) || c == '_' || c == '-'; }
bool IsNameChar(char c) { return IsTokenChar(c) || c == '.'; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsBlankOrLineEnd(char c) { return IsBlank(c) || c == '\n' || c == '\r'; }
bool IsQuote(char c) { return c == '"' || c == '\''; }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }

bool IsAnyOf(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view w) { return EqualsIgnoreCase(w, word); });
}

// The length of the first part of a name: "api" of "apiKey", "api_key", "APIKey" and "api.key".
std::size_t PartLength(std::string_view name) {
  std::size_t i = 1;
  for (; i < name.size() && IsAlnum(name[i]); ++i) {
    if (!IsUpper(name[i])) continue;
    if (!IsUpper(name[i - 1])) break;
    if (i + 1 < name.size() && IsLower(name[i + 1])) break;
  }
  return i;
}

NameKind KindOf(std::string_view name) {
  if (name.size() < 5 || name.size() > kMaxNameBytes) return NameKind::kPlain;
  std::string_view before;
  std::string_view last;
  int parts = 0;  // since the last dot: a.b.token is a field called token
  NameKind kind = NameKind::kPlain;
  while (!name.empty()) {
    if (!IsAlnum(name.front())) {
      if (name.front() == '.') parts = 0;
      name.remove_prefix(1);
      continue;
    }
    before = last;
    last = name.substr(0, PartLength(name));
    name.remove_prefix(last.size());
    ++parts;
    if (!IsAnyOf(last, kSecretParts)) continue;
    kind = NameKind::kSecret;
    if (EqualsIgnoreCase(last, "authorization")) kind = NameKind::kAuthorization;
    if (EqualsIgnoreCase(last, "cookie")) kind = NameKind::kCookie;
  }
  if (kind != NameKind::kPlain) return kind;
  if (EqualsIgnoreCase(last, "key") && IsAnyOf(before, kBeforeKey)) return NameKind::kSecret;
  if (EqualsIgnoreCase(last, "token") && (parts == 1 || IsAnyOf(before, kBeforeToken))) {
    return NameKind::kSecret;
  }
  return NameKind::kPlain;
}

bool IsKept(std::string_view value) {
  return value.empty() || value == kNoKey || value == kMask || value == "null" || value == "true" ||
         value == "false";
}

bool IsLowerWord(std::string_view word) { return std::ranges::all_of(word, IsLower); }

// One pass over a text. Decisions look at the text from the current place on and at one byte before
// it, and never at what was decided earlier; that is why a second pass changes nothing.
class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) { out_.reserve(text.size() + 16); }

  std::string Run() {
    while (at_ < text_.size()) {
      if (IsNameChar(text_[at_])) {
        TakeWord();
      } else if (text_.substr(at_).starts_with("://")) {
        TakeUserInfo();
      } else {
        out_ += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  void TakeWord();
  bool TakeKeyShape(std::string_view word, bool escaped);
  void TakeUserInfo();
  bool TakeNamedValue(NameKind kind, std::string_view name);
  void TakeOptionValue();
  void TakeSchemeValue(std::string_view scheme);
  void TakeValue(NameKind kind, Extent extent);
  bool TakeQuotedValue(NameKind kind, std::string_view name, bool quoted_name);
  bool TakeJsonValue(Quote name_quote);

  bool At(std::size_t i, char c) const { return i < text_.size() && text_[i] == c; }
  std::size_t SkipBlanks(std::size_t i) const;
  std::size_t SkipSpaces(std::size_t i) const;
  std::size_t SkipBackslashes(std::size_t i) const;
  std::optional<Quote> QuoteAt(std::size_t i) const;
  bool ClosesAt(std::size_t i, const Quote& quote) const;
  bool EndsItem(std::size_t i) const;
  bool LogprobFollows(std::size_t i) const;
  std::size_t FindClosing(std::size_t i, const Quote& open) const;
  std::size_t FindEnd(std::size_t i, Extent extent) const;
  std::size_t FindBracketEnd(std::size_t i) const;
  std::size_t SchemeLength(std::string_view value) const;

  void CopyTo(std::size_t end) {
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }
  void MaskTo(std::size_t end) {
    const std::string_view value = text_.substr(at_, end - at_);
    out_ += IsKept(value) ? value : kMask;
    at_ = end;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

std::size_t Redactor::SkipBlanks(std::size_t i) const {
  while (i < text_.size() && IsBlank(text_[i])) ++i;
  return i;
}

std::size_t Redactor::SkipSpaces(std::size_t i) const {
  while (i < text_.size() && IsBlankOrLineEnd(text_[i])) ++i;
  return i;
}

std::size_t Redactor::SkipBackslashes(std::size_t i) const {
  while (At(i, '\\')) ++i;
  return i;
}

std::optional<Quote> Redactor::QuoteAt(std::size_t i) const {
  const std::size_t mark = SkipBackslashes(i);
  if (mark == text_.size() || !IsQuote(text_[mark])) return std::nullopt;
  return Quote{.backslashes = mark - i, .mark = text_[mark]};
}

// Whether the quote at `i` ends a string rather than begins one, judged by what follows it.
bool Redactor::ClosesAt(std::size_t i, const Quote& quote) const {
  const std::size_t next = i + quote.size();
  if (next >= text_.size() || IsBlankOrLineEnd(text_[next]) || IsOneOf(text_[next], ",}]):;>"))
    return true;
  if (const auto outer = QuoteAt(next)) return outer->backslashes < quote.backslashes;
  const std::size_t letter = SkipBackslashes(next);
  return letter > next && letter < text_.size() && IsOneOf(text_[letter], "nrt");
}

bool Redactor::EndsItem(std::size_t i) const {
  return i >= text_.size() || IsBlankOrLineEnd(text_[i]) || IsOneOf(text_[i], ",}]") || QuoteAt(i);
}

// The place of the quote that ends a string opened by `open` before `i`, or the end of the text.
// Each level of nesting doubles the backslashes: a quote inside of a string has more of them.
std::size_t Redactor::FindClosing(std::size_t i, const Quote& open) const {
  const std::size_t cycle = 2 * (open.backslashes + 1);
  std::size_t run = 0;
  for (; i < text_.size(); ++i) {
    if (text_[i] == '\\') {
      ++run;
      continue;
    }
    const std::size_t rest = run % cycle;
    run = 0;
    if (text_[i] != open.mark || rest > open.backslashes) continue;
    const bool doubled = open.mark == '\'' && open.backslashes == 0 && At(i + 1, '\'');
    if (!doubled) return i - rest;
    ++i;  // YAML's and SQL's way to write a quote inside of a string
  }
  return text_.size();
}

// The end of a value without quotes that begins at `i`.
std::size_t Redactor::FindEnd(std::size_t i, Extent extent) const {
  const std::size_t begin = i;
  while (i < text_.size()) {
    const char c = text_[i];
    if (c == '\n' || c == '\r') break;
    if (extent == Extent::kWord && (IsBlank(c) || c == '&')) break;
    if (extent == Extent::kLine && IsOneOf(c, ",}]") && EndsItem(i + 1)) break;
    if (c != '\\' && !IsQuote(c)) {
      ++i;
      continue;
    }
    if (const auto quote = QuoteAt(i)) {
      if (extent == Extent::kWholeLine && i > begin && text_[i - 1] == '=') {
        i = FindClosing(i + quote->size(), *quote);
        if (const auto closing = QuoteAt(i)) i += closing->size();
        continue;
      }
      if (ClosesAt(i, *quote)) break;
      i += quote->size();
      continue;
    }
    const std::size_t letter = SkipBackslashes(i);
    if (letter < text_.size() && IsOneOf(text_[letter], "nrt")) break;
    i = letter;
  }
  const std::string_view trailing = extent == Extent::kWord ? ",;)}]>" : " \t";
  while (i > begin && IsOneOf(text_[i - 1], trailing)) --i;
  return i;
}

// The end of the JSON list or object that begins at `i`.
std::size_t Redactor::FindBracketEnd(std::size_t i) const {
  std::size_t depth = 0;
  while (i < text_.size()) {
    if (const auto quote = QuoteAt(i)) {
      i = FindClosing(i + quote->size(), *quote);
      if (const auto closing = QuoteAt(i)) i += closing->size();
      continue;
    }
    const char c = text_[i];
    i = c == '\\' ? SkipBackslashes(i) : i + 1;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return i;
  }
  return text_.size();
}

void Redactor::TakeWord() {
  std::size_t end = at_;
  while (end < text_.size() && IsNameChar(text_[end])) ++end;
  const std::string_view word = text_.substr(at_, end - at_);
  // In "\napi_key" the n belongs to an escape sequence.
  const bool escaped = at_ > 0 && text_[at_ - 1] == '\\' && IsOneOf(word.front(), "nrtbf");
  if (TakeKeyShape(word, escaped)) return;

  CopyTo(end);
  std::string_view name = word;
  NameKind kind = KindOf(name);
  if (escaped && kind == NameKind::kPlain) {
    name.remove_prefix(1);
    kind = KindOf(name);
  }
  if (kind != NameKind::kPlain) {
    if (TakeNamedValue(kind, name)) return;
    if (name.starts_with("--")) return TakeOptionValue();
  }
  if (EqualsIgnoreCase(name, "bearer") || name == "Basic" || name == "BASIC") TakeSchemeValue(name);
}

bool Redactor::TakeKeyShape(std::string_view word, bool escaped) {
  for (std::size_t i = 0; i + 3 + kMinShapeChars <= word.size(); ++i) {
    const std::string_view rest = word.substr(i);
    if (!rest.starts_with("sk-") && !rest.starts_with("hf_")) continue;
    if (i > 0 && IsAlnum(word[i - 1]) && !(i == 1 && escaped)) continue;
    std::size_t end = i + 3;
    while (end < word.size() && IsTokenChar(word[end])) ++end;
    if (end - i - 3 < kMinShapeChars) continue;
    out_ += word.substr(0, i);
    out_ += kMask;
    at_ += end;
    return true;
  }
  return false;
}

void Redactor::TakeUserInfo() {
  const std::size_t begin = at_ + 3;
  std::size_t at_sign = text_.npos;
  for (std::size_t i = begin; i < text_.size(); ++i) {
    if (IsBlankOrLineEnd(text_[i]) || IsOneOf(text_[i], "/?#\"'<>\\")) break;
    if (text_[i] == '@') at_sign = i;
    // Here a first pass has masked a value, and with it perhaps the slash at which it stopped.
    if (IsOneOf(text_[i], ":=>") && text_.substr(i + 1).starts_with(kMask)) break;
  }
  CopyTo(begin);
  if (at_sign != text_.npos) MaskTo(at_sign);
}

// After a secret name: `: value`, `= value`, `": value`, `=> value`. False if none of these
// follows.
bool Redactor::TakeNamedValue(NameKind kind, std::string_view name) {
  const std::optional<Quote> name_quote = QuoteAt(at_);
  std::size_t i = SkipBlanks(at_ + (name_quote ? name_quote->size() : 0));
  if (!At(i, ':') && !At(i, '=')) return false;
  const bool colon = text_[i] == ':';
  ++i;
  if (colon && (At(i, ':') || text_.substr(i).starts_with("//"))) return false;
  if (At(i, '=') || At(i, '>')) ++i;
  CopyTo(colon && name_quote ? SkipSpaces(i) : SkipBlanks(i));

  if (TakeQuotedValue(kind, name, name_quote.has_value())) return true;
  if (colon && name_quote && TakeJsonValue(*name_quote)) return true;
  TakeValue(kind, colon ? Extent::kLine : Extent::kWord);
  return true;
}

// After `--api-key`: ` value`, or `", "value` in a list of arguments.
void Redactor::TakeOptionValue() {
  const std::optional<Quote> quote = QuoteAt(at_);
  std::size_t i = at_;
  if (quote) {
    i += quote->size();
    if (!At(i, ',')) return;
    ++i;
  }
  const std::size_t value = SkipBlanks(i);
  if (value == i && !quote) return;
  if (quote && !QuoteAt(value)) return;
  if (At(value, '-')) return;
  // "pass --api-key to the server" is a sentence.
  const std::string_view word = text_.substr(value, FindEnd(value, Extent::kWord) - value);
  if (!quote && word.size() <= 5 && IsLowerWord(word)) return;
  CopyTo(value);
  if (TakeQuotedValue(NameKind::kSecret, {}, quote.has_value())) return;
  TakeValue(NameKind::kSecret, Extent::kWord);
}

void Redactor::TakeSchemeValue(std::string_view scheme) {
  const std::size_t value = SkipBlanks(at_);
  if (value == at_) return;
  const std::string_view word = text_.substr(value, FindEnd(value, Extent::kWord) - value);
  if (IsAnyOf(Trim(word), kSchemeProse)) return;
  if (!EqualsIgnoreCase(scheme, "bearer") && IsLowerWord(word)) return;
  CopyTo(value);
  if (TakeQuotedValue(NameKind::kSecret, {}, false)) return;
  TakeValue(NameKind::kSecret, Extent::kWord);
}

// The length of "Bearer " at the front of a value, 0 if it does not name its scheme.
std::size_t Redactor::SchemeLength(std::string_view value) const {
  const std::size_t space = value.find_first_of(" \t");
  if (space == value.npos || !IsAnyOf(value.substr(0, space), kSchemes)) return 0;
  return std::min(value.find_first_not_of(" \t", space), value.size());
}

void Redactor::TakeValue(NameKind kind, Extent extent) {
  if (kind == NameKind::kCookie && extent == Extent::kLine) extent = Extent::kWholeLine;
  if (kind == NameKind::kAuthorization) {
    const std::size_t scheme = SchemeLength(text_.substr(at_, kMaxSchemeBytes));
    if (extent == Extent::kLine) extent = scheme > 0 ? Extent::kWord : Extent::kWholeLine;
    CopyTo(at_ + scheme);
  }
  MaskTo(FindEnd(at_, extent));
}

// The string at the current place without its closing quote. False if no string begins here.
bool Redactor::TakeQuotedValue(NameKind kind, std::string_view name, bool quoted_name) {
  const std::optional<Quote> open = QuoteAt(at_);
  if (!open) return false;
  if (!quoted_name && ClosesAt(at_, *open)) return true;  // {"content": "Your password:"}
  const std::size_t begin = at_ + open->size();
  const std::size_t end = FindClosing(begin, *open);
  CopyTo(begin);
  const std::string_view value = text_.substr(begin, end - begin);
  if (name == "token" && LogprobFollows(end) && Redact(value) == value) {
    CopyTo(end);
    return true;
  }
  if (kind == NameKind::kAuthorization) CopyTo(begin + SchemeLength(value));
  MaskTo(end);
  return true;
}

// Whether the string that ends at `i` is followed by `, "logprob` or `, "bytes`.
bool Redactor::LogprobFollows(std::size_t i) const {
  const std::optional<Quote> closing = QuoteAt(i);
  if (!closing) return false;
  i = SkipSpaces(i + closing->size());
  if (!At(i, ',')) return false;
  i = SkipSpaces(i + 1);
  const std::optional<Quote> open = QuoteAt(i);
  if (!open) return false;
  const std::string_view next = text_.substr(i + open->size());
  return next.starts_with("logprob") || next.starts_with("bytes");
}

// A number, literal, list or object at the current place; a string takes the place of a secret one.
bool Redactor::TakeJsonValue(Quote name_quote) {
  if (at_ == text_.size()) return false;
  const char first = text_[at_];
  std::size_t end = at_;
  if (first == '[' || first == '{') {
    end = FindBracketEnd(at_);
  } else {
    while (end < text_.size() && (IsNameChar(text_[end]) || text_[end] == '+')) ++end;
    const bool number = first == '-' || (first >= '0' && first <= '9');
    if (!number && !IsKept(text_.substr(at_, end - at_))) return false;
  }
  const std::size_t next = SkipBlanks(end);
  if (end == at_ || !EndsItem(next)) return false;
  if (IsKept(text_.substr(at_, end - at_))) {
    CopyTo(end);
    return true;
  }
  std::string quote(name_quote.backslashes, '\\');
  quote += name_quote.mark;
  StrAppend(out_, quote, kMask, quote);
  at_ = end;
  return true;
}

}  // namespace

std::string Redact(std::string_view text) { return Redactor(text).Run(); }

bool IsSecretName(std::string_view name) { return KindOf(name) != NameKind::kPlain; }

std::string RedactValue(std::string_view value) {
  return std::string(value.empty() || value == kNoKey ? value : kMask);
}

}  // namespace weir
