// What is wrong with a node whatever stands around it: names and numbers.

#include "weir/base/text.h"
#include "weir/flow/graph_build.h"
#include "weir/flow/names.h"

namespace weir::flow {
namespace {

constexpr int kMostProcesses = 256;
constexpr int kMostRetries = 100;

}  // namespace

void GraphBuilder::Claim(const std::string& name, std::string_view what, const std::string& place) {
  if (!IsName(name)) {
    Wrong(place, StrCat("'", Truncate(name, 60), "' is no name for a ", what,
                        ": use letters, digits and _, the first no digit"));
    return;
  }
  if (IsReserved(name)) {
    Wrong(place, StrCat("'", name,
                        "' means something else already (docs/flows.md lists the "
                        "names): call it something else"));
    return;
  }
  const auto [at, fresh] = names_.emplace(name, place);
  if (fresh) return;
  Wrong(place, StrCat("'", name, "' is there twice", at->second.empty() ? "" : ", first at ",
                      at->second, ": names of nodes, branches and joins are unique in a flow"));
}

void GraphBuilder::CheckThoughts() {
  constexpr std::string_view kEnd = "_reasoning";
  for (const auto& [name, place] : names_) {
    if (!name.ends_with(kEnd)) continue;
    const std::string_view step = std::string_view(name).substr(0, name.size() - kEnd.size());
    if (!names_.contains(step)) continue;
    Wrong(place, StrCat("'", name, "' is where the thoughts of ", step,
                        " are found: call it something else"));
  }
}

void GraphBuilder::CheckStep(const Step& step, const Node& node) {
  if (step.output.schema && step.constraint) {
    Wrong(node.place,
          StrCat("step ", node.id, " has an `output` and a constraint of another kind (",
                 model::ConstraintName(step.constraint->kind), "): keep one of them"));
  }
  if (step.retries < 0 || step.retries > kMostRetries) {
    Wrong(node.place, StrCat("`retries` of ", node.id, " must be from 0 to ", kMostRetries,
                             ", found ", step.retries));
  }
  if (step.timeout && *step.timeout < Duration::zero()) {
    Wrong(node.place, StrCat("`timeout` of ", node.id, " must not be negative"));
  }
  if (const auto valid = step.sampling.Validate(); !valid) {
    Wrong(node.place, StrCat("step ", node.id, ": ", valid.error().message));
  }
}

void GraphBuilder::CheckProgram(const Program& program, const Node& node) {
  if (program.argv.empty() || program.argv.front().empty()) {
    Wrong(node.place, StrCat("`exec` of ", node.id, " names no program"));
  }
  if (program.timeout <= Duration::zero()) {
    Wrong(node.place, StrCat("`timeout` of ", node.id, " must be above 0"));
  }
  if (program.processes < 1 || program.processes > kMostProcesses) {
    Wrong(node.place, StrCat("`processes` of ", node.id, " must be from 1 to ", kMostProcesses,
                             ", found ", program.processes));
  }
}

}  // namespace weir::flow
