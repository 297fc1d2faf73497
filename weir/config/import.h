#pragma once

// Configurations of other systems, turned into weir.yaml. docs/import.md says what is taken from
// each and what cannot be carried.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::config {

// Named by the shape of what is read.
enum class ImportKind : std::uint8_t {
  kSections,   // server, vllm, runner, operations, event_stream; or classes that declare them
  kEngines,    // a list or map of engines, register_engine() calls, a class that declares fields
  kVariables,  // VLLM_* and OLLAMA_* variables: shell lines, KEY=value lines, Helm values,
               // manifests
  kSettings,   // provider_settings by provider, or create_llm() calls
  kProviders,  // a list of providers: module, source, config
};

struct Imported {
  std::string yaml;                // passes `weir config check`; the notes are its first comment
  std::vector<std::string> notes;  // "file:line:column: ...": what was not carried, or changed
};

// Programs are read, never run: of a Python text, only literal values, declared fields and the
// calls named above are taken. Fails with kConfigError, "file:line:column: what, and what to do",
// for what cannot be read, and for values that weir.yaml does not allow.
Result<Imported> Import(ImportKind kind, std::string_view text, std::string_view file_name);

}  // namespace weir::config
