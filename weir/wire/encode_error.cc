#include <string_view>
#include <utility>

#include "weir/json/builder.h"
#include "weir/json/writer.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {
namespace {

// The middleware that checks keys knows nothing of envelopes.
bool IsBareUnauthorized(const ServerError& error) {
  return error.status == 401 && error.message == "Unauthorized";
}

std::string_view WordOf(int status) {
  if (status == 401) return "invalid_api_key";
  if (status == 404) return "model_not_found";
  if (status == 429) return "rate_limit_exceeded";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

void BuildFields(const ServerError& error, const Dialect& dialect, json::Builder& out) {
  const bool words = dialect.error_shape == ErrorShape::kNestedWords;
  out.BeginObject();
  if (dialect.error_shape == ErrorShape::kFlat) {
    out.Key("object");
    out.String("error");
  }
  out.Key("message");
  out.String(error.message);
  out.Key("type");
  if (words) {
    out.String(error.status >= 500 ? "server_error" : "invalid_request_error");
  } else {
    out.String(error.type);
  }
  out.Key("param");
  if (error.param) {
    out.String(*error.param);
  } else {
    out.Null();
  }
  out.Key("code");
  if (words) {
    out.String(WordOf(error.status));
  } else {
    out.Int(error.status);
  }
  out.EndObject();
}

json::Value Wrapped(const ServerError& error, const Dialect& dialect) {
  json::Builder out;
  out.BeginObject();
  out.Key("error");
  if (IsBareUnauthorized(error)) {
    out.String(error.message);
  } else {
    BuildFields(error, dialect, out);
  }
  out.EndObject();
  return std::move(out).Finish();
}

}  // namespace

std::string EncodeError(const ServerError& error, const Dialect& dialect) {
  if (dialect.error_shape != ErrorShape::kFlat || IsBareUnauthorized(error)) {
    return json::Write(Wrapped(error, dialect));
  }
  json::Builder out;
  BuildFields(error, dialect, out);
  return json::Write(std::move(out).Finish());
}

std::string EncodeErrorEvent(const ServerError& error, const Dialect& dialect) {
  return json::WriteSpaced(Wrapped(error, dialect));
}

}  // namespace weir::wire
