#pragma once

// The flags that `call` and `complete` share, and what they make of a Call.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/cli/command.h"
#include "weir/config/config.h"
#include "weir/model/call.h"

namespace weir::cli {

enum class Output : std::uint8_t { kText, kJson };

struct CommonFlags {
  std::string engine;
  std::string model;
  std::string adapter;
  std::optional<double> timeout;
  std::optional<bool> stream;
  std::string output = "text";
  std::vector<std::string> extra;
  std::string events_file;
  bool dry_run = false;
  bool verbose = false;
  model::Sampling sampling;
  model::ConfidenceRule confidence;
  std::string prompt;
  bool has_prompt = false;
  bool with_stdin = false;

  Output form() const { return output == "json" ? Output::kJson : Output::kText; }
};

// `command` gets the flags; they fill `flags`, which must outlive the parsing.
void AddCommonFlags(CLI::App& command, CommonFlags& flags);

// Where a call goes: `engine` is the first that is asked, the others are those of its route.
struct ChosenEngine {
  config::Config config;
  config::EngineConfig engine;  // with the flags applied
  std::string route;            // what the registry is asked for
};

// The engine or role that the flags name, with --timeout applied.
Result<ChosenEngine> EngineOf(const CommonFlags& flags, const Session& session);

// `error` with who it is about where a proxy stands between, with whether a key was sent to a
// server that wants one, and with how an engine is named where none was and nothing listens at the
// usual address.
Error WithAdvice(Error error, const ChosenEngine& chosen, const Session& session);

// Fills what both commands have in common. --extra values are read as JSON, or taken as text when
// they are none and do not begin like an object or a list.
Result<void> FillCall(const CommonFlags& flags, model::Call& call);

// The words for thinking: auto, on, off, or an effort.
std::vector<std::string> ThinkingWords();
model::Reasoning ThinkingOf(std::string_view word);

// The prompt of the command line, or of stdin when there is none (or it is "-"), or with --stdin
// both: stdin first. Beside a prompt stdin is read only when asked: a program merely inherits it.
Result<std::string> PromptOf(const CommonFlags& flags, const Session& session);

}  // namespace weir::cli
