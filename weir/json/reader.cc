#include "weir/json/reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/syntax_error.h"

namespace weir::json {
namespace {

using boost::json::error_code;
using Text = boost::json::string_view;

// The second of two equal keys, nullopt if there are none.
std::optional<std::string_view> DuplicateKey(View object) {
  if (!object.has_duplicate_keys()) return std::nullopt;
  std::unordered_set<std::string_view> seen;
  for (const Member member : object.members()) {
    if (!seen.insert(member.key).second) return member.key;
  }
  return std::nullopt;
}

// Feeds a Builder with the parser's events. Texts come whole when they lie in the source as they
// are, and in parts when they hold escapes.
class Handler {
 public:
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;

  Handler(Builder& builder, DuplicateKeys duplicates)
      : builder_(builder), rejects_duplicates_(duplicates == DuplicateKeys::kReject) {}

  const std::optional<std::string_view>& duplicate() const { return duplicate_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) {
    builder_.BeginArray();
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    builder_.EndArray();
    return true;
  }
  bool on_object_begin(error_code&) {
    builder_.BeginObject();
    return true;
  }
  bool on_object_end(std::size_t, error_code& error) {
    builder_.EndObject();
    if (!rejects_duplicates_) return true;
    duplicate_ = DuplicateKey(builder_.Last());
    if (duplicate_) error = boost::json::error::exception;
    return !duplicate_;
  }
  bool on_string_part(Text part, std::size_t, error_code&) { return Keep(part); }
  bool on_string(Text last, std::size_t, error_code&) {
    builder_.String(Whole(last));
    return true;
  }
  bool on_key_part(Text part, std::size_t, error_code&) { return Keep(part); }
  bool on_key(Text last, std::size_t, error_code&) {
    builder_.Key(Whole(last));
    return true;
  }
  bool on_number_part(Text part, error_code&) { return Keep(part); }
  bool on_int64(std::int64_t, Text last, error_code&) { return Number(last); }
  bool on_uint64(std::uint64_t, Text last, error_code&) { return Number(last); }
  bool on_double(double, Text last, error_code&) { return Number(last); }
  bool on_bool(bool value, error_code&) {
    builder_.Bool(value);
    return true;
  }
  bool on_null(error_code&) {
    builder_.Null();
    return true;
  }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

 private:
  bool Keep(Text part) {
    parts_.append(part.data(), part.size());
    return true;
  }

  // All parts with the last one. Good until the next event.
  std::string_view Whole(Text last) {
    if (parts_.empty()) return {last.data(), last.size()};
    Keep(last);
    whole_.swap(parts_);
    parts_.clear();
    return whole_;
  }

  bool Number(Text last) {
    builder_.Number(Whole(last));
    return true;
  }

  Builder& builder_;
  const bool rejects_duplicates_;
  std::optional<std::string_view> duplicate_;
  std::string parts_;
  std::string whole_;
};

std::unexpected<Error> Invalid(std::string_view text, std::size_t offset, std::string_view what) {
  return Fail(Code::kInvalidJson, StrCat("invalid JSON at ", Place(text, offset), ": ", what));
}

}  // namespace

Result<Value> Read(std::string_view text, const ReadOptions& options) {
  if (text.size() > options.max_bytes) {
    return Fail(Code::kInvalidJson,
                StrCat("the JSON text has ", text.size(), " bytes, more than the limit of ",
                       options.max_bytes, "; raise max_bytes if it should be read"));
  }
  Builder builder(text.size());
  const std::string_view source = builder.AdoptSource(text);

  boost::json::parse_options rules;
  rules.max_depth = std::min(options.max_depth, kDeepest);
  boost::json::basic_parser<Handler> parser(rules, builder, options.duplicate_keys);
  error_code error;
  const std::size_t used = parser.write_some(false, source.data(), source.size(), error);
  if (!error && used == source.size()) return std::move(builder).Finish();

  if (const auto duplicate = parser.handler().duplicate()) {
    const std::size_t offset = static_cast<std::size_t>(duplicate->data() - source.data());
    return Invalid(source, offset < source.size() ? offset : used,
                   StrCat("the key \"", Truncate(*duplicate, 80), "\" occurs twice in one object"));
  }
  if (const auto wrong = FindSyntaxError(source, rules.max_depth)) {
    return Invalid(source, wrong->offset, wrong->what);
  }
  return Invalid(source, used, "the exponent of a number is beyond what can be read");
}

}  // namespace weir::json
