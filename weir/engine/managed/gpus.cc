#include "weir/engine/managed/gpus.h"

#include <algorithm>
#include <filesystem>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

std::optional<std::int64_t> DevicesIn(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) return std::nullopt;
  return std::distance(begin(entries), end(entries));
}

}  // namespace

std::optional<std::int64_t> VisibleGpus(const Env& env, const std::string& folder) {
  const std::optional<std::int64_t> there = DevicesIn(folder);
  const auto variable = env.variables.find("CUDA_VISIBLE_DEVICES");
  if (variable == env.variables.end()) return there;
  std::int64_t named = 0;
  for (const std::string_view id : Split(variable->second, ',')) {
    const std::string_view trimmed = Trim(id);
    if (trimmed.empty() || trimmed == "-1") break;  // what stands behind it is not seen
    ++named;
  }
  return there ? std::min(*there, named) : named;
}

Result<void> CheckGpus(const ServeOptions& options, const Env& env, const std::string& engine,
                       const std::string& folder) {
  const std::optional<std::string> flag = FlagValue(options.flags, "tensor-parallel-size");
  const std::optional<std::int64_t> wanted = flag ? ParseInt(*flag) : options.tensor_parallel;
  const std::optional<std::int64_t> there = VisibleGpus(env, folder);
  if (!wanted || !there || *wanted <= *there) return {};
  const bool named = env.variables.contains("CUDA_VISIBLE_DEVICES");
  return Fail(Code::kConfigError,
              StrCat("engine '", engine, "' wants ", *wanted, " GPUs (tensor_parallel), and there ",
                     *there == 1 ? "is " : "are ", *there, named ? " that it may see" : "",
                     "; lower serve.tensor_parallel",
                     named ? StrCat(", or name more in CUDA_VISIBLE_DEVICES (now '",
                                    env.variables.at("CUDA_VISIBLE_DEVICES"), "')")
                           : std::string()));
}

}  // namespace weir::engine
