#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "weir/wire/chunk_tree.h"
#include "weir/wire/codec.h"

namespace weir::wire {
namespace {

namespace bj = boost::json;

// The short way: nearly every event of a stream is a chunk with a piece of text and nothing else
// but nulls. This handler fills a Delta with no tree in between and gives up ("bails") at anything
// that it does not know; the chunk is then decoded by way of a tree.
class PlainChunk {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using Text = bj::string_view;
  using Fault = bj::error_code;

  void Start(model::Api api, model::Delta& out, model::ReplyInfo& info) {
    chat_ = api == model::Api::kChat;
    out_ = &out;
    info_ = &info;
    where_ = Where::kStart;
    key_ = Key::kUnknown;
    seen_ = 0;
    text_at_ = nullptr;
    second_reasoning_.clear();
  }

  // After a successful parse: whether it was a plain chunk.
  bool Finish() {
    if ((seen_ & Bit(Key::kChoices)) == 0) return false;
    if (out_->reasoning.empty()) out_->reasoning.swap(second_reasoning_);
    return true;
  }

  // Where the chunk's text began in the source; null when it was not there in one piece.
  const char* text_at() const { return text_at_; }

  bool on_document_begin(Fault&) { return true; }
  bool on_document_end(Fault&) { return true; }

  bool on_object_begin(Fault& fault) {
    switch (where_) {
      case Where::kStart:
        where_ = Where::kTop;
        return true;
      case Where::kChoices:
        if (out_->has_choice) return Bail(fault);
        out_->has_choice = true;
        where_ = Where::kChoice;
        return true;
      case Where::kChoice:
        if (key_ != Key::kDelta) return Bail(fault);
        where_ = Where::kDelta;
        return true;
      default:
        return Bail(fault);
    }
  }
  bool on_object_end(std::size_t, Fault&) {
    key_ = Key::kUnknown;  // what follows a choice in the list of them has no key
    where_ = where_ == Where::kDelta    ? Where::kChoice
             : where_ == Where::kChoice ? Where::kChoices
                                        : Where::kStart;
    return true;
  }
  bool on_array_begin(Fault& fault) {
    if (where_ != Where::kTop || key_ != Key::kChoices) return Bail(fault);
    where_ = Where::kChoices;
    return true;
  }
  bool on_array_end(std::size_t, Fault&) {
    where_ = Where::kTop;
    return true;
  }

  bool on_key_part(Text, std::size_t, Fault& fault) { return Bail(fault); }
  bool on_key(Text key, std::size_t, Fault& fault) {
    key_ = KeyOf({key.data(), key.size()});
    if (key_ == Key::kUnknown) return true;
    if ((seen_ & Bit(key_)) != 0) return Bail(fault);
    seen_ |= Bit(key_);
    return true;
  }

  bool on_string_part(Text text, std::size_t, Fault& fault) {
    std::string* const target = Target();
    if (target == nullptr) return Bail(fault);
    target->append(text.data(), text.size());
    return true;
  }
  bool on_string(Text text, std::size_t whole, Fault& fault) {
    const std::string_view value(text.data(), text.size());
    if (std::string* const target = Target()) {
      target->append(value);
      if (target == &out_->text && whole == text.size()) text_at_ = text.data();
      return true;
    }
    if (whole != text.size()) return Bail(fault);
    switch (key_) {
      case Key::kId:
        Note(value, info_->id);
        return true;
      case Key::kModel:
        Note(value, info_->model);
        return true;
      case Key::kFingerprint:
        Note(value, info_->system_fingerprint);
        return true;
      case Key::kFinish:
        if (value.empty()) return true;
        out_->finish = model::ParseFinish(value);
        out_->finish_text = value;
        return true;
      case Key::kObject:
        return value != "error" || Bail(fault);
      case Key::kRole:
        return true;
      default:
        return Bail(fault);
    }
  }

  bool on_number_part(Text, Fault&) { return true; }
  bool on_int64(std::int64_t value, Text, Fault& fault) {
    if (key_ == Key::kIndex) {
      out_->choice = value;
    } else if (key_ == Key::kCreated) {
      info_->created = value;
    } else {
      return Bail(fault);
    }
    return true;
  }
  bool on_uint64(std::uint64_t, Text, Fault& fault) { return Bail(fault); }
  bool on_double(double, Text, Fault& fault) { return Bail(fault); }
  bool on_bool(bool, Fault& fault) { return Bail(fault); }
  bool on_null(Fault& fault) {
    // A null is as good as an absent field, except where a container must stand.
    return (where_ != Where::kStart && where_ != Where::kChoices && key_ != Key::kChoices) ||
           Bail(fault);
  }
  bool on_comment_part(Text, Fault&) { return true; }
  bool on_comment(Text, Fault&) { return true; }

 private:
  enum class Where : std::uint8_t { kStart, kTop, kChoices, kChoice, kDelta };
  enum class Key : std::uint8_t {
    kUnknown,
    kId,
    kObject,
    kCreated,
    kModel,
    kChoices,
    kFingerprint,
    kIndex,
    kDelta,
    kFinish,
    kText,
    kRole,
    kContent,
    kReasoning,
    kReasoningContent,
  };

  static constexpr std::uint32_t Bit(Key key) { return 1U << static_cast<unsigned>(key); }

  static bool Bail(Fault& fault) {
    fault = bj::error::extra_data;
    return false;
  }

  static void Note(std::string_view value, std::string& known) {
    if (known != value) known = value;
  }

  Key KeyOf(std::string_view key) const {
    switch (where_) {
      case Where::kTop:
        if (key == "id") return Key::kId;
        if (key == "object") return Key::kObject;
        if (key == "created") return Key::kCreated;
        if (key == "model") return Key::kModel;
        if (key == "choices") return Key::kChoices;
        if (key == "system_fingerprint") return Key::kFingerprint;
        return Key::kUnknown;
      case Where::kChoice:
        if (key == "index") return Key::kIndex;
        if (key == "delta") return chat_ ? Key::kDelta : Key::kUnknown;
        if (key == "text") return chat_ ? Key::kUnknown : Key::kText;
        if (key == "finish_reason") return Key::kFinish;
        return Key::kUnknown;
      case Where::kDelta:
        if (key == "content") return Key::kContent;
        if (key == "role") return Key::kRole;
        if (key == "reasoning") return Key::kReasoning;
        if (key == "reasoning_content") return Key::kReasoningContent;
        return Key::kUnknown;
      default:
        return Key::kUnknown;
    }
  }

  // Where the text of the present key is gathered; null when it is not such a key.
  std::string* Target() {
    if (key_ == Key::kContent || key_ == Key::kText) return &out_->text;
    if (key_ == Key::kReasoning) return &out_->reasoning;
    if (key_ == Key::kReasoningContent) return &second_reasoning_;
    return nullptr;
  }

  bool chat_ = true;
  model::Delta* out_ = nullptr;
  model::ReplyInfo* info_ = nullptr;
  Where where_ = Where::kStart;
  Key key_ = Key::kUnknown;
  std::uint32_t seen_ = 0;
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

// Empties `out` but keeps the memory of its texts.
void Reset(model::Delta& out) {
  out.choice = 0;
  out.text.clear();
  out.reasoning.clear();
  out.tool_calls.clear();
  out.tokens.clear();
  out.token_ids.clear();
  out.finish = model::Finish::kNone;
  out.finish_text.clear();
  if (!out.stop_reason.IsNull()) out.stop_reason = {};
  out.usage.reset();
  out.has_choice = false;
  if (!out.extra.IsNull()) out.extra = {};
}

bool IsEmpty(const model::Delta& delta) {
  return delta.text.empty() && delta.reasoning.empty() && delta.finish == model::Finish::kNone &&
         delta.tool_calls.empty() && delta.tokens.empty() && delta.token_ids.empty() &&
         !delta.usage && delta.extra.IsNull();
}

}  // namespace

struct ChunkDecoder::State {
  struct Seen {
    std::int64_t choice = 0;
    bool finished = false;
  };

  explicit State(model::Api which) : api(which), parser(bj::parse_options{}) {}

  bool DecodePlain(std::string_view data, model::Delta& out) {
    parser.reset();
    parser.handler().Start(api, out, info);
    bj::error_code fault;
    const std::size_t used = parser.write_some(false, data.data(), data.size(), fault);
    if (fault || used != data.size() || !parser.handler().Finish()) return false;
    frame.Learn(data, parser.handler().text_at(), out);
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
  bj::basic_parser<PlainChunk> parser;
  Frame frame;
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
  state_->Track(out);
  return IsEmpty(out) ? Kind::kEmpty : Kind::kDelta;
}

const model::ReplyInfo& ChunkDecoder::info() const { return state_->info; }

bool ChunkDecoder::finished() const {
  return !state_->seen.empty() && std::ranges::all_of(state_->seen, &State::Seen::finished);
}

}  // namespace weir::wire
