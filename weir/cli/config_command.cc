#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/config_hosts.h"
#include "weir/cli/config_import.h"
#include "weir/cli/flags.h"
#include "weir/cli/flow_files.h"
#include "weir/client/wiring.h"
#include "weir/config/file.h"
#include "weir/config/manual.h"
#include "weir/config/read.h"
#include "weir/config/show.h"
#include "weir/flow/read.h"

namespace weir::cli {
namespace {

int Print(Session& session, std::string_view text) {
  session.terminal.Out(text);
  return kExitOk;
}

// weir config init

int Init(Session& session, const std::string& path) {
  if (const Result<void> right = CheckNewFile(path); !right) return Refuse(session, right.error());
  const Result<void> written = WriteNew(path, config::StarterFile());
  if (!written) return Refuse(session, written.error());
  const bool own = path == "weir.yaml";
  session.terminal.Note(StrCat("wrote ", path, "; next: weir config check", own ? "" : " ",
                               own ? "" : path, own ? ", weir call \"hello\"" : ""));
  return kExitOk;
}

void AddInit(CLI::App& config, Session& session) {
  auto path = std::make_shared<std::string>("weir.yaml");  // shared by the callbacks below
  CLI::App& command = AddCommand(config, "init", "Write a weir.yaml with comments");
  TextFlag(command, "file", *path, "where to; default: weir.yaml").Shows("FILE");
  SetRun(command, session, [path, &session] { return Init(session, *path); });
}

// weir config show

struct ShowConfigFlags {
  std::string engine;
  std::string output = "text";
};

Result<std::string> Shown(const Session& session, const ShowConfigFlags& flags) {
  WEIR_CHECK(CheckNoFolder(session.config_file));
  WEIR_TRY(const config::Config config, config::Load(session.config_file, session.env));
  const bool as_json = flags.output == "json";
  if (flags.engine.empty()) return as_json ? config::ShowJson(config) : config::ShowYaml(config);
  // An engine that cannot be used can be looked at.
  const config::EngineConfig* found = config.Find(flags.engine);
  config::EngineConfig engine;
  if (found != nullptr) {
    engine = *found;
  } else {
    WEIR_TRY(engine, config::ResolveEngine(config, flags.engine, session.env));
  }
  return as_json ? config::ShowJson(config, engine) : config::ShowYaml(config, engine);
}

void AddConfigShow(CLI::App& config, Session& session) {
  auto flags = std::make_shared<ShowConfigFlags>();  // shared by the callbacks below
  CLI::App& command = AddCommand(
      config, "show", "Print the effective configuration and where each value came from");
  TextFlag(command, "-e,--engine", flags->engine, "this engine (or address) alone");
  TextFlag(command, "-o,--output", flags->output, "text (YAML) or json").OneOf({"text", "json"});
  SetRun(command, session, [flags, &session] {
    const Result<std::string> text = Shown(session, *flags);
    return text ? Print(session, *text) : Refuse(session, text.error());
  });
}

// weir config check

struct CheckConfigFlags {
  std::string file;
  std::string output = "text";
  bool offline = false;
};

// What is wrong with a file: told as it is found, or as JSON at the end.
class Findings {
 public:
  Findings(Session& session, bool json) : session_(session), json_(json) {}

  void Tell(bool warning, const Error& error) {
    if (!warning) ++errors_;
    if (json_) {
      problems_.push_back({.warning = warning, .place = {}, .message = Redact(error.message)});
    } else if (warning) {
      session_.terminal.Warn(error.message);
    } else {
      session_.terminal.Problem(error);
    }
  }
  void Warn(std::string message) {
    Tell(true, {.code = Code::kConfigError, .message = std::move(message)});
  }
  void Note(const std::string& text) const {
    if (!json_) session_.terminal.Note(text);
  }
  std::size_t errors() const { return errors_; }

  // `line` is what people are told where nothing is wrong.
  int End(const std::string& line) {
    if (json_) {
      session_.terminal.Out(ProblemsJson(errors_ == 0, problems_));
    } else if (errors_ == 0) {
      session_.terminal.Out(line);
    }
    return errors_ == 0 ? kExitOk : kExitConfig;
  }

 private:
  Session& session_;
  const bool json_;
  std::vector<flow::Problem> problems_;
  std::size_t errors_ = 0;
};

int Check(Session& session, const CheckConfigFlags& flags) {
  constexpr Duration kMostLookup = std::chrono::seconds(2);
  Findings findings(session, flags.output == "json");
  const auto refuse = [&](const Error& error) {
    findings.Tell(false, error);
    (void)findings.End("");  // the code is that of the error
    return ExitCode(error);
  };
  const std::string named = flags.file.empty() ? session.config_file : flags.file;
  const Result<void> no_folder = CheckNoFolder(named);
  if (!no_folder) return refuse(no_folder.error());
  const auto found = config::FindFile(named, session.env);
  if (!found) return refuse(found.error());
  if (!*found) {
    return refuse({.code = Code::kConfigError,
                   .message = "there is no weir.yaml to check; weir config init writes one, or "
                              "name a file: weir config check FILE"});
  }
  const config::FoundFile& here = **found;
  const config::ReadConfig read = config::Read(here.text, here.path, session.env);
  for (const Error& problem : read.problems) findings.Tell(false, problem);
  if (const std::size_t count = findings.errors(); count > 0) {
    findings.Note(StrCat(count, count == 1 ? " problem" : " problems", " in ", here.path));
    return findings.End("");
  }
  if (const auto cards = client::CardsOf(read.config.model_cards); !cards) {
    findings.Tell(false, cards.error());
    return findings.End("");
  }
  for (const std::string& note : read.config.notes) findings.Note(note);
  for (const std::string& warning : read.warnings) findings.Warn(warning);
  for (const config::EngineConfig& engine : read.config.engines) {
    if (!engine.unusable) continue;
    findings.Warn(
        StrCat("engine ", engine.name, " cannot be used here: ", Redact(engine.unusable->message)));
  }
  if (!flags.offline) {
    for (std::string& host : UnknownHosts(read.config, session.env, kMostLookup)) {
      findings.Warn(std::move(host));
    }
  }
  if (!read.config.gateway.IsNull()) {
    findings.Note("gateway: kept for later versions; not read yet");
  }
  const std::size_t engines = read.config.engines.size();
  const bool flows = flow::IsConfigFile(here.text);
  return findings.End(
      StrCat(here.path, ": ok, ", engines, engines == 1 ? " engine" : " engines",
             flows ? StrCat("; its flows are not looked at here: weir flow check ", here.path)
                   : std::string(),
             "\n"));
}

void AddConfigCheck(CLI::App& config, Session& session) {
  auto flags = std::make_shared<CheckConfigFlags>();  // shared by the callbacks below
  CLI::App& command = AddCommand(config, "check", "Say everything that is wrong with a file");
  TextFlag(command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  TextFlag(command, "file", flags->file, "the file; default: the one that would be used")
      .Shows("FILE");
  SwitchFlag(command, "--offline", flags->offline, "do not look up the hosts of engines");
  SetRun(command, session, [flags, &session] { return Check(session, *flags); });
}

}  // namespace

void AddConfigCommand(CLI::App& app, Session& session) {
  CLI::App& config = AddCommand(app, "config", "Write, check and show the configuration");
  RequireCommand(config);
  AddInit(config, session);
  AddConfigShow(config, session);
  AddConfigCheck(config, session);
  AddConfigImport(config, session);
  CLI::App& schema = AddCommand(config, "schema", "Print a JSON Schema of weir.yaml, for editors");
  SetRun(schema, session, [&session] { return Print(session, config::FileSchema()); });
}

}  // namespace weir::cli
