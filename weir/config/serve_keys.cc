#include "weir/config/serve_keys.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/builder.h"

namespace weir::config {
namespace {

// What may stand beside `serve:`, as older files have it.
struct Shorthand {
  std::optional<bool> lazy;
  std::optional<std::int64_t> port;
  std::vector<std::string> flags;
  std::map<std::string, std::string> env;

  bool asks_for_server() const { return port || !flags.empty() || !env.empty(); }
};

// All that may stand in the block.
constexpr std::string_view kKeys[] = {"lifecycle", "port", "startup_timeout",
                                      "flags",     "env",  "tensor_parallel"};
constexpr std::string_view kOlderKeys[] = {"lazy", "extra_serve_flags", "extra_env"};

void CheckKeys(Visitor& v, const json::Value& block) {
  for (const auto& [key, value] : block.members()) {
    if (std::ranges::find(kKeys, key) != std::end(kKeys)) continue;
    if (std::ranges::find(kOlderKeys, key) != std::end(kOlderKeys)) continue;
    const std::vector<std::string> known(std::begin(kKeys), std::end(kKeys));
    const std::optional<std::string> nearest = Nearest(key, known);
    v.Problem("serve", StrCat("has the unknown key '", Truncate(key, 60), "'; ",
                              nearest ? StrCat("did you mean '", *nearest, "'?")
                                      : StrCat("known here: ", Join(known, ", "))));
  }
}

std::string_view Lifecycle(bool lazy) { return lazy ? "lazy" : "persistent"; }

void CopyMember(json::Builder& out, std::string_view key, json::View value) {
  if (key == "lazy") {
    out.Key("lifecycle");
    if (value.IsBool()) return out.String(Lifecycle(*value.AsBool()));
  } else if (key == "extra_serve_flags") {
    out.Key("flags");
  } else if (key == "extra_env") {
    out.Key("env");
  } else {
    out.Key(key);
  }
  out.Copy(value);
}

json::Value Merged(const json::Value& block, const Shorthand& beside) {
  json::Builder out;
  out.BeginObject();
  for (const auto& [key, value] : block.members()) CopyMember(out, key, value);
  if (beside.lazy) {
    out.Key("lifecycle");
    out.String(Lifecycle(*beside.lazy));
  }
  if (beside.port) {
    out.Key("port");
    out.Int(*beside.port);
  }
  if (!beside.flags.empty()) {
    out.Key("flags");
    out.BeginArray();
    for (const std::string& flag : beside.flags) out.String(flag);
    out.EndArray();
  }
  if (!beside.env.empty()) {
    out.Key("env");
    out.BeginObject();
    for (const auto& [name, value] : beside.env) {
      out.Key(name);
      out.String(value);
    }
    out.EndObject();
  }
  out.EndObject();
  return std::move(out).Finish();
}

}  // namespace

void DescribeServe(Visitor& v, EngineConfig& engine) {
  Shorthand beside;
  const Key serve{"serve",
                  {},
                  "how a server of its own is to be started: lifecycle (lazy or persistent), port, "
                  "startup_timeout, flags, env; this version starts none, so set base_url, too"};
  v.Field(serve, engine.serve);
  if (v.reads()) CheckKeys(v, engine.serve);
  v.Field({"lazy", {}, "false: to be started at once and kept", {}, "serve.lifecycle"},
          beside.lazy);
  v.Field({"port", {}, "of the server to be started", Within(1, 65535), "serve.port"}, beside.port);
  v.Field({"extra_serve_flags", {}, "behind `vllm serve MODEL`", {}, "serve.flags"}, beside.flags);
  v.Field({"extra_env", {"env"}, "variables of that process only", {}, "serve.env"}, beside.env);
  if (!v.reads()) return;
  const bool has_address = v.Has({"base_url", {"endpoint"}, ""});
  const bool managed = v.Has(serve) || beside.asks_for_server() || (beside.lazy && !has_address);
  if (!managed) return;
  engine.serve = Merged(engine.serve, beside);
  const std::optional<std::int64_t> port = engine.serve.Find("port").AsInt64();
  if (port && !has_address) engine.http.upstream.base_url = StrCat("http://localhost:", *port);
  if (has_address || engine.unusable) return;
  engine.lacks_server = true;
  engine.unusable =
      Error{.code = Code::kConfigError,
            .message = StrCat("engine '", engine.name,
                              "' has `serve:` and no base_url, and managed servers are not started "
                              "by this version: start it yourself and set base_url")};
}

}  // namespace weir::config
