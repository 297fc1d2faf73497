#include "weir/config/serve_keys.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::config {
namespace {

using engine::ServeOptions;

constexpr Range kPorts = Within(1, 65535);
constexpr Range kShares = {.least = 0, .most = 1, .above = true};
const Words kLifecycles = {.words = {"lazy", "persistent"}};

void DescribeGpus(Visitor& v, std::string_view short_for, ServeOptions& serve) {
  std::vector<std::string> ids;
  if (!serve.gpu_ids.empty()) ids.push_back(serve.gpu_ids);
  v.Field({"gpu_ids",
           {},
           "the GPUs that it may see, \"0,1\" or a list: its CUDA_VISIBLE_DEVICES",
           kAny,
           short_for},
          ids);
  serve.gpu_ids = Join(ids, ",");
}

void DescribeLazy(Visitor& v, std::string_view short_for, ServeOptions& serve) {
  std::optional<bool> lazy;
  v.Field({"lazy", {}, "false: lifecycle persistent", kAny, short_for}, lazy);
  if (!lazy) return;
  serve.lifecycle = *lazy ? ServeOptions::Lifecycle::kLazy : ServeOptions::Lifecycle::kPersistent;
}

void DescribeBlock(Visitor& v, ServeOptions& serve) {
  v.Enum({"lifecycle",
          {},
          "lazy: started at the first need and stopped behind the last; persistent: started before "
          "everything and stopped behind everything"},
         kLifecycles, serve.lifecycle);
  DescribeLazy(v, "lifecycle", serve);
  v.Field({"port", {}, "where it listens; default: the first from 8000 on that will do", kPorts},
          serve.port);
  v.Field({"startup_timeout", {}, "seconds until it must answer", Above(0)}, serve.startup_timeout);
  v.Field({"stop_timeout", {}, "seconds from SIGTERM to SIGKILL"}, serve.stop_timeout);
  v.Field({"dtype", {}, "--dtype"}, serve.dtype);
  v.Field({"gpu_memory_utilization", {}, "--gpu-memory-utilization", kShares},
          serve.gpu_memory_utilization);
  v.Field({"max_model_len", {}, "--max-model-len", AtLeast(1)}, serve.max_model_len);
  v.Field({"tensor_parallel",
           {"tensor_parallel_size"},
           "--tensor-parallel-size: over how many GPUs it is spread",
           AtLeast(1)},
          serve.tensor_parallel);
  v.Field({"reasoning_parser", {}, "--reasoning-parser"}, serve.reasoning_parser);
  v.Field({"enable_reasoning", {}, "--enable-reasoning, which vLLM before 0.10 wants"},
          serve.enable_reasoning);
  Key lora{"lora", {}, "adapters"};
  lora.meant = "dynamic";
  v.Section(lora, [&](Visitor& inner) {
    inner.Field({"dynamic", {}, "true: they may be loaded while it runs"}, serve.dynamic_lora);
  });
  DescribeGpus(v, {}, serve);
  v.Field({"flags", {"extra_serve_flags"}, "further flags, behind all others, as they are"},
          serve.flags);
  v.Field({"env", {"extra_env"}, "variables of that process only"}, serve.env);
  v.Field(
      {"command",
       {},
       "another program than `vllm serve MODEL --port PORT`, a list; {model}, {port} and {host} "
       "stand for themselves"},
      serve.command);
  v.Field({"health", {}, "the path that answers 200 when it is ready"}, serve.health);
}

// What may stand beside `serve:`, as older files have it. Whether a server is asked for by it.
bool DescribeShorthand(Visitor& v, ServeOptions& serve) {
  const Key port{"port", {}, "where its own server listens", kPorts, "serve.port"};
  const Key startup{"startup_timeout", {}, "of its own server", Above(0), "serve.startup_timeout"};
  const Key dtype{"dtype", {}, "--dtype of its own server", kAny, "serve.dtype"};
  const Key memory{
      "gpu_memory_utilization", {}, "of its own server", kShares, "serve.gpu_memory_utilization"};
  const Key window{"max_model_len", {}, "of its own server", AtLeast(1), "serve.max_model_len"};
  const Key spread{"tensor_parallel_size",
                   {"tensor_parallel"},
                   "of its own server",
                   AtLeast(1),
                   "serve.tensor_parallel"};
  const Key parser{"reasoning_parser", {}, "of its own server", kAny, "serve.reasoning_parser"};
  const Key reasons{"enable_reasoning", {}, "of its own server", kAny, "serve.enable_reasoning"};
  const Key flags{"extra_serve_flags", {}, "behind `vllm serve MODEL`", kAny, "serve.flags"};
  const Key env{"extra_env", {"env"}, "variables of that process only", kAny, "serve.env"};
  v.Field(port, serve.port);
  v.Field(startup, serve.startup_timeout);
  v.Field(dtype, serve.dtype);
  v.Field(memory, serve.gpu_memory_utilization);
  v.Field(window, serve.max_model_len);
  v.Field(spread, serve.tensor_parallel);
  v.Field(parser, serve.reasoning_parser);
  v.Field(reasons, serve.enable_reasoning);
  v.Field(flags, serve.flags);
  v.Field(env, serve.env);
  DescribeGpus(v, "serve.gpu_ids", serve);
  const Key* const keys[] = {&port,   &startup, &dtype,   &memory, &window,
                             &spread, &parser,  &reasons, &flags,  &env};
  return std::ranges::any_of(keys, [&](const Key* key) { return v.Has(*key); }) ||
         v.Has({"gpu_ids", {}, ""});
}

}  // namespace

void DescribeServe(Visitor& v, EngineConfig& engine) {
  ServeOptions serve = engine.serve.value_or(ServeOptions());
  const Key block{"serve",
                  {},
                  "a server of its own, which weir starts and stops (docs/lifecycle.md); where "
                  "base_url is set, that server is used and none is started"};
  if (v.wants_all() || engine.serve) {
    v.Section(block, [&](Visitor& inner) { DescribeBlock(inner, serve); });
  }
  DescribeLazy(v, "serve.lifecycle", serve);
  const bool shorthand = DescribeShorthand(v, serve);
  if (!v.reads()) return;
  const bool has_address = v.Has({"base_url", {"endpoint"}, ""});
  const bool asked = v.Has(block) || shorthand || (v.Has({"lazy", {}, ""}) && !has_address);
  if (!asked) return;
  engine.managed = !has_address;
  if (engine.managed) {
    const std::int64_t port = engine::FixedPort(serve).value_or(8000);
    engine.http.upstream.base_url = StrCat("http://", engine::kServerHost, ":", port);
  }
  engine.serve = std::move(serve);
}

}  // namespace weir::config
