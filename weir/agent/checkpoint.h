#pragma once

// Checkpoint: what an agent goes on from after a kill: a journal of its conversation. Every answer
// and every result of a tool is a record before anything else knows of it; so is, before it runs,
// that a call of a mutating tool begins.
//
// Records survive the death of the process. A power cut may lose the last of them, with the files
// that the tools wrote in the same moments.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/agent/figures.h"
#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::agent {

// What was found.
struct Begun {
  std::vector<model::Message> messages;  // all but those that the work began with
  Figures figures;
  std::vector<std::string> started;  // ids of calls of mutating tools that began
};

// A checksum of what a piece of work begins with.
std::uint64_t BeginningOf(const std::vector<model::Message>& messages, std::uint64_t seed);

class Checkpoint {
 public:
  // Opens or makes the journal. `beginning` is a checksum of what the work begins with: what was
  // noted of another beginning is thrown away. Fails with kIoError, which has a cause where the
  // disk is to blame; `in_use`, unless null, tells that another process is at this work.
  static Result<std::unique_ptr<Checkpoint>> Open(const std::string& path, std::uint64_t beginning,
                                                  bool* in_use = nullptr);
  virtual ~Checkpoint() = default;

  // What was noted before; empty for new work.
  virtual const Begun& begun() const = 0;

  // A message joins the conversation.
  virtual Result<void> Add(const model::Message& message, const Figures& figures) = 0;
  // The conversation was summed up: these stand instead of all that were added.
  virtual Result<void> Replace(const std::vector<model::Message>& messages,
                               const Figures& figures) = 0;
  // A call of a mutating tool begins.
  virtual Result<void> Start(const std::string& call_id) = 0;
};

}  // namespace weir::agent
