#include "weir/engine/openai_form.h"
#include "weir/json/reader.h"
#include "weir/wire/adapters_client.h"
#include "weir/wire/evidence.h"

namespace weir::engine {
namespace {

class VllmAdapter final : public OpenAiFormAdapter {
 public:
  std::string_view kind() const override { return "vllm"; }

  Result<wire::EncodedRequest> Encode(const model::Call& call,
                                      const wire::EncodeOptions& how) const override {
    return EncodeByApi(call, how);
  }

  bool VersionsDiffer() const override { return true; }
  std::string_view VersionPath() const override { return "/version"; }
  std::string VersionOf(std::string_view version_body) const override {
    const auto read = json::Read(version_body);
    return read ? std::string(read->Find("version").StringOr("")) : std::string();
  }
  // A server that does not say it counts as the latest.
  wire::Dialect DialectOf(std::string_view version_body) const override {
    return wire::DialectOfVersion(VersionOf(version_body));
  }
  // A request without messages is refused before a model sees it.
  std::vector<Hint> VersionHints() const override {
    return {{"GET", "/openapi.json", "", wire::DialectOfOpenApi},
            {"POST", "/v1/chat/completions", "{}", wire::DialectOfErrorBody}};
  }
  std::string_view HealthPath() const override { return "/health"; }

  Result<model::Tokens> DecodeTokens(std::string_view body) const override {
    return wire::DecodeTokens(body);
  }
  Result<wire::EncodedRequest> EncodeCount(const model::Call& call,
                                           const wire::EncodeOptions& how) const override {
    return wire::EncodeCount(call, how);
  }
  Result<wire::EncodedRequest> EncodeLoadAdapter(std::string_view name,
                                                 std::string_view path) const override {
    return wire::EncodeLoadAdapter(name, path);
  }
  Result<wire::EncodedRequest> EncodeUnloadAdapter(std::string_view name) const override {
    return wire::EncodeUnloadAdapter(name);
  }

  std::string_view MetricsPath() const override { return "/metrics"; }
  std::optional<wire::PrefixStats> ReadPrefixStats(std::string_view metrics) const override {
    return wire::ReadPrefixStats(metrics);
  }
};

}  // namespace

std::unique_ptr<Adapter> NewVllmAdapter() { return std::make_unique<VllmAdapter>(); }

}  // namespace weir::engine
