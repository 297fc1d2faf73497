#include "weir/wire/request_writer.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/field_table.h"

namespace weir::wire {
namespace {

// Fields that are the codec's alone: another value would break the reading of the answer.
constexpr std::string_view kReserved[] = {"model", "messages", "prompt", "stream",
                                          "stream_options"};

std::string WhyMissing(std::string_view key, const model::Call& call, const Dialect& dialect,
                       Version since) {
  if (since == kNever) {
    return StrCat("the ", model::ApiName(call.api), " API of vLLM has no ", key);
  }
  return StrCat("vLLM ", dialect.version.major, ".", dialect.version.minor, ".",
                dialect.version.patch, " ignores ", key, ", which came with ", since.major, ".",
                since.minor, ".", since.patch);
}

}  // namespace

json::Writer& RequestWriter::Key(std::string_view key) {
  keys_.push_back(key);
  json_.Key(key);
  return json_;
}

Result<bool> RequestWriter::Carries(std::string_view key) {
  const FieldSince* const row = FindField(key);
  if (row == nullptr) return true;
  const Version since = row->For(call_.api);
  if (dialect().version >= since) return true;
  std::string why = WhyMissing(key, call_, dialect(), since);
  if (row->missing == IfMissing::kFail) {
    return Fail(Code::kUnsupportedParam, StrCat(why, ": leave it out, or use another server"));
  }
  Degrade(std::string(key), std::move(why));
  return false;
}

Result<void> RequestWriter::Offer(std::string_view key, const std::optional<std::int64_t>& value) {
  if (!value) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (carried) Key(key).Int(*value);
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, const std::optional<double>& value) {
  if (!value) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (carried) Key(key).Double(*value);
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, const std::optional<bool>& value) {
  if (!value) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (carried) Key(key).Bool(*value);
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, const std::string& value) {
  if (value.empty()) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (carried) Key(key).String(value);
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, json::View value) {
  if (!value.exists() || value.IsNull()) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (carried) Key(key).Value(value);
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, const std::vector<std::string>& values) {
  if (values.empty()) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (!carried) return {};
  Key(key).BeginArray();
  for (const std::string& value : values) json_.String(value);
  json_.EndArray();
  return {};
}

Result<void> RequestWriter::Offer(std::string_view key, const std::vector<std::int64_t>& values) {
  if (values.empty()) return {};
  WEIR_TRY(const bool carried, Carries(key));
  if (!carried) return {};
  Key(key).BeginArray();
  for (const std::int64_t value : values) json_.Int(value);
  json_.EndArray();
  return {};
}

Result<EncodedRequest> RequestWriter::Finish(std::string path) && {
  const json::View extra = call_.extra;
  if (!extra.IsNull() && !extra.IsObject()) {
    return Fail(Code::kInvalidRequest,
                StrCat("extra must be an object, not a ", json::KindName(extra.kind())));
  }
  if (extra.Find("extra_body").exists()) {
    return Fail(Code::kInvalidRequest,
                "extra must not hold extra_body, which only means something to Python's client: "
                "write its fields directly into extra");
  }
  if (extra.has_duplicate_keys()) {
    return Fail(Code::kInvalidRequest, "extra names a field twice");
  }
  for (const json::Member member : extra.members()) {
    if (std::ranges::find(kReserved, member.key) != std::end(kReserved)) {
      Degrade(std::string(member.key), "extra may not set this field; it was left out");
    } else if (std::ranges::find(keys_, member.key) != keys_.end()) {
      Degrade(std::string(member.key), "the call sets this field itself; that of extra lost");
    } else if (!member.value.IsNull()) {
      json_.Field(member.key, member.value);
    }
  }
  json_.EndObject();
  return EncodedRequest{std::move(path), std::move(body_), std::move(degradations_)};
}

}  // namespace weir::wire
