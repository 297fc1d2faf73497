// provider_settings by provider, or create_llm() calls.

#include <algorithm>
#include <array>
#include <map>

#include "weir/base/text.h"
#include "weir/config/import_python.h"
#include "weir/config/import_source.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kSettingsExample =
    "{\"provider_settings\": {\"vllm\": {\"base_url\": \"http://localhost:8000/v1\"}}}\n";

// What the wire calls by the same name.
constexpr std::array<std::string_view, 11> kSampling = {"temperature",
                                                        "top_p",
                                                        "top_k",
                                                        "min_p",
                                                        "seed",
                                                        "stop",
                                                        "presence_penalty",
                                                        "frequency_penalty",
                                                        "repetition_penalty",
                                                        "logprobs",
                                                        "prompt_logprobs"};

std::string_view KindOf(std::string_view provider) {
  static const std::map<std::string_view, std::string_view> kKinds = {
      {"vllm", "vllm"},
      {"openai", "openai"},
      {"ollama", "ollama"},
      {"lmstudio", "openai"},
      {"openai-compatible", "openai"},
      {"openrouter", "openai"}};
  const auto found = kKinds.find(provider);
  return found == kKinds.end() ? "" : found->second;
}

class Settings {
 public:
  explicit Settings(ImportJob& job) : job_(job) {}

  // `provider` is the name of the engine, too.
  Result<void> Provider(Section section, const std::string& provider) {
    WEIR_CHECK(section.MustBeMap(kSettingsExample));
    const std::string_view kind = KindOf(provider);
    if (kind.empty()) {
      section.Note("", "is not carried: no vLLM, OpenAI or Ollama server");
      return {};
    }
    const DraftPath engine = {"engines", provider};
    job_.draft.Set(Below(engine, "kind"), Value::Of(kind), section.Origin());
    if (!section.Move("base_url", Below(engine, "base_url"))) {
      if (kind == "openai" && provider != "openai") {
        return section.Wrong("", "has no base_url; add one: \"base_url\": \"http://HOST:PORT/v1\"");
      }
      if (kind == "vllm") {
        job_.draft.Set(Below(engine, "base_url"), Value::Of("http://localhost:8000/v1"),
                       section.Origin(), "not said, the default there");
      }
    }
    if (!section.Move("default_model", Below(engine, "model"))) {
      section.Move("model", Below(engine, "model"));
    }
    section.Move("timeout", Below(engine, "timeouts.total"));
    if (section.Move("api_key", Below(engine, "api_key")) &&
        !EqualsIgnoreCase(section.value().Find("api_key").StringOr(""), "EMPTY")) {
      section.Note("api_key", "stands in the file as it is; ${VARIABLE} would keep it out");
    }
    Section parameters = section.Inside("parameters");
    if (parameters.value().exists() && !parameters.value().IsNull()) {
      WEIR_CHECK(parameters.MustBeMap(kSettingsExample));
      WEIR_CHECK(Parameters(parameters, engine));
      parameters.LeaveRest();
    }
    WEIR_CHECK(Parameters(section, engine));
    section.LeaveRest();
    any_ = true;
    return {};
  }

  bool any() const { return any_; }

 private:
  static DraftPath Below(DraftPath path, std::string_view key) {
    for (const std::string_view part : Split(key, '.')) path.emplace_back(part);
    return path;
  }

  Result<void> Parameters(Section& section, const DraftPath& engine) {
    for (const std::string_view key : kSampling) {
      section.Move(key, Below(engine, StrCat("defaults.", key)));
    }
    Tokens(section, engine);
    Section extra = section.Inside("extra_body");
    if (extra.value().exists() && !extra.value().IsNull()) {
      WEIR_CHECK(extra.MustBeMap(kSettingsExample));
      section.Move("extra_body", Below(engine, "extra"), "raw fields of every request");
      if (extra.value().Find("guided_decoding_backend").exists()) {
        extra.Note("guided_decoding_backend",
                   "is sent to servers up to vLLM 0.11; later ones have a flag for it, "
                   "--structured-outputs-config.backend, and are not sent it");
      }
    }
    return {};
  }

  // max_tokens counts the prompt, too; here it is the answer alone.
  void Tokens(Section& section, const DraftPath& engine) {
    const bool has_output = section.Move("max_output_tokens", Below(engine, "defaults.max_tokens"));
    if (has_output) {
      section.Move("max_tokens", Below(engine, "limits.context_window"),
                   "max_tokens there: prompt and answer together");
    } else if (section.Move("max_tokens", Below(engine, "defaults.max_tokens"))) {
      section.Note("max_tokens",
                   "is a budget of prompt and answer together there, and caps the answer here; "
                   "for the budget, write limits: {context_window: N}");
    }
  }

  ImportJob& job_;
  bool any_ = false;
};

// create_llm("vllm", model=..., base_url=...)
Result<void> SettingsFromProgram(std::string_view text, ImportJob& job) {
  static constexpr std::string_view kCalls[] = {"create_llm"};
  WEIR_TRY(const json::YamlDocument document, ReadPython(text, job.file, kCalls));
  Settings settings(job);
  Section calls = Section(job, document).Inside("calls");
  for (std::size_t i = 0; i < calls.value().size(); ++i) {
    Section call = calls.Item(i);
    json::View provider = call.value().Find("named").Find("provider");
    if (!provider.exists()) provider = call.value().Find("arguments")[0];
    if (!provider.IsString()) {
      return call.Wrong("", "names no provider; expected create_llm(\"vllm\", model=\"...\")");
    }
    Section named(job, document, StrCat("/calls/", i, "/named"));
    named.Take("provider");
    WEIR_CHECK(settings.Provider(named, std::string(provider.StringOr(""))));
  }
  if (settings.any()) return {};
  return Fail(job.Wrong({}, StrCat("found no create_llm() call with a provider that is known; "
                                   "expected it, or JSON such as\n\n",
                                   kSettingsExample)));
}

}  // namespace

Result<void> ImportSettings(std::string_view text, ImportJob& job) {
  if (LooksLikePython(text)) return SettingsFromProgram(text, job);
  WEIR_TRY(const json::YamlDocument document, ReadSource(text, job.file));
  Section root(job, document);
  WEIR_CHECK(root.MustBeMap(kSettingsExample));
  Section providers = root.Inside("provider_settings");
  WEIR_CHECK(providers.MustBeMap(kSettingsExample));
  WEIR_CHECK(providers.MustBeShort());
  Settings settings(job);
  for (const auto& [name, value] : providers.value().members()) {
    WEIR_CHECK(settings.Provider(providers.Inside(name), std::string(name)));
  }
  root.Leave("api_keys", "keys stay where they are; export VLLM_API_KEY or OPENAI_API_KEY");
  root.LeaveRest();
  if (settings.any()) return {};
  return providers.Wrong("", StrCat("has no provider that is known: vllm, openai, ollama, "
                                    "lmstudio, openai-compatible, openrouter; expected\n\n",
                                    kSettingsExample));
}

}  // namespace weir::config
