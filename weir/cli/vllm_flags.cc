#include "weir/cli/vllm_flags.h"

#include <algorithm>
#include <cmath>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::cli {
namespace {

using Kind = VllmArguments::Kind;
using wire::Version;

// Names between blanks; behind a slash stand short ones.
struct Names {
  Kind kind;
  const char* names;
};

constexpr Names kFlags[] = {
    {Kind::kSwitch,
     "enable-ssl-refresh allow-credentials disable-uvicorn-access-log headless grpc "
     "trust-remote-code enforce-eager skip-tokenizer-init enable-prompt-embeds "
     "interleave-mm-strings calculate-kv-scales disable-sliding-window disable-cascade-attn "
     "enable-prefix-caching enable-chunked-prefill enable-lora fully-sharded-loras "
     "enable-auto-tool-choice exclude-tools-when-tool-choice-none trust-request-chat-template "
     "return-tokens-as-token-ids enable-prompt-tokens-details enable-force-include-usage "
     "enable-per-request-metrics enable-request-id-headers enable-server-load-tracking "
     "enable-sleep-mode enable-log-requests enable-log-outputs disable-log-stats "
     "disable-fastapi-docs enable-tokenizer-info-endpoint enable-fault-tolerance "
     "enable-expert-parallel/-ep enable-eplb enable-dbo disable-custom-all-reduce "
     "disable-nccl-for-dp-synchronization ray-workers-use-nsight use-tqdm-on-load "
     "async-scheduling disable-hybrid-kv-cache-manager disable-chunked-mm-input "
     "kv-sharing-fast-prefill data-parallel-external-lb data-parallel-hybrid-lb "
     "data-parallel-multi-port-external-lb fail-on-environ-validation "
     "enable-return-routed-experts language-model-only log-error-stack enable-mfu-metrics "
     "skip-mm-profiling tokens-only"},
    {Kind::kText,
     "host uds root-path ssl-keyfile ssl-certfile ssl-ca-certs ssl-ciphers uvicorn-log-level "
     "disable-access-log-for-endpoints model tokenizer tokenizer-mode revision code-revision "
     "tokenizer-revision dtype download-dir hf-token hf-config-path quantization/-q logprobs-mode "
     "runner convert kv-cache-dtype allowed-local-media-path load-format config-format "
     "pt-load-map-location safetensors-load-strategy generation-config model-impl "
     "override-attention-dtype reasoning-parser reasoning-parser-plugin tool-call-parser "
     "tool-parser-plugin tool-server chat-template chat-template-content-format response-role "
     "fingerprint-mode log-config-file otlp-traces-endpoint collect-detailed-traces "
     "show-hidden-metrics-for-version scheduling-policy scheduler-cls prefix-caching-hash-algo "
     "lora-dtype distributed-executor-backend worker-cls worker-extension-cls all2all-backend "
     "data-parallel-address/-dpa data-parallel-backend/-dpb master-addr attention-backend "
     "mamba-cache-dtype mamba-ssm-cache-dtype kv-offloading-backend io-processor-plugin "
     "logits-processor-pattern performance-mode mm-encoder-attn-backend mm-encoder-tp-mode "
     "mm-processor-cache-type expert-placement-strategy moe-backend config"},
    {Kind::kInt,
     "port ssl-cert-reqs api-server-count/-asc tensor-parallel-size/-tp "
     "pipeline-parallel-size/-pp data-parallel-size/-dp data-parallel-rank/-dpn "
     "data-parallel-start-rank/-dpr data-parallel-size-local/-dpl data-parallel-rpc-port/-dpp "
     "data-parallel-supervisor-port decode-context-parallel-size/-dcp "
     "prefill-context-parallel-size/-pcp max-num-seqs max-num-queued-reqs max-num-active-seqs "
     "max-loras max-lora-rank max-cpu-loras max-logprobs seed block-size num-gpu-blocks-override "
     "shutdown-timeout stream-interval h11-max-incomplete-event-size h11-max-header-count "
     "max-log-len nnodes/-n node-rank/-r master-port max-parallel-loading-workers "
     "long-prefill-token-threshold max-num-partial-prefills max-long-partial-prefills "
     "optimization-level/-O mamba-block-size dbo-decode-token-threshold "
     "dbo-prefill-token-threshold"},
    {Kind::kFloat,
     "gpu-memory-utilization cpu-offload-gb mm-processor-cache-gb kv-offloading-size "
     "video-pruning-rate"},
    {Kind::kHuman,
     "max-model-len max-num-batched-tokens max-num-queued-tokens kv-cache-memory-bytes"},
    {Kind::kList,
     "api-key served-model-name lora-modules middleware allowed-media-domains ignore-patterns "
     "lora-target-modules cudagraph-capture-sizes logits-processors"},
    {Kind::kJson,
     "allowed-origins allowed-methods allowed-headers limit-mm-per-prompt mm-processor-kwargs "
     "media-io-kwargs hf-overrides pooler-config structured-outputs-config speculative-config/-sc "
     "compilation-config/-cc attention-config kernel-config additional-config kv-transfer-config "
     "kv-events-config ec-transfer-config eplb-config profiler-config observability-config "
     "model-loader-extra-config override-generation-config default-chat-template-kwargs "
     "default-mm-loras fault-tolerance-config weight-transfer-config offload-config"},
};

struct Removed {
  Version since;  // the first version that does not have it
  Kind kind;
  const char* names;
};

constexpr Removed kRemoved[] = {
    {{0, 10, 0}, Kind::kSwitch, "enable-reasoning enable-prompt-adapter"},
    {{0, 10, 0}, Kind::kInt, "max-prompt-adapters max-prompt-adapter-token"},
    {{0, 10, 0}, Kind::kList, "prompt-adapters"},
    {{0, 10, 1}, Kind::kInt, "num-scheduler-steps"},
    {{0, 11, 0}, Kind::kInt, "max-seq-len-to-capture"},
    {{0, 12, 0}, Kind::kJson, "rope-scaling override-pooler-config"},
    {{0, 12, 0}, Kind::kFloat, "rope-theta"},
    {{0, 12, 0}, Kind::kInt, "lora-extra-vocab-size"},
    {{0, 12, 0}, Kind::kText, "guided-decoding-backend"},
    {{0, 12, 0},
     Kind::kSwitch,
     "disable-log-requests guided-decoding-disable-fallback "
     "guided-decoding-disable-any-whitespace guided-decoding-disable-additional-properties"},
    {{0, 13, 0}, Kind::kText, "task"},
    {{0, 16, 0}, Kind::kText, "logits-processor-pattern"},
    {{0, 19, 0}, Kind::kFloat, "swap-space"},
};

struct Choices {
  const char* name;
  const char* words;
};

constexpr Choices kChoices[] = {
    {"scheduling-policy", "fcfs priority"},
    {"uvicorn-log-level", "debug info warning error critical trace"},
    {"chat-template-content-format", "auto string openai"},
    {"dtype", "auto bfloat16 float float16 float32 half"},
    {"max-lora-rank", "1 8 16 32 64 128 256 320 512"},
};

struct VllmFlag {
  std::string name;
  Kind kind = Kind::kText;
};

// By everything that a flag can be called, with its dashes.
using Table = std::map<std::string, VllmFlag, std::less<>>;

void Enter(const char* names, Kind kind, Table& table) {
  for (const std::string_view entry : Split(names, ' ')) {
    const std::vector<std::string_view> parts = Split(entry, '/');
    const VllmFlag flag{.name = std::string(parts.front()), .kind = kind};
    table.insert_or_assign(StrCat("--", flag.name), flag);
    if (parts.size() > 1) table.insert_or_assign(std::string(parts[1]), flag);
  }
}

Table TableOf(const Version& version) {
  Table table;
  for (const Names& names : kFlags) Enter(names.names, names.kind, table);
  for (const Removed& removed : kRemoved) {
    Table gone;
    Enter(removed.names, removed.kind, gone);
    for (auto& [name, flag] : gone) {
      if (version < removed.since) {
        table.insert_or_assign(name, flag);
      } else {
        table.erase(name);
      }
    }
  }
  return table;
}

bool IsNumber(std::string_view text) { return ParseDouble(text).has_value(); }
bool LooksLikeFlag(std::string_view text) {
  return text.size() > 1 && text.front() == '-' && !IsNumber(text);
}

// "16k", "1.5M", "auto", "-1".
std::optional<std::int64_t> Human(std::string_view text) {
  if (text == "auto") return -1;
  if (const auto number = ParseInt(text)) return number;
  if (text.empty()) return std::nullopt;
  constexpr std::string_view kUnits = "kmgtKMGT";
  const std::size_t unit = kUnits.find(text.back());
  const auto number = ParseDouble(text.substr(0, text.size() - 1));
  if (unit == kUnits.npos || !number || *number < 0) return std::nullopt;
  const bool binary = unit >= 4;
  if (binary && *number != std::floor(*number)) return std::nullopt;
  const double value = *number * std::pow(binary ? 1024.0 : 1000.0, double(unit % 4 + 1));
  if (value > 9e18) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

// As Python's repr() writes a text without anything odd in it.
std::string Quoted(std::string_view text) {
  return StrCat(text.contains('\'') ? '"' : '\'', text, text.contains('\'') ? '"' : '\'');
}

}  // namespace

class VllmReader {
 public:
  VllmReader(const Version& version, const ReadFile& read)
      : table_(TableOf(version)), read_(read) {}

  Result<VllmArguments> Read(std::span<const std::string> args) {
    WEIR_TRY(const std::vector<std::string> expanded, WithConfig(args));
    args_ = expanded;
    while (at_ < args_.size()) {
      WEIR_CHECK(Next());
    }
    if (!unknown_.empty()) {
      return Usage(StrCat("unrecognized arguments: ", Join(unknown_, " ")));
    }
    if (!out_.model) out_.model = out_.Text("model");
    return std::move(out_);
  }

 private:
  static std::unexpected<Error> Usage(std::string text) {
    return Fail(Code::kInvalidRequest, std::move(text));
  }
  static std::unexpected<Error> Wrong(std::string_view flag, std::string_view text) {
    return Usage(StrCat("argument ", flag, ": ", text));
  }

  // The flags of the file stand in front, so that the command line wins.
  Result<std::vector<std::string>> WithConfig(std::span<const std::string> args) const {
    std::vector<std::string> rest;
    std::string path;
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (args[i] == "--config" && i + 1 < args.size()) {
        path = args[++i];
      } else if (args[i].starts_with("--config=")) {
        path = args[i].substr(9);
      } else {
        rest.push_back(args[i]);
      }
    }
    if (path.empty()) return rest;
    if (!path.ends_with(".yaml") && !path.ends_with(".yml")) {
      return Usage(StrCat("Config file must be of a yaml/yml type. Got ", path));
    }
    const Result<std::string> text = read_(path);
    if (!text) return Usage(text.error().message);
    Result<json::YamlDocument> document = json::ReadYaml(*text, path);
    if (!document) return Usage(document.error().message);
    if (!document->value.IsObject()) return Usage(StrCat(path, " holds no flags"));
    std::vector<std::string> all;
    for (const json::Member member : document->value.members()) {
      AppendConfig(member.key, member.value, all);
    }
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }

  static void AppendConfig(std::string_view key, json::View value, std::vector<std::string>& out) {
    const std::string flag = StrCat("--", key);
    const auto text_of = [](json::View view) {
      if (view.IsString()) return std::string(view.StringOr(""));
      std::string text;
      json::Writer(text).Value(view);
      return text;
    };
    if (value.IsNull() || value.AsBool() == false) return;
    if (value.IsBool()) {
      out.push_back(flag);
    } else if (value.IsArray()) {
      out.push_back(flag);
      for (const json::View item : value.items()) out.push_back(text_of(item));
    } else {
      out.push_back(StrCat(flag, "=", text_of(value)));
    }
  }

  Result<void> Next() {
    const std::string arg = args_[at_++];
    if (!LooksLikeFlag(arg)) {
      // Without a model yet this is it; behind one it is one too many.
      if (out_.model) {
        unknown_.push_back(arg);
      } else {
        out_.model = arg;
        Note("model_tag", {.kind = Kind::kText, .values = {arg}});
      }
      return {};
    }
    if (arg == "-h" || arg == "--help" || arg.starts_with("--help=")) {
      out_.help = true;
      return {};
    }
    const std::size_t equals = arg.find('=');
    const std::string name = NameOf(arg.substr(0, equals));
    std::optional<std::string> value;
    if (equals != arg.npos) value = arg.substr(equals + 1);
    if (const auto found = table_.find(name); found != table_.end()) {
      return TakeFlag(name, found->second, std::move(value));
    }
    if (const auto off = Off(name); off != table_.end()) {
      if (value) return Wrong(name, StrCat("ignored explicit argument ", Quoted(*value)));
      Note(off->second.name, {.kind = Kind::kSwitch, .values = {"false"}});
      return {};
    }
    if (name.starts_with("-O") && IsNumber(name.substr(2))) {
      Note("optimization-level", {.kind = Kind::kInt, .values = {name.substr(2)}});
      return {};
    }
    if (const std::size_t dot = name.find('.'); dot != name.npos) {
      const auto base = table_.find(name.substr(0, dot));
      if (base != table_.end() && base->second.kind == Kind::kJson) {
        if (!value && !NextIsFlag()) value = args_[at_++];
        Note(base->second.name + name.substr(dot),
             {.kind = Kind::kText, .values = {value.value_or("true")}});
        return {};
      }
    }
    unknown_.push_back(arg);
    return {};
  }

  // Dashes for underscores, but not in the members behind a dot.
  static std::string NameOf(std::string name) {
    const std::size_t end = std::min(name.find('.'), name.size());
    std::replace(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
    return name;
  }

  Table::const_iterator Off(std::string_view name) const {
    constexpr std::string_view kNo = "--no-";
    if (!name.starts_with(kNo)) return table_.end();
    const auto found = table_.find(StrCat("--", name.substr(kNo.size())));
    return found != table_.end() && found->second.kind == Kind::kSwitch ? found : table_.end();
  }

  bool NextIsFlag() const { return at_ == args_.size() || LooksLikeFlag(args_[at_]); }

  Result<void> TakeFlag(const std::string& called, const VllmFlag& flag,
                        std::optional<std::string> value) {
    VllmArguments::Given given{.kind = flag.kind, .values = {}};
    if (flag.kind == Kind::kSwitch) {
      if (value) return Wrong(called, StrCat("ignored explicit argument ", Quoted(*value)));
      given.values = {"true"};
    } else if (flag.kind == Kind::kList) {
      const bool attached = value.has_value();
      if (attached) given.values.push_back(*std::move(value));
      while (!attached && !NextIsFlag()) given.values.push_back(args_[at_++]);
      if (given.values.empty()) return Wrong(called, "expected at least one argument");
    } else {
      if (!value && NextIsFlag()) return Wrong(called, "expected one argument");
      given.values.push_back(value ? *std::move(value) : args_[at_++]);
      WEIR_CHECK(CheckValue(called, flag, given.values.front()));
    }
    Note(flag.name, std::move(given));
    return {};
  }

  static Result<void> CheckValue(const std::string& called, const VllmFlag& flag,
                                 const std::string& value) {
    if (flag.kind == Kind::kInt && !ParseInt(value)) {
      return Wrong(called, StrCat("invalid int value: ", Quoted(value)));
    }
    if (flag.kind == Kind::kFloat && !IsNumber(value)) {
      return Wrong(called, StrCat("invalid float value: ", Quoted(value)));
    }
    if (flag.kind == Kind::kHuman && !Human(value)) {
      return Wrong(called, StrCat("invalid human_readable_int value: ", Quoted(value)));
    }
    if (flag.kind == Kind::kJson && value.starts_with('{') && !json::Read(value)) {
      return Wrong(called, StrCat("Value ", value, " cannot be converted to JSON"));
    }
    for (const Choices& choices : kChoices) {
      if (flag.name != choices.name) continue;
      const std::vector<std::string_view> words = Split(choices.words, ' ');
      if (std::ranges::find(words, value) != words.end()) continue;
      std::vector<std::string> quoted;
      for (const std::string_view word : words) {
        quoted.push_back(flag.kind == Kind::kInt ? std::string(word) : Quoted(word));
      }
      return Wrong(called,
                   StrCat("invalid choice: ", flag.kind == Kind::kInt ? value : Quoted(value),
                          " (choose from ", Join(quoted, ", "), ")"));
    }
    return {};
  }

  void Note(const std::string& name, VllmArguments::Given given) {
    if (!out_.given_.contains(name)) out_.order_.push_back(name);
    out_.given_.insert_or_assign(name, std::move(given));
  }

  const Table table_;
  const ReadFile& read_;
  std::vector<std::string> args_;
  std::size_t at_ = 0;
  std::vector<std::string> unknown_;
  VllmArguments out_;
};

std::optional<std::string> VllmArguments::Text(std::string_view name) const {
  const auto found = given_.find(name);
  if (found == given_.end() || found->second.values.empty()) return std::nullopt;
  return found->second.values.front();
}

std::optional<std::int64_t> VllmArguments::Int(std::string_view name) const {
  const std::optional<std::string> text = Text(name);
  return text ? Human(*text) : std::nullopt;
}

std::vector<std::string> VllmArguments::List(std::string_view name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? std::vector<std::string>() : found->second.values;
}

bool VllmArguments::On(std::string_view name, bool otherwise) const {
  const std::optional<std::string> text = Text(name);
  return text ? *text == "true" : otherwise;
}

std::string VllmArguments::Dict() const {
  std::string dict = "{";
  for (const std::string& name : order_) {
    const Given& given = given_.find(name)->second;
    std::string key = name;
    std::ranges::replace(key, '-', '_');
    std::vector<std::string> values;
    for (const std::string& value : given.values) {
      const std::string shown = IsSecretName(name) ? RedactValue(value) : Redact(value);
      const bool bare = given.kind == Kind::kInt || given.kind == Kind::kFloat;
      const bool is_switch = given.kind == Kind::kSwitch;
      values.push_back(is_switch                        ? (value == "true" ? "True" : "False")
                       : given.kind == Kind::kHuman     ? StrCat(Human(value).value_or(-1))
                       : bare || shown.starts_with('{') ? shown
                                                        : Quoted(shown));
    }
    const bool list = given.kind == Kind::kList;
    StrAppend(dict, dict.size() > 1 ? ", " : "", Quoted(key), ": ", list ? "[" : "",
              Join(values, ", "), list ? "]" : "");
  }
  return dict + "}";
}

Result<VllmArguments> ReadVllmServe(std::span<const std::string> args, const Version& version,
                                    const ReadFile& read) {
  return VllmReader(version, read).Read(args);
}

std::vector<std::string> VllmFlagNames(const Version& version) {
  std::vector<std::string> names;
  for (const auto& [name, flag] : TableOf(version)) {
    if (name.starts_with("--")) names.push_back(name);
  }
  return names;
}

std::vector<std::string> WithoutSecrets(std::span<const std::string> args) {
  std::vector<std::string> shown;
  bool secret = false;
  for (const std::string& arg : args) {
    const std::size_t equals = arg.find('=');
    if (LooksLikeFlag(arg)) {
      secret = IsSecretName(std::string_view(arg).substr(0, equals));
      const bool with_value = secret && equals != arg.npos;
      shown.push_back(with_value ? arg.substr(0, equals + 1) + "***" : Redact(arg));
    } else {
      shown.push_back(secret ? RedactValue(arg) : Redact(arg));
    }
  }
  return shown;
}

}  // namespace weir::cli
