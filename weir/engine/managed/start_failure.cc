#include "weir/engine/managed/start_failure.h"

#include <algorithm>
#include <fstream>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/engine/managed/log_keeper.h"

namespace weir::engine {
namespace {

constexpr std::streamoff kTailBytes = 64 * 1024;

constexpr std::string_view kUnknownFlags = "unrecognized arguments";

// Flags that vLLM had (docs/vllm_server.md).
struct GoneFlag {
  std::string_view flag;  // with "..." for all that begin so
  std::string_view since;
  std::string_view instead;
};

constexpr GoneFlag kGoneFlags[] = {
    {"--enable-reasoning", "0.10", "--reasoning-parser alone does it"},
    {"--guided-decoding-backend", "0.12", "write --structured-outputs-config.backend instead"},
    {"--guided-decoding-...", "0.12", "see --structured-outputs-config"},
    {"--disable-log-requests", "0.12", "requests are not logged unless --enable-log-requests asks"},
    {"--task", "0.13", "write --runner or --convert instead"},
    {"--rope-scaling", "0.11.1", "write --hf-overrides instead"},
    {"--rope-theta", "0.12", "write --hf-overrides instead"},
    {"--num-scheduler-steps", "0.10.1", ""},
    {"--max-seq-len-to-capture", "0.11", ""},
    {"--lora-extra-vocab-size", "0.12", ""},
    {"--override-pooler-config", "0.12", ""},
    {"--enable-prompt-adapter", "0.10", "use LoRA adapters instead"},
    {"--max-prompt-adapter...", "0.10", "use LoRA adapters instead"},
    {"--swap-space", "about 0.19", ""},
};

struct Cause {
  std::string_view words;  // in lower case
  std::string_view hint;
};

// The first that is found counts: what is more telling stands in front.
constexpr Cause kCauses[] = {
    {"cuda out of memory",
     "the GPU has too little free memory: stop what else uses it (nvidia-smi shows it), or lower "
     "serve.gpu_memory_utilization or serve.max_model_len, or raise serve.tensor_parallel"},
    {"no available memory for the cache blocks",
     "the model leaves no room for its KV cache: lower serve.max_model_len or raise "
     "serve.gpu_memory_utilization"},
    {"is larger than the maximum number of tokens that can be stored in kv cache",
     "the KV cache is too small for the context window: lower serve.max_model_len or raise "
     "serve.gpu_memory_utilization"},
    {"free memory on device",
     "other processes hold the GPU's memory: stop them (nvidia-smi shows them), or lower "
     "serve.gpu_memory_utilization"},
    {"gatedrepoerror",
     "the model is gated: accept its terms on its page, and give the server HF_TOKEN in serve.env"},
    {"access to model",
     "the model is gated: accept its terms on its page, and give the server HF_TOKEN in serve.env"},
    {"repositorynotfounderror",
     "there is no such model on the hub, or it is private: check `model`, and give the server "
     "HF_TOKEN in serve.env if it is"},
    {"is not a local folder and is not a valid model identifier",
     "there is no such model, neither as a folder nor on the hub: check `model`"},
    {"address already in use",
     "something else listens on that port: set another one in serve.port, or leave it away"},
    {kUnknownFlags,
     "the server does not know a flag: check serve.flags against its version (vllm serve --help)"},
    {"no module named 'vllm'",
     "vLLM is not installed in that Python: pip install vllm, or name another program in "
     "serve.command"},
    {"no cuda gpus are available",
     "the server finds no GPU: check the driver (nvidia-smi) and CUDA_VISIBLE_DEVICES"},
    {"failed to infer device type",
     "the server finds no GPU: check the driver (nvidia-smi) and CUDA_VISIBLE_DEVICES"},
};

std::string LastBytes(const std::string& path, std::streamoff most) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - most));
  std::string text(static_cast<std::size_t>(std::min(size, most)), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

bool IsFlag(std::string_view word, std::string_view known) {
  if (!known.ends_with("...")) return word == known;
  return word.starts_with(known.substr(0, known.size() - 3));
}

// What to do about the flags in "unrecognized arguments: --a --b=c"; empty when none is known.
std::string GoneFlags(std::string_view log) {
  const std::size_t at = log.find(kUnknownFlags);
  if (at == log.npos) return "";
  std::string_view line = log.substr(at + kUnknownFlags.size());
  line = line.substr(0, line.find('\n'));
  std::vector<std::string> hints;
  for (const std::string_view argument : Split(line, ' ')) {
    const std::string_view word = Trim(argument.substr(0, argument.find('=')));
    const auto* const gone = std::ranges::find_if(
        kGoneFlags, [&](const GoneFlag& known) { return IsFlag(word, known.flag); });
    if (gone == std::end(kGoneFlags)) continue;
    hints.push_back(StrCat("vLLM has had no ", word, " since ", gone->since,
                           ": take it out of serve.flags", gone->instead.empty() ? "" : "; ",
                           gone->instead));
  }
  return Join(hints, ". ");
}

}  // namespace

std::string LogTail(const std::string& path, std::size_t lines) {
  std::string text = LastBytes(path, kTailBytes);
  // A log that was just cut goes on from its older part.
  const auto size = static_cast<std::streamoff>(text.size());
  if (size < kTailBytes) text.insert(0, LastBytes(OlderLog(path), kTailBytes - size));
  while (text.ends_with('\n')) text.pop_back();
  std::size_t start = text.size();
  for (std::size_t i = 0; i < lines && start != std::string::npos && start > 0; ++i) {
    start = text.rfind('\n', start - 1);
  }
  if (start != std::string::npos && start < text.size()) text.erase(0, start + 1);
  return Redact(text);
}

std::string StartHint(std::string_view log) {
  const std::string lower = ToLower(log);
  for (const Cause& cause : kCauses) {
    if (!lower.contains(cause.words)) continue;
    if (cause.words == kUnknownFlags) {
      if (std::string gone = GoneFlags(lower); !gone.empty()) return gone;
    }
    return std::string(cause.hint);
  }
  return "";
}

}  // namespace weir::engine
