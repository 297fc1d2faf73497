#pragma once

// Profiles: named defaults that engines and agents may take.

#include <string>
#include <string_view>
#include <vector>

#include "weir/config/describe.h"

namespace weir::config {

// "vllm", "agent", "chain", "completion" and "coder"; docs/configuration.md has their numbers.
Profiles BuiltInProfiles();

// The keys of the built-in profiles that are left unset on purpose, as pointers.
std::vector<std::string> UnsetOnPurpose();

// Lays the profile beneath what the engine will say itself.
void Apply(Visitor& v, const Profile& profile, EngineConfig& engine);

}  // namespace weir::config
