// Languages with braces: what stands in front of an opening brace says what it opens.

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/units_language.h"
#include "weir/flow/units_scanner.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMostHeader = 2000;  // tokens between two braces that are looked at

template <std::size_t N>
bool In(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

constexpr std::array<std::string_view, 9> kControl = {"if", "for",  "while", "switch", "catch",
                                                      "do", "else", "try",   "return"};
// Words before a bracket that do not call what follows.
constexpr std::array<std::string_view, 18> kNoNames = {
    "__attribute__", "__declspec", "alignas",  "decltype", "noexcept", "throw",
    "requires",      "sizeof",     "void",     "int",      "char",     "bool",
    "double",        "float",      "unsigned", "auto",     "return",   "new"};
constexpr std::array<std::string_view, 9> kTypes = {
    "class", "struct", "union", "interface", "enum", "record", "trait", "impl", "type"};
// Words behind which a declaration goes on in the next line.
constexpr std::array<std::string_view, 15> kModifiers = {
    "export", "default", "async",    "abstract",   "declare",  "public", "private", "protected",
    "static", "extends", "readonly", "implements", "function", "const",  "override"};

enum class Opens : std::uint8_t { kNothing, kSpace, kType, kFunction, kInside };

// What a brace opens, and how it is called.
struct Meaning {
  Opens opens = Opens::kNothing;
  std::string name;
  std::string owner;     // of a function that is written outside of its type
  bool members = false;  // functions inside are methods
};

class BraceReader {
 public:
  BraceReader(std::string_view text, Language language)
      : text_(text), language_(language), scanner_(text, language) {}

  std::vector<Unit> Read() && {
    while (const std::optional<Token> token = scanner_.Next()) {
      if (token->directive != Directive::kNone) {
        TakeDirective(token->directive);
      } else if (branches_.empty() || !branches_.back().left_out) {
        Take(*token);
      }
    }
    while (!frames_.empty()) Pop(text_.size());
    return std::move(units_).Take();
  }

 private:
  struct Frame {
    bool unit = false;    // something was opened in units_
    bool opaque = false;  // nothing inside of it is looked at
    bool inside = false;  // the header goes on behind it
    bool members = false;
    char close = '}';
    std::size_t names = 0;  // of the names around, when it was opened
  };

  // Of `#if`, up to its `#endif`.
  struct Branch {
    std::size_t frames = 0;  // that were open before it ...
    char close = '\0';       // ... the innermost up to this
    bool left_out = false;
  };

  bool opaque() const { return !frames_.empty() && frames_.back().opaque; }

  // Where each branch opens or closes a brace, as a header in two forms does, the first one counts.
  void TakeDirective(Directive directive) {
    const char close = frames_.empty() ? '\0' : frames_.back().close;
    if (directive == Directive::kIf) {
      const bool left_out = !branches_.empty() && branches_.back().left_out;
      branches_.push_back({.frames = frames_.size(), .close = close, .left_out = left_out});
    } else if (!branches_.empty() && directive == Directive::kElse) {
      Branch& branch = branches_.back();
      if (frames_.size() != branch.frames || close != branch.close) branch.left_out = true;
    } else if (!branches_.empty()) {
      branches_.pop_back();
    }
  }

  void Take(const Token& token) {
    const bool bracket = token.text.size() == 1;
    const char c = bracket ? token.text[0] : '\0';
    if (c == '(' || c == '[' || (c == '{' && opaque())) {
      if (!opaque()) {
        Add(token);
        group_depth_ = c == '(' ? frames_.size() + 1 : 0;
      }
      frames_.push_back(
          {.opaque = true, .inside = true, .close = Closing(c), .names = names_.size()});
    } else if (c == '{') {
      OpenBrace(token);
    } else if (c == ')' || c == ']' || c == '}') {
      CloseBracket(c, token);
    } else if (opaque()) {
      if (frames_.size() == group_depth_) NameGroup(token);
    } else {
      if (c == ';') return header_.clear();
      if (EndsStatement(token)) header_.clear();
      Add(token);
    }
  }

  static char Closing(char open) { return open == '(' ? ')' : open == '[' ? ']' : '}'; }

  // Remembers the words of a group: `TEST(Suite, Name)`, `func (s *Server) Run()`.
  void NameGroup(const Token& token) {
    constexpr std::size_t kLongest = 120;
    if (!IsName(token.text) || header_.empty() || header_.back().text != "(") return;
    std::string& name = header_.back().group_name;
    if (language_ == Language::kGo) name.clear();
    if (name.size() < kLongest) StrAppend(name, name.empty() ? "" : "_", token.text);
  }

  void Add(const Token& token) {
    if (header_.size() < kMostHeader) header_.push_back(token);
  }

  // In languages that may leave semicolons away: whether the token begins something new.
  bool EndsStatement(const Token& token) const {
    if (language_ != Language::kScript && language_ != Language::kGo) return false;
    if (!token.first_in_line || header_.empty() || header_.front().text == "@") return false;
    const bool begins = IsWordByte(token.text[0]) || token.text[0] == '@' || token.text[0] == '#';
    const std::string_view last = header_.back().text;
    const bool ended = IsWordByte(last[0]) || last == ")" || last == "]" || last == "}" ||
                       last[0] == '"' || last == ">" || last == "!";
    return begins && ended && !In(kModifiers, last);
  }

  void OpenBrace(const Token& token) {
    const Meaning meaning = header_.empty() ? Meaning{} : MeaningOf();
    Frame frame{.names = names_.size()};
    frame.opaque = meaning.opens != Opens::kSpace && meaning.opens != Opens::kType;
    frame.members = meaning.opens == Opens::kType || meaning.members;
    frame.inside = meaning.opens == Opens::kInside;
    if (meaning.opens == Opens::kType || meaning.opens == Opens::kFunction) {
      frame.unit = true;
      OpenUnit(meaning);
    }
    if (!frame.opaque) {
      for (const std::string_view part : Split(meaning.name, '.')) {
        if (!part.empty()) names_.emplace_back(part);
      }
    }
    if (frame.inside) {
      Add(token);
    } else {
      header_.clear();
    }
    frames_.push_back(frame);
  }

  void OpenUnit(const Meaning& meaning) {
    const bool member = (!frames_.empty() && frames_.back().members) || !meaning.owner.empty();
    const UnitKind function = member ? UnitKind::kMethod : UnitKind::kFunction;
    std::vector<std::string> names = names_;
    if (!meaning.owner.empty()) names.push_back(meaning.owner);
    names.push_back(meaning.name);
    units_.Open(Join(names, "."), meaning.opens == Opens::kType ? UnitKind::kClass : function,
                LineStart(text_, header_.front().begin));
  }

  void CloseBracket(char c, const Token& token) {
    // A bracket too many, or one that closes another kind: the text is broken; look for a frame.
    const auto fits = std::ranges::find(frames_.rbegin(), frames_.rend(), c, &Frame::close);
    if (fits == frames_.rend()) return;
    const auto extra = static_cast<std::size_t>(fits - frames_.rbegin());
    for (std::size_t i = 0; i < extra; ++i) Pop(token.begin);
    const bool goes_on = frames_.back().inside;
    Pop(token.begin + 1);
    if (goes_on && !opaque()) Add(token);
    if (!goes_on) header_.clear();
  }

  void Pop(std::size_t end) {
    const Frame& frame = frames_.back();
    if (frame.unit) units_.Close(end);
    names_.resize(frame.names);
    frames_.pop_back();
  }

  // --- what a header means ---

  std::string_view At(std::size_t i) const {
    return i < header_.size() ? header_[i].text : std::string_view();
  }
  static bool IsName(std::string_view word) {
    return !word.empty() && IsWordByte(word[0]) && (word[0] < '0' || word[0] > '9');
  }
  std::size_t Find(std::string_view word) const {
    const auto at = std::ranges::find(header_, word, &Token::text);
    return static_cast<std::size_t>(at - header_.begin());
  }

  Meaning MeaningOf() const {
    const std::string_view last = header_.back().text;
    const std::size_t start = BehindTemplate();
    const std::size_t group = SignatureGroup(start);
    const bool called = group < header_.size();
    const std::size_t equals = Find("=");
    if (equals < header_.size() && !OperatorBefore(equals)) return AssignedFunction(equals, last);
    if (In(kControl, At(start)) && language_ != Language::kGo) return {};
    for (std::size_t i = start; i < header_.size(); ++i) {
      if (IsSpaceWord(i) && !called) {
        return {.opens = Opens::kSpace, .name = NameAfter(i), .owner = {}};
      }
      if (!IsTypeWord(i) || (called && group < i)) continue;
      const bool c_like = language_ == Language::kC || language_ == Language::kCpp;
      if (c_like && called && Find(":") >= header_.size()) continue;  // struct node* make(...)
      return TypeAt(i);
    }
    if (!called) return {};
    if (ContinuesHeader(group, last)) return {.opens = Opens::kInside, .name = {}, .owner = {}};
    return FunctionAt(group);
  }

  // What groups declarations and is no type.
  bool IsSpaceWord(std::size_t i) const {
    if (At(i) == "extern") return At(i + 1).starts_with('"') && i + 2 == header_.size();
    if (At(i) == "mod") return language_ == Language::kRust;
    if (At(i) == "module") return language_ == Language::kScript;
    return At(i) == "namespace";
  }

  bool IsTypeWord(std::size_t i) const {
    if (!In(kTypes, At(i))) return false;
    const bool rust_only = At(i) == "trait" || At(i) == "impl";
    if (rust_only && language_ != Language::kRust) return false;
    if (At(i) == "type" && language_ != Language::kGo) return false;
    if (At(i) == "record" && language_ != Language::kJava) return false;
    return i == 0 || At(i - 1) != ".";
  }

  // `template <...>` says nothing of what follows.
  std::size_t BehindTemplate() const {
    std::size_t i = 0;
    while (language_ == Language::kCpp && At(i) == "template" && At(i + 1) == "<") {
      int depth = 0;
      for (++i; i < header_.size(); ++i) {
        if (At(i) == "<") ++depth;
        if (At(i) == ">" && --depth == 0) break;
      }
      ++i;
    }
    return std::min(i, header_.size());
  }

  // The place of the `(` of the parameters; the size of the header when there are none.
  std::size_t SignatureGroup(std::size_t from) const {
    const bool worded = language_ == Language::kGo || language_ == Language::kRust;
    if (worded) {
      const std::size_t word = Find(language_ == Language::kGo ? "func" : "fn");
      if (word >= header_.size()) return header_.size();
      std::size_t i = word + 1;
      if (language_ == Language::kGo && At(i) == "(") i = Behind(i);  // the receiver
      while (i < header_.size() && At(i) != "(") ++i;
      return i;
    }
    for (std::size_t i = from; i < header_.size(); ++i) {
      if (At(i) == "operator") {
        while (++i < header_.size() && At(i) != "(") {
        }
        return At(i) == "(" && At(i + 1) == ")" && At(i + 2) == "(" ? i + 2 : i;
      }
      if (At(i) != "(" || i == from) continue;
      const bool annotation = i >= 2 && At(i - 2) == "@";
      const bool generic = At(i - 1) == ">" && language_ != Language::kCpp;
      if (generic || At(i - 1) == "function" || At(i - 1) == "*") return i;
      if (IsName(At(i - 1)) && !annotation && !In(kNoNames, At(i - 1))) return i;
    }
    return header_.size();
  }

  // Behind the group that begins at `i`. What is inside of groups is not kept.
  std::size_t Behind(std::size_t i) const { return std::min(i + 2, header_.size()); }

  bool OperatorBefore(std::size_t i) const {
    const std::size_t word = Find("operator");
    return word < i || Find("template") < i;
  }

  // `name = (...) => {`, `name = function (...) {`, `name = class {`.
  Meaning AssignedFunction(std::size_t equals, std::string_view last) const {
    if (language_ != Language::kScript || equals == 0) return {};
    const std::size_t function = Find("function");
    const bool is_class = Find("class") < header_.size() && Find("class") > equals;
    if (last != "=>" && (function >= header_.size() || function < equals) && !is_class) return {};
    std::size_t name = equals - 1;  // behind it there may be a type: `name: Type = `
    const std::size_t colon = Find(":");
    if (colon < equals && colon > 0) name = colon - 1;
    if (!IsName(At(name))) return {};
    return {.opens = is_class ? Opens::kType : Opens::kFunction,
            .name = std::string(At(name)),
            .owner = {}};
  }

  // A brace that belongs to the header: a list of C++'s initializers, a type of TypeScript or Go.
  bool ContinuesHeader(std::size_t group, std::string_view last) const {
    if (language_ == Language::kCpp) {
      for (std::size_t i = group; i < header_.size(); ++i) {
        if (At(i) == ":") return IsName(last) || last == ">";
      }
      return false;
    }
    if (language_ == Language::kScript)
      return last == ":" || last == "|" || last == "&" || last == "<";
    return language_ == Language::kGo && (last == "interface" || last == "struct");
  }

  std::string NameAfter(std::size_t i) const {
    std::string name;
    for (++i; i < header_.size(); ++i) {
      const std::string_view word = At(i);
      const bool joins = word == ":" || word == "." || word == "::";
      if (joins && !name.empty()) continue;
      if (!IsName(word)) break;
      StrAppend(name, name.empty() ? "" : ".", word);
    }
    return name;
  }

  Meaning TypeAt(std::size_t i) const {
    Meaning meaning{.opens = Opens::kType, .name = {}, .owner = {}};
    if (At(i) == "impl") {
      // `impl<T> Trait for Type<T>`: the type is what counts.
      const std::size_t word = Find("for");
      std::size_t from = word < header_.size() ? word : i;
      int depth = 0;
      for (++from; from < header_.size() && meaning.name.empty(); ++from) {
        if (At(from) == "<") ++depth;
        if (At(from) == ">") --depth;
        if (depth == 0 && IsName(At(from))) meaning.name = At(from);
      }
      meaning.opens = Opens::kSpace;
      meaning.members = true;
      return meaning;
    }
    if (At(i) == "type" && Find("struct") >= header_.size() &&
        Find("interface") >= header_.size()) {
      return {};
    }
    const bool scoped = At(i) == "enum" && (At(i + 1) == "class" || At(i + 1) == "struct");
    for (std::size_t at = scoped ? i + 2 : i + 1; at < header_.size(); ++at) {
      const bool next_is_name = IsName(At(at + 1)) && !In(kModifiers, At(at + 1)) &&
                                At(at + 1) != "final" && language_ == Language::kCpp;
      if (At(at) == ":" || At(at) == "{") break;
      if (!IsName(At(at)) || In(kNoNames, At(at)) || next_is_name) continue;
      meaning.name = At(at);
      break;
    }
    if (meaning.name.empty()) {
      // No name: in C an inner struct, in a script `export default class`.
      if (language_ != Language::kScript) return {.opens = Opens::kSpace, .name = {}, .owner = {}};
      meaning.name = "default";
    }
    return meaning;
  }

  Meaning FunctionAt(std::size_t group) const {
    Meaning meaning{.opens = Opens::kFunction, .name = {}, .owner = {}};
    if (language_ == Language::kGo) {
      const std::size_t word = Find("func");
      if (At(word + 1) == "(") {
        meaning.owner = header_[word + 1].group_name;
        meaning.name = At(Behind(word + 1));
      } else {
        meaning.name = At(word + 1);
      }
    } else if (language_ == Language::kRust) {
      meaning.name = At(Find("fn") + 1);
    } else if (const std::size_t word = Find("operator"); word < group) {
      meaning.name = "operator";
      for (std::size_t i = word + 1; i < group; ++i) meaning.name += At(i);
    } else {
      NameFunction(group, meaning);
    }
    if (!IsName(meaning.name) && !meaning.name.starts_with('~')) return {};
    return meaning;
  }

  void NameFunction(std::size_t group, Meaning& meaning) const {
    std::size_t at = group - 1;
    if (At(at) == ">") {
      while (at > 0 && At(at) != "<") --at;
      if (at > 0) --at;
    }
    const std::string_view word = At(at);
    if (word == "function" || word == "*") {
      meaning.name = "default";
      return;
    }
    meaning.name = word;
    if (In(kControl, word)) meaning.name.clear();
    // A macro such as TEST(Suite, Name) is told by what stands in it.
    const bool shouts = std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
    if (language_ == Language::kCpp && at == 0 && shouts && !header_[group].group_name.empty()) {
      meaning.name = StrCat(word, "_", header_[group].group_name);
    }
    if (at > 0 && At(at - 1) == "~") {
      meaning.name = StrCat("~", word);
      --at;
    }
    while (language_ == Language::kCpp && at >= 2 && At(at - 1) == "::") {
      at -= 2;
      if (At(at) == ">") {
        while (at > 0 && At(at) != "<") --at;
        if (at > 0) --at;
      }
      if (!IsName(At(at))) break;
      meaning.owner =
          meaning.owner.empty() ? std::string(At(at)) : StrCat(At(at), ".", meaning.owner);
    }
  }

  const std::string_view text_;
  const Language language_;
  TokenScanner scanner_;
  std::vector<Token> header_;  // since the last brace or semicolon; groups without their inside
  std::vector<Frame> frames_;
  std::vector<Branch> branches_;
  std::vector<std::string> names_;
  std::size_t group_depth_ = 0;  // of the frames, inside of the last group of the header
  UnitStack units_;
};

}  // namespace

std::vector<Unit> BraceUnits(std::string_view text, Language language) {
  return BraceReader(text, language).Read();
}

}  // namespace weir::flow
