#pragma once

// What editors and people read about weir.yaml, made from the description of its keys.

#include <string>

namespace weir::config {

// A JSON Schema (2020-12) of the file. Older spellings are deprecated properties.
std::string FileSchema();

// docs/configuration.md.
std::string ConfigurationPage();

// What `weir config init` writes: a small file with comments.
std::string_view StarterFile();

}  // namespace weir::config
