#pragma once

// What the decorators share that get more than one answer to a call, or hand on a whole one as a
// stream.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/model/engine.h"

namespace weir::engine {

// Answers that are not delivered, and were paid for all the same.
class EarlierAnswers {
 public:
  // An answer and what was wrong with it, if it was an error. `duration` is that of all of it: the
  // tries that failed before the answer are attempts of their own, and their time goes off it.
  void Add(const model::Reply& reply, std::optional<Error> error, Duration duration);
  // Attempts, tokens and costs of all of them become part of the reply that is delivered.
  void JoinTo(model::Reply& reply) const { JoinTo(reply.info, reply.usage); }
  // ... or of what the error has behind it.
  void JoinTo(Error& error) const;

  // All attempts: those that failed before an answer, and the answers.
  std::size_t attempts() const { return attempts_.size(); }

 private:
  void JoinTo(model::ReplyInfo& info, model::Usage& usage) const;

  std::vector<model::Attempt> attempts_;
  model::Usage usage_;
  std::optional<double> cost_;
  std::string currency_;
};

void SetTrail(Error& error, model::CallTrail trail);

// Appends a call that failed at `engine`, with the tries that it has behind it. `duration` is that
// of all of them.
void AddFailure(std::vector<model::Attempt>& attempts, const std::string& engine,
                const Error& error, Duration duration);

// A whole reply, handed over as a stream: one piece for each choice, then the verdict.
std::unique_ptr<model::ReplyStream> NewBufferedStream(model::Reply reply,
                                                      std::optional<Error> verdict = {});

}  // namespace weir::engine
