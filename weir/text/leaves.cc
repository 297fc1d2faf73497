#include "weir/text/leaves.h"

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/scanner.h"

namespace weir::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
// Bytes between two lexemes.
constexpr std::size_t kMaxGap = 256;
// Of all leaves together: many leaves below one long name would need a lot.
constexpr std::size_t kMaxPointerBytes = 8 << 20;

// What stands between the values of a call in the forms of call_forms.h.
constexpr auto kMarkupWords = std::to_array<std::string_view>(
    {"arg_key",    "arg_value", "args",       "argument",
     "arguments",  "begin",     "call",       "constrain",
     "end",        "escape",    "function",   "functions",
     "input",      "invoke",    "json",       "message",
     "name",       "number",    "parameter",  "params",
     "parameters", "sep",       "string",     "think",
     "tool",       "tool_call", "tool_calls", "tool_call_argument_begin",
     "tool_sep",   "type"});

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsQuote(char c) { return c == '"' || c == '\'' || c == '`'; }

bool IsLayout(char c) {
  constexpr std::string_view kLayout = " \t\r\n{}[]():,;=\\\"'`";
  return kLayout.contains(c);
}

// Drives itself through a document and keeps what it is told.
class LexemeReader {
 public:
  LexemeReader(std::string_view document, std::size_t most) : document_(document), most_(most) {}

  std::optional<std::vector<Lexeme>> Read() {
    if (scanner_.Scan(document_, *this) == json::Scanner::End::kWrong) return std::nullopt;
    return std::move(lexemes_);
  }

  bool Null() { return Leaf(4); }
  bool Bool(bool value) { return Leaf(value ? 4 : 5); }
  bool Number(std::string_view text) { return Leaf(text.size()); }
  bool String(std::string_view /*text*/) {
    Lexeme lexeme{.place = Quoted(), .text = true};
    Point(lexeme);
    return Keep(std::move(lexeme));
  }
  bool Key(std::string_view key) {
    pointer_.resize(levels_.back().pointer_size);
    json::AppendToken(pointer_, key);
    return Keep({.place = Quoted(), .key = true, .text = true});
  }
  bool BeginObject() { return Begin(false); }
  bool EndObject() { return End(); }
  bool BeginArray() { return Begin(true); }
  bool EndArray() { return End(); }

 private:
  struct Level {
    bool is_array;
    std::size_t index;
    std::size_t pointer_size;  // of the container's own pointer
  };

  bool Begin(bool is_array) {
    NameItem();
    levels_.push_back({is_array, 0, pointer_.size()});
    last_ = scanner_.offset();
    return true;
  }
  bool End() {
    levels_.pop_back();
    last_ = scanner_.offset();
    return true;
  }
  bool Leaf(std::size_t size) {
    const std::size_t end = scanner_.offset();
    Lexeme lexeme{.place = {end - size, end}};
    Point(lexeme);
    return Keep(std::move(lexeme));
  }
  void Point(Lexeme& lexeme) {
    NameItem();
    lexeme.at = pointer_;
  }
  void NameItem() {
    if (levels_.empty() || !levels_.back().is_array) return;
    pointer_.resize(levels_.back().pointer_size);
    json::AppendToken(pointer_, levels_.back().index++);
  }
  // The string that was just read: it begins at the first quotation mark behind what came before.
  Range Quoted() const { return {document_.find('"', last_) + 1, scanner_.offset() - 1}; }
  bool Keep(Lexeme lexeme) {
    last_ = scanner_.offset();
    pointer_bytes_ += lexeme.at.size();
    lexemes_.push_back(std::move(lexeme));
    return lexemes_.size() < most_ && pointer_bytes_ < kMaxPointerBytes;
  }

  const std::string_view document_;
  const std::size_t most_;
  json::Scanner scanner_;
  std::vector<Level> levels_;
  std::string pointer_;
  std::size_t last_ = 0;  // where the last event ended
  std::vector<Lexeme> lexemes_;
  std::size_t pointer_bytes_ = 0;
};

// Reads a text character by character, escapes as what they mean.
class Characters {
 public:
  Characters(std::string_view text, std::size_t at, std::size_t end, bool escapes)
      : text_(text.substr(0, end)), next_(at), escapes_(escapes) {
    Advance();
  }

  bool done() const { return at_ == text_.size(); }
  std::size_t offset() const { return at_; }
  char32_t now() const { return now_; }

  void Advance() {
    at_ = next_;
    if (done()) return;
    if (text_[at_] == '\\' && escapes_ && at_ + 1 < text_.size()) return ReadEscape();
    now_ = ReadPlain();
  }

 private:
  char32_t ReadPlain() {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text_[i]); };
    const unsigned char first = byte(next_++);
    if (first < 0xC0) return first;
    const std::size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    char32_t character = first & (0x3FU >> more);
    for (std::size_t i = 0; i < more && next_ < text_.size() && (byte(next_) & 0xC0U) == 0x80;
         ++i) {
      character = character << 6U | (byte(next_++) & 0x3FU);
    }
    return character;
  }

  void ReadEscape() {
    constexpr std::string_view kLetters = "bfnrt\"\\/'";
    constexpr std::string_view kMeanings = "\b\f\n\r\t\"\\/'";
    const std::size_t letter = kLetters.find(text_[at_ + 1]);
    next_ = at_ + 2;
    if (letter != std::string_view::npos) {
      now_ = static_cast<unsigned char>(kMeanings[letter]);
    } else if (text_[at_ + 1] == 'u') {
      ReadUnits();
    } else {
      now_ = '\\';
      next_ = at_ + 1;
    }
  }

  void ReadUnits() {
    now_ = ReadUnit();
    const bool high = now_ >= 0xD800 && now_ < 0xDC00;
    if (!high || !text_.substr(next_).starts_with("\\u")) return;
    const std::size_t before = next_;
    next_ += 2;
    const char32_t low = ReadUnit();
    if (low >= 0xDC00 && low < 0xE000) {
      now_ = 0x10000 + ((now_ - 0xD800) << 10U) + (low - 0xDC00);
    } else {
      next_ = before;
    }
  }

  char32_t ReadUnit() {
    char32_t unit = 0;
    for (int i = 0; i < 4 && next_ < text_.size(); ++i, ++next_) {
      const int digit = HexValue(text_[next_]);
      if (digit < 0) break;
      unit = unit * 16 + static_cast<char32_t>(digit);
    }
    return unit;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t next_;
  const bool escapes_;
  char32_t now_ = 0;
};

// Moves both behind a stretch that the source has only as U+FFFD.
bool SkipLost(Characters& wanted, Characters& source) {
  if (source.now() != kReplacement || wanted.now() < 0x80) return false;
  while (!source.done() && source.now() == kReplacement) source.Advance();
  do {
    wanted.Advance();
  } while (!wanted.done() && wanted.now() >= 0x80 &&
           (source.done() || wanted.now() != source.now()));
  return true;
}

bool IsSameWord(std::string_view wanted, std::string_view source) {
  return EqualsIgnoreCase(wanted, source) || (wanted == "null" && source == "None");
}

}  // namespace

std::optional<std::vector<Lexeme>> ReadLexemes(std::string_view document, std::size_t most) {
  return LexemeReader(document, most).Read();
}

std::vector<Lexeme> LexemeFinder::Find(std::span<const Lexeme> lexemes, std::size_t from) const {
  std::vector<Lexeme> found;
  for (const Lexeme& lexeme : lexemes) {
    const std::optional<Match> match = Next(lexeme, from);
    if (!match) break;
    found.push_back(lexeme);
    found.back().place = match->place;
    from = match->next;
  }
  return found;
}

std::optional<LexemeFinder::Match> LexemeFinder::Next(const Lexeme& lexeme,
                                                      std::size_t from) const {
  const std::size_t end = std::min(source_.size(), from + kMaxGap);
  for (std::size_t at = from; at < end;) {
    const char c = source_[at];
    if (IsQuote(c) && lexeme.text) {
      if (const auto match = MatchAt(lexeme, at + 1, c)) return match;
    } else if (!IsLayout(c)) {
      if (const auto match = MatchAt(lexeme, at, 0)) return match;
    }
    const std::size_t next = SkipBetween(at);
    if (next == at) return std::nullopt;
    at = next;
  }
  return std::nullopt;
}

std::optional<LexemeFinder::Match> LexemeFinder::MatchAt(const Lexeme& lexeme, std::size_t at,
                                                         char quote) const {
  const Range& place = lexeme.place;
  if (!lexeme.text) {
    const std::size_t size = place.end - place.begin;
    if (!IsSameWord(document_.substr(place.begin, size), source_.substr(at, size))) {
      return std::nullopt;
    }
    const std::size_t end = at + std::min(size, source_.size() - at);
    if (end < source_.size() && IsWordByte(source_[end])) return std::nullopt;
    return Match{.place = {at, end}, .next = end};
  }
  if (place.begin == place.end && quote == 0) return std::nullopt;
  Characters wanted(document_, place.begin, place.end, true);
  Characters source(source_, at, source_.size(), quote != 0);
  while (!wanted.done()) {
    if (source.done()) return std::nullopt;
    if (wanted.now() == source.now()) {
      wanted.Advance();
      source.Advance();
    } else if (between_ == Between::kMarkup && wanted.now() == ' ') {
      wanted.Advance();  // a server that decodes tokens one by one may lose it
    } else if (!SkipLost(wanted, source)) {
      return std::nullopt;
    }
  }
  const std::size_t end = source.offset();
  if (end == at && place.begin < place.end) return std::nullopt;  // nothing of it is there
  if (quote == 0) {
    if (end < source_.size() && IsWordByte(source_[end]) && IsWordByte(source_[end - 1])) {
      return std::nullopt;
    }
    return Match{.place = {at, end}, .next = end};
  }
  const std::string_view rest = source_.substr(end);
  const std::size_t mark = rest.starts_with('\\') ? 1 : 0;
  if (rest.size() <= mark || rest[mark] != quote) return std::nullopt;
  return Match{.place = {at, end}, .next = end + mark + 1};
}

std::size_t LexemeFinder::SkipBetween(std::size_t at) const {
  constexpr std::string_view kMarks = "<>|/";
  const char c = source_[at];
  if (IsLayout(c)) return at + 1;
  if (between_ == Between::kLayout) return at;
  if (kMarks.contains(c) || static_cast<unsigned char>(c) >= 0x80) return at + 1;
  const std::string_view rest = source_.substr(at);
  const auto word_end = std::ranges::find_if(rest, [](char byte) {
    return !IsWordByte(byte) || static_cast<unsigned char>(byte) >= 0x80;
  });
  const std::string word =
      ToLower(rest.substr(0, static_cast<std::size_t>(word_end - rest.begin())));
  return std::ranges::find(kMarkupWords, word) != kMarkupWords.end() ? at + word.size() : at;
}

}  // namespace weir::text
