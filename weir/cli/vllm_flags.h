#pragma once

// The command line of `vllm serve`, read as vLLM's argparse reads it: dashes or underscores,
// --flag=value, --no-flag, lists of values, JSON or dotted configs, --config file.yaml. Every flag
// that vLLM knows is known; what it has no longer, in the version that is played, is not.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/wire/dialect.h"

namespace weir::cli {

class VllmArguments {
 public:
  enum class Kind : std::uint8_t {
    kSwitch,  // and --no-...
    kText,
    kInt,
    kFloat,
    kHuman,  // 16k is 16000, 16K is 16384
    kList,
    kJson,  // a document; or --flag.member value
  };

  // What the model is called, or nothing.
  std::optional<std::string> model;
  bool help = false;

  // By the long name of a flag, without its dashes; of a dotted one, with its members.
  bool Has(std::string_view name) const { return given_.contains(name); }
  std::optional<std::string> Text(std::string_view name) const;
  std::optional<std::int64_t> Int(std::string_view name) const;  // kInt, kHuman
  std::vector<std::string> List(std::string_view name) const;
  bool On(std::string_view name, bool otherwise) const;

  // The names that were given, in their order.
  const std::vector<std::string>& names() const { return order_; }
  // "{'model_tag': 'm', 'port': 8001}", as vLLM logs it, without secrets.
  std::string Dict() const;

 private:
  friend class VllmReader;
  struct Given {
    Kind kind = Kind::kText;
    std::vector<std::string> values;
  };

  std::map<std::string, Given, std::less<>> given_;
  std::vector<std::string> order_;
};

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// `args` is what stands behind `vllm serve`, and `read` reads the file of --config, whose flags
// stand in front of all others. Fails with kInvalidRequest and argparse's own words.
Result<VllmArguments> ReadVllmServe(std::span<const std::string> args, const wire::Version& version,
                                    const ReadFile& read);

// The long names of all flags of that version, for the help.
std::vector<std::string> VllmFlagNames(const wire::Version& version);

// `args` for people: what follows a flag with a secret name is "***".
std::vector<std::string> WithoutSecrets(std::span<const std::string> args);

}  // namespace weir::cli
