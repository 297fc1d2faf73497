#pragma once

// The part of Python that configurations are written in: literals, declared fields, calls with
// literal arguments. Nothing is run.

#include <span>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/yaml.h"

namespace weir::config {

// By the first line that says something.
bool LooksLikePython(std::string_view text);

// A program as a document:
//   classes  name -> field -> default (null without one, {} where a class of its own is made)
//   fields   the same for declarations outside any class
//   values   name -> what it is assigned, for dict literals
//   calls    [{name, arguments: [...], named: {...}}] of the functions in `calls`
// Bodies of functions and everything else are passed over. os.environ["X"], and what reads it by
// function, is "${X}". Fails with kConfigError for texts and brackets that do not end, and for
// expressions where a value is needed.
Result<json::YamlDocument> ReadPython(std::string_view text, std::string_view file,
                                      std::span<const std::string_view> calls);

}  // namespace weir::config
