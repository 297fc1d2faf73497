#pragma once

// What tests of schemas share.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "weir/json/reader.h"
#include "weir/schema/schema.h"

namespace weir::schema {

// Of a text that is known to be right.
inline Schema Compiled(std::string_view schema, const CompileOptions& options = {}) {
  return Schema::Compile(json::Read(schema).value(), options).value();
}

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline json::Value ReadJson(const std::filesystem::path& path) {
  return json::Read(ReadText(path)).value();
}

}  // namespace weir::schema
