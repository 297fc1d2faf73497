#include "weir/cli/vllm_plan.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

constexpr const char* kDefaultModel = "Qwen/Qwen3-0.6B";
constexpr std::int64_t kDefaultPort = 8000;
constexpr std::int64_t kMostPort = 65535;

constexpr const char* kToolParsers =
    "apertus cohere_command3 cohere_command4 deepseek_v3 deepseek_v31 deepseek_v32 deepseek_v4 "
    "dots ernie45 functiongemma gemma4 gigachat3 glm45 glm47 granite granite-20b-fc granite4 "
    "hermes hunyuan_a13b hy_v3 inkling internlm jamba kimi_k2 kimi_k3 lfm2 ling3 llama3_json "
    "llama4_json llama4_pythonic longcat mimo minicpm5 minimax_m2 minimax_m3 mistral muse_glimmer "
    "olmo3 openai phi4_mini_json poolside_v1 pythonic qwen3_coder qwen3_xml seed_oss step3 step3p5 "
    "xlam";
constexpr const char* kReasoningParsers =
    "cohere_command3 cohere_command4 deepseek_r1 deepseek_v3 deepseek_v4 ernie45 gemma4 glm45 "
    "glm47 granite holo2 hunyuan_a13b hy_v3 inkling kimi_k2 kimi_k3 ling3 mimo minimax_m2 "
    "minimax_m2_append_think minimax_m3 mistral muse_glimmer nemotron_v3 olmo3 openai_gptoss "
    "poolside_v1 qwen3 seed_oss step3 step3p5";

// The flags that mean something here.
constexpr const char* kHonoured[] = {"model_tag",
                                     "model",
                                     "host",
                                     "port",
                                     "uds",
                                     "ssl-keyfile",
                                     "ssl-certfile",
                                     "api-key",
                                     "served-model-name",
                                     "max-model-len",
                                     "max-num-seqs",
                                     "max-num-batched-tokens",
                                     "max-num-queued-reqs",
                                     "max-num-queued-tokens",
                                     "scheduling-policy",
                                     "enable-prefix-caching",
                                     "block-size",
                                     "num-gpu-blocks-override",
                                     "enable-lora",
                                     "enable-sleep-mode",
                                     "lora-modules",
                                     "max-loras",
                                     "enable-auto-tool-choice",
                                     "tool-call-parser",
                                     "tool-parser-plugin",
                                     "reasoning-parser",
                                     "reasoning-parser-plugin",
                                     "enable-reasoning",
                                     "max-logprobs",
                                     "enable-prompt-tokens-details",
                                     "enable-force-include-usage",
                                     "enable-request-id-headers",
                                     "enable-server-load-tracking",
                                     "disable-log-stats",
                                     "shutdown-timeout"};

bool IsOn(const Env& env, std::string_view name) {
  const std::optional<std::string> value = env.Get(name);
  return value && (*value == "1" || EqualsIgnoreCase(*value, "true"));
}

// As Python shows a KeyError: its text in quotes.
std::unexpected<Error> KeyErrorOf(std::string_view kind, std::string_view name,
                                  std::string_view known) {
  std::string list(known);
  for (std::size_t at = 0; (at = list.find(' ', at)) != list.npos;) list.replace(at, 1, ",");
  return Fail(Code::kConfigError, StrCat("KeyError: 'invalid ", kind, " parser: ", name,
                                         " (chose from { ", list, " })'"));
}

bool IsOneOf(std::string_view word, const char* words) {
  const std::vector<std::string_view> list = Split(words, ' ');
  return std::ranges::find(list, word) != list.end();
}

Result<void> PlanAddress(const VllmArguments& arguments, VllmPlan& plan) {
  const std::int64_t port = arguments.Int("port").value_or(kDefaultPort);
  if (port < 0 || port > kMostPort) {
    return Fail(Code::kConfigError, "OverflowError: bind(): port must be 0-65535.");
  }
  plan.listen.tls.cert_file = arguments.Text("ssl-certfile").value_or("");
  plan.listen.tls.key_file = arguments.Text("ssl-keyfile").value_or("");
  if (const auto path = arguments.Text("uds")) {
    plan.listen.address = StrCat("unix:", *path);
    plan.url = plan.listen.address;
    return {};
  }
  // vLLM itself listens on all interfaces; what only plays it opens no door that nobody asked for.
  std::string host = arguments.Text("host").value_or("127.0.0.1");
  if (host.contains(':') && !host.starts_with('[')) host = StrCat("[", host, "]");
  plan.listen.address = StrCat(host, ":", port);
  const bool tls = !plan.listen.tls.cert_file.empty();
  plan.url = StrCat(tls ? "https://" : "http://", plan.listen.address);
  return {};
}

// "name=path" or {"name", "path", "base_model_name"}.
Result<sim::Adapter> AdapterOf(const std::string& text) {
  if (text.starts_with('{')) {
    const Result<json::Value> object = json::Read(text);
    sim::Adapter adapter;
    if (object) {
      adapter = {.name = std::string(object->Find("name").StringOr("")),
                 .path = std::string(object->Find("path").StringOr("")),
                 .base_model = std::string(object->Find("base_model_name").StringOr(""))};
    }
    if (!adapter.name.empty() && !adapter.path.empty()) return adapter;
    return Fail(Code::kInvalidRequest,
                StrCat("argument --lora-modules: Invalid fields for --lora-modules: ", text));
  }
  const std::size_t equals = text.find('=');
  if (equals != text.npos && text.find('=', equals + 1) == text.npos) {
    return sim::Adapter{.name = text.substr(0, equals), .path = text.substr(equals + 1)};
  }
  return Fail(Code::kInvalidRequest,
              StrCat("argument --lora-modules: Invalid old format for --lora-modules: ", text,
                     ". Expected name=path"));
}

Result<void> PlanModel(const VllmArguments& arguments, VllmPlan& plan) {
  sim::SimModel& model = plan.sim.models.front();
  model.root = arguments.model.value_or(kDefaultModel);
  model.served_names = arguments.List("served-model-name");
  if (model.served_names.empty()) model.served_names = {model.root};
  const std::int64_t window = arguments.Int("max-model-len").value_or(-1);
  if (window < -1 || window == 0) {
    return Fail(Code::kConfigError, "ValidationError: max_model_len must be greater than 0");
  }
  if (window > 0) model.max_model_len = window;

  const bool lora = arguments.On("enable-lora", false);
  for (const std::string& text : arguments.List("lora-modules")) {
    if (!lora) {
      return Fail(Code::kConfigError,
                  "ValueError: Call to add_lora method failed: LoRA is not enabled. Use "
                  "--enable-lora to enable LoRA.");
    }
    WEIR_TRY(model.adapters.emplace_back(), AdapterOf(text));
  }
  const std::string parser = arguments.Text("reasoning-parser").value_or("");
  if (!parser.empty() && !arguments.Has("reasoning-parser-plugin") &&
      !IsOneOf(parser, kReasoningParsers)) {
    return KeyErrorOf("reasoning", parser, kReasoningParsers);
  }
  if (!parser.empty()) model.reasons = true;
  return {};
}

// Sets `field` if the flag was given; it must be at least `least`.
template <class T>
Result<void> Take(const VllmArguments& arguments, std::string_view name, std::int64_t least,
                  T& field) {
  const std::optional<std::int64_t> given = arguments.Int(name);
  if (!given) return {};
  if (*given < least) {
    std::string field_name(name);
    std::ranges::replace(field_name, '-', '_');
    return Fail(Code::kConfigError, StrCat("ValidationError: ", field_name,
                                           ": Input should be greater than or equal to ", least));
  }
  field = static_cast<T>(*given);
  return {};
}

Result<void> PlanEngine(const VllmArguments& arguments, sim::SchedulerOptions& engine) {
  engine.max_loras = 1;
  WEIR_CHECK(Take(arguments, "max-num-seqs", 1, engine.max_num_seqs));
  WEIR_CHECK(Take(arguments, "max-num-batched-tokens", 1, engine.max_num_batched_tokens));
  WEIR_CHECK(Take(arguments, "max-num-queued-reqs", 1, engine.max_num_queued));
  WEIR_CHECK(Take(arguments, "max-num-queued-tokens", 1, engine.max_queued_tokens));
  WEIR_CHECK(Take(arguments, "max-loras", 1, engine.max_loras));
  WEIR_CHECK(Take(arguments, "block-size", 1, engine.cache.block_size));
  WEIR_CHECK(Take(arguments, "num-gpu-blocks-override", 1, engine.cache.blocks));
  engine.by_priority = arguments.Text("scheduling-policy") == "priority";
  engine.cache.prefix_caching = arguments.On("enable-prefix-caching", true);
  return {};
}

Result<void> PlanSwitches(const VllmArguments& arguments, const Env& env,
                          sim::ServerSwitches& switches) {
  const std::string parser = arguments.Text("tool-call-parser").value_or("");
  switches.auto_tool_choice = arguments.On("enable-auto-tool-choice", false);
  if (switches.auto_tool_choice && parser.empty()) {
    return Fail(Code::kConfigError,
                "TypeError: Error: --enable-auto-tool-choice requires --tool-call-parser");
  }
  if (switches.auto_tool_choice && !arguments.Has("tool-parser-plugin") &&
      !IsOneOf(parser, kToolParsers)) {
    return KeyErrorOf("tool call", parser, kToolParsers);
  }
  switches.prompt_tokens_details = arguments.On("enable-prompt-tokens-details", false);
  switches.force_include_usage = arguments.On("enable-force-include-usage", false);
  switches.request_id_headers = arguments.On("enable-request-id-headers", false);
  switches.load_tracking = arguments.On("enable-server-load-tracking", false);
  switches.log_stats = !arguments.On("disable-log-stats", false);
  switches.lora = arguments.On("enable-lora", false);
  switches.sleep_mode = arguments.On("enable-sleep-mode", false);
  switches.runtime_lora = IsOn(env, "VLLM_ALLOW_RUNTIME_LORA_UPDATING");
  std::int64_t api_servers = 1;
  WEIR_CHECK(Take(arguments, "api-server-count", 0, api_servers));
  if (switches.runtime_lora && api_servers > 1) {
    return Fail(Code::kConfigError,
                "ValueError: VLLM_ALLOW_RUNTIME_LORA_UPDATING cannot be used with "
                "--api-server-count > 1");
  }
  switches.dev_mode = IsOn(env, "VLLM_SERVER_DEV_MODE");
  switches.responses_store = IsOn(env, "VLLM_ENABLE_RESPONSES_API_STORE");
  return Take(arguments, "max-logprobs", -1, switches.max_logprobs);
}

}  // namespace

Result<VllmPlan> PlanVllm(const VllmArguments& arguments, const Env& env, sim::SimOptions base) {
  VllmPlan plan;
  plan.sim = std::move(base);
  for (const char* what : {"headless", "grpc"}) {
    if (!arguments.On(what, false)) continue;
    return Fail(Code::kConfigError, StrCat("NotImplementedError: the simulator speaks HTTP only; ",
                                           "leave --", what, " away"));
  }
  WEIR_CHECK(PlanAddress(arguments, plan));
  WEIR_CHECK(PlanModel(arguments, plan));
  WEIR_CHECK(PlanEngine(arguments, plan.sim.engine));
  WEIR_CHECK(PlanSwitches(arguments, env, plan.sim.switches));
  plan.sim.api_keys = arguments.List("api-key");
  if (const auto key = env.Get("VLLM_API_KEY"); key && plan.sim.api_keys.empty()) {
    plan.sim.api_keys = {*key};
  }
  std::int64_t timeout = 0;
  WEIR_CHECK(Take(arguments, "shutdown-timeout", 0, timeout));
  plan.shutdown_timeout = std::chrono::seconds(std::min<std::int64_t>(timeout, 1'000'000));
  for (const std::string& name : arguments.names()) {
    if (std::ranges::find(kHonoured, name) == std::end(kHonoured)) plan.ignored.push_back(name);
  }
  return plan;
}

}  // namespace weir::cli
