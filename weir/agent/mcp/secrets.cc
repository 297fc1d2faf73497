#include "weir/agent/mcp/secrets.h"

#include "weir/base/expand.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"

namespace weir::agent::mcp {
namespace {

// Shorter ones ("1", "yes") are no secrets, and would tear holes into every text.
constexpr std::size_t kShortest = 5;

void Add(std::vector<std::string>& secrets, std::string_view value) {
  if (value.size() >= kShortest) secrets.emplace_back(value);
}

}  // namespace

std::vector<std::string> SecretsOf(const McpServer& definition, const Env& env) {
  std::vector<std::string> secrets;
  for (const auto& [name, written] : definition.headers) {
    const Expansion value = Expand(written, env);
    Add(secrets, value.text);
    // "Bearer KEY": servers quote the key alone.
    const std::size_t blank = value.text.find(' ');
    if (blank != std::string::npos) Add(secrets, Trim(std::string_view(value.text).substr(blank)));
    for (const std::string& variable : value.used) Add(secrets, env.Get(variable).value_or(""));
  }
  for (const auto& [name, written] : definition.env) {
    const Expansion value = Expand(written, env);
    const bool secret = IsSecretName(name);
    if (secret) Add(secrets, value.text);
    for (const std::string& variable : value.used) {
      if (secret || IsSecretName(variable)) Add(secrets, env.Get(variable).value_or(""));
    }
  }
  return secrets;
}

std::string HideSecrets(std::string_view text, std::span<const std::string> secrets) {
  std::string hidden(text);
  for (const std::string& secret : secrets) {
    for (std::size_t at = hidden.find(secret); at != std::string::npos;
         at = hidden.find(secret, at + 3)) {
      hidden.replace(at, secret.size(), "***");
    }
  }
  return Redact(hidden);
}

}  // namespace weir::agent::mcp
