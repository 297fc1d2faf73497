#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "weir/json/scanner.h"
#include "weir/wire/chunk_tree.h"
#include "weir/wire/codec.h"
#include "weir/wire/plain_fields.h"
#include "weir/wire/reply_parts.h"

namespace weir::wire {
namespace {

// Fills a Delta with the scanner's events, or bails.
class PlainChunk {
 public:
  explicit PlainChunk(model::Api api) : walk_(api, PlainWalk::Form::kChunk) {}

  void Start(model::Delta& out, model::ReplyInfo& info) {
    out_ = &out;
    info_ = &info;
    walk_.Restart();
    text_at_ = nullptr;
    second_reasoning_.clear();
  }

  // After a scan to the end: whether it was a plain chunk.
  bool Finish() {
    if (!walk_.seen(wire::Key::kChoices)) return false;
    if (out_->reasoning.empty()) out_->reasoning.swap(second_reasoning_);
    return true;
  }

  // Where the chunk's text was when it came; null when there was none.
  const char* text_at() const { return text_at_; }

  bool BeginObject() {
    if (!walk_.BeginObject()) return false;
    if (walk_.where() == Where::kChoice) return !std::exchange(out_->has_choice, true);
    if (walk_.where() == Where::kUsage) out_->usage.emplace();
    return true;
  }
  bool EndObject() { return walk_.EndObject(), true; }
  bool BeginArray() { return walk_.key() == wire::Key::kChoices && walk_.BeginArray(); }
  bool EndArray() { return walk_.EndArray(), true; }
  bool Key(std::string_view name) { return walk_.EnterKey(name); }
  bool Null() { return walk_.MayBeNull(); }
  bool Bool(bool) { return false; }

  bool String(std::string_view text) {
    switch (walk_.key()) {
      case wire::Key::kContent:
      case wire::Key::kText:
        out_->text = text;
        text_at_ = text.data();
        return true;
      case wire::Key::kReasoning:
        out_->reasoning = text;
        return true;
      case wire::Key::kReasoningContent:
        second_reasoning_ = text;
        return true;
      case wire::Key::kFinish:
        SetFinish(text, *out_);
        return true;
      default:
        return PlainText(walk_.key(), text, *info_);
    }
  }

  bool Number(std::string_view text) {
    std::int64_t value = 0;
    if (!PlainInt(text, value)) return false;
    if (walk_.key() == wire::Key::kIndex) {
      out_->choice = value;
      return true;
    }
    if (walk_.key() == wire::Key::kCreated) {
      info_->created = value;
      return true;
    }
    return out_->usage && PlainCount(walk_.key(), value, *out_->usage);
  }

 private:
  PlainWalk walk_;
  model::Delta* out_ = nullptr;
  model::ReplyInfo* info_ = nullptr;
  const char* text_at_ = nullptr;
  std::string second_reasoning_;
};

// The bytes around the text of the last plain chunk. The next chunk of a stream nearly always has
// the same ones; then only its text is looked at.
class Frame {
 public:
  // `data` was decoded to `delta`, whose text stands at `text_at`.
  void Learn(std::string_view data, const char* text_at, const model::Delta& delta) {
    head_.clear();
    constexpr std::less<> before;
    if (text_at == nullptr || before(text_at, data.data()) || !delta.has_choice ||
        !delta.reasoning.empty() || delta.finish != model::Finish::kNone) {
      return;
    }
    const auto start = static_cast<std::size_t>(text_at - data.data());
    if (start + delta.text.size() >= data.size()) return;
    head_ = data.substr(0, start);
    tail_ = data.substr(start + delta.text.size());
    choice_ = delta.choice;
  }

  bool Decode(std::string_view data, model::Delta& out) const {
    if (head_.empty() || data.size() < head_.size() + tail_.size() || !data.starts_with(head_) ||
        !data.ends_with(tail_)) {
      return false;
    }
    const std::string_view text =
        data.substr(head_.size(), data.size() - head_.size() - tail_.size());
    // Anything that could end the string, escape from it or be no UTF-8 is the parser's business.
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte >= 0x7F || c == '"' || c == '\\') return false;
    }
    out.text = text;
    out.choice = choice_;
    out.has_choice = true;
    return true;
  }

 private:
  std::string head_;  // to the opening quotation mark of the text; empty: nothing is known
  std::string tail_;  // from the closing one
  std::int64_t choice_ = 0;
};

bool IsEmpty(const model::Delta& delta) {
  return delta.text.empty() && delta.reasoning.empty() && delta.refusal.empty() &&
         delta.finish == model::Finish::kNone && delta.tool_calls.empty() && delta.tokens.empty() &&
         delta.token_ids.empty() && !delta.usage && delta.extra.IsNull();
}

// The calls of a stream by their place. Some servers begin each call at index 0: an id that is new
// and comes with a name begins a new call there. An id alone does not, as vLLM before 0.8 made a
// new one for every piece.
class CallPlaces {
 public:
  void Settle(model::Delta& delta) {
    for (model::ToolCallDelta& call : delta.tool_calls) {
      call.index = PlaceOf(delta.choice, call);
    }
  }

 private:
  struct Place {
    std::int64_t choice = 0;
    std::int64_t said = 0;  // by the server
    std::int64_t index = 0;
    std::string id;
  };

  std::int64_t PlaceOf(std::int64_t choice, const model::ToolCallDelta& call) {
    const auto last = std::ranges::find_if(
        places_.rbegin(), places_.rend(),
        [&](const Place& place) { return place.choice == choice && place.said == call.index; });
    const bool known = last != places_.rend();
    const bool another =
        known && !call.name.empty() && !call.id.empty() && !last->id.empty() && call.id != last->id;
    if (known && !another) {
      if (last->id.empty()) last->id = call.id;
      return last->index;
    }
    std::int64_t index = call.index;
    for (const Place& place : places_) {
      if (place.choice == choice && (another || moved_)) index = std::max(index, place.index + 1);
    }
    moved_ = moved_ || another;
    places_.push_back({choice, call.index, index, call.id});
    return index;
  }

  std::vector<Place> places_;
  bool moved_ = false;  // a call stands at another place than the server said
};

}  // namespace

struct ChunkDecoder::State {
  struct Seen {
    std::int64_t choice = 0;
    bool finished = false;
  };

  explicit State(model::Api which) : api(which), plain(which) {}

  bool DecodePlain(std::string_view data, model::Delta& out) {
    plain.Start(out, info);
    if (scanner.Scan(data, plain) != json::Scanner::End::kWhole || !plain.Finish()) return false;
    frame.Learn(data, plain.text_at(), out);
    return true;
  }

  void Track(const model::Delta& delta) {
    if (!delta.has_choice) return;
    for (Seen& one : seen) {
      if (one.choice != delta.choice) continue;
      if (delta.finish != model::Finish::kNone) one.finished = true;
      return;
    }
    seen.push_back({delta.choice, delta.finish != model::Finish::kNone});
  }

  model::Api api;
  model::ReplyInfo info;
  PlainChunk plain;
  json::Scanner scanner;
  Frame frame;
  CallPlaces calls;
  std::vector<Seen> seen;
};

ChunkDecoder::ChunkDecoder(model::Api api) : state_(std::make_unique<State>(api)) {}
ChunkDecoder::~ChunkDecoder() = default;
ChunkDecoder::ChunkDecoder(ChunkDecoder&&) noexcept = default;
ChunkDecoder& ChunkDecoder::operator=(ChunkDecoder&&) noexcept = default;

Result<ChunkDecoder::Kind> ChunkDecoder::Decode(std::string_view data, model::Delta& out) {
  Reset(out);
  if (data == "[DONE]") return Kind::kDone;
  if (!state_->frame.Decode(data, out) && !state_->DecodePlain(data, out)) {
    Reset(out);
    WEIR_CHECK(DecodeChunkTree(state_->api, data, out, state_->info));
  }
  if (!out.tool_calls.empty()) state_->calls.Settle(out);
  state_->Track(out);
  return IsEmpty(out) ? Kind::kEmpty : Kind::kDelta;
}

const model::ReplyInfo& ChunkDecoder::info() const { return state_->info; }

bool ChunkDecoder::finished() const {
  return !state_->seen.empty() && std::ranges::all_of(state_->seen, &State::Seen::finished);
}

}  // namespace weir::wire
