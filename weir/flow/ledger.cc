#include "weir/flow/ledger.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/journal_format.h"

namespace weir::flow {
namespace {

constexpr int kFormat = 1;
// What a record of `finished` has.
constexpr unsigned kIsError = 1;
constexpr unsigned kHasPrompt = 2;
constexpr unsigned kHasCompletion = 4;
constexpr unsigned kHasCached = 8;
constexpr unsigned kHasCost = 16;
constexpr unsigned kHasThoughts = 32;
constexpr unsigned kHasOrigin = 64;
constexpr unsigned kHasFigures = 128;
constexpr std::uint64_t kKnown = 255;

void PutNumber(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80U);
  out += static_cast<char>(number);
}

void PutText(std::string& out, std::string_view text) {
  PutNumber(out, text.size());
  out += text;
}

// Takes a payload apart from its front; after a failure everything is 0 and empty.
class Payload {
 public:
  explicit Payload(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(Byte());
      if (shift == 63 && byte > 1) break;
      number |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return number;
    }
    Break();
    return 0;
  }
  std::string_view Bytes(std::uint64_t size) {
    if (size > rest_.size()) Break();
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view Text() { return Bytes(Number()); }
  char Byte() {
    const std::string_view byte = Bytes(1);
    return byte.empty() ? '\0' : byte.front();
  }
  json::Value Json(std::string_view text) {
    Result<json::Value> value =
        json::Read(text, {.max_depth = json::kDeepest, .max_bytes = text.size()});
    if (value) return *std::move(value);
    Break();
    return {};
  }
  std::string_view rest() const { return rest_; }
  bool good() const { return good_; }
  void Break() {
    good_ = false;
    rest_ = {};
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::unexpected<Error> Damaged(std::string_view what) {
  return Fail(Code::kIoError, StrCat("the ledger has a record of ", what,
                                     " that cannot be read; it was written by another version of "
                                     "weir, or is damaged: start a new run with another -o"));
}

void WriteError(std::string& out, const Error& error) {
  json::Writer json(out);
  json.BeginObject();
  json.Field("code", Name({.code = error.code, .message = {}}));
  json.Field("message", Redact(error.message));
  if (error.http_status != 0) {
    json.Key("http_status");
    json.Int(error.http_status);
  }
  if (error.retry_after) {
    json.Key("retry_after_ms");
    json.Int(error.retry_after->count());
  }
  if (!error.cause.empty()) json.Field("cause", Redact(error.cause));
  json.EndObject();
}

std::optional<Code> CodeOf(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Code::kInternal); ++i) {
    const Code code = static_cast<Code>(i);
    if (Name({.code = code, .message = {}}) == word) return code;
  }
  return std::nullopt;
}

std::optional<Error> ReadError(json::View json) {
  const std::optional<Code> code = CodeOf(json.Find("code").StringOr(""));
  if (!code) return std::nullopt;
  Error error{.code = *code, .message = std::string(json.Find("message").StringOr(""))};
  error.http_status = static_cast<int>(json.Find("http_status").AsInt64().value_or(0));
  if (const auto wait = json.Find("retry_after_ms").AsInt64()) {
    error.retry_after = std::chrono::milliseconds(*wait);
  }
  error.cause = json.Find("cause").StringOr("");
  return error;
}

bool HasFigures(const Finished& finished) {
  return finished.agents.ended > 0 || !finished.confidences.empty();
}

std::string WriteFigures(const Finished& finished) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  WriteAgents(out, finished.agents);
  if (!finished.confidences.empty()) {
    out.Key("confidences");
    out.BeginArray();
    for (const double confidence : finished.confidences) out.Double(confidence);
    out.EndArray();
  }
  out.EndObject();
  return text;
}

void ReadFigures(json::View json, Finished& finished) {
  finished.agents = ReadAgents(json.Find("agents"));
  const json::View confidences = json.Find("confidences");
  finished.confidences.reserve(confidences.size());
  for (const json::View one : confidences.items()) {
    if (const auto share = one.AsDouble()) {
      finished.confidences.push_back(std::clamp(*share, 0.0, 1.0));
    }
  }
}

OutputState ReadState(json::View json) {
  const auto number = [&](std::size_t i) { return json[i].AsUint64().value_or(0); };
  return {.lines = number(0), .files = number(1), .bytes = number(2), .last_bytes = number(3)};
}

}  // namespace

std::string EncodeHeader() { return StrCat("{\"format\":", kFormat, "}"); }

std::string EncodeFinished(const Finished& finished) {
  const json::Value* value = std::get_if<json::Value>(&finished.outcome);
  std::string out;
  PutNumber(out, finished.pass);
  PutNumber(out, finished.row);
  PutText(out, finished.child);
  PutNumber(out, finished.node);
  PutNumber(out, finished.input);
  const bool has_thoughts = finished.thoughts.exists() && !finished.thoughts.IsNull();
  PutNumber(out, (value == nullptr ? kIsError : 0) | (finished.prompt_tokens ? kHasPrompt : 0) |
                     (finished.completion_tokens ? kHasCompletion : 0) |
                     (finished.cached_tokens ? kHasCached : 0) | (finished.cost ? kHasCost : 0) |
                     (has_thoughts ? kHasThoughts : 0) | (finished.origin ? kHasOrigin : 0) |
                     (HasFigures(finished) ? kHasFigures : 0));
  if (finished.origin) PutNumber(out, *finished.origin);
  for (const auto& count :
       {finished.prompt_tokens, finished.completion_tokens, finished.cached_tokens}) {
    if (count) PutNumber(out, static_cast<std::uint64_t>(*count));
  }
  if (finished.cost) {
    const auto bits = std::bit_cast<std::uint64_t>(*finished.cost);
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(bits >> shift);
  }
  if (has_thoughts) PutText(out, json::Write(finished.thoughts));
  if (HasFigures(finished)) PutText(out, WriteFigures(finished));
  if (value != nullptr) {
    json::Writer(out).Value(*value);
  } else {
    WriteError(out, std::get<Error>(finished.outcome));
  }
  return out;
}

Result<Finished> DecodeFinished(std::string_view payload) {
  Payload in(payload);
  Finished finished;
  finished.pass = in.Number();
  finished.row = in.Number();
  finished.child = in.Text();
  finished.node = in.Number();
  finished.input = static_cast<std::uint32_t>(in.Number());
  const std::uint64_t flags = in.Number();
  if ((flags & ~kKnown) != 0) return Damaged("a finished node");
  if ((flags & kHasOrigin) != 0) finished.origin = in.Number();
  const auto count = [&](unsigned flag) -> std::optional<std::int64_t> {
    if ((flags & flag) == 0) return std::nullopt;
    return static_cast<std::int64_t>(in.Number());
  };
  finished.prompt_tokens = count(kHasPrompt);
  finished.completion_tokens = count(kHasCompletion);
  finished.cached_tokens = count(kHasCached);
  if ((flags & kHasCost) != 0) {
    std::uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) {
      bits |= std::uint64_t{static_cast<unsigned char>(in.Byte())} << shift;
    }
    finished.cost = std::bit_cast<double>(bits);
  }
  if ((flags & kHasThoughts) != 0) finished.thoughts = in.Json(in.Text());
  if ((flags & kHasFigures) != 0) ReadFigures(in.Json(in.Text()), finished);
  json::Value outcome = in.Json(in.rest());
  if (!in.good()) return Damaged("a finished node");
  if ((flags & kIsError) == 0) {
    finished.outcome = std::move(outcome);
    return finished;
  }
  std::optional<Error> error = ReadError(outcome);
  if (!error) return Damaged("a failed node");
  finished.outcome = *std::move(error);
  return finished;
}

std::string EncodeNote(const Note& note) {
  std::string out;
  PutNumber(out, note.pass);
  PutNumber(out, note.rows);
  json::Writer json(out);
  json.BeginObject();
  json.Key("input");
  json.Uint(note.input_checksum);
  json.Key("finished");
  json.Bool(note.finished);
  json.Key("outputs");
  json.BeginObject();
  for (const auto& [name, state] : note.outputs) {
    json.Key(name);
    json.BeginArray();
    for (const std::uint64_t number : {state.lines, state.files, state.bytes, state.last_bytes}) {
      json.Uint(number);
    }
    json.EndArray();
  }
  json.EndObject();
  if (!note.totals.empty()) {
    json.Key("totals");
    json.Raw(note.totals);
  }
  json.EndObject();
  return out;
}

Result<Note> DecodeNote(std::string_view payload) {
  Payload in(payload);
  Note note;
  note.pass = in.Number();
  note.rows = in.Number();
  const json::Value json = in.Json(in.rest());
  if (!in.good() || !json.IsObject()) return Damaged("what is on the disk");
  note.input_checksum = static_cast<std::uint32_t>(json.Find("input").AsUint64().value_or(0));
  note.finished = json.Find("finished").BoolOr(false);
  for (const json::Member member : json.Find("outputs").members()) {
    note.outputs[std::string(member.key)] = ReadState(member.value);
  }
  if (const json::View totals = json.Find("totals"); totals.exists()) {
    note.totals = json::Write(totals);
  }
  return note;
}

LedgerReader::LedgerReader() : position_(store::kJournalHeader.size()) {}

Result<void> LedgerReader::Take(std::string_view payload, std::uint8_t type) {
  const std::uint64_t position = position_;
  position_ += store::kRecordHeadBytes + payload.size() + store::kRecordTailBytes;
  if (!has_header_) {
    const Result<json::Value> header = json::Read(payload);
    if (type != kHeaderRecord || !header || header->Find("format").AsInt64() != kFormat) {
      return Damaged("its version");
    }
    has_header_ = true;
    return {};
  }
  if (type != kFinishedRecord && type != kNoteRecord && type != kAgainRecord) {
    return Damaged("an unknown type");
  }
  Payload in(payload);
  const std::uint64_t pass = in.Number();
  const Place place(pass, in.Number());
  if (!in.good()) return Damaged("no place");
  if (type == kFinishedRecord) {
    behind_[place].emplace_back(payload);
  } else if (type == kAgainRecord) {
    note_ = payload;
    behind_.clear();
    rounds_.push_back(position);
  } else {
    note_ = payload;
    behind_.erase(behind_.begin(), behind_.lower_bound(place));
  }
  return {};
}

Result<std::optional<Note>> LedgerReader::LastNote() const {
  if (note_.empty()) return std::optional<Note>();
  WEIR_TRY(Note note, DecodeNote(note_));
  return std::optional(std::move(note));
}

Result<std::vector<Finished>> LedgerReader::Behind() const {
  std::vector<Finished> all;
  for (const auto& [place, payloads] : behind_) {
    for (const std::string& payload : payloads) {
      WEIR_TRY(Finished finished, DecodeFinished(payload));
      all.push_back(std::move(finished));
    }
  }
  return all;
}

}  // namespace weir::flow
