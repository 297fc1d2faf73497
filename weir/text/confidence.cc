#include "weir/text/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/text/leaves.h"
#include "weir/text/token_map.h"

namespace weir::text {
namespace {

using model::Confidence;

// Places that are tried for the name of one call, and calls that are looked for in vain.
constexpr std::size_t kMostPlaces = 16;
constexpr int kMostMisses = 4;

std::optional<double> LogprobOf(const model::Token& token) {
  if (!token.logprob || std::isnan(*token.logprob)) return std::nullopt;
  if (*token.logprob <= model::kLogprobFloor) return -std::numeric_limits<double>::infinity();
  return std::min(*token.logprob, 0.0);
}

bool IsLeafNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// The log-probabilities that count for something.
class Figures {
 public:
  void Add(const model::Token& token) {
    if (const std::optional<double> logprob = LogprobOf(token)) logprobs_.push_back(*logprob);
  }

  std::optional<double> mean_logprob() const {
    if (logprobs_.empty()) return std::nullopt;
    double sum = 0;
    for (const double logprob : logprobs_) sum += logprob;
    return sum / static_cast<double>(logprobs_.size());
  }
  std::optional<double> mean() const {
    const std::optional<double> mean = mean_logprob();
    return mean ? std::optional(std::exp(*mean)) : std::nullopt;
  }
  std::size_t size() const { return logprobs_.size(); }

  // The `rank`th smallest, counted from 0.
  double Smallest(std::size_t rank) {
    const auto at = logprobs_.begin() + static_cast<std::ptrdiff_t>(rank);
    std::ranges::nth_element(logprobs_, at);
    return std::exp(*at);
  }

 private:
  std::vector<double> logprobs_;
};

class Reader {
 public:
  Reader(const model::Choice& choice, const ConfidenceOptions& options)
      : choice_(choice),
        options_(options),
        tokens_(std::span(choice.tokens)
                    .subspan(std::min(options.echoed_tokens, choice.tokens.size()))),
        map_(tokens_) {
    Locate();
  }

  std::optional<Confidence> Read() {
    Figures figures = Whole();
    const std::optional<double> mean = figures.mean();
    if (!mean) return std::nullopt;
    Confidence confidence{.mean = *mean,
                          .p10 = figures.Smallest((figures.size() + 9) / 10 - 1),
                          .lowest = figures.Smallest(0),
                          .tokens = static_cast<std::int64_t>(figures.size())};
    confidence.fields = Fields();
    for (const Call& call : calls_) {
      model::ToolConfidence& tool = confidence.tools.emplace_back();
      tool.name = call.written->name;
      if (call.name) tool.of_name = Of(*call.name).mean();
      tool.arguments = FieldsOf(call.arguments);
    }
    return confidence;
  }

  Figures Whole() const {
    Figures figures;
    const bool known = text_ || !calls_.empty();
    if (known && all_found_) {
      for (std::size_t i = 0; i < tokens_.size(); ++i) {
        if (counts_[i]) figures.Add(tokens_[i]);
      }
    } else {
      figures = Of({.begin = thoughts_end_, .end = map_.text().size()});
    }
    if (figures.size() > 0) return figures;
    for (const model::Token& token : tokens_) figures.Add(token);
    return figures;
  }

 private:
  struct Call {
    const model::ToolCall* written;
    std::optional<Range> name;
    std::vector<Lexeme> arguments;  // in the text of the tokens; as many as were found
    bool whole = false;             // all of them were
    std::size_t end = 0;
  };

  Figures Of(Range range) const {
    Figures figures;
    const Range tokens = map_.TokensIn(range);
    for (std::size_t i = tokens.begin; i < tokens.end; ++i) {
      if (map_.there(i)) figures.Add(tokens_[i]);
    }
    return figures;
  }

  void Count(Range range) {
    const Range tokens = map_.TokensIn(range);
    for (std::size_t i = tokens.begin; i < tokens.end; ++i) counts_[i] = map_.there(i);
  }

  // Finds thoughts, text and calls among the tokens.
  void Locate() {
    counts_.assign(tokens_.size(), false);
    const std::string_view reasoning = Trim(choice_.reasoning);
    if (const auto thoughts = map_.Find(reasoning, 0)) {
      thoughts_end_ = thoughts->Of({.begin = 0, .end = reasoning.size()}).end;
    }
    if (!Trim(choice_.text).empty()) {
      text_ = map_.Find(choice_.text, thoughts_end_);
      all_found_ = text_.has_value();
      if (text_) {
        text_place_ = text_->Of({.begin = 0, .end = choice_.text.size()});
        Count(text_place_);
      }
    }
    std::size_t at = thoughts_end_;
    int misses = 0;
    for (const model::ToolCall& written : choice_.tool_calls) {
      Call call{.written = &written, .name = {}, .arguments = {}};
      if (misses < kMostMisses) call = Find(written, at);
      if (!call.whole) {
        all_found_ = false;
        ++misses;
      }
      if (call.end > 0) {
        const std::size_t begin = call.name ? call.name->begin : call.arguments.front().place.begin;
        Count({.begin = begin, .end = call.end});
        at = call.end;
      }
      calls_.push_back(std::move(call));
    }
  }

  // The call, with its name from `from` on: where the name is followed by the first argument.
  Call Find(const model::ToolCall& written, std::size_t from) const {
    Call call{.written = &written, .name = {}, .arguments = {}};
    // An absent text of arguments is an object without members.
    std::string_view arguments = written.arguments;
    if (Trim(arguments).empty()) arguments = "{}";
    const std::optional<std::vector<Lexeme>> lexemes = Limited(arguments);
    if (!lexemes) return call;
    const LexemeFinder finder(arguments, map_.text(), Between::kMarkup);
    std::size_t tried = 0;
    for (const std::size_t at : FindAll(map_.text(), written.name, from, std::string::npos)) {
      const Range name{.begin = at, .end = at + written.name.size()};
      if (!IsNameAt(name)) continue;
      if (++tried > kMostPlaces) break;
      std::vector<Lexeme> found = finder.Find(*lexemes, BehindNumber(name.end));
      if (found.empty() && !lexemes->empty()) continue;
      call.name = name;
      TakeArguments(call, std::move(found), lexemes->size());
      return call;
    }
    // A server that was told which tool to call lets the model write the arguments alone.
    const std::string_view all = map_.text();
    const std::size_t opener = all.find_first_not_of(" \t\r\n", from);
    if (lexemes->empty() || opener == all.npos || all[opener] != '{') return call;
    std::vector<Lexeme> found = finder.Find(*lexemes, opener);
    if (found.size() == lexemes->size()) TakeArguments(call, std::move(found), lexemes->size());
    return call;
  }

  static void TakeArguments(Call& call, std::vector<Lexeme> found, std::size_t of) {
    call.whole = found.size() == of;
    call.end = found.empty() ? call.name->end : found.back().bytes().end;
    call.arguments = std::move(found);
  }

  // Whether these bytes are the name as a word of its own, outside of the answer's text.
  bool IsNameAt(Range name) const {
    const std::string& all = map_.text();
    if (text_ && name.begin < text_place_.end && name.end > text_place_.begin) return false;
    if (name.begin > 0 && IsLeafNameByte(all[name.begin - 1])) return false;
    return name.end == all.size() || !IsLeafNameByte(all[name.end]);
  }

  // Some models count their calls behind the name: "f:0".
  std::size_t BehindNumber(std::size_t at) const {
    const std::string& all = map_.text();
    if (at == all.size() || all[at] != ':') return at;
    const std::size_t end = all.find_first_not_of("0123456789", at + 1);
    return end == at + 1 ? at : std::min(end, all.size());
  }

  std::optional<std::vector<Lexeme>> Limited(std::string_view document) const {
    return ReadLexemes(document, 2 * options_.max_fields);
  }

  std::vector<model::FieldConfidence> Fields() const {
    const std::string& answer = choice_.text;
    const std::string_view words = Trim(answer);
    const bool looks = words.starts_with('{') || words.starts_with('[');
    if (words.empty() || (!looks && !options_.structured)) return {};
    if (const auto lexemes = Limited(answer)) {
      return text_ ? FieldsOf(*lexemes, text_) : FieldsElsewhere(answer, *lexemes);
    }
    std::string mended;
    if (!options_.structured || !json::RepairText(answer, mended)) return {};
    const auto lexemes = Limited(mended);
    if (!lexemes) return {};
    if (!text_) return FieldsElsewhere(mended, *lexemes);
    const LexemeFinder finder(mended, answer, Between::kLayout);
    return FieldsOf(finder.Find(*lexemes, Beginning(mended, answer, 0)), text_);
  }

  // The fields of an answer that is not among the tokens as it is: it was mended.
  std::vector<model::FieldConfidence> FieldsElsewhere(std::string_view document,
                                                      std::span<const Lexeme> lexemes) const {
    const std::string& all = map_.text();
    const LexemeFinder finder(document, all, Between::kMarkup);
    return FieldsOf(finder.Find(lexemes, Beginning(document, all, thoughts_end_)));
  }

  // Where a text may begin to be the document.
  static std::size_t Beginning(std::string_view document, std::string_view source,
                               std::size_t from) {
    const char first = Trim(document).front();
    return first == '{' || first == '[' ? std::min(source.find(first, from), source.size()) : from;
  }

  // `placement` says where the text stands that the lexemes are of; without it, it is the tokens'.
  std::vector<model::FieldConfidence> FieldsOf(
      std::span<const Lexeme> lexemes, const std::optional<Placement>& placement = {}) const {
    std::vector<model::FieldConfidence> fields;
    for (const Lexeme& lexeme : lexemes) {
      if (lexeme.key) continue;
      if (fields.size() == options_.max_fields) break;
      const Range bytes = lexeme.bytes();
      const std::optional<double> mean = Of(placement ? placement->Of(bytes) : bytes).mean();
      if (mean) fields.push_back({.at = lexeme.at, .confidence = *mean});
    }
    return fields;
  }

  const model::Choice& choice_;
  const ConfidenceOptions& options_;
  const std::span<const model::Token> tokens_;
  const TokenMap map_;
  std::size_t thoughts_end_ = 0;
  std::optional<Placement> text_;
  Range text_place_;
  std::vector<Call> calls_;
  std::vector<bool> counts_;  // by token: for the whole
  bool all_found_ = true;     // text and calls
};

}  // namespace

std::optional<Confidence> ConfidenceOf(const model::Choice& choice,
                                       const ConfidenceOptions& options) {
  return Reader(choice, options).Read();
}

std::optional<double> MeanLogprob(const model::Choice& choice, const ConfidenceOptions& options) {
  return Reader(choice, options).Whole().mean_logprob();
}

}  // namespace weir::text
