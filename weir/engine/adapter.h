#pragma once

// Adapter: what is special about one kind of server. The way of a call to the socket and back is
// written once, in http_engine.cc; an adapter only says what is sent and how the answer is read.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/engine/upstream.h"
#include "weir/model/embedding.h"
#include "weir/model/engine.h"
#include "weir/wire/codec.h"
#include "weir/wire/metrics_reader.h"

namespace weir::engine {

// How the events of a stream are framed.
enum class Framing : std::uint8_t { kServerSentEvents, kLines };

class Adapter {
 public:
  virtual ~Adapter() = default;

  virtual std::string_view kind() const = 0;  // "vllm", "openai", "ollama"

  virtual Result<wire::EncodedRequest> Encode(const model::Call& call,
                                              const wire::EncodeOptions& how) const = 0;
  virtual Result<model::Reply> Decode(model::Api api, std::string_view body) const = 0;
  virtual std::unique_ptr<wire::EventDecoder> NewDecoder(model::Api api) const = 0;
  virtual Framing framing(model::Api api) const = 0;

  // Where the list of models is: tried in order until one is there.
  virtual std::vector<std::string_view> ModelPaths() const = 0;
  virtual Result<std::vector<model::ModelEntry>> DecodeModels(std::string_view body) const = 0;

  // Whether its versions want to be spoken to differently, so that it is worth asking.
  virtual bool VersionsDiffer() const { return false; }
  // Where the server tells its version, and how to read the dialect out of the answer. Empty: it
  // does not tell.
  virtual std::string_view VersionPath() const { return {}; }
  virtual wire::Dialect DialectOf(std::string_view version_body) const = 0;
  virtual std::string VersionOf(std::string_view version_body) const;
  // Further questions to one that does not tell it, in their order, each with what its answer (of
  // any status) shows.
  struct Hint {
    std::string_view method;
    std::string_view path;
    std::string_view body;
    std::optional<wire::Dialect> (*read)(std::string_view answer);
  };
  virtual std::vector<Hint> VersionHints() const { return {}; }

  // Answers 200 when the server is ready. Empty: there is no such path.
  virtual std::string_view HealthPath() const { return {}; }

  // Fail with kUnsupportedParam where the kind of server has no such thing.
  virtual Result<wire::EncodedRequest> EncodeEmbed(const model::EmbedCall& call) const;
  virtual Result<model::Embeddings> DecodeEmbed(std::string_view body) const;
  // Asks which tokens a call has.
  virtual Result<wire::EncodedRequest> EncodeCount(const model::Call& call,
                                                   const wire::EncodeOptions& how) const;
  virtual Result<model::Tokens> DecodeTokens(std::string_view body) const;
  virtual Result<wire::EncodedRequest> EncodeLoadAdapter(std::string_view name,
                                                         std::string_view path) const;
  virtual Result<wire::EncodedRequest> EncodeUnloadAdapter(std::string_view name) const;

  // Where the server's figures are. Empty: it has none that weir reads.
  virtual std::string_view MetricsPath() const { return {}; }
  virtual std::optional<wire::PrefixStats> ReadPrefixStats(std::string_view /*metrics*/) const {
    return std::nullopt;
  }
};

// The models of a server, asked of it.
async::Task<Result<std::vector<model::ModelEntry>>> ListModels(async::Context ctx,
                                                               Upstream& upstream,
                                                               const Adapter& adapter);

std::unique_ptr<Adapter> NewVllmAdapter();
std::unique_ptr<Adapter> NewOpenAiAdapter();
std::unique_ptr<Adapter> NewOllamaAdapter();
std::unique_ptr<Adapter> NewAdapter(wire::ServerKind kind);

}  // namespace weir::engine
