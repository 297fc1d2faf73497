// The rooms of Ollama that lie beside generation: vectors, and what it tells of its models.

#include <algorithm>
#include <utility>

#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/sim/face/ollama.h"
#include "weir/sim/vectors.h"

namespace weir::sim {
namespace {

using async::Task;

constexpr std::string_view kLatestTag = ":latest";
constexpr std::int64_t kStillNanos = kStillSeconds * kNanosPerSecond;
constexpr std::int64_t kKeptSeconds = 300;  // a model that nobody asks is unloaded then
constexpr std::int64_t kModelBytes = 1'929'912'432;

bool HasTag(std::string_view name) { return name.substr(name.rfind('/') + 1).contains(':'); }

std::string Tagged(std::string_view name) {
  return HasTag(name) ? std::string(name) : StrCat(name, kLatestTag);
}

wire::OllamaModel OllamaModelOf(const Visit& visit, const std::string& name,
                                const SimModel& model) {
  Random random(StableHash(name.data(), name.size(), visit.core.options().seed));
  wire::OllamaModel out;
  out.name = Tagged(name);
  out.digest = HexId(random, 32) + HexId(random, 32);
  out.size = kModelBytes;
  out.modified_nanos = kStillNanos;
  out.family = "weir";
  out.parameter_size = "3.2B";
  out.quantization = "Q4_K_M";
  out.context_length = model.max_model_len;
  out.embedding_length = static_cast<std::int64_t>(visit.core.options().max_embedding_dimensions);
  out.capabilities = {"completion", "tools", "vision", "insert", "embedding", "thinking"};
  return out;
}

std::vector<wire::OllamaModel> DescribeAll(const Visit& visit) {
  std::vector<wire::OllamaModel> out;
  for (const SimModel& model : visit.core.options().models) {
    for (const std::string& name : model.served_names) {
      out.push_back(OllamaModelOf(visit, name, model));
    }
  }
  return out;
}

Task<void> ServeVectors(Visit& visit, wire::OllamaEmbedApi form) {
  const auto read = wire::DecodeOllamaEmbed(form, visit.exchange.body());
  if (!read) co_return co_await RespondOllamaError(visit, read.error());
  const SimOptions& options = visit.core.options();
  const std::optional<OllamaFound> found = FindOllamaModel(options, read->model);
  if (!found) {
    const wire::ServerError error = wire::OllamaModelNotFound(read->model);
    co_return co_await RespondOllamaError(visit, error);
  }
  const auto most = static_cast<std::int64_t>(options.max_embedding_dimensions);
  const std::int64_t asked = read->dimensions.value_or(0);
  const auto dimensions = static_cast<std::size_t>(asked > 0 ? std::min(asked, most) : most);
  std::vector<std::vector<float>> vectors;
  std::int64_t tokens = 0;
  for (const std::string& text : read->texts) {
    std::vector<TokenId> input = Tokenizer::Encode(text);
    const auto window = static_cast<std::size_t>(found->model->max_model_len);
    if (input.size() > window && !read->truncate) {
      const wire::ServerError error{.type = {},
                                    .message = "the input length exceeds the context length"};
      co_return co_await RespondOllamaError(visit, error);
    }
    input.resize(std::min(input.size(), window));
    tokens += static_cast<std::int64_t>(input.size());
    vectors.push_back(Embed(input, dimensions, options.seed));
  }
  if (form == wire::OllamaEmbedApi::kLegacy) {
    const std::vector<float> vector = vectors.empty() ? std::vector<float>() : vectors.front();
    co_return co_await RespondJson(visit, 200, wire::EncodeOllamaEmbedding(vector));
  }
  wire::OllamaTimes times;
  if (!options.deterministic) {
    times.total = (visit.exchange.context().Now() - visit.began).count();
  }
  co_await RespondJson(visit, 200, wire::EncodeOllamaEmbed(read->model, vectors, times, tokens));
}

wire::ServerError NotFound(std::string_view model) {
  return {.status = 404, .type = {}, .message = StrCat("model '", model, "' not found")};
}

// The models of a simulator are those it was started with.
Task<void> ServeChange(Visit& visit, bool needs_model) {
  const auto read = wire::DecodeOllamaModel(visit.exchange.body());
  if (!read) co_return co_await RespondOllamaError(visit, read.error());
  if (needs_model && !FindOllamaModel(visit.core.options(), read->model)) {
    co_return co_await RespondOllamaError(visit, NotFound(read->model));
  }
  const wire::ServerError fixed{
      .status = 500,
      .type = {},
      .message = "the models of a simulator are fixed: name others when it is started"};
  co_await RespondOllamaError(visit, fixed);
}

}  // namespace

std::int64_t OllamaWall(const Visit& visit) {
  return visit.core.options().deterministic ? kStillNanos : visit.WallNanos();
}

std::optional<OllamaFound> FindOllamaModel(const SimOptions& options, std::string_view asked) {
  for (const SimModel& model : options.models) {
    for (const std::string& name : model.served_names) {
      if (EqualsIgnoreCase(Tagged(name), Tagged(asked))) return OllamaFound{name, &model};
    }
  }
  return std::nullopt;
}

Task<void> RespondOllamaError(Visit& visit, const wire::ServerError& error) {
  return RespondJson(visit, error.status, wire::EncodeOllamaError(error));
}

Task<void> ServeOllamaEmbed(Visit& visit) {
  return ServeVectors(visit, wire::OllamaEmbedApi::kEmbed);
}
Task<void> ServeOllamaEmbeddings(Visit& visit) {
  return ServeVectors(visit, wire::OllamaEmbedApi::kLegacy);
}

Task<void> ServeOllamaShow(Visit& visit) {
  const auto read = wire::DecodeOllamaModel(visit.exchange.body());
  if (!read) co_return co_await RespondOllamaError(visit, read.error());
  const std::optional<OllamaFound> found = FindOllamaModel(visit.core.options(), read->model);
  if (!found) co_return co_await RespondOllamaError(visit, NotFound(read->model));
  co_await RespondJson(visit, 200,
                       wire::EncodeOllamaShow(OllamaModelOf(visit, found->name, *found->model)));
}

Task<void> ServeOllamaTags(Visit& visit) {
  return RespondJson(visit, 200, wire::EncodeOllamaTags(DescribeAll(visit)));
}

// The simulator's models are always loaded, as if each had just been asked.
Task<void> ServeOllamaLoaded(Visit& visit) {
  return RespondJson(visit, 200,
                     wire::EncodeOllamaLoaded(DescribeAll(visit),
                                              OllamaWall(visit) + kKeptSeconds * kNanosPerSecond));
}

Task<void> ServeOllamaVersion(Visit& visit) {
  constexpr std::string_view kVersion = "0.13.5";
  const std::string& set = visit.core.options().server_version;
  std::string body = "{\"version\":";
  json::AppendQuoted(body, set.empty() ? kVersion : std::string_view(set));
  return RespondJson(visit, 200, body + "}");
}

Task<void> ServeOllamaRoot(Visit& visit) {
  return RespondText(visit, 200, "text/plain; charset=utf-8", "Ollama is running");
}

// What is there is pulled at once, as when nothing is new; what is not there is nowhere.
Task<void> ServeOllamaPull(Visit& visit) {
  const auto read = wire::DecodeOllamaModel(visit.exchange.body());
  if (!read) co_return co_await RespondOllamaError(visit, read.error());
  const bool there = FindOllamaModel(visit.core.options(), read->model).has_value();
  const wire::ServerError missing{
      .status = 500, .type = {}, .message = "pull model manifest: file does not exist"};
  if (!read->stream) {
    if (!there) co_return co_await RespondOllamaError(visit, missing);
    co_return co_await RespondJson(visit, 200, R"({"status":"success"})");
  }
  std::string lines = "{\"status\":\"pulling manifest\"}\n";
  if (there) {
    lines += "{\"status\":\"verifying sha256 digest\"}\n{\"status\":\"success\"}\n";
  } else {
    StrAppend(lines, wire::EncodeOllamaError(missing), "\n");
  }
  co_await RespondText(visit, 200, kOllamaLines, std::move(lines));
}

Task<void> ServeOllamaKnown(Visit& visit) { return ServeChange(visit, true); }
Task<void> ServeOllamaCreate(Visit& visit) { return ServeChange(visit, false); }

}  // namespace weir::sim
