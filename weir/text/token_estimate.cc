#include "weir/text/token_estimate.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::text {
namespace {

// In hundredths of a token; fitted by hand to the table in the header.
constexpr std::int64_t kToken = 100;
constexpr std::int64_t kWord = 100;
constexpr std::int64_t kLongLetter = 20;  // each letter of a word beyond the eighth
constexpr std::int64_t kHump = 45;        // a word that begins inside of another: camelCase
constexpr std::int64_t kDigits = 100;     // up to three digits
constexpr std::int64_t kSigns = 90;       // a run of punctuation ...
constexpr std::int64_t kMoreSigns = 25;   // ... each sign of it after the first
constexpr std::int64_t kBlanks = 65;      // line ends, or blanks that are more than one
constexpr std::int64_t kIdeograph = 85;
constexpr std::int64_t kOtherCharacter = 35;
constexpr std::int64_t kMostOfByte = 100;  // "a1a1a1": nothing above weighs more for its length

constexpr std::size_t kShortWord = 8;
constexpr std::int64_t kTokensAround = 4;  // what a template puts around a message

// Every message may stand between marks, and tools come with instructions.
constexpr std::int64_t kMostAround = 64;
constexpr std::int64_t kMostOfTemplate = 1024;

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsSign(char c) { return IsAscii(c) && !IsLetter(c) && !IsDigit(c) && !IsBlank(c); }

std::size_t RunOf(std::string_view text, bool (*is)(char)) {
  const auto* end = std::ranges::find_if_not(text, is);
  return static_cast<std::size_t>(end - text.begin());
}

std::int64_t WeighWord(std::string_view word) {
  std::int64_t weight = kWord;
  if (word.size() > kShortWord) {
    weight += kLongLetter * static_cast<std::int64_t>(word.size() - kShortWord);
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (IsUpper(word[i]) && IsLower(word[i - 1])) weight += kHump;
  }
  return weight;
}

std::int64_t WeighBlanks(std::string_view blanks) {
  const bool lines = blanks.find_first_of("\n\r") != blanks.npos;
  return lines || blanks.size() > 1 ? kBlanks : 0;
}

// Characters from U+2E80 on are three bytes and more that begin with 0xE2 0xBA at least.
bool IsIdeograph(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0U;
  return first > 0xE2 || (first == 0xE2 && second >= 0xBA);
}

std::int64_t Weigh(std::string_view text) {
  std::int64_t weight = 0;
  while (!text.empty()) {
    std::size_t length = 1;
    if (IsLetter(text[0])) {
      length = RunOf(text, IsLetter);
      weight += WeighWord(text.substr(0, length));
    } else if (IsDigit(text[0])) {
      length = RunOf(text, IsDigit);
      weight += kDigits * static_cast<std::int64_t>((length + 2) / 3);
    } else if (IsBlank(text[0])) {
      length = RunOf(text, IsBlank);
      weight += WeighBlanks(text.substr(0, length));
    } else if (IsAscii(text[0])) {
      length = RunOf(text, IsSign);
      weight += kSigns + kMoreSigns * static_cast<std::int64_t>(length - 1);
    } else {
      length = 1 + RunOf(text.substr(1), IsInsideUtf8);
      weight += IsIdeograph(text) ? kIdeograph : kOtherCharacter;
    }
    text.remove_prefix(length);
  }
  return weight;
}

std::int64_t Rounded(std::int64_t weight) { return (weight + kToken - 1) / kToken; }

// Adds up whatever `measure` says of each text of a call.
class Sum {
 public:
  explicit Sum(std::int64_t (*measure)(std::string_view)) : measure_(measure) {}

  void Add(std::string_view text) { sum_ += measure_(text); }
  void Add(json::View value) {
    if (value.exists() && !value.IsNull()) Add(json::Write(value));
  }
  void Add(const model::Message& message) {
    for (const model::Part& part : message.parts) {
      if (part.kind == model::Part::Kind::kText) {
        Add(part.text);
      } else {
        ++media_;
      }
    }
    Add(message.reasoning);
    for (const model::ToolCall& call : message.tool_calls) {
      Add(call.name);
      Add(call.arguments);
    }
    Add(message.name);
  }
  void Add(const model::Call& call) {
    for (const model::Message& message : call.messages) Add(message);
    for (const model::ToolSpec& tool : call.tools) {
      Add(tool.name);
      Add(tool.description);
      Add(tool.parameters);
    }
    Add(call.documents);
    Add(call.prompt);
  }

  std::int64_t sum() const { return sum_; }
  std::int64_t media() const { return media_; }

 private:
  std::int64_t (*const measure_)(std::string_view);
  std::int64_t sum_ = 0;
  std::int64_t media_ = 0;
};

std::int64_t Around(const model::Call& call, std::int64_t each) {
  return each * static_cast<std::int64_t>(call.messages.size() + call.tools.size());
}

std::int64_t EstimateOf(const model::Call& call, const Sum& weights) {
  const std::int64_t template_tokens = call.messages.empty() ? 0 : kTokensAround;
  return Rounded(weights.sum()) + weights.media() * kMediumTokens + Around(call, kTokensAround) +
         template_tokens + static_cast<std::int64_t>(call.prompt_token_ids.size());
}

}  // namespace

std::int64_t EstimateTokens(std::string_view text) { return Rounded(Weigh(text)); }

std::int64_t EstimateTokens(const model::Call& call) {
  Sum sum(Weigh);
  sum.Add(call);
  return EstimateOf(call, sum);
}

std::optional<std::int64_t> EstimateAtMost(const model::Call& call) {
  if (!call.tools.empty() || !call.documents.IsNull()) return std::nullopt;
  Sum sum(
      [](std::string_view text) { return kMostOfByte * static_cast<std::int64_t>(text.size()); });
  sum.Add(call);
  return EstimateOf(call, sum);
}

std::optional<std::int64_t> MostTokens(const model::Call& call) {
  Sum bytes([](std::string_view text) { return static_cast<std::int64_t>(text.size()); });
  bytes.Add(call);
  if (bytes.media() > 0 || !call.chat_template.empty() || !call.documents.IsNull()) {
    return std::nullopt;
  }
  const std::int64_t template_tokens = call.messages.empty() ? 1 : kMostOfTemplate;
  return bytes.sum() + Around(call, kMostAround) + template_tokens +
         static_cast<std::int64_t>(call.prompt_token_ids.size());
}

}  // namespace weir::text
