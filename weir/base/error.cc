#include "weir/base/error.h"

#include <tuple>
#include <utility>

#include "weir/base/text.h"

namespace weir {
namespace {

std::string_view CodeWord(Code code) {
  switch (code) {
    case Code::kTimeout:
      return "timeout";
    case Code::kStreamIdleTimeout:
      return "stream_idle_timeout";
    case Code::kConnectionError:
      return "connection_error";
    case Code::kHttpStatus:
      return "http_error";
    case Code::kContextLength:
      return "context_length";
    case Code::kContentFilter:
      return "content_filter";
    case Code::kProtocolError:
      return "protocol_error";
    case Code::kStreamTruncated:
      return "stream_truncated";
    case Code::kEmptyModelResponse:
      return "empty_model_response";
    case Code::kTruncated:
      return "truncated";
    case Code::kInvalidJson:
      return "invalid_json";
    case Code::kSchemaMismatch:
      return "schema_mismatch";
    case Code::kConstraintViolated:
      return "constraint_violated";
    case Code::kUnsupportedConstraint:
      return "unsupported_constraint";
    case Code::kUnsupportedParam:
      return "unsupported_param";
    case Code::kInvalidSchema:
      return "invalid_schema";
    case Code::kUnsupportedSchema:
      return "unsupported_schema";
    case Code::kInvalidPattern:
      return "invalid_pattern";
    case Code::kUnsupportedPattern:
      return "unsupported_pattern";
    case Code::kInvalidGrammar:
      return "invalid_grammar";
    case Code::kInvalidRequest:
      return "invalid_request";
    case Code::kConfigError:
      return "config_error";
    case Code::kBudgetExceeded:
      return "budget_exceeded";
    case Code::kNoSubmit:
      return "no_submit";
    case Code::kTurnLimit:
      return "turn_limit";
    case Code::kCancelled:
      return "cancelled";
    case Code::kIoError:
      return "io_error";
    case Code::kInternal:
      return "internal_error";
  }
  std::unreachable();
}

bool IsHttp(Code code) {
  return code == Code::kHttpStatus || code == Code::kContextLength || code == Code::kContentFilter;
}

ErrorClass ClassOfStatus(int status) {
  if (status == 401) return ErrorClass::kAuth;
  if (status == 403) return ErrorClass::kDenied;
  if (status == 404) return ErrorClass::kNotFound;
  if (status == 429) return ErrorClass::kRateLimit;
  if (RetryableStatus(status)) return ErrorClass::kUnavailable;
  return ErrorClass::kInvalidRequest;
}

}  // namespace

bool operator==(const Error& a, const Error& b) {
  return std::tie(a.code, a.message, a.http_status, a.retry_after, a.cause, a.permanent) ==
         std::tie(b.code, b.message, b.http_status, b.retry_after, b.cause, b.permanent);
}

std::string Name(const Error& error) {
  if (IsHttp(error.code) && error.http_status != 0) return StrCat("http_", error.http_status);
  return std::string(CodeWord(error.code));
}

ErrorClass ClassOf(const Error& error) {
  switch (error.code) {
    case Code::kTimeout:
    case Code::kStreamIdleTimeout:
      return ErrorClass::kTimeout;
    case Code::kConnectionError:
    case Code::kProtocolError:
    case Code::kStreamTruncated:
      return ErrorClass::kNetwork;
    case Code::kHttpStatus:
      return ClassOfStatus(error.http_status);
    case Code::kContextLength:
      return ErrorClass::kContextLength;
    case Code::kContentFilter:
      return ErrorClass::kContentFilter;
    case Code::kEmptyModelResponse:
    case Code::kTruncated:
      return ErrorClass::kModel;
    case Code::kInvalidJson:
    case Code::kSchemaMismatch:
    case Code::kConstraintViolated:
      return ErrorClass::kValidation;
    case Code::kUnsupportedConstraint:
    case Code::kUnsupportedParam:
    case Code::kInvalidSchema:
    case Code::kUnsupportedSchema:
    case Code::kInvalidPattern:
    case Code::kUnsupportedPattern:
    case Code::kInvalidGrammar:
    case Code::kConfigError:
      return ErrorClass::kConfig;
    case Code::kInvalidRequest:
      return ErrorClass::kInvalidRequest;
    case Code::kBudgetExceeded:
      return ErrorClass::kBudget;
    case Code::kNoSubmit:
    case Code::kTurnLimit:
      return ErrorClass::kAgent;
    case Code::kCancelled:
      return ErrorClass::kAbort;
    case Code::kIoError:
    case Code::kInternal:
      return ErrorClass::kInternal;
  }
  std::unreachable();
}

std::string_view ClassName(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kTimeout:
      return "timeout";
    case ErrorClass::kNetwork:
      return "network";
    case ErrorClass::kRateLimit:
      return "rate_limit";
    case ErrorClass::kUnavailable:
      return "unavailable";
    case ErrorClass::kAuth:
      return "auth";
    case ErrorClass::kDenied:
      return "denied";
    case ErrorClass::kNotFound:
      return "not_found";
    case ErrorClass::kInvalidRequest:
      return "invalid_request";
    case ErrorClass::kContextLength:
      return "context_length";
    case ErrorClass::kContentFilter:
      return "content_filter";
    case ErrorClass::kModel:
      return "model";
    case ErrorClass::kValidation:
      return "validation";
    case ErrorClass::kConfig:
      return "config";
    case ErrorClass::kBudget:
      return "budget";
    case ErrorClass::kAgent:
      return "agent";
    case ErrorClass::kAbort:
      return "abort";
    case ErrorClass::kInternal:
      return "internal";
  }
  std::unreachable();
}

bool RetryableStatus(int http_status) {
  return http_status == 408 || http_status == 425 || http_status == 429 ||
         (http_status >= 500 && http_status <= 599);
}

bool Retryable(const Error& error) {
  switch (error.code) {
    case Code::kTimeout:
    case Code::kStreamIdleTimeout:
    case Code::kStreamTruncated:
    case Code::kEmptyModelResponse:
      return true;
    case Code::kConnectionError:
      return !error.permanent;
    case Code::kHttpStatus:
      return RetryableStatus(error.http_status);
    default:
      return false;
  }
}

std::string Describe(const Error& error) {
  std::string text = StrCat(Name(error), ": ", error.message);
  if (!error.cause.empty()) text += StrCat(" (", error.cause, ")");
  return text;
}

}  // namespace weir
