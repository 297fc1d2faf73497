#include "weir/schema/generate_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/utf8.h"
#include "weir/schema/regex.h"
#include "weir/schema/validate.h"

namespace weir::schema {
namespace {

constexpr std::size_t kTries = 300;

char32_t PickFrom(const CodeSet& set, Random& random) {
  std::uint64_t count = 0;
  for (const CodeRange& range : set.ranges()) count += range.high - range.low + 1;
  std::uint64_t left = random.Below(count);
  for (const CodeRange& range : set.ranges()) {
    const std::uint64_t size = range.high - range.low + 1;
    if (left < size) return range.low + static_cast<char32_t>(left);
    left -= size;
  }
  return U'a';
}

}  // namespace

// A parsed pattern, and what sampling needs to know of its parts.
class TextSampler::Expression {
 public:
  static std::unique_ptr<Expression> Parse(std::string_view text) {
    Result<Regex> regex = ParseRegex(text);
    if (!regex) return nullptr;
    return std::make_unique<Expression>(*std::move(regex));
  }

  explicit Expression(Regex regex) : regex_(std::move(regex)) {
    for (const CharClass& char_class : regex_.classes) {
      const CodeSet all = Resolve(char_class);
      const CodeSet nice = Intersection(all, CodeSet({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}));
      const CodeSet plain = Intersection(all, CodeSet({{' ', '~'}}));
      classes_.push_back({.nice = !nice.empty()    ? nice
                                  : !plain.empty() ? plain
                                                   : all,
                          .wide = !plain.empty() ? plain : all});
    }
    // Children stand before their parents.
    shortest_.reserve(regex_.nodes.size());
    for (const RegexNode& node : regex_.nodes) shortest_.push_back(ShortestOf(node));
  }

  std::uint64_t shortest() const { return shortest_[regex_.root]; }
  // Whether it has a `^` or a `$` somewhere, so that text before or after it may not be right.
  bool tied_to_begin() const { return Has(RegexNode::Kind::kBegin); }
  bool tied_to_end() const { return Has(RegexNode::Kind::kEnd); }

  // Appends what the expression itself matches. Where it has a choice it spends up to `extra`
  // characters more than it must. False when that gets longer than `max_bytes`.
  bool Sample(std::uint64_t extra, std::size_t max_bytes, Random& random, std::string& out) {
    extra_ = extra;
    max_bytes_ = max_bytes;
    return Emit(regex_.root, random, out);
  }

 private:
  struct Classes {
    CodeSet nice;
    CodeSet wide;
  };

  static constexpr std::uint64_t kNever = std::uint64_t{1} << 40;

  bool Has(RegexNode::Kind kind) const {
    return std::ranges::find(regex_.nodes, kind, &RegexNode::kind) != regex_.nodes.end();
  }

  std::uint64_t ShortestOf(const RegexNode& node) const {
    using enum RegexNode::Kind;
    const auto of = [&](std::uint32_t child) { return shortest_[child]; };
    std::uint64_t length = 0;
    switch (node.kind) {
      case kClass:
        return classes_[node.index].wide.empty() ? kNever : 1;
      case kConcat:
        for (const std::uint32_t child : node.children) length += of(child);
        break;
      case kAlternate:
        length = kNever;
        for (const std::uint32_t child : node.children) length = std::min(length, of(child));
        break;
      case kRepeat:
        length = node.min * of(node.children.front());
        break;
      default:
        break;
    }
    return std::min(length, kNever);
  }

  bool Emit(std::uint32_t index, Random& random, std::string& out) {
    using enum RegexNode::Kind;
    const RegexNode& node = regex_.nodes[index];
    if (shortest_[index] == kNever || out.size() > max_bytes_) return false;
    switch (node.kind) {
      case kClass: {
        const Classes& choice = classes_[node.index];
        AppendUtf8(out, PickFrom(random.Below(16) == 0 ? choice.wide : choice.nice, random));
        return true;
      }
      case kConcat:
        return std::ranges::all_of(node.children,
                                   [&](auto child) { return Emit(child, random, out); });
      case kAlternate:
        return EmitOneOf(node.children, shortest_[index], random, out);
      case kRepeat:
        return EmitRepeat(node, random, out);
      default:
        return true;
    }
  }

  bool EmitOneOf(const std::vector<std::uint32_t>& children, std::uint64_t shortest, Random& random,
                 std::string& out) {
    std::vector<std::uint32_t> fitting;
    for (const std::uint32_t child : children) {
      if (shortest_[child] - shortest <= extra_) fitting.push_back(child);
    }
    const std::uint32_t chosen = fitting[random.Below(fitting.size())];
    extra_ -= shortest_[chosen] - shortest;
    return Emit(chosen, random, out);
  }

  bool EmitRepeat(const RegexNode& node, Random& random, std::string& out) {
    const std::uint32_t child = node.children.front();
    if (node.max == 0 || shortest_[child] == kNever) return true;
    const std::uint64_t unit = std::max<std::uint64_t>(shortest_[child], 1);
    const std::uint64_t room = std::min<std::uint64_t>(node.max - node.min, extra_ / unit);
    const std::uint64_t more = random.Below(3) == 0 ? room : random.Below(room + 1);
    extra_ -= more * unit;
    for (std::uint64_t i = 0; i < node.min + more; ++i) {
      if (!Emit(child, random, out)) return false;
    }
    return true;
  }

  Regex regex_;
  std::vector<Classes> classes_;
  std::vector<std::uint64_t> shortest_;
  std::uint64_t extra_ = 0;
  std::size_t max_bytes_ = 0;
};

TextSampler::TextSampler(const Compiled& compiled, std::size_t typical_length,
                         std::size_t max_bytes)
    : compiled_(compiled), typical_length_(typical_length), max_bytes_(max_bytes) {}

TextSampler::~TextSampler() = default;

TextSampler::Expression* TextSampler::ExpressionOf(std::uint32_t pattern) {
  const auto [found, is_new] = expressions_.try_emplace(pattern);
  if (is_new) found->second = Expression::Parse(compiled_.pattern_texts[pattern]);
  return found->second.get();
}

bool TextSampler::Obeys(const std::string& text, const TextDemand& demand) const {
  const std::size_t length = CountCharacters(text);
  if (length < demand.min_length || length > demand.max_length) return false;
  for (const std::string_view format : demand.formats) {
    const FormatCheck check = FindFormat(format);
    if (check != nullptr && !check(text)) return false;
  }
  return std::ranges::all_of(demand.patterns, [&](std::uint32_t pattern) {
    return compiled_.patterns[pattern].Found(text);
  });
}

std::uint64_t TextSampler::AimedLength(const TextDemand& demand, Random& random) const {
  const std::uint64_t room = std::min<std::uint64_t>(demand.max_length - demand.min_length,
                                                     random.Below(typical_length_ + 1));
  return demand.min_length + random.Below(room + 1) + (room > 2 ? 2 : 0);
}

std::string TextSampler::Words(const TextDemand& demand, Random& random) const {
  constexpr std::array<std::string_view, 7> kSpecial = {"é", "ß", "日", "😀", "\"", "\\", "\n"};
  const std::uint64_t length = std::min(AimedLength(demand, random), demand.max_length);
  std::string text;
  for (std::uint64_t done = 0; done < length && text.size() <= max_bytes_;) {
    const std::uint64_t left = length - done;
    if (left > 3 && random.Below(40) == 0) {
      text += kSpecial[random.Below(kSpecial.size())];
      ++done;
      continue;
    }
    const std::uint64_t size = std::min(left, 3 + random.Below(6));
    text += SampleWord(size, random);
    done += size;
    if (done + 1 < length) {
      text += ' ';
      ++done;
    }
  }
  return text;
}

std::string TextSampler::FromPatterns(const TextDemand& demand, std::size_t attempt,
                                      Random& random) {
  // One pattern that happens to obey the others too, or all of them side by side.
  std::vector<std::uint32_t> chosen = demand.patterns;
  const bool alone = chosen.size() > 1 && attempt % 2 == 0;
  if (chosen.size() > 1) {
    for (std::size_t i = chosen.size() - 1; i > 0; --i) {
      std::swap(chosen[i], chosen[random.Below(i + 1)]);
    }
    if (alone) chosen.resize(1);
  }
  std::uint64_t shortest = 0;
  for (const std::uint32_t pattern : chosen) {
    const Expression* const expression = ExpressionOf(pattern);
    if (expression != nullptr) shortest += expression->shortest();
  }
  const std::uint64_t wanted = std::max(AimedLength(demand, random), shortest);
  std::string out;
  bool tied_to_begin = false;
  bool tied_to_end = false;
  for (const std::uint32_t pattern : chosen) {
    Expression* const expression = ExpressionOf(pattern);
    if (expression == nullptr) continue;
    const std::uint64_t extra = attempt % 5 == 4 ? 0 : wanted - shortest;
    if (!expression->Sample(extra, max_bytes_, random, out)) return out;
    tied_to_begin = tied_to_begin || expression->tied_to_begin();
    tied_to_end = tied_to_end || expression->tied_to_end();
  }
  // Where the pattern is not tied to both ends, there is room around it.
  const std::size_t length = CountCharacters(out);
  std::uint64_t missing = demand.min_length - std::min<std::uint64_t>(demand.min_length, length);
  if ((!tied_to_begin || !tied_to_end) && attempt % 3 != 2) {
    const std::uint64_t room =
        demand.max_length - std::min<std::uint64_t>(demand.max_length, length);
    missing = std::max(missing, random.Below(std::min<std::uint64_t>(room, typical_length_) + 1));
  }
  if (missing == 0 || missing > max_bytes_) return out;
  const std::string rest = SampleWord(missing, random);
  const bool behind = tied_to_begin != tied_to_end ? tied_to_begin : random.Below(2) == 0;
  return behind ? out + rest : rest + out;
}

std::optional<std::string> TextSampler::Sample(const TextDemand& demand, Random& random,
                                               std::size_t& work) {
  if (demand.min_length > demand.max_length || demand.min_length > max_bytes_) return std::nullopt;
  TextDemand wished = demand;
  for (const std::string_view format : demand.wishes) wished.formats.push_back(format);
  const bool with_format = std::ranges::any_of(
      wished.formats, [](std::string_view format) { return FindFormat(format) != nullptr; });
  if (!with_format && demand.patterns.empty()) return Words(demand, random);
  const auto hunt = [&](const TextDemand& goal, std::size_t tries) -> std::optional<std::string> {
    for (std::size_t i = 0; i < tries; ++i) {
      std::string text;
      if (!goal.formats.empty() && (goal.patterns.empty() || i % 2 == 0)) {
        const std::string_view format = goal.formats[random.Below(goal.formats.size())];
        text = i < tries / 2 ? SampleFormat(format, random) : ShortestOfFormat(format);
        const std::size_t length = CountCharacters(text);
        if (length < goal.min_length) Lengthen(text, format, goal.min_length - length, random);
      } else if (!goal.patterns.empty()) {
        text = FromPatterns(goal, i, random);
      } else {
        text = Words(goal, random);
      }
      work += 1 + text.size() / 256;
      if (Obeys(text, goal)) return text;
    }
    return std::nullopt;
  };
  if (with_format) {
    if (auto text = hunt(wished, kTries / 4)) return text;
  }
  if (demand.patterns.empty() && demand.formats.empty()) return Words(demand, random);
  return hunt(demand, kTries);
}

std::string SampleWord(std::size_t length, Random& random) {
  constexpr std::string_view kConsonants = "bcdfghklmnprstvw";
  constexpr std::string_view kVowels = "aeiou";
  std::string word;
  for (std::size_t i = 0; i < length; ++i) {
    const std::string_view letters = i % 2 == 0 ? kConsonants : kVowels;
    word += letters[random.Below(letters.size())];
  }
  return word;
}

}  // namespace weir::schema
