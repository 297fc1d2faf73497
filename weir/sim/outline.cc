#include "weir/sim/outline.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/sim/prompt.h"

namespace weir::sim {
namespace {

using model::ToolChoice;
using model::ToolSpec;

constexpr std::size_t kRunaway = 100'000;  // tokens of white space; max_tokens ends it before
constexpr std::size_t kTellingWord = 4;    // shorter words say nothing of a tool

Segment Fixed(Segment::Kind kind, std::string_view text) {
  return {.kind = kind, .fixed = Tokenizer::Encode(text), .empty = text.empty()};
}

Segment Mark(Special special) {
  return {.kind = Segment::Kind::kHidden, .fixed = {static_cast<TokenId>(special)}};
}

// The words of a text, in lower case; a name such as get_weather has two.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : ToLower(text) + " ") {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

// Whether a question is about a tool: one of its telling words is in the tool's name.
bool Concerns(const ToolSpec& tool, const std::vector<std::string>& question) {
  const std::vector<std::string> name = WordsOf(tool.name);
  return std::ranges::any_of(question, [&](const std::string& word) {
    return word.size() >= kTellingWord && std::ranges::find(name, word) != name.end();
  });
}

class OutlineMaker {
 public:
  explicit OutlineMaker(const OutlineOptions& options) : options_(options), call_(options.call) {}

  Result<std::vector<Segment>> Make() {
    if (options_.script != nullptr && options_.script->lays_down()) {
      AddScript(*options_.script);
      return std::move(segments_);
    }
    if (Thinks()) segments_.push_back({.kind = Segment::Kind::kReasoning});
    if (const ToolSpec* tool = ChosenTool()) {
      WEIR_CHECK(AddCall(*tool));
    } else if (call_.constraint && !options_.ignore_constraint) {
      const JsonSpacing spacing = options_.compact_json ? JsonSpacing::kNone : JsonSpacing::kFree;
      WEIR_CHECK(AddHeld(*call_.constraint, spacing, Segment::Kind::kText));
    } else {
      segments_.push_back({});
    }
    return std::move(segments_);
  }

 private:
  bool Thinks() const {
    return options_.reasons && call_.reasoning.enable.value_or(true) &&
           call_.reasoning.effort != "none";
  }

  void AddScript(const ScriptedReply& script) {
    if (!script.reasoning.empty()) {
      Segment thoughts = Fixed(Segment::Kind::kReasoning, script.reasoning);
      thoughts.fixed.push_back(static_cast<TokenId>(Special::kThinkEnd));
      segments_.push_back(std::move(thoughts));
    }
    if (script.text) {
      segments_.push_back(Fixed(Segment::Kind::kText, *script.text));
      segments_.back().probability = script.probability;
    }
    for (const ScriptedCall& call : script.tool_calls) {
      OpenCall(call.name, call.probability ? call.probability : script.probability);
      segments_.push_back(Fixed(Segment::Kind::kArguments, call.arguments));
      segments_.back().probability = script.probability;
      CloseCall();
      // The server keeps the first call when the client wants no more than one.
      if (!call_.parallel_tool_calls.value_or(true)) break;
    }
  }

  // With "auto" the model decides: it calls the tool that the question is about, and does not call
  // again once there is a result.
  const ToolSpec* ChosenTool() const {
    if (call_.tools.empty()) return nullptr;
    switch (call_.tool_choice.kind) {
      case ToolChoice::Kind::kNone:
        return nullptr;
      case ToolChoice::Kind::kNamed: {
        const auto named = std::ranges::find(call_.tools, call_.tool_choice.name, &ToolSpec::name);
        return named == call_.tools.end() ? nullptr : &*named;
      }
      case ToolChoice::Kind::kRequired: {
        const ToolSpec* fitting = FittingTool();
        Random random(options_.seed);
        return fitting != nullptr ? fitting : &call_.tools[random.Below(call_.tools.size())];
      }
      default:
        return call_.messages.empty() || call_.messages.back().role != model::Role::kUser
                   ? nullptr
                   : FittingTool();
    }
  }

  const ToolSpec* FittingTool() const {
    const std::vector<std::string> question = WordsOf(LastUserText(call_));
    const auto tool = std::ranges::find_if(
        call_.tools, [&](const ToolSpec& candidate) { return Concerns(candidate, question); });
    return tool == call_.tools.end() ? nullptr : &*tool;
  }

  // A named tool's arguments are all that the model writes; otherwise the marks are its own words.
  bool MarksCalls() const { return call_.tool_choice.kind != ToolChoice::Kind::kNamed; }

  void OpenCall(std::string_view name, std::optional<double> probability) {
    if (MarksCalls()) {
      segments_.push_back(Mark(Special::kCallBegin));
      segments_.push_back(Fixed(Segment::Kind::kHidden, "\n{\"name\": \""));
    }
    Random random(options_.seed + static_cast<std::uint64_t>(calls_) + 1);
    Segment segment = Fixed(Segment::Kind::kName, name);
    if (!MarksCalls()) segment.fixed.clear();
    segment.probability = probability;
    segment.call.index = calls_++;
    segment.call.id = StrCat(options_.call_prefix, HexId(random, options_.short_ids ? 16 : 32));
    segment.call.name = name;
    segments_.push_back(std::move(segment));
    if (MarksCalls()) segments_.push_back(Fixed(Segment::Kind::kHidden, "\", \"arguments\": "));
  }

  void CloseCall() {
    if (!MarksCalls()) return;
    segments_.push_back(Fixed(Segment::Kind::kHidden, "}\n"));
    segments_.push_back(Mark(Special::kCallEnd));
  }

  Result<void> AddCall(const ToolSpec& tool) {
    OpenCall(tool.name, std::nullopt);
    if (tool.parameters.IsObject() && !tool.parameters.empty()) {
      model::Constraint arguments;
      arguments.schema = tool.parameters;
      WEIR_CHECK(AddHeld(arguments, JsonSpacing::kFree, Segment::Kind::kArguments));
    } else {
      segments_.push_back(Fixed(Segment::Kind::kArguments, "{}"));
    }
    CloseCall();
    return {};
  }

  Result<void> AddHeld(const model::Constraint& constraint, JsonSpacing spacing,
                       Segment::Kind kind) {
    if (options_.white_space) {
      AddWhiteSpace(kind);
      return {};
    }
    if (!options_.violate.empty()) {
      WEIR_TRY(const CompiledConstraint broken, CompileViolation(constraint, options_.violate));
      AddStretches(broken, kind);
      return {};
    }
    WEIR_TRY(const auto compiled, options_.constraints.Get(constraint, options_.seed, spacing));
    AddStretches(*compiled, kind);
    return {};
  }

  // What a decoder that has lost its way writes: an opening brace, then nothing for ever.
  void AddWhiteSpace(Segment::Kind kind) {
    Segment segment = Fixed(kind, "{");
    const TokenId blank = Tokenizer::Encode("\n").front();
    segment.fixed.insert(segment.fixed.end(), kRunaway, blank);
    segments_.push_back(std::move(segment));
  }

  void AddStretches(const CompiledConstraint& compiled, Segment::Kind kind) {
    for (const Stretch& stretch : compiled.stretches) {
      Segment segment{.kind = kind, .held = stretch};
      if (!stretch.fixed.empty()) segment.fixed = Tokenizer::Encode(stretch.fixed);
      segments_.push_back(std::move(segment));
    }
  }

  const OutlineOptions& options_;
  const model::Call& call_;
  std::vector<Segment> segments_;
  std::int64_t calls_ = 0;
};

}  // namespace

Result<std::vector<Segment>> MakeOutline(const OutlineOptions& options) {
  return OutlineMaker(options).Make();
}

}  // namespace weir::sim
