#include "weir/engine/wire_log.h"

#include <algorithm>
#include <vector>

#include "weir/base/text.h"

namespace weir::engine {

void WireLog::Sent(std::string_view path, std::string_view body) {
  Tell("llm:request:raw", {"path", path}, body);
}

void WireLog::Came(std::string_view bytes) {
  const std::size_t kept = std::min(bytes.size(), max_bytes_ - body_.size());
  body_ += bytes.substr(0, kept);
  left_out_ += bytes.size() - kept;
}

WireLog::~WireLog() {
  if (status_ == 0) return;
  if (left_out_ > 0) StrAppend(body_, "...(truncated ", left_out_, " bytes)");
  Tell("llm:response:raw", {"status", std::int64_t{status_}}, body_);
}

void WireLog::Tell(std::string_view event, const TraceField& what, std::string_view body) const {
  std::vector<TraceField> fields = {{"engine", whose_.engine}, {"provider", whose_.provider}};
  if (!whose_.model.empty()) fields.push_back({"model", whose_.model});
  fields.insert(fields.end(), {{"request_id", whose_.request_id}, what, {"body", body}});
  trace_.OnEvent(event, fields);
}

}  // namespace weir::engine
