#pragma once

// The description of every key of weir.yaml. See keys.h for what it is good for.

#include "weir/config/config.h"
#include "weir/config/keys.h"

namespace weir::config {

using Profiles = std::map<std::string, Profile, std::less<>>;

void Describe(Visitor& v, Config& config);

// `engines`, for files that are nothing but a list of them.
Key EnginesKey();
NamedItems EnginesOf(Config& config);

// `profiles` are those that the engine may name. While a file is read, `engine` takes the values of
// its kind and of its profile before its own.
void Describe(Visitor& v, EngineConfig& engine, const Profiles& profiles);

void Describe(Visitor& v, Profile& profile);

}  // namespace weir::config
