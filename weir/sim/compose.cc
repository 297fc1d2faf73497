#include "weir/sim/compose.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/sim/instance.h"
#include "weir/sim/tokens.h"
#include "weir/sim/writer.h"

namespace weir::sim {
namespace {

using model::Constraint;
using model::Finish;
using model::ToolChoice;

constexpr std::uint64_t kShortest = 20;  // tokens of an answer that nothing else limits
constexpr std::uint64_t kLongest = 120;
constexpr std::size_t kSentence = 16;  // tokens of a long sentence

void Append(std::string_view text, PlannedChoice& choice) {
  const std::size_t start = choice.text.size();
  choice.text += text;
  CutTokens(choice.text, start, choice.ends);
}

void AppendCall(const ComposeOptions& options, std::string_view name, std::string_view arguments,
                PlannedChoice& choice) {
  Random random(options.seed + choice.calls.size() + 1);
  choice.calls.push_back(
      {.begin = choice.text.size(),
       .id = StrCat("chatcmpl-tool-", HexId(random, options.short_ids ? 16 : 32)),
       .name = std::string(name)});
  Append(arguments, choice);
}

void WriteProse(const ComposeOptions& options, Writer& writer, PlannedChoice& choice) {
  const model::Sampling& sampling = options.call.sampling;
  std::uint64_t wanted = kShortest + writer.random().Below(kLongest - kShortest - kSentence);
  wanted = std::max(wanted, static_cast<std::uint64_t>(sampling.min_tokens.value_or(0)));
  const auto room = static_cast<std::uint64_t>(options.room);
  if (sampling.ignore_eos.value_or(false) || wanted > room) wanted = room;
  if (options.call.api == model::Api::kCompletions) choice.text = " ";
  while (choice.ends.size() < wanted) {
    const std::size_t start = choice.ends.empty() ? 0 : choice.ends.back();
    writer.AppendSentence(choice.text);
    CutTokens(choice.text, start, choice.ends);
  }
}

Result<void> WriteConstrained(const Constraint& constraint, Writer& writer, PlannedChoice& choice) {
  switch (constraint.kind) {
    case Constraint::Kind::kChoice:
      if (constraint.choices.empty()) {
        return Fail(Code::kUnsupportedConstraint, "the list of choices is empty");
      }
      Append(constraint.choices[writer.random().Below(constraint.choices.size())], choice);
      return {};
    case Constraint::Kind::kJsonObject: {
      std::string text;
      json::Writer json(text);
      json.BeginObject();
      json.Field("answer", writer.Phrase());
      json.Field("subject", writer.Phrase());
      json.Key("score");
      json.Int(static_cast<std::int64_t>(writer.random().Below(100)));
      json.EndObject();
      Append(text, choice);
      return {};
    }
    case Constraint::Kind::kJsonSchema: {
      WEIR_TRY(const std::string text, WriteInstance(constraint.schema, writer));
      Append(text, choice);
      return {};
    }
    default:
      return Fail(Code::kUnsupportedConstraint,
                  StrCat("constraints of kind ", model::ConstraintName(constraint.kind),
                         " are not supported by this simulator yet"));
  }
}

Result<void> WriteCall(const ComposeOptions& options, Writer& writer, PlannedChoice& choice) {
  const model::Call& call = options.call;
  const model::ToolSpec* tool = &call.tools[writer.random().Below(call.tools.size())];
  if (call.tool_choice.kind == ToolChoice::Kind::kNamed) {
    tool = &*std::ranges::find(call.tools, call.tool_choice.name, &model::ToolSpec::name);
  }
  std::string arguments = "{}";
  if (tool->parameters.IsObject() && !tool->parameters.empty()) {
    WEIR_TRY(arguments, WriteInstance(tool->parameters, writer));
  }
  AppendCall(options, tool->name, arguments, choice);
  return {};
}

struct StopMatch {
  std::size_t begin = std::string_view::npos;
  std::size_t end = std::string_view::npos;
  const std::string* text = nullptr;
};

// The stop text that is complete first in what token `index` has added to.
StopMatch FindStop(const PlannedChoice& choice, std::size_t index,
                   const std::vector<std::string>& stops) {
  const std::string_view written = std::string_view(choice.text).substr(0, choice.ends[index]);
  const std::size_t before = index == 0 ? 0 : choice.ends[index - 1];
  StopMatch best;
  for (const std::string& stop : stops) {
    if (stop.empty()) continue;
    const std::size_t from = before + 1 > stop.size() ? before + 1 - stop.size() : 0;
    const std::size_t found = written.find(stop, from);
    if (found == written.npos || found + stop.size() >= best.end) continue;
    best = {found, found + stop.size(), &stop};
  }
  return best;
}

// Looks for the first stop token or stop text. True when there was one: the choice ends there.
bool EndAtStop(const model::Sampling& sampling, std::size_t limit, PlannedChoice& choice) {
  if (sampling.stop.empty() && sampling.stop_token_ids.empty()) return false;
  const std::vector<std::int64_t>& ids = sampling.stop_token_ids;
  const bool shown = sampling.include_stop_in_output.value_or(false);
  const auto least = static_cast<std::size_t>(sampling.min_tokens.value_or(0));
  for (std::size_t i = least; i < std::min(limit, choice.ends.size()); ++i) {
    const std::size_t begin = i == 0 ? 0 : choice.ends[i - 1];
    const std::int64_t id =
        TokenId(std::string_view(choice.text).substr(begin, choice.ends[i] - begin));
    if (std::ranges::find(ids, id) != ids.end()) {
      choice.stop_reason = json::Value::Of(id);
      choice.visible = shown ? choice.ends[i] : begin;
    } else if (const StopMatch stop = FindStop(choice, i, sampling.stop); stop.text != nullptr) {
      choice.stop_reason = json::Value::Of(std::string_view(*stop.text));
      choice.visible = shown ? stop.end : stop.begin;
    } else {
      continue;
    }
    choice.ends.resize(i + 1);
    return true;
  }
  return false;
}

// Ends the choice, which holds all that the model would like to say, by the rules of the server: a
// stop text wins over the limit, the limit over the end token.
void ApplyLimits(const ComposeOptions& options, PlannedChoice& choice) {
  const auto limit = static_cast<std::size_t>(options.room);
  choice.finish = Finish::kStop;
  if (EndAtStop(options.call.sampling, limit, choice)) {
    choice.text.resize(choice.ends.back());
    return;
  }
  if (limit == 0) {  // max_tokens 0: one token is written all the same, and not shown
    choice.ends.assign(1, 0);
    choice.text.clear();
    choice.finish = Finish::kLength;
  } else if (choice.ends.size() >= limit) {
    choice.ends.resize(limit);
    choice.text.resize(choice.ends.back());
    choice.finish = Finish::kLength;
  } else {
    choice.ends.push_back(static_cast<std::uint32_t>(choice.text.size()));
    choice.ended = true;
  }
  choice.visible = choice.text.size();
}

// Tool calls that were cut off before they began do not show.
void DropUnbegunCalls(PlannedChoice& choice) {
  std::erase_if(choice.calls,
                [&](const PlannedCall& call) { return call.begin >= choice.visible; });
}

}  // namespace

Result<PlannedChoice> Compose(const ComposeOptions& options) {
  const model::Call& call = options.call;
  PlannedChoice choice;
  choice.seed = options.seed;
  Writer writer(options.seed, options.topics);
  const ToolChoice::Kind tools = call.tool_choice.kind;
  if (tools == ToolChoice::Kind::kNamed || tools == ToolChoice::Kind::kRequired) {
    WEIR_CHECK(WriteCall(options, writer, choice));
  } else if (call.constraint) {
    WEIR_CHECK(WriteConstrained(*call.constraint, writer, choice));
  } else {
    WriteProse(options, writer, choice);
  }
  ApplyLimits(options, choice);
  if (tools == ToolChoice::Kind::kRequired && choice.finish == Finish::kStop) {
    choice.finish = Finish::kToolCalls;
  }
  DropUnbegunCalls(choice);
  return choice;
}

PlannedChoice ComposeScripted(const ComposeOptions& options, const ScriptedReply& reply) {
  PlannedChoice choice;
  choice.seed = options.seed;
  if (reply.text) Append(*reply.text, choice);
  for (const model::ToolCall& call : reply.tool_calls) {
    AppendCall(options, call.name, call.arguments, choice);
  }
  ApplyLimits(options, choice);
  if (!choice.calls.empty() && choice.finish == Finish::kStop) choice.finish = Finish::kToolCalls;
  DropUnbegunCalls(choice);
  return choice;
}

}  // namespace weir::sim
