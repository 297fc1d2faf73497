#pragma once

// The lenient reader: JSON as models write it. One pass over the text mends what can be mended
// honestly and says what it mended; nothing is invented, and a document that was cut off says so.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::json {

enum class Strictness : std::uint8_t {
  kStrict,   // the strict reader: whatever is not RFC 8259 fails
  kMend,     // text around a document is dropped only when the document in it is whole
  kSalvage,  // takes what can be had: a cut document is read even out of text or of reasoning
};

// What was mended. Every kind has one stable word, see RepairName().
enum class RepairKind : std::uint8_t {
  kMissingComma,  // also one written as ";" or full-width
  kExtraComma,    // a trailing, leading or doubled one
  kMissingColon,  // also one written as "=" or "=>" or full-width
  kExtraColon,
  kMissingOpener,   // of an array or object
  kExtraOpener,     // {{"a": 1}}
  kMissingCloser,   // of an array or object, where others follow
  kExtraCloser,     // one that closes nothing
  kWrongCloser,     // "]" for "}" or the other way round, also ")"
  kMissingValue,    // null stands in its place
  kMissingQuote,    // at one end of a string or key
  kUnescapedQuote,  // inside a string
  kSingleQuotes,
  kSmartQuotes,  // typographic ones
  kBacktickQuotes,
  kTripleQuotes,
  kDoubledQuotes,   // ""like this"" or only at the end
  kEscapedQuotes,   // \"like this\" where a string begins: a document inside a string; also &quot;
  kUnquotedKey,     // also a number or constant as a key
  kUnquotedString,  // text that is no number and no constant: also 007 and 1,000
  kConstant,        // True, None, undefined, NaN, ...; NaN and the infinities become null
  kNumber,          // +1, .5, 1., 0x1F, 1_000
  kControlCharacter,
  kInvalidEscape,   // the backslash is kept, except before a quote, _ and $, and in keys
  kInvalidUnicode,  // bad UTF-8 or half a surrogate pair became U+FFFD
  kLineBreakAtEnd,  // a bare one was layout: at the end of a key, or of text that holds a fence
  kConcatenation,   // "a" + "b", or without the plus on two lines
  kComment,
  kEllipsis,
  kCall,          // ObjectId("1") or callback({...});
  kParentheses,   // (1, 2): a tuple; (1): one value
  kSet,           // {"a", "b"} became an array
  kSpecialSpace,  // white space that JSON does not know, or a byte order mark
  kStrayText,     // words between the values of a document
  kFence,
  kReasoning,  // <think>...</think>
  kTextBefore,
  kTextAfter,
  kSeveralDocuments,  // became one array
  kCutOff,            // the text ended inside the document; what was open is closed
};
inline constexpr std::size_t kRepairKinds = static_cast<std::size_t>(RepairKind::kCutOff) + 1;

// "missing_comma", "single_quotes", "cut_off", ...
std::string_view RepairName(RepairKind kind);

struct Repair {
  RepairKind kind;
  std::size_t offset;  // of the byte in the source text where it was noticed

  friend bool operator==(const Repair&, const Repair&) = default;
};

struct LenientOptions {
  Strictness strictness = Strictness::kMend;
  // Arrays and objects inside each other; a deeper document is refused.
  std::size_t max_depth = limits::kJsonDepth;
  // Of the text; a longer one is refused.
  std::size_t max_bytes = limits::kReplyBodyBytes;
  // Entries kept in RepairReport::repairs; RepairReport::count goes on.
  std::size_t max_repairs = 1000;
};

struct RepairReport {
  std::vector<Repair> repairs;  // in the order in which they were noticed
  std::size_t count = 0;        // of all repairs, also of those beyond max_repairs; 0: valid JSON
  bool complete = true;         // false: the text ended inside the document
};

struct Mended {
  Value value;
  RepairReport report;
};

// Reads one document out of `text`. Several documents become an array of them; text without any
// array, object or literal is one string. Valid JSON gives exactly what Read() gives, with no
// repairs. Duplicate keys are kept. Linear in the size of the text, whatever is in it.
//
// Fails with kInvalidJson when there is nothing to read, when the document is too long or too deep,
// and, unless salvaging, when a document that is surrounded by text was cut off.
Result<Mended> ReadLenient(std::string_view text, const LenientOptions& options = {});

// The same from text to text, without a tree: appends one line of JSON to `out`. When it fails,
// `out` is as it was.
Result<RepairReport> RepairText(std::string_view text, std::string& out,
                                const LenientOptions& options = {});

}  // namespace weir::json
