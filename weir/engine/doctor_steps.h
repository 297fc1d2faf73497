#pragma once

// What the parts of one examination share: what is asked, what is known so far, what was found.

#include <string>
#include <string_view>
#include <vector>

#include "weir/engine/doctor.h"

namespace weir::engine {

class Examination {
 public:
  Examination(const DoctorOptions& its_options, TellFinding tell)
      : options(its_options), tell_(std::move(tell)) {}

  // Keeps the finding and tells it, without any secret.
  void Add(Finding finding);
  void Ok(std::string_view step, std::string what, std::string detail = {});
  void Note(std::string_view step, std::string what, std::string remedy = {},
            std::string detail = {});
  void Warn(std::string_view step, std::string what, std::string remedy, std::string detail = {});
  void Fail(std::string_view step, const Error& error, std::string_view remedy = {});
  void Skip(std::string_view step, std::string why);
  // All steps of which nothing was said yet.
  void SkipRest(const std::string& why);

  std::vector<Finding> TakeFindings() { return std::move(findings_); }

  const DoctorOptions& options;
  std::string model;      // that the probes ask; empty: whatever the server takes
  wire::Dialect dialect;  // that the server speaks, as far as is known
  bool through_proxy = false;
  bool thinks = false;  // the first answer came with thoughts

 private:
  const TellFinding tell_;
  std::vector<Finding> findings_;
};

// From the address to TLS. False: the server cannot be reached, and the rest is skipped.
async::Task<bool> ExamineNetwork(async::Context ctx, Examination& found);

// From readiness to the clock. False: no calls can be made, and the rest is skipped.
async::Task<bool> ExamineState(async::Context ctx, Examination& found, http::Client& client);

// The entry that calls go to; null, and a failed step, when it is not there.
const model::ModelEntry* ExamineModels(Examination& found,
                                       const std::vector<model::ModelEntry>& models);
void ExamineAdapters(Examination& found, const std::vector<model::ModelEntry>& models);
void ExamineLimits(Examination& found, const model::ModelEntry& entry);

// The live steps.
async::Task<void> Probe(async::Context ctx, Examination& found, model::Engine& engine);

}  // namespace weir::engine
