#pragma once

// SimCore: from a request to what it will get, and everything that one server keeps between
// requests. No I/O and no waiting happens here.

#include <atomic>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/model/engine.h"
#include "weir/sim/adapters.h"
#include "weir/sim/admission.h"
#include "weir/sim/constraint.h"
#include "weir/sim/engine/metrics.h"
#include "weir/sim/lateness.h"
#include "weir/sim/performance.h"
#include "weir/sim/rehearsal.h"
#include "weir/sim/request_log.h"
#include "weir/sim/response_store.h"
#include "weir/sim/sim.h"
#include "weir/sim/token_mask.h"

namespace weir::sim {

inline constexpr std::int64_t kStillSeconds = 1'700'000'000;  // what --deterministic takes for now

// What is said when too many requests wait already.
Refusal BusyRefusal(std::string_view message);
// ... when no answer obeys the constraint.
Refusal ConstraintRefusal(const Error& error);
// ... when the fault kErrorEvent ends an answer.
Refusal BrokenRefusal(const Fault& fault);

// Bytes that are not a reply at all, with status 200.
struct RawAnswer {
  std::string content_type;  // empty: as a reply would have it
  std::string body;
};

// A request that was taken.
struct Taken {
  Performance performance;
  std::string model;                                // as replies name it
  std::vector<json::Value> prompt_logprobs;         // by prompt; empty: not asked for
  std::vector<std::vector<TokenId>> prompt_tokens;  // by prompt; empty: not asked for
};

struct Outcome {
  std::variant<RawAnswer, Refusal, Taken> answer;
  std::shared_ptr<const ScriptedReply> script;  // null: none fits
  Duration delay{};                             // before anything happens
};

class SimCore {
 public:
  explicit SimCore(SimOptions options);

  const SimOptions& options() const { return options_; }
  Scheduler& scheduler() { return scheduler_; }
  Metrics& metrics() { return metrics_; }
  Adapters& adapters() { return adapters_; }
  Rehearsal& rehearsal() { return rehearsal_; }
  RequestLog& log() { return log_; }
  Lateness& lateness() { return lateness_; }
  ResponseStore& responses() { return responses_; }

  // What the script lays down for a request. Where it does not answer itself, the answer of the
  // outcome means nothing.
  Outcome Rehearse(const Cue& cue);

  // Decides what becomes of a request. `prompts` is not empty; a chat has one empty prompt. What is
  // taken has to be prepared first (Performance::Prepare), which may still refuse it.
  Outcome Decide(const Cue& cue);

  // Id, model and birth of a reply. `request_id` replaces the number that is made.
  model::ReplyInfo NewInfo(model::Api api, std::string_view model, std::string_view request_id,
                           std::int64_t wall_nanos);

  // The model that a call names, without its prompts, or the refusal of one that is not there.
  std::expected<Admitted, Refusal> ModelOf(const model::Call& call) const {
    return FindModel(options_, adapters_, call);
  }
  // The time that replies tell, in seconds since 1970.
  std::int64_t SecondsOf(std::int64_t wall_nanos) const;
  std::vector<model::ModelEntry> Models() const;
  std::string Version() const;
  std::string MetricsText(std::int64_t wall_nanos) const;

  // As vLLM's: level 0 only stops the scheduler, 1 and 2 give memory back.
  bool sleeping() const;  // or paused, which is the same to vLLM
  void Sleep(int level);
  void Wake();
  std::atomic<std::int64_t>& load() { return load_; }  // requests that are being answered

 private:
  struct Draft;

  bool Reasons(const SimModel& model, const model::Call& call) const;
  std::expected<std::vector<Author>, Refusal> NewAuthors(const Draft& draft, std::size_t prompt);
  std::shared_ptr<const LanguageModel> VoiceOf(std::size_t model, const std::string& adapter);
  SequenceRequest RequestOf(const Draft& draft, std::size_t prompt, std::size_t sequences) const;

  const SimOptions options_;
  const std::shared_ptr<const PieceTree> pieces_;
  Metrics metrics_;
  Scheduler scheduler_;
  Rehearsal rehearsal_;
  RequestLog log_;
  Lateness lateness_;
  Adapters adapters_;
  ResponseStore responses_;
  ConstraintCache constraints_;
  std::mutex voices_mutex_;
  std::map<std::uint64_t, std::shared_ptr<const LanguageModel>> voices_;  // by voice
  const std::uint64_t ids_seed_;            // so that two servers do not give the same ids
  std::atomic<std::uint64_t> replies_ = 0;  // numbers ids
  std::atomic<std::int64_t> load_ = 0;
  std::atomic<int> sleep_level_ = 0;  // 0: the memory is in use
};

}  // namespace weir::sim
