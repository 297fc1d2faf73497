#pragma once

// The events of one request: what was asked, and how it ended.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/async/context.h"
#include "weir/engine/decorators.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::engine {

// Emits "llm:request" when it is made and "llm:response" once, at the end of whatever kind: one
// that is destroyed before its end was cancelled. The context's sink and loop must outlive it.
class Recording {
 public:
  Recording(std::shared_ptr<const RecordOptions> options, const async::Context& ctx,
            const model::Call& call, bool stream);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void Piece(const model::Delta& piece);   // of a stream
  void End(const model::Reply& reply);     // of a whole call
  void End(const model::ReplyInfo& info);  // of a stream
  void Fail(const Error& error);           // a stream tells "llm:stream_aborted", too
  void Refuse(const Error& error);         // before there was a stream
                                           // All but the first of these ends do nothing.

 private:
  // Fields without memory of their own.
  class Fields {
   public:
    void Add(std::string_view key, decltype(TraceField::value) value) {
      fields_[size_++] = {key, value};
    }
    void AddText(std::string_view key, std::string_view text) {
      if (!text.empty()) Add(key, text);
    }
    std::span<const TraceField> all() const { return std::span(fields_).first(size_); }

   private:
    std::array<TraceField, 16> fields_;
    std::size_t size_ = 0;
  };

  // A run of pieces of one kind.
  struct Block {
    std::int64_t choice = 0;
    std::string_view type;  // "thinking", "text", "tool_use"; empty: none is open
    std::int64_t tool = 0;  // wire index of a tool call
    std::int64_t index = -1;
    std::int64_t sequence = 0;
  };

  struct Outcome {
    const Error* error = nullptr;
    const model::ReplyInfo* info = nullptr;
    const model::Usage* usage = nullptr;
    std::string_view finish;
    Duration first_token{};
  };

  Fields Common() const;
  void TellRequest(const model::Call& call, bool stream);
  void TellResponse(const Outcome& outcome);
  void TellAborted(const Error& error);
  void TellPayload(std::string_view event, std::string_view key, const auto& write) const;
  void TellReply(const model::Reply& reply);
  void TellBlocks(const model::Delta& piece);
  void TellBlock(std::int64_t choice, std::string_view type, std::int64_t tool,
                 std::string_view name, std::string_view text);
  void EndBlock(Block& block);
  double Millis() const;

  const std::shared_ptr<const RecordOptions> options_;
  TraceSink& trace_;
  async::Loop& loop_;
  const std::string request_id_;
  const std::string model_;
  const std::string_view api_;
  const bool stream_;
  const TimePoint began_;
  bool open_ = true;

  // Of a stream.
  std::int64_t pieces_ = 0;
  Duration first_token_{};
  model::Usage usage_;
  std::string finish_;
  std::optional<model::Assembler> assembler_;  // when debug events want the whole reply
  std::vector<Block> blocks_;                  // one per choice
};

}  // namespace weir::engine
