#include "weir/json/reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/scanner.h"
#include "weir/json/syntax_error.h"

namespace weir::json {
namespace {

// The second of two equal keys, nullopt if there are none.
std::optional<std::string_view> DuplicateKey(View object) {
  if (!object.has_duplicate_keys()) return std::nullopt;
  std::unordered_set<std::string_view> seen;
  for (const Member member : object.members()) {
    if (!seen.insert(member.key).second) return member.key;
  }
  return std::nullopt;
}

// Feeds a Builder with the scanner's events.
class Handler {
 public:
  Handler(Builder& builder, DuplicateKeys duplicates)
      : builder_(builder), rejects_duplicates_(duplicates == DuplicateKeys::kReject) {}

  const std::optional<std::string_view>& duplicate() const { return duplicate_; }

  bool Null() { return builder_.Null(), true; }
  bool Bool(bool value) { return builder_.Bool(value), true; }
  bool Number(std::string_view text) { return builder_.Number(text), true; }
  bool String(std::string_view text) { return builder_.String(text), true; }
  bool Key(std::string_view key) { return builder_.Key(key), true; }
  bool BeginArray() { return builder_.BeginArray(), true; }
  bool EndArray() { return builder_.EndArray(), true; }
  bool BeginObject() { return builder_.BeginObject(), true; }
  bool EndObject() {
    builder_.EndObject();
    if (rejects_duplicates_) duplicate_ = DuplicateKey(builder_.Last());
    return !duplicate_;
  }

 private:
  Builder& builder_;
  const bool rejects_duplicates_;
  std::optional<std::string_view> duplicate_;
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

  Handler handler(builder, options.duplicate_keys);
  Scanner scanner(options.max_depth);
  const Scanner::End end = scanner.Scan(source, handler);
  if (end == Scanner::End::kWhole) return std::move(builder).Finish();

  if (const auto duplicate = handler.duplicate()) {
    const auto offset = static_cast<std::size_t>(duplicate->data() - source.data());
    return Invalid(source, offset < source.size() ? offset : scanner.offset(),
                   StrCat("the key \"", Truncate(*duplicate, 80), "\" occurs twice in one object"));
  }
  const std::size_t deepest = std::min(options.max_depth, kDeepest);
  const std::optional<SyntaxError> wrong = FindSyntaxError(source, deepest);
  return Invalid(source, wrong ? wrong->offset : scanner.offset(),
                 wrong ? wrong->what : "no JSON value");
}

}  // namespace weir::json
