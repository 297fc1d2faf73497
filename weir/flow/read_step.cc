#include "weir/flow/read_step.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/read_nodes.h"
#include "weir/model/sampling_fields.h"

namespace weir::flow {
namespace {

using model::Constraint;
using model::Sampling;

template <class T>
void Put(Keys& keys, std::string_view key, std::optional<T>& field, std::optional<T> value) {
  if (!value) return;
  if (field) keys.Wrong(key, "is said twice; keep one of them");
  field = std::move(value);
}

void PutTexts(Keys& keys, std::string_view key, std::vector<std::string>& field) {
  if (auto texts = keys.Texts(key)) {
    if (!field.empty()) keys.Wrong(key, "is said twice; keep one of them");
    field = *std::move(texts);
  }
}

std::optional<std::int64_t> Read(Keys& keys, std::string_view name,
                                 std::optional<std::int64_t> Sampling::* /*field*/) {
  return keys.Whole(name);
}

std::optional<double> Read(Keys& keys, std::string_view name,
                           std::optional<double> Sampling::* /*field*/) {
  return keys.Number(name);
}

std::optional<bool> Read(Keys& keys, std::string_view name,
                         std::optional<bool> Sampling::* /*field*/) {
  return keys.Flag(name);
}

void ReadSampling(Keys& keys, Sampling& sampling, bool temperature) {
  for (const model::SamplingField& field : model::SamplingFields()) {
    if (!temperature && field.name == "temperature") continue;
    if (field.name == "n") continue;  // a step has one answer
    std::visit(
        [&](auto member) {
          Put(keys, field.name, sampling.*member, Read(keys, field.name, member));
        },
        field.field);
  }
  PutTexts(keys, "stop", sampling.stop);
  PutTexts(keys, "bad_words", sampling.bad_words);
}

void CheckEffort(Keys& keys, std::string_view key, const std::string& effort) {
  constexpr std::array<std::string_view, 7> kEfforts = {"none", "minimal", "low", "medium",
                                                        "high", "xhigh",   "max"};
  if (effort.empty() || std::ranges::find(kEfforts, effort) != kEfforts.end()) return;
  keys.Wrong(key, StrCat("must be none, minimal, low, medium, high, xhigh or max, found '",
                         Truncate(effort, 60), "'"));
}

model::ConfidenceRule ReadConfidence(Keys& keys) {
  constexpr NumberRange kPart = {.least = 0, .most = 1};
  model::ConfidenceRule rule;
  const json::View value = keys.Find("confidence");
  if (!value.exists()) return rule;
  if (const auto flag = value.AsBool()) {
    rule.report = *flag;
  } else if (value.IsNumber()) {
    rule.threshold = keys.Number("confidence", kPart);
  } else {
    Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("confidence"),
               StrCat("`confidence` of ", keys.what()));
    rule.threshold = inner.Number("threshold", kPart);
    rule.report = inner.Flag("report").value_or(rule.report);
    rule.temperature = inner.Number("temperature", {.least = 0, .most = 2});
    rule.max_retries = static_cast<int>(
        inner.Whole("max_retries", {.least = 0, .most = 100}).value_or(rule.max_retries));
    inner.Finish();
  }
  return rule;
}

// A grammar has colons behind its names; the path of a file has neither those nor line breaks.
std::string GrammarText(Keys& keys) {
  std::string text = keys.Text("grammar");
  if (text.empty() || text.find_first_of(":\n") != std::string::npos) return text;
  const std::string path = PathFrom(keys.file().folder, text);
  auto read = ReadPart(path);
  if (!read) {
    keys.Wrong("grammar", StrCat("is the path of a file: ", Describe(read.error())));
    return {};
  }
  keys.reading().parts.push_back(path);
  return *std::move(read);
}

std::vector<std::string> Choices(Keys& keys) {
  const json::View value = keys.Find("choice");
  std::vector<std::string> choices = keys.Texts("choice").value_or(std::vector<std::string>{});
  if (value.IsString()) {
    choices.clear();
    for (const std::string_view word : Split(*value.AsString(), ',')) {
      choices.emplace_back(Trim(word));
    }
  }
  if (choices.empty() || std::ranges::find(choices, "") != choices.end()) {
    keys.Wrong("choice", "must name at least one answer, and none that is empty");
  }
  return choices;
}

std::optional<Constraint> ReadConstraint(Keys& keys) {
  constexpr std::array<std::string_view, 5> kKinds = {"output", "regex", "choice", "grammar",
                                                      "json"};
  std::optional<Constraint> constraint;
  std::string_view taken;
  for (const std::string_view key : kKinds) {
    const json::View value = keys.Find(key);
    if (!value.exists() || (key == "json" && !value.BoolOr(true))) continue;
    if (!taken.empty()) {
      keys.Wrong(key, StrCat("stands beside `", taken, "`: an answer is bound in one way only"));
      continue;
    }
    taken = key;
    if (key == "output") continue;
    Constraint& made = constraint.emplace();
    if (key == "regex") {
      made.kind = Constraint::Kind::kRegex;
      made.text = keys.Text(key);
    } else if (key == "choice") {
      made.kind = Constraint::Kind::kChoice;
      made.choices = Choices(keys);
    } else if (key == "grammar") {
      made.kind = Constraint::Kind::kGrammar;
      made.text = GrammarText(keys);
    } else {
      made.kind = Constraint::Kind::kJsonObject;
      keys.Flag(key);
    }
  }
  return constraint;
}

}  // namespace

Sampling ReadAllSampling(Keys& keys, bool temperature) {
  Sampling sampling;
  ReadSampling(keys, sampling, temperature);
  const json::View inside = keys.Find("sampling");
  if (inside.exists()) {
    Keys inner(keys.reading(), keys.file(), inside, keys.PointerOf("sampling"),
               StrCat("`sampling` of ", keys.what()));
    ReadSampling(inner, sampling, temperature);
    inner.Finish();
  }
  return sampling;
}

void LaySampling(Sampling upper, Sampling& lower) {
  for (const model::SamplingField& field : model::SamplingFields()) {
    std::visit(
        [&](auto member) {
          if (upper.*member) lower.*member = upper.*member;
        },
        field.field);
  }
  if (!upper.stop.empty()) lower.stop = std::move(upper.stop);
  if (!upper.bad_words.empty()) lower.bad_words = std::move(upper.bad_words);
}

model::Reasoning ReadReasoning(Keys& keys) {
  model::Reasoning reasoning;
  const json::View value = keys.Find("reasoning");
  if (!value.exists()) return reasoning;
  if (const auto flag = value.AsBool()) {
    reasoning.enable = flag;
  } else if (const auto word = value.AsString()) {
    reasoning.effort = std::string(*word);
    CheckEffort(keys, "reasoning", *reasoning.effort);
  } else {
    Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("reasoning"),
               StrCat("`reasoning` of ", keys.what()));
    if (inner.Has("effort")) {
      reasoning.effort = inner.Text("effort");
      CheckEffort(inner, "effort", *reasoning.effort);
    }
    inner.Find("effort");
    reasoning.enable = inner.Flag("enable");
    reasoning.thinking_budget = inner.Whole("thinking_budget", {.least = -1});
    inner.Finish();
  }
  return reasoning;
}

std::vector<Source> ReadMedia(Keys& keys) {
  const json::View value = keys.Find("media");
  if (!value.IsArray()) {
    const Source one = keys.Code("media");
    return one.empty() ? std::vector<Source>{} : std::vector<Source>{one};
  }
  std::vector<Source> media;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto text = ScalarText(value[i]);
    if (!text) {
      keys.WrongKind("media", "a list of expressions", value[i]);
      return media;
    }
    const std::string pointer = StrCat(keys.PointerOf("media"), "/", i);
    media.push_back({.text = *std::move(text), .place = keys.file().yaml.Where(pointer)});
  }
  return media;
}

Step ReadStep(Keys& keys) {
  Step step;
  step.engine = keys.Text("engine");
  step.model = keys.Text("model");
  step.adapter = keys.Text("adapter");
  step.profile = keys.Text("profile");
  step.system = keys.Code("system");
  step.user = keys.Code("user");
  step.media = ReadMedia(keys);
  step.constraint = ReadConstraint(keys);
  step.output = ReadShape(keys, "output");
  const json::View instruction = keys.Find("instruction");
  if (instruction.IsBool()) {
    if (!instruction.BoolOr(true)) step.instruction = "";
  } else if (instruction.exists()) {
    step.instruction = keys.Text("instruction");
  }
  step.sampling = ReadAllSampling(keys, true);
  step.reasoning = ReadReasoning(keys);
  step.confidence = ReadConfidence(keys);
  step.retries = static_cast<int>(keys.Whole("retries", {.least = 0, .most = 100}).value_or(0));
  step.timeout = keys.Seconds("timeout");
  step.keeps_cut = keys.Flag("keep_cut").value_or(false);
  return step;
}

}  // namespace weir::flow
