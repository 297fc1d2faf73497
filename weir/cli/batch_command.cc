#include <algorithm>
#include <memory>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/batch_remote.h"
#include "weir/cli/flags.h"
#include "weir/cli/run_job.h"
#include "weir/cli/vllm_flags.h"

namespace weir::cli {
namespace {

struct LocalFlags {
  std::string input;
  std::string out;
  std::string engine;
  std::string model;
  std::optional<std::int64_t> concurrency;
  bool quiet = false;
};

// A file that is run here is a run like any other: `weir run` does it.
int RunLocal(const Session& session, const LocalFlags& flags) {
  std::vector<std::string> words = {"run", StrCat("--format=", kBatchFormat),
                                    "--input=" + flags.input, "--out=" + flags.out};
  if (!flags.engine.empty()) words.push_back("--engine=" + flags.engine);
  if (!flags.model.empty()) words.push_back("--model=" + flags.model);
  if (flags.concurrency) words.push_back(StrCat("--concurrency=", *flags.concurrency));
  if (flags.quiet) words.emplace_back("--quiet");
  Session inner = session;
  inner.run = nullptr;
  const std::shared_ptr<CLI::App> line = NewCommandLine("");
  AddRunCommand(*line, inner);
  ParseWords(*line, std::move(words));
  return inner.run();
}

void AddLocalFlags(CLI::App& command, LocalFlags& flags) {
  TextFlag(command, "-e,--engine", flags.engine, "name from weir.yaml, \"sim\", or an address");
  NumberFlag(command, "--concurrency", flags.concurrency, "calls at once; default: 16");
  SwitchFlag(command, "--quiet", flags.quiet, "no progress; the summary at the end");
}

void AddRun(CLI::App& batch, Session& session) {
  auto flags = std::make_shared<LocalFlags>();  // shared by what the command keeps
  CLI::App& command =
      AddCommand(batch, "run", "Run a batch file here, against any engine, one call a line");
  TextFlag(command, "input", flags->input, "the requests, one JSON object a line").Required();
  TextFlag(command, "-o,--out", flags->out, "the file of answers").Required();
  TextFlag(command, "-m,--model", flags->model, "instead of the models that the requests name");
  AddLocalFlags(command, *flags);
  SetRun(command, session, [flags, &session] { return RunLocal(session, *flags); });
}

// The names of those among `words` that are for the server which vLLM would start, of whatever
// version it is. Anything else is a usage error.
std::vector<std::string> ServerFlagsIn(const std::vector<std::string>& words) {
  constexpr wire::Version kAll{0, 0, 0};  // which has what was removed later
  const Result<VllmArguments> read = ReadVllmServe(words, kAll, ReadInput);
  if (!read) {
    const bool has_config = std::ranges::any_of(
        words, [](const std::string& word) { return word.starts_with("--config"); });
    ThrowUsageError(StrCat("neither weir nor vLLM takes it: ", Redact(read.error().message),
                           has_config
                               ? "; --config is vLLM's here, and weir's own stands before the "
                                 "command: weir --config FILE run-batch"
                               : ""));
  }
  if (read->Has("model_tag")) {
    ThrowUsageError(
        StrCat("'", *read->model, "' belongs to no flag; the model is named by --model"));
  }
  return read->names();
}

// The words of `vllm run-batch`.
void AddVllmRun(CLI::App& app, Session& session) {
  struct VllmRunFlags : LocalFlags {
    std::vector<std::string> ignored;
  };
  auto flags = std::make_shared<VllmRunFlags>();
  CLI::App& command = AddOpenCommand(app, "run-batch", "Run a batch file, by vLLM's flags");
  HideCommand(command);
  TextFlag(command, "-i,--input-file,--input_file", flags->input, "the requests").Required();
  TextFlag(command, "-o,--output-file,--output_file", flags->out, "the file of answers").Required();
  TextFlag(command, "--model", flags->model, "instead of the models that the requests name");
  AddLocalFlags(command, *flags);
  // vLLM has them for this command alone.
  for (const char* const names : {"--output-tmp-dir,--output_tmp_dir", "--url"}) {
    const std::string_view all = names;
    const std::string name(all.substr(2, all.find(',') - 2));
    const auto note = [flags, name](const std::string&) { flags->ignored.push_back(name); };
    TextFlag(command, names, note, "of vLLM; changes nothing");
  }
  SwitchFlag(
      command, "--enable-metrics,--enable_metrics",
      [flags] { flags->ignored.emplace_back("enable-metrics"); }, "of vLLM; changes nothing");
  OnChosen(command, [flags, &command, &session] {
    const std::vector<std::string> others =
        ServerFlagsIn(WordsBehind(command).value_or(std::vector<std::string>()));
    flags->ignored.insert(flags->ignored.end(), others.begin(), others.end());
    session.run = [flags, &session] {
      if (!flags->ignored.empty()) {
        session.terminal.Note(StrCat("these flags of vLLM change nothing here: --",
                                     Join(flags->ignored, ", --"),
                                     "; the model runs in a server that -e names"));
      }
      return RunLocal(session, *flags);
    };
  });
}

struct Verb {
  CLI::App& command;
  std::shared_ptr<BatchFlags> flags;
};

// A verb that asks a provider, with the flags that all have.
Verb AddVerb(CLI::App& batch, Session& session, const char* name, const char* help,
             int (*run)(Session&, const BatchFlags&)) {
  auto flags = std::make_shared<BatchFlags>();
  CLI::App& command = AddCommand(batch, name, help);
  TextFlag(command, "-e,--engine", flags->common.engine, "name from weir.yaml, or an address");
  SwitchFlag(
      command, "--json", [flags] { flags->common.output = "json"; }, "objects as JSON on stdout");
  TextFlag(command, "--events", flags->common.events_file, "append events and spans to this file");
  SetRun(command, session, [flags, run, &session] { return run(session, *flags); });
  return {command, flags};
}

void AddWaitFlags(const Verb& verb) {
  BatchFlags& flags = *verb.flags;
  SwitchFlag(verb.command, "--wait", flags.wait, "wait for the end, and write the answers");
  NumberFlag(verb.command, "--poll", flags.poll, "most seconds between two looks; default: 60");
  SwitchFlag(verb.command, "--quiet", flags.quiet, "no progress");
}

void AddTarget(const Verb& verb) {
  TextFlag(verb.command, "batch", verb.flags->target,
           "its id, or the file that `submit` was given with -o")
      .Required();
}

// The others have their file of answers behind -o.
void AddFormFlag(const Verb& verb) {
  TextFlag(verb.command, "-o,--output", verb.flags->common.output, "text or json")
      .OneOf({"text", "json"});
}

void AddSubmit(CLI::App& batch, Session& session) {
  const Verb verb =
      AddVerb(batch, session, "submit", "Send a batch file to a provider", SubmitBatch);
  BatchFlags& flags = *verb.flags;
  TextFlag(verb.command, "input", flags.input, "the requests, one JSON object a line").Required();
  TextFlag(verb.command, "-o,--out", flags.out, "the file of answers, once they are there")
      .Required();
  TextFlag(verb.command, "--window", flags.window, "the completion window; default: 24h");
  ListFlag(verb.command, "--metadata", flags.metadata,
           "KEY=VALUE, kept with the batch; may be repeated");
  SwitchFlag(verb.command, "--resubmit-missing", flags.resubmit_missing,
             "send the requests again that an expired or cancelled batch left without "
             "an answer");
  AddWaitFlags(verb);
}

}  // namespace

void AddBatchCommand(CLI::App& app, Session& session) {
  CLI::App& batch =
      AddCommand(app, "batch", "Batch files: run them here, or have a provider run them");
  RequireCommand(batch);
  AddRun(batch, session);
  AddVllmRun(app, session);
  AddSubmit(batch, session);
  const Verb status = AddVerb(batch, session, "status", "Say how far a batch is", ShowBatch);
  AddTarget(status);
  AddFormFlag(status);
  const Verb collect =
      AddVerb(batch, session, "collect",
              "Write the answers of a batch, in the order of its requests", CollectBatch);
  AddTarget(collect);
  TextFlag(collect.command, "-o,--out", collect.flags->out, "the file of answers, with an id");
  TextFlag(collect.command, "-i,--input", collect.flags->input,
           "the requests; default: where they were sent from, or with an id fetched from the "
           "provider");
  AddWaitFlags(collect);
  const Verb cancel =
      AddVerb(batch, session, "cancel", "Stop a batch; what is done is kept", CancelBatch);
  AddTarget(cancel);
  AddFormFlag(cancel);
  const Verb list = AddVerb(batch, session, "list", "List the batches of a provider", ListBatches);
  AddFormFlag(list);
  NumberFlag(list.command, "--limit", list.flags->limit, "the newest N; default: 20");
}

}  // namespace weir::cli
