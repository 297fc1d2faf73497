#include <string_view>
#include <utility>

#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

// The middleware of vLLM that checks keys knows nothing of envelopes.
bool IsBareUnauthorized(const ServerError& error, const Dialect& dialect) {
  return dialect.kind == ServerKind::kVllm && error.status == 401 &&
         error.message == "Unauthorized";
}

void BuildTextOrNull(std::string_view key, const std::optional<std::string>& text,
                     json::Builder& out) {
  out.Key(key);
  if (text) {
    out.String(*text);
  } else {
    out.Null();
  }
}

void BuildWords(const ServerError& error, const Dialect& dialect, json::Builder& out) {
  const WordedError words = WordError(error, dialect);
  out.BeginObject();
  out.Key("message");
  out.String(words.message);
  out.Key("type");
  out.String(words.type);
  BuildTextOrNull("param", words.param, out);
  out.Key("code");
  if (words.code.empty()) {
    out.Null();
  } else {
    out.String(words.code);
  }
  out.EndObject();
}

void BuildFields(const ServerError& error, const Dialect& dialect, json::Builder& out) {
  if (dialect.error_shape == ErrorShape::kNestedWords) return BuildWords(error, dialect, out);
  out.BeginObject();
  if (dialect.error_shape == ErrorShape::kFlat) {
    out.Key("object");
    out.String("error");
  }
  out.Key("message");
  out.String(error.message);
  out.Key("type");
  out.String(error.type);
  BuildTextOrNull("param", error.param, out);
  out.Key("code");
  out.Int(error.status);
  out.EndObject();
}

json::Value Wrapped(const ServerError& error, const Dialect& dialect) {
  json::Builder out;
  out.BeginObject();
  out.Key("error");
  if (IsBareUnauthorized(error, dialect)) {
    out.String(error.message);
  } else {
    BuildFields(error, dialect, out);
  }
  out.EndObject();
  return std::move(out).Finish();
}

}  // namespace

std::string EncodeError(const ServerError& error, const Dialect& dialect) {
  if (dialect.error_shape != ErrorShape::kFlat || IsBareUnauthorized(error, dialect)) {
    return json::Write(Wrapped(error, dialect));
  }
  json::Builder out;
  BuildFields(error, dialect, out);
  return json::Write(std::move(out).Finish());
}

std::string EncodeErrorEvent(const ServerError& error, const Dialect& dialect) {
  if (dialect.kind != ServerKind::kVllm) return json::Write(Wrapped(error, dialect));
  return json::WriteSpaced(Wrapped(error, dialect));
}

}  // namespace weir::wire
