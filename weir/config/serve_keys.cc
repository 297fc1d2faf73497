#include "weir/config/serve_keys.h"

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
                  "a server that is started when the engine is used: lifecycle (lazy or "
                  "persistent), port, startup_timeout, flags, env, ..."};
  v.Field(serve, engine.serve);
  v.Field({"lazy", {}, "false: started at once and kept", {}, "serve.lifecycle"}, beside.lazy);
  v.Field({"port", {}, "of the server that is started", Within(1, 65535), "serve.port"},
          beside.port);
  v.Field({"extra_serve_flags", {}, "behind `vllm serve MODEL`", {}, "serve.flags"}, beside.flags);
  v.Field({"extra_env", {"env"}, "variables of that process only", {}, "serve.env"}, beside.env);
  if (!v.reads()) return;
  const bool has_address = v.Has({"base_url", {"endpoint"}, ""});
  const bool managed = v.Has(serve) || beside.asks_for_server() || (beside.lazy && !has_address);
  if (!managed) return;
  engine.serve = Merged(engine.serve, beside);
  const std::optional<std::int64_t> port = engine.serve.Find("port").AsInt64();
  if (port && !has_address) engine.http.upstream.base_url = StrCat("http://localhost:", *port);
}

}  // namespace weir::config
