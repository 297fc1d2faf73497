// A list of providers: module, source, config.

#include <algorithm>
#include <array>

#include "weir/base/text.h"
#include "weir/config/import_python.h"
#include "weir/config/import_source.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kProvidersExample =
    "providers:\n  - module: provider-vllm\n    config:\n"
    "      base_url: \"http://localhost:8000\"\n";

enum class Form : std::uint8_t { kEntry, kFragment };

class Providers {
 public:
  explicit Providers(ImportJob& job) : job_(job) {}

  Result<void> MountPlan(Section plan) {
    WEIR_CHECK(plan.MustBeMap(kProvidersExample));
    if (plan.value().Find("module").exists()) return Entry(plan, Form::kEntry);
    if (!plan.value().Find("providers").exists()) {
      if (!plan.value().Find("config").IsObject()) {
        return plan.Wrong("", StrCat("holds no providers; expected\n\n", kProvidersExample));
      }
      return Entry(plan, Form::kFragment);
    }
    WEIR_CHECK(List(plan.Inside("providers")));
    for (const std::string_view key : {"session", "tools", "hooks", "agents"}) {
      plan.Leave(key, "it says nothing about where models answer");
    }
    plan.LeaveRest();
    return {};
  }

  Result<void> List(const Section& list) {
    if (!list.value().IsArray()) {
      return list.Wrong(
          "", StrCat("must be a list of entries, found ", json::KindName(list.value().kind()),
                     "; expected\n\n", kProvidersExample));
    }
    WEIR_CHECK(list.MustBeShort());
    for (std::size_t i = 0; i < list.value().size(); ++i) {
      WEIR_CHECK(Entry(list.Item(i), Form::kEntry));
    }
    return {};
  }

  bool any() const { return !names_.empty(); }

 private:
  Result<void> Entry(Section entry, Form form) {
    WEIR_CHECK(entry.MustBeMap(kProvidersExample));
    WEIR_TRY(const std::optional<std::string> module, entry.TakeText("module"));
    const std::string word = module.value_or("provider-vllm");
    const std::string kind = word.substr(word.starts_with("provider-") ? 9 : 0);
    constexpr std::array<std::string_view, 3> kKinds = {"vllm", "openai", "ollama"};
    if (std::ranges::find(kKinds, kind) == kKinds.end()) {
      entry.Note("module", StrCat("is not carried: '", Truncate(word, 60),
                                  "' is no vLLM, OpenAI or Ollama server"));
      return {};
    }
    if (const auto source = entry.Take("source").AsString()) {
      entry.Note("source",
                 StrCat("is only recorded here, nothing is downloaded: ", Truncate(*source, 200)));
    }
    WEIR_TRY(const std::string name, NameOf(entry, kind));
    const DraftPath engine = {"engines", name};
    job_.draft.Set(Below(engine, "kind"), Value::Of(kind), entry.Origin("module"));
    Section config = entry.Inside("config");
    if (config.value().exists() && !config.value().IsNull()) {
      WEIR_CHECK(config.MustBeMap(kProvidersExample));
    }
    WEIR_CHECK(Access(entry, config, engine, form));
    WEIR_CHECK(Rest(config, engine));
    entry.LeaveRest();
    config.LeaveRest();
    return {};
  }

  static DraftPath Below(DraftPath path, std::string_view key) {
    for (const std::string_view part : Split(key, '.')) path.emplace_back(part);
    return path;
  }

  Result<std::string> NameOf(Section& entry, std::string_view kind) {
    std::string name(kind);
    for (const std::string_view key : {"name", "id", "instance_id"}) {
      WEIR_TRY(const std::optional<std::string> given, entry.TakeText(key));
      if (given && !given->empty()) name = *given;
    }
    const std::string first = name;
    for (int n = 2; std::ranges::find(names_, name) != names_.end(); ++n) {
      name = StrCat(first, "-", n);
    }
    names_.push_back(name);
    return name;
  }

  Result<void> Access(const Section& entry, Section& config, const DraftPath& engine, Form form) {
    const bool is_vllm = IsVllm(entry);
    const bool has_url = config.Move("base_url", Below(engine, "base_url"));
    if (!has_url && form == Form::kFragment) {
      entry.Note("config", "is a fragment without a base_url: http://localhost:8000 is assumed");
      job_.draft.Set(Below(engine, "base_url"), Value::Of("http://localhost:8000"),
                     entry.Origin("config"), "assumed");
    } else if (!has_url && is_vllm) {
      return Fail(NoBaseUrl(entry));
    }
    config.Move("default_model", Below(engine, "model"));
    if (config.Move("api_key", Below(engine, "api_key")) &&
        !EqualsIgnoreCase(config.value().Find("api_key").StringOr(""), "EMPTY")) {
      config.Note("api_key", "stands in the file as it is; ${VARIABLE} would keep it out");
    }
    WEIR_TRY(const std::optional<bool> completions, config.TakeBool("use_completions"));
    if (completions || is_vllm) {
      const bool wanted = completions.value_or(true);
      job_.draft.Set(Below(engine, "api"), Value::Of(wanted ? "completions" : "chat"),
                     config.Origin("use_completions"),
                     completions ? "" : "use_completions is absent, which means true there");
    }
    return {};
  }

  static bool IsVllm(const Section& entry) {
    return entry.value().Find("module").StringOr("provider-vllm").ends_with("vllm");
  }

  Error NoBaseUrl(const Section& entry) const {
    return job_.Wrong(entry.Origin("config").mark,
                      "No base_url found for this provider; add it to its config, or write "
                      "base_url: ${VLLM_BASE_URL} to have it from the environment:\n\n"
                      "config:\n  base_url: \"http://localhost:8000\"\n");
  }

  Result<void> Rest(Section& config, const DraftPath& engine) {
    job_.draft.Set(Below(engine, "profile"), Value::Of("completion"), config.Origin(),
                   "what is not said: 1024 tokens, temperature 0.7, 300 s");
    for (const auto& [key, path] :
         {std::pair{"timeout", "timeouts.total"}, std::pair{"priority", "priority"},
          std::pair{"max_retries", "retry.max_retries"},
          std::pair{"max_tokens", "defaults.max_tokens"},
          std::pair{"temperature", "defaults.temperature"},
          std::pair{"debug_truncate_length", "debug.truncate"}}) {
      config.Move(key, Below(engine, path));
    }
    WEIR_TRY(const std::optional<bool> debug, config.TakeBool("debug"));
    WEIR_TRY(const std::optional<bool> raw, config.TakeBool("raw_debug"));
    if (debug || raw) {
      const std::string_view level = raw.value_or(false)     ? "raw"
                                     : debug.value_or(false) ? "summary"
                                                             : "off";
      job_.draft.Set(Below(engine, "debug.level"), Value::Of(level),
                     config.Origin(raw ? "raw_debug" : "debug"));
    }
    return {};
  }

  ImportJob& job_;
  std::vector<std::string> names_;
};

Result<void> ProvidersFromProgram(std::string_view text, ImportJob& job) {
  WEIR_TRY(const json::YamlDocument document, ReadPython(text, job.file, {}));
  Providers providers(job);
  for (const auto& [name, value] : document.value.Find("values").members()) {
    if (!value.Find("providers").exists()) continue;
    std::string pointer = "/values";
    json::AppendToken(pointer, name);
    WEIR_CHECK(providers.MountPlan(Section(job, document, std::move(pointer))));
  }
  if (providers.any()) return {};
  return Fail(job.Wrong({}, StrCat("no dict with \"providers\" is assigned in this program; "
                                   "expected YAML such as\n\n",
                                   kProvidersExample)));
}

}  // namespace

Result<void> ImportProviders(std::string_view text, ImportJob& job) {
  if (LooksLikePython(text)) return ProvidersFromProgram(text, job);
  WEIR_TRY(const json::YamlDocument document, ReadSource(text, job.file));
  Providers providers(job);
  const Section root(job, document);
  if (root.value().IsArray()) return providers.List(root);
  return providers.MountPlan(root);
}

}  // namespace weir::config
