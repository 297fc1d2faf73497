#pragma once

// The walk behind ReportViolations(): the same way as Evaluator, but it goes on after a violation
// and knows where it is.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/schema/compiled.h"
#include "weir/schema/schema.h"
#include "weir/schema/validate.h"

namespace weir::schema {

class Reporter {
 public:
  Reporter(const Compiled& compiled, std::size_t max_violations)
      : compiled_(compiled), evaluator_(compiled), max_(max_violations) {}

  void Report(NodeIndex index, json::View value);

  bool exhausted() const { return evaluator_.exhausted(); }
  std::vector<Violation>& violations() { return found_; }

 private:
  // How one alternative of "anyOf" failed.
  struct Attempt {
    std::size_t branch = 0;
    bool wrong_at_top = false;  // of the wrong type or value altogether
    std::vector<Violation> violations;
  };

  void ReportScalar(const Node& node, NodeIndex index, json::View value);
  void ReportValue(NodeIndex index, const ValueRules& rules, json::View value);
  void ReportNumber(NodeIndex index, const NumberRules& rules, json::View value);
  void ReportString(NodeIndex index, const StringRules& rules, json::View value);
  void ReportArray(NodeIndex index, const ArrayRules& rules, json::View value);
  void ReportContains(NodeIndex index, const ArrayRules& rules, json::View value);
  void ReportObject(NodeIndex index, const ObjectRules& rules, json::View value);
  void ReportMember(NodeIndex index, const ObjectRules& rules, json::Member member);
  void ReportRequired(NodeIndex index, const ObjectRules& rules, json::View value);
  void ReportDependents(NodeIndex index, const ObjectRules& rules, json::View value);
  void ReportName(NodeIndex index, const ObjectRules& rules, std::string_view key);
  void ReportLogic(NodeIndex index, const LogicRules& rules, json::View value);
  void ReportAlternatives(NodeIndex index, std::string_view keyword,
                          const std::vector<NodeIndex>& nodes, json::View value);
  std::string ExplainNearest(NodeIndex index, std::string_view keyword,
                             const std::vector<NodeIndex>& nodes, json::View value);
  void ReportUnevaluated(NodeIndex index, const Node& node, json::View value);
  // A part that a keyword with a schema of its own may forbid altogether.
  void ReportForbidden(NodeIndex index, std::string_view keyword, NodeIndex rest, json::View part,
                       const std::string& sentence);

  std::string NotAllowed(const ObjectRules& rules, std::string_view key) const;
  void Add(NodeIndex index, std::string_view keyword, std::string_view sentence);
  bool full() const { return found_.size() >= max_ || evaluator_.exhausted(); }

  // Adds a token to the path while it lives.
  class Step {
   public:
    template <class Token>
    Step(Reporter& reporter, Token token);
    ~Step() { path_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    std::string& path_;
    const std::size_t size_;
  };

  const Compiled& compiled_;
  Evaluator evaluator_;
  const std::size_t max_;
  std::string path_;
  std::string prefix_;  // put before each sentence: says that a property name is meant
  std::size_t explaining_ = 0;
  std::size_t depth_ = 0;
  std::vector<Violation> found_;
};

}  // namespace weir::schema
