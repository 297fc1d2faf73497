#include "weir/schema/pattern.h"

#include <algorithm>
#include <optional>
#include <string>

#include <re2/re2.h>

#include "weir/base/text.h"
#include "weir/schema/pattern_steps.h"
#include "weir/schema/regex.h"

namespace weir::schema {
namespace {

using Kind = RegexNode::Kind;

// RE2 refuses repetitions whose counts multiply to more.
constexpr std::uint32_t kRepeatProduct = 1000;

void AppendChar(std::string& out, char32_t c) {
  const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (plain) {
    out += static_cast<char>(c);
    return;
  }
  out += "\\x{";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (int shift = 20; shift >= 0; shift -= 4) out += kHex[c >> shift & 0xF];
  out += '}';
}

void AppendClass(std::string& out, const CharClass& char_class) {
  const CodeSet& set = char_class.set;
  if (char_class.properties.empty()) {
    if (set == (char_class.negated ? CodeSet() : CodeSet::All())) {
      out += "(?s:.)";
      return;
    }
    if (set == (char_class.negated ? CodeSet::All() : CodeSet())) {
      out += "[^\\x{0}-\\x{10FFFF}]";
      return;
    }
  }
  out += char_class.negated ? "[^" : "[";
  for (const CodeRange& range : set.ranges()) {
    AppendChar(out, range.low);
    if (range.high == range.low) continue;
    out += '-';
    AppendChar(out, range.high);
  }
  for (const std::string& property : char_class.properties) out += property;
  out += ']';
}

// How many characters, at least, the compiled form of each node stands for; nodes come after their
// children in the table.
double Expanded(const Regex& regex) {
  std::vector<double> sizes;
  for (const RegexNode& node : regex.nodes) {
    double size = 1;
    for (const std::uint32_t child : node.children) size += sizes[child];
    if (node.kind == Kind::kRepeat) size *= node.max == kNoLimit ? node.min + 1.0 : node.max;
    sizes.push_back(size);
  }
  return sizes[regex.root];
}

class Translator {
 public:
  Translator(const Regex& regex, std::size_t limit) : regex_(regex), limit_(limit) {}

  // Appends RE2's spelling of a node; returns the largest product of counts inside it. Stops
  // short once the text has passed the limit.
  std::uint32_t Append(std::string& out, std::uint32_t index) {
    const RegexNode& node = regex_.nodes[index];
    if (out.size() > limit_) return 1;
    switch (node.kind) {
      case Kind::kClass:
        AppendClass(out, regex_.classes[node.index]);
        return 1;
      case Kind::kBegin:
        out += "\\A";
        return 1;
      case Kind::kEnd:
        out += "\\z";
        return 1;
      case Kind::kWordBoundary:
        out += "\\b";
        return 1;
      case Kind::kNotWordBoundary:
        out += "\\B";
        return 1;
      case Kind::kRepeat:
        return AppendRepeat(out, node);
      case Kind::kConcat:
      case Kind::kAlternate:
      case Kind::kRule:
        break;
    }
    std::uint32_t product = 1;
    out += "(?:";
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (i > 0 && node.kind == Kind::kAlternate) out += '|';
      product = std::max(product, Append(out, node.children[i]));
    }
    out += ')';
    return product;
  }

 private:
  std::uint32_t AppendRepeat(std::string& out, const RegexNode& node) {
    std::string child = "(?:";
    const std::uint32_t inner = Append(child, node.children.front());
    child += ')';
    std::uint32_t product = inner;
    const auto times = [&](std::string_view least, std::uint32_t count) {
      const std::uint32_t most = kRepeatProduct / inner;
      while (count > 0 && out.size() <= limit_) {
        const std::uint32_t now = std::min(count, most);
        StrAppend(out, child, "{", least, now, "}");
        product = std::max(product, inner * now);
        count -= now;
      }
    };
    out += "(?:";
    times("", node.min);
    if (node.max == kNoLimit) {
      StrAppend(out, child, "*");
    } else {
      times("0,", node.max - node.min);
    }
    out += ')';
    return product;
  }

  const Regex& regex_;
  std::size_t limit_;
};

std::unexpected<Error> TooLarge() {
  return Fail(Code::kUnsupportedPattern,
              "the expression takes more memory than max_program allows once its repetitions are "
              "written out; ask for fewer");
}

bool Mentions(const Regex& regex, Kind kind) {
  return std::ranges::find(regex.nodes, kind, &RegexNode::kind) != regex.nodes.end();
}

}  // namespace

struct Pattern::Compiled {
  std::optional<PatternSteps> steps;
  std::optional<re2::RE2> re2;  // where there are no steps
};

Pattern::Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Result<Pattern> Pattern::Compile(std::string_view ecma, const PatternOptions& options) {
  RegexOptions regex_options;
  regex_options.max_bytes = options.max_bytes;
  WEIR_TRY(const Regex regex, ParseRegex(ecma, regex_options));
  // RE2 takes a quarter of its memory for the program, at 16 bytes an instruction.
  const std::size_t instructions = options.max_program / 64;
  if (Expanded(regex) > static_cast<double>(instructions)) return TooLarge();
  auto compiled = std::make_shared<Compiled>();
  compiled->steps = PatternSteps::Of(regex);
  if (compiled->steps) return Pattern(std::move(compiled));

  // RE2 works on bytes and would find \B between the bytes of one character; from the start it
  // goes by whole characters.
  std::string text = Mentions(regex, Kind::kNotWordBoundary) ? "\\A(?s:.)*?" : "";
  Translator(regex, options.max_program / 8).Append(text, regex.root);
  if (text.size() > options.max_program / 8) return TooLarge();

  re2::RE2::Options re2_options;
  re2_options.set_log_errors(false);
  re2_options.set_never_capture(true);
  re2_options.set_max_mem(static_cast<std::int64_t>(options.max_program));
  const re2::RE2& re2 = compiled->re2.emplace(text, re2_options);
  if (re2.error_code() == re2::RE2::ErrorPatternTooLarge) return TooLarge();
  if (!re2.ok()) {
    return Fail(Code::kUnsupportedPattern,
                "the expression is right, but the engine under it refused its translation; write "
                "it more simply",
                re2.error());
  }
  return Pattern(std::move(compiled));
}

bool Pattern::Found(std::string_view text) const {
  if (compiled_->steps) return compiled_->steps->Found(text);
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_->re2);
}

}  // namespace weir::schema
