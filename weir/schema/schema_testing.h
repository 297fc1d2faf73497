#pragma once

// What tests of schemas share.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "weir/json/reader.h"
#include "weir/schema/compiled.h"
#include "weir/schema/schema.h"
#include "weir/schema/validate.h"

namespace weir::schema {

// Of a text that is known to be right.
inline Schema Compiled(std::string_view schema, const CompileOptions& options = {}) {
  return Schema::Compile(json::Read(schema).value(), options).value();
}

// Answers as the schema does, by the long way.
inline bool AcceptsWithoutShortcuts(const Schema& schema, json::View value) {
  struct Compiled plain = schema.compiled();
  for (Node& node : plain.nodes) node.only_ref = node.merged = kNone;
  for (LogicRules& rules : plain.logic) rules.any_telltale = rules.one_telltale = kNone;
  Evaluator evaluator(plain);
  return evaluator.Accepts(plain.root, value) && !evaluator.exhausted();
}

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline json::Value ReadJson(const std::filesystem::path& path) {
  return json::Read(ReadText(path)).value();
}

}  // namespace weir::schema
