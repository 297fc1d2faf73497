// Property: any bytes are imported as an agent, or refused with the name of the file, and what is
// imported is YAML; any bytes are a script, or refused.

#include <cstdint>
#include <cstdlib>

#include "weir/config/import_agent.h"
#include "weir/config/import_agent_scripts.h"
#include "weir/json/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto any = [](std::string_view, const std::string&) { return weir::Result<void>(); };
  const auto imported = weir::config::ImportAgent(text, "fuzz.yaml", "", any);
  if (imported ? !weir::json::ReadYaml(imported->yaml, "agent.yaml")
               : !imported.error().message.starts_with("fuzz.yaml")) {
    std::abort();
  }
  (void)weir::config::IsAgentBundle(text);
  (void)weir::config::ReadScript(text, "fuzz.pym");
  return 0;
}
