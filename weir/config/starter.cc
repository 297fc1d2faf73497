#include "weir/config/manual.h"

namespace weir::config {

std::string_view StarterFile() {
  return R"(# weir.yaml: where models answer, and how they are asked.
# All keys: docs/configuration.md. What came out of this file: weir config show.
version: 1

engines:
  vllm:                               # a name of your own, for: weir call -e vllm
    kind: vllm                        # vllm, openai, ollama or sim
    base_url: ${VLLM_BASE_URL:-http://localhost:8000}
    # model: Qwen/Qwen2.5-7B-Instruct # default: the model that the server has
    # api_key_env: VLLM_API_KEY       # the variable that holds the key, if the server wants one
    # timeout: 600                    # seconds of a whole call
    # profile: agent                  # named defaults: vllm, agent, chain, completion, coder
    # defaults: {max_tokens: 512, temperature: 0.1}
    # fallback: local                 # asked when this engine fails

  local:                              # a model server inside weir: no GPU, no network
    kind: sim

  # openai:
  #   kind: openai                    # takes its key from OPENAI_API_KEY
  #   model: gpt-4.1-mini

  # ollama:
  #   kind: ollama                    # at http://localhost:11434
  #   model: llama3.1:8b

# default_engine: vllm                # of calls without -e; default: the first engine

# events: {file: .weir/events.jsonl}  # what happened, as JSON lines
)";
}

}  // namespace weir::config
