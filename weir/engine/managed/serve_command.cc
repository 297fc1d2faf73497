#include "weir/engine/managed/serve_command.h"

#include <algorithm>
#include <set>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Client variables of ours. VLLM_API_KEY, for one, would make the server demand that key.
constexpr std::string_view kClientVariables[] = {
    "VLLM_BASE_URL",         "VLLM_MODEL",
    "VLLM_API_KEY",          "VLLM_TIMEOUT",
    "VLLM_MAX_RETRIES",      "VLLM_TEMPERATURE",
    "VLLM_RETRY_BASE_DELAY", "VLLM_RETRY_MAX_DELAY",
    "VLLM_MAX_TOKENS",       "VLLM_RETRY_BACKOFF_MULTIPLIER"};

constexpr std::pair<std::string_view, std::string_view> kShortFlags[] = {
    {"-tp", "--tensor-parallel-size"},
    {"-pp", "--pipeline-parallel-size"},
    {"-q", "--quantization"},
};

// "--tensor_parallel_size=2" and "-tp" are "--tensor-parallel-size"; empty: no flag.
std::string FlagName(std::string_view word) {
  if (word.size() < 2 || word.front() != '-' || ParseDouble(word)) return "";
  std::string name(word.substr(0, word.find('=')));
  for (const auto& [abbreviation, whole] : kShortFlags) {
    if (name == abbreviation) return std::string(whole);
  }
  if (name.starts_with("--")) std::ranges::replace(name, '_', '-');
  return name;
}

std::string Filled(std::string_view text, const std::string& model, std::int64_t port) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find('{'), text.size());
    filled += text.substr(0, brace);
    text.remove_prefix(brace);
    if (text.starts_with("{model}")) {
      filled += model;
      text.remove_prefix(7);
    } else if (text.starts_with("{port}")) {
      StrAppend(filled, port);
      text.remove_prefix(6);
    } else if (text.starts_with("{host}")) {
      filled += kServerHost;
      text.remove_prefix(6);
    } else if (!text.empty()) {
      filled += text.front();
      text.remove_prefix(1);
    }
  }
  return filled;
}

// The flags that fields of the options stand for, each with the field.
class FieldFlags {
 public:
  explicit FieldFlags(const ServeOptions& options) {
    if (!options.dtype.empty()) Add("dtype", "--dtype", options.dtype);
    if (options.gpu_memory_utilization) {
      Add("gpu_memory_utilization", "--gpu-memory-utilization",
          StrCat(*options.gpu_memory_utilization));
    }
    if (options.max_model_len) {
      Add("max_model_len", "--max-model-len", StrCat(*options.max_model_len));
    }
    if (options.tensor_parallel) {
      Add("tensor_parallel", "--tensor-parallel-size", StrCat(*options.tensor_parallel));
    }
    if (options.enable_reasoning) Add("enable_reasoning", "--enable-reasoning", "");
    if (!options.reasoning_parser.empty()) {
      Add("reasoning_parser", "--reasoning-parser", options.reasoning_parser);
    }
    if (options.dynamic_lora) Add("lora.dynamic", "--enable-lora", "");
  }

  const std::vector<std::string>& words() const { return words_; }
  const std::map<std::string, std::string>& fields() const { return fields_; }  // by flag

 private:
  void Add(std::string field, std::string flag, std::string value) {
    words_.push_back(flag);
    if (!value.empty()) words_.push_back(std::move(value));
    fields_.emplace(std::move(flag), std::move(field));
  }

  std::vector<std::string> words_;
  std::map<std::string, std::string> fields_;
};

std::vector<std::string> Duplicates(const FieldFlags& fields,
                                    const std::vector<std::string>& flags) {
  std::vector<std::string> warnings;
  std::set<std::string, std::less<>> seen;
  for (const std::string& word : flags) {
    const std::string name = FlagName(word);
    if (name.empty()) continue;
    const auto field = fields.fields().find(name);
    if (!seen.insert(name).second) {
      warnings.push_back(StrCat(name, " stands twice in `flags`; the last one wins"));
    } else if (field != fields.fields().end()) {
      warnings.push_back(StrCat(name, " is given twice, by `", field->second,
                                "` and in `flags`; the last one, of `flags`, wins"));
    }
  }
  return warnings;
}

Env EnvOf(const ServeOptions& options, const std::string& model, std::int64_t port,
          const Env& parent, std::vector<std::string>& warnings) {
  Env env = parent;
  for (const std::string_view name : kClientVariables) {
    const auto found = env.variables.find(name);
    if (found != env.variables.end()) env.variables.erase(found);
  }
  if (options.dynamic_lora) {
    env.variables.insert_or_assign("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1");
  }
  if (!options.gpu_ids.empty()) {
    if (options.env.contains("CUDA_VISIBLE_DEVICES")) {
      warnings.emplace_back(
          "CUDA_VISIBLE_DEVICES is given twice, by `gpu_ids` and in `env`; that of `env` wins");
    }
    env.variables.insert_or_assign("CUDA_VISIBLE_DEVICES", options.gpu_ids);
  }
  for (const auto& [name, value] : options.env) {
    env.variables.insert_or_assign(name, Filled(value, model, port));
  }
  return env;
}

}  // namespace

ServeCommand BuildServeCommand(const ServeOptions& options, const std::string& model,
                               std::int64_t port, const Env& parent) {
  ServeCommand command;
  const FieldFlags fields(options);
  command.warnings = Duplicates(fields, options.flags);
  if (!options.command.empty()) {
    for (const std::string& word : options.command) {
      command.argv.push_back(Filled(word, model, port));
    }
  } else {
    command.argv = {"vllm", "serve", model};
    if (!FlagValue(options.flags, "port")) {
      command.argv.insert(command.argv.end(), {"--port", StrCat(port)});
    }
  }
  command.argv.insert(command.argv.end(), fields.words().begin(), fields.words().end());
  command.argv.insert(command.argv.end(), options.flags.begin(), options.flags.end());
  command.env = EnvOf(options, model, port, parent, command.warnings);
  return command;
}

std::optional<std::string> FlagValue(std::span<const std::string> flags, std::string_view name) {
  const std::string wanted = FlagName(StrCat("--", name));
  std::optional<std::string> value;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (FlagName(flags[i]) != wanted) continue;
    const std::size_t equals = flags[i].find('=');
    if (equals != std::string::npos) {
      value = flags[i].substr(equals + 1);
    } else {
      const bool has_next = i + 1 < flags.size() && FlagName(flags[i + 1]).empty();
      value = has_next ? flags[i + 1] : "";
    }
  }
  return value;
}

std::optional<std::int64_t> FixedPort(const ServeOptions& options) {
  const std::optional<std::string> flag = FlagValue(options.flags, "port");
  const std::optional<std::int64_t> port = flag ? ParseInt(*flag) : std::nullopt;
  return port ? port : options.port;
}

std::string ServedModel(const ServeOptions& options, const std::string& model) {
  return FlagValue(options.flags, "served-model-name").value_or(model);
}

}  // namespace weir::engine
