// server, vllm, runner, operations, event_stream: as sections of a file, or as classes.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/config/import_python.h"
#include "weir/config/import_source.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kSectionsExample =
    "server:\n  base_url: http://localhost:8000/v1\nrunner:\n  max_turns: 20\n";
constexpr std::array<std::string_view, 8> kSections = {
    "server", "vllm", "runner", "cairn", "operations", "event_stream", "discovery", "agents_dir"};

// What the vllm section means by what it does not say.
struct Default {
  std::string_view key;
  std::string_view value;  // as it is written
};
constexpr Default kDefaults[] = {{"guided_json", "true"},
                                 {"top_p", "0.9"},
                                 {"top_k", "50"},
                                 {"repetition_penalty", "1.0"},
                                 {"stop", {}},
                                 {"logprobs", {}},
                                 {"prompt_logprobs", {}},
                                 {"skip_special_tokens", "true"},
                                 {"max_logprobs", "20"}};

// VLLMConfig: vllm; EventStreamConfig: eventstream.
std::string SectionOfClass(std::string_view name) {
  for (const std::string_view tail : {"Config", "Settings"}) {
    if (name.ends_with(tail)) name.remove_suffix(tail.size());
  }
  std::string word = ToLower(name);
  return word == "eventstream" ? "event_stream" : word;
}

class Sections {
 public:
  explicit Sections(ImportJob& job) : job_(job) {}

  Result<void> File(const json::YamlDocument& document) {
    Section root(job_, document);
    WEIR_CHECK(root.MustBeMap(kSectionsExample));
    for (const std::string_view key : kSections) {
      WEIR_CHECK(One(key, root.Inside(key), root));
    }
    root.LeaveRest();
    return Finish(root);
  }

  Result<void> Classes(const json::YamlDocument& document) {
    Section root(job_, document);
    Section classes = root.Inside("classes");
    for (const auto& [name, fields] : classes.value().members()) {
      const std::string key = SectionOfClass(name);
      Section fields_of(job_, document, StrCat("/classes/", name));
      if (std::ranges::find(kSections, key) != kSections.end()) {
        WEIR_CHECK(One(key, fields_of, root));
        continue;
      }
      for (const std::string_view inner : kSections) {
        WEIR_CHECK(One(inner, fields_of.Inside(inner), fields_of));
      }
      fields_of.LeaveRest();
    }
    return Finish(root);
  }

 private:
  static DraftPath Engine(std::string_view key) {
    DraftPath path = {"engines", "vllm"};
    for (const std::string_view part : Split(key, '.')) path.emplace_back(part);
    return path;
  }

  Result<void> One(std::string_view key, Section section, Section& around) {
    if (!section.value().exists() || section.value().IsNull()) return {};
    any_ = true;
    if (key == "agents_dir") {
      around.Leave(key, "agents are nodes of a flow here; see docs/import.md");
      return {};
    }
    WEIR_CHECK(section.MustBeMap(kSectionsExample));
    if (key == "server") Server(section);
    if (key == "vllm") Vllm(section);
    if (key == "runner") Runner(section);
    if (key == "cairn") Workspaces(section);
    if (key == "operations") return Operations(section);
    if (key == "event_stream") {
      WEIR_CHECK(Events(section));
    }
    if (key == "discovery") {
      section.Note("", "is not carried: the rows of a run come from `weir run --files`");
      return {};
    }
    section.LeaveRest();
    return {};
  }

  void Server(Section& server) {
    server.Move("base_url", Engine("base_url"));
    if (server.Move("api_key", Engine("api_key")) &&
        !EqualsIgnoreCase(server.value().Find("api_key").StringOr(""), "EMPTY")) {
      server.Note("api_key", "stands in the file as it is; ${VARIABLE} would keep it out");
    }
    server.Move("timeout", Engine("timeouts.total"));
    server.Move("default_adapter", Engine("model"), "an adapter is asked for as a model");
  }

  void Vllm(Section& vllm) {
    for (const Default& value : kDefaults) {
      const DraftPath path = Engine(StrCat("defaults.", value.key));
      if (vllm.Move(value.key, path) || value.value.empty()) continue;
      SetDefault(value, path, vllm.Origin());
    }
    said_vllm_ = true;
  }

  void SetDefault(const Default& value, const DraftPath& path, const ImportOrigin& origin) {
    const std::optional<double> number = ParseDouble(value.value);
    job_.draft.Set(path, number ? Value::Of(*number) : Value::Of(true), origin,
                   "not said, the default there");
  }

  void Runner(Section& runner) {
    for (const auto& [key, ours] :
         {std::pair{"max_turns", "max_turns"}, std::pair{"max_concurrent_runners", "concurrency"},
          std::pair{"timeout", "run_timeout"}, std::pair{"max_tokens", "max_tokens"},
          std::pair{"temperature", "temperature"}}) {
      runner.Move(key, {"profiles", "agent", ours});
    }
    runner.Leave("tool_choice", "write tool_choice: in the agent node of the flow");
  }

  void Workspaces(Section& cairn) {
    for (const auto& [key, ours] :
         {std::pair{"max_concurrent_agents", "concurrency"}, std::pair{"timeout", "run_timeout"}}) {
      const DraftPath path = {"profiles", "agent", ours};
      if (job_.draft.Has(path)) {
        cairn.Leave(key, "the runner section says it, too");
      } else {
        cairn.Move(key, path);
      }
    }
    cairn.Leave("command", "tools are run by the flow itself");
    cairn.Leave("home", "workspaces lie in the folder of the run");
  }

  Result<void> Operations(Section& operations) {
    WEIR_CHECK(operations.MustBeShort());
    for (const auto& [name, value] : operations.value().members()) {
      Section operation = operations.Inside(name);
      WEIR_CHECK(operation.MustBeMap(kSectionsExample));
      WEIR_TRY(const std::optional<std::string> adapter, operation.TakeText("model_id"));
      if (adapter && !adapter->empty()) {
        DraftPath path = Engine("adapters");
        path.push_back(*adapter);
        job_.draft.Touch(path, operation.Origin("model_id"));
      }
      operation.Note("", "is not carried, its adapter aside: import the bundle of its agent, too");
    }
    return {};
  }

  Result<void> Events(Section& events) {
    WEIR_TRY(const std::optional<bool> enabled, events.TakeBool("enabled"));
    if (!enabled.value_or(false)) {
      events.Leave("output", "the stream is not enabled; events: {file: ...} switches it on");
    } else if (!events.Move("output", {"events", "file"})) {
      job_.draft.Set({"events", "file"}, Value::Of(".weir/events.jsonl"), events.Origin("enabled"));
    }
    if (events.Move("control_file", {"events", "control_file"})) {
      events.Note("control_file", "switches events off while it holds `off`, not by JSON");
    }
    events.Move("include_payloads", {"events", "payloads"});
    events.Move("max_payload_chars", {"events", "max_payload_chars"});
    return {};
  }

  Result<void> Finish(const Section& root) {
    if (!any_) {
      return root.Wrong("", StrCat("none of the sections server, vllm, runner, cairn, operations, "
                                   "event_stream is here; expected something like\n\n",
                                   kSectionsExample));
    }
    const ImportOrigin origin = root.Origin();
    if (!job_.draft.Has(Engine("base_url"))) {
      job_.draft.Set(Engine("base_url"), Value::Of("http://localhost:8000"), origin, "assumed");
      job_.Note(origin.mark, "there is no server.base_url: http://localhost:8000 is assumed");
    }
    job_.draft.Set(Engine("profile"), Value::Of("agent"), origin,
                   "max_tokens and temperature of the runner");
    if (!said_vllm_) {
      for (const Default& value : kDefaults) {
        if (!value.value.empty()) SetDefault(value, Engine(StrCat("defaults.", value.key)), origin);
      }
    }
    return {};
  }

  ImportJob& job_;
  bool any_ = false;
  bool said_vllm_ = false;
};

}  // namespace

Result<void> ImportSections(std::string_view text, ImportJob& job) {
  Sections sections(job);
  if (LooksLikePython(text)) {
    WEIR_TRY(const json::YamlDocument program, ReadPython(text, job.file, {}));
    return sections.Classes(program);
  }
  WEIR_TRY(const json::YamlDocument document, ReadSource(text, job.file));
  return sections.File(document);
}

}  // namespace weir::config
