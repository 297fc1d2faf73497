#include <algorithm>
#include <memory>

#include "weir/base/text.h"
#include "weir/cli/colours.h"
#include "weir/cli/flags.h"
#include "weir/cli/listeners.h"
#include "weir/cli/run_call.h"
#include "weir/cli/work.h"
#include "weir/client/wiring.h"
#include "weir/engine/doctor.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using engine::Finding;
using engine::Verdict;

struct DoctorFlags {
  CommonFlags common;
  bool probe = true;
};

constexpr std::size_t kStepWidth = 12;

struct Mark {
  std::string_view text;
  std::string_view colour;
};

Mark MarkOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return {"ok  ", kGreen};
    case Verdict::kNote:
      return {"note", kCyan};
    case Verdict::kWarning:
      return {"warn", kYellow};
    case Verdict::kFailed:
      return {"FAIL", kRed};
    case Verdict::kSkipped:
      return {"skip", kDim};
  }
  std::unreachable();
}

// Writes findings as they come. Steps that are skipped in a row for one reason share a line.
class FindingPrinter {
 public:
  FindingPrinter(Terminal& terminal, bool colour) : terminal_(terminal), colour_(colour) {}

  void Print(const Finding& finding) {
    const bool skipped = finding.verdict == Verdict::kSkipped;
    if (skipped && !waiting_.empty() && finding.what == why_) {
      waiting_.push_back(finding.step);
      return;
    }
    Flush();
    if (skipped) {
      waiting_ = {finding.step};
      why_ = finding.what;
      return;
    }
    Line(finding.verdict, finding.step, finding.what);
    if (finding.remedy.empty()) return;
    terminal_.Out(StrCat(std::string(kStepWidth + 8, ' '), "-> ", finding.remedy, "\n"));
  }

  void Flush() {
    if (waiting_.empty()) return;
    const std::string first = waiting_.front();
    waiting_.erase(waiting_.begin());
    if (!waiting_.empty()) StrAppend(why_, "; nor were ", Join(waiting_, ", "), " looked at");
    Line(Verdict::kSkipped, first, why_);
    waiting_.clear();
  }

 private:
  void Line(Verdict verdict, const std::string& step, const std::string& what) {
    const Mark mark = MarkOf(verdict);
    const std::string padded =
        step + std::string(kStepWidth - std::min(step.size(), kStepWidth), ' ');
    terminal_.Out(StrCat("  ", colour_ ? mark.colour : "", mark.text, colour_ ? kPlain : "", "  ",
                         padded, what, "\n"));
  }

  Terminal& terminal_;
  const bool colour_;
  std::vector<std::string> waiting_;
  std::string why_;
};

std::string ReportJson(const config::EngineConfig& engine, const std::vector<Finding>& findings,
                       int exit_code) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("engine", engine.name);
  const bool in_process = engine.kind == config::Kind::kSim;
  out.Field("base_url", in_process ? std::string_view() : engine.http.upstream.base_url);
  out.Key("ok");
  out.Bool(exit_code == kExitOk);
  out.Key("findings");
  out.BeginArray();
  for (const Finding& finding : findings) {
    out.BeginObject();
    out.Field("step", finding.step);
    out.Field("verdict", engine::VerdictName(finding.verdict));
    out.Field("what", finding.what);
    if (!finding.remedy.empty()) out.Field("remedy", finding.remedy);
    if (!finding.detail.empty()) out.Field("detail", finding.detail);
    if (finding.error) out.Field("error", Name(*finding.error));
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

std::string Verdicts(const std::vector<Finding>& findings) {
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(findings, verdict, &Finding::verdict);
  };
  const auto failed = count(Verdict::kFailed);
  const auto warned = count(Verdict::kWarning);
  if (failed == 0 && warned == 0) return "all is well\n";
  return StrCat(failed, " failed, ", warned, warned == 1 ? " warning\n" : " warnings\n");
}

// The first failure says what is wrong; those behind it may be its consequences.
int ExitCodeOf(const std::vector<Finding>& findings) {
  const auto failure = std::ranges::find(findings, Verdict::kFailed, &Finding::verdict);
  if (failure == findings.end()) return kExitOk;
  return failure->error ? ExitCode(*failure->error) : kExitFailed;
}

engine::DoctorOptions OptionsOf(const config::EngineConfig& config, const DoctorFlags& flags,
                                const Env& env) {
  engine::DoctorOptions options{.http = client::HttpOptionsOf(config),
                                .dial = {.tls = config.tls, .proxy = http::ProxyFromEnv(env)},
                                .adapters = {},
                                .context_window = config.context_window,
                                .probe = flags.probe};
  for (const config::AdapterConfig& adapter : config.adapters) {
    options.adapters.push_back({.name = adapter.name, .loadable = !adapter.path.empty()});
  }
  return options;
}

int RunDoctor(Session& session, const DoctorFlags& flags) {
  Result<ChosenEngine> chosen = EngineOf(flags.common, session);
  if (!chosen) return Refuse(session, flags.common, chosen.error());
  config::EngineConfig& config = chosen->engine;
  if (config.unusable) return Refuse(session, flags.common, *config.unusable);
  if (!flags.common.model.empty()) config.http.model = flags.common.model;
  config.retry.max_retries = 0;

  async::Loop loop;  // outlives the connections
  const std::unique_ptr<http::Client> transport = client::BuildTransport(config, session.env);
  Result<Listeners> listeners =
      Listeners::Open(loop, chosen->config.events, flags.common.events_file, session);
  if (!listeners) return Refuse(session, flags.common, listeners.error());
  Work work(loop, session.terminal, listeners->sinks());
  const async::Context ctx = work.NewContext(config.http.upstream.timeouts.total);
  const engine::DoctorOptions options = OptionsOf(config, flags, session.env);
  const bool colour = session.terminal.out_is_terminal() && !session.env.Get("NO_COLOR") &&
                      session.env.Get("TERM") != "dumb";
  const bool as_text = flags.common.form() == Output::kText;
  FindingPrinter printer(session.terminal, colour);
  const engine::TellFinding tell = [&](const Finding& finding) {
    if (as_text) printer.Print(finding);
  };

  std::vector<Finding> findings;
  if (config.kind == config::Kind::kSim) {
    const Result<std::unique_ptr<model::Engine>> engine = client::BuildEngine(config, *transport);
    if (!engine) return Refuse(session, flags.common, engine.error());
    findings = loop.Run(engine::ExamineEngine(ctx, options, **engine, tell));
  } else {
    findings = loop.Run(engine::ExamineServer(ctx, options, *transport, tell));
  }
  listeners->Finish(session.terminal);
  const int exit_code = ctx.cancelled() ? kExitCancelled : ExitCodeOf(findings);
  if (as_text) {
    printer.Flush();
    session.terminal.Out(
        StrCat("weir doctor: ", ctx.cancelled() ? "cancelled; " : "", Verdicts(findings)));
  } else {
    session.terminal.Out(ReportJson(config, findings, exit_code));
  }
  return exit_code;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<DoctorFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(
      app, "doctor", "Say what a server is, what it understands, what is wrong and the remedy");
  TextFlag(command, "engine,-e,--engine", flags->common.engine,
           "name from weir.yaml, \"sim\", or an address");
  TextFlag(command, "-m,--model", flags->common.model, "model to ask; default: the engine's");
  NumberFlag(command, "--timeout", flags->common.timeout, "seconds for all of it");
  SwitchFlag(
      command, "--no-probe", [flags] { flags->probe = false; },
      "ask the model nothing; look at the server only");
  TextFlag(command, "-o,--output", flags->common.output, "text or json").OneOf({"text", "json"});
  TextFlag(command, "--events", flags->common.events_file, "append events and spans to this file");
  SetRun(command, session, [flags, &session] { return RunDoctor(session, *flags); });
}

}  // namespace weir::cli
