#include <memory>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/flow_files.h"
#include "weir/cli/run_view.h"
#include "weir/flow/figures.h"
#include "weir/flow/show.h"

namespace weir::cli {
namespace {

struct CheckFlowFlags {
  std::string target;
  std::string engine;
  std::string output = "text";
};

int Check(Session& session, const CheckFlowFlags& flags) {
  const Result<CheckedFlow> checked = CheckFlowFile(flags.target, session, flags.engine);
  const int code = !checked ? ExitCode(checked.error()) : checked->ok() ? kExitOk : kExitConfig;
  if (flags.output == "json") {
    session.terminal.Out(checked ? ProblemsJson(checked->ok(), checked->problems)
                                 : ProblemsJson(false, {{.message = checked.error().message}}));
    return code;
  }
  if (!checked) return Refuse(session, checked.error());
  const Result<void> told = TellProblems(checked->problems, session.terminal);
  if (!told) return Refuse(session, told.error());
  const std::size_t warnings = checked->problems.size();
  session.terminal.Out(StrCat(
      flags.target, ": ", flow::Counted(checked->nodes, "node", "nodes"), ", ",
      warnings == 0 ? std::string("all well") : flow::Counted(warnings, "warning", "warnings"),
      "\n"));
  return kExitOk;
}

void AddFlowCheck(CLI::App& flow, Session& session) {
  auto flags = std::make_shared<CheckFlowFlags>();  // shared by the callbacks below
  CLI::App& command = AddCommand(flow, "check", "Find mistakes before the first token");
  TextFlag(command, "flow", flags->target, "FILE, FILE#NAME or a folder with a flow.yaml")
      .Required()
      .Shows("FLOW");
  TextFlag(command, "-e,--engine", flags->engine, "asked instead of those that the flow names");
  TextFlag(command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  SetRun(command, session, [flags, &session] { return Check(session, *flags); });
}

struct ShowFlowFlags {
  std::string target;
  std::string form = "tree";
  int max_branches = 0;
};

int Show(Session& session, const ShowFlowFlags& flags) {
  const Result<LoadedFlow> loaded = LoadFlow(flags.target, session);
  if (!loaded) return Refuse(session, loaded.error());
  const flow::Graph& graph = loaded->graph;
  if (flags.form == "dot") {
    session.terminal.Out(flow::ShowDot(graph));
  } else if (flags.form == "mermaid") {
    session.terminal.Out(flow::ShowMermaid(graph));
  } else if (flags.form == "json") {
    session.terminal.Out(flow::GraphJson(graph) + "\n");
  } else {
    session.terminal.Out(flow::ShowTree(
        graph, {.unicode = SpeaksUnicode(session.env), .max_branches = flags.max_branches}));
  }
  return kExitOk;
}

// `weir flow show`, which the older names `inspect` and `inspect-dag` mean, too.
void AddFlowShow(CLI::App& parent, const std::string& name, Session& session) {
  auto flags = std::make_shared<ShowFlowFlags>();  // shared by the callbacks below
  CLI::App& command = AddCommand(parent, name, "Draw a flow as a tree, or for other programs");
  TextFlag(command, "flow", flags->target, "FILE, FILE#NAME or a folder with a flow.yaml")
      .Required()
      .Shows("FLOW");
  const Flag dot = SwitchFlag(command, "--dot", [flags] { flags->form = "dot"; }, "for Graphviz");
  const Flag mermaid =
      SwitchFlag(command, "--mermaid", [flags] { flags->form = "mermaid"; }, "for Mermaid");
  mermaid.Excludes(dot);
  SwitchFlag(
      command, "--json", [flags] { flags->form = "json"; }, "as in graph.json of a run")
      .Excludes(dot)
      .Excludes(mermaid);
  TextFlag(
      command, "-o,--output",
      [flags](const std::string& form) {
        if (form == "json") flags->form = form;
      },
      "text (a tree) or json")
      .OneOf({"text", "json"})
      .Excludes(dot)
      .Excludes(mermaid);
  LooseNumberFlag(command, "--max-branches", flags->max_branches,
                  "branches of one parallel in the tree, then \"+N more\"");
  SetRun(command, session, [flags, &session] { return Show(session, *flags); });
  if (name != "show") HideCommand(command);
}

}  // namespace

void AddFlowCommand(CLI::App& app, Session& session) {
  CLI::App& flow = AddCommand(app, "flow", "Check and draw flows");
  RequireCommand(flow);
  AddFlowCheck(flow, session);
  AddFlowShow(flow, "show", session);
  AddFlowShow(app, "inspect", session);
  AddFlowShow(app, "inspect-dag", session);
}

}  // namespace weir::cli
