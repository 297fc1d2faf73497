#include "weir/wire/batch_check.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::wire {

const std::vector<std::string>& BatchEndpoints() {
  static const std::vector<std::string> kEndpoints = {"/v1/chat/completions", "/v1/completions",
                                                      "/v1/embeddings", "/v1/responses"};
  return kEndpoints;
}

BatchChecker::BatchChecker(BatchRules rules) : rules_(std::move(rules)) {}

std::optional<std::string> BatchChecker::Add(std::string_view line) {
  ++line_;
  if (Trim(line).empty()) return std::nullopt;
  ++requests_;
  const Result<json::Value> request = json::Read(line);
  if (!request || !request->IsObject()) {
    Problem("invalid_json_line", "This line is not parseable as valid JSON.", "");
    return std::nullopt;
  }
  if (!CheckFields(*request)) return std::nullopt;
  std::string custom_id(request->Find("custom_id").StringOr(""));
  if (!ids_.insert(custom_id).second) {
    Problem("duplicate_custom_id",
            StrCat("The custom_id '", Truncate(custom_id, 100),
                   "' for this request is a duplicate of another request. The custom_id "
                   "parameter must be unique for each request in a batch."),
            "custom_id");
    return std::nullopt;
  }
  if (!CheckUrl(request->Find("url").StringOr(""))) return std::nullopt;
  NoteModel(request->Find("body").Find("model").StringOr(""));
  return custom_id;
}

void BatchChecker::Finish() {
  line_ = 0;
  if (requests_ == 0) {
    Problem("empty_file",
            "This file is empty. Please ensure that your batch contains at least one line.", "");
  } else if (requests_ > rules_.max_requests) {
    errors_.insert(errors_.begin(), {.code = "too_many_tasks",
                                     .message = StrCat("The batch input file contains ", requests_,
                                                       " requests, more than the maximum of ",
                                                       rules_.max_requests, "."),
                                     .param = {},
                                     .line = {}});
  }
}

void BatchChecker::Problem(std::string code, std::string message, std::string param) {
  if (full()) return;
  BatchError& error = errors_.emplace_back();
  error.code = std::move(code);
  error.message = std::move(message);
  if (!param.empty()) error.param = std::move(param);
  if (line_ > 0) error.line = line_;
}

bool BatchChecker::CheckFields(json::View request) {
  for (const char* name : {"custom_id", "method", "url"}) {
    const json::View value = request.Find(name);
    if (!value.exists() || value.IsNull()) {
      Problem("missing_required_parameter", StrCat("Missing required parameter: '", name, "'."),
              name);
      return false;
    }
    if (value.IsString() && !value.StringOr("").empty()) continue;
    Problem("invalid_request", StrCat("'", name, "' must be a string that is not empty."), name);
    return false;
  }
  if (request.Find("method").StringOr("") != "POST") {
    Problem("invalid_method",
            StrCat("The method '", Truncate(request.Find("method").StringOr(""), 20),
                   "' is not supported. Only 'POST' is."),
            "method");
    return false;
  }
  const json::View body = request.Find("body");
  if (!body.IsObject()) {
    Problem("invalid_request", "'body' must be an object.", "body");
    return false;
  }
  if (body.Find("stream").BoolOr(false)) {
    Problem("invalid_request", "A request of a batch cannot be streamed.", "body.stream");
    return false;
  }
  return true;
}

bool BatchChecker::CheckUrl(std::string_view url) {
  const std::vector<std::string>& known = BatchEndpoints();
  if (std::ranges::find(known, url) == known.end()) {
    Problem("invalid_url",
            StrCat("The URL '", Truncate(url, 100),
                   "' is not supported. Supported values are: ", Join(known, ", "), "."),
            "url");
    return false;
  }
  if (rules_.endpoint.empty()) rules_.endpoint = url;
  if (rules_.endpoint == url) return true;
  Problem("url_mismatch",
          StrCat("The URL '", url, "' of this request does not match the batch endpoint '",
                 rules_.endpoint, "'."),
          "url");
  return false;
}

void BatchChecker::NoteModel(std::string_view model) {
  if (model_.empty()) model_ = model;
  if (model_ != model && !mixed_models_) mixed_models_ = line_;
}

}  // namespace weir::wire
