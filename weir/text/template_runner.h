#pragma once

// Walks what the parser made.

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/text/template_tree.h"
#include "weir/text/template_work.h"

namespace weir::text::tmpl {

// One rendering or evaluation; `program` and `variables` outlive it.
class Runner {
 public:
  // `variables` is an object or absent.
  Runner(const Program& program, json::View variables);

  Result<std::string> Render();
  // The value of the program's expression; it may be a part of the variables.
  Result<Datum> Evaluate() { return Eval(program_.expression); }

 private:
  Result<void> Run(const std::vector<Node>& nodes);
  Result<void> Write(const Node& node);
  Result<void> Print(const Node& node);
  Result<void> If(const Node& node);
  Result<void> For(const Node& node);
  Result<void> Set(const Node& node);
  Result<void> Begin(const Node& node, const Datum& list, json::View item);
  void SetLoop(const Node& node, std::size_t index, std::size_t length);

  // A value that exists.
  Result<Datum> Eval(const Expr& expr);
  Result<bool> Truth(const Expr& expr);
  // The same, but what is not there is an absent value.
  Result<Datum> Find(const Expr& expr);
  Result<Datum> FindName(const Expr& expr);
  Result<Datum> FindIndex(const Expr& expr);
  Result<Datum> List(const Expr& expr);
  Result<Datum> Object(const Expr& expr);
  Result<Datum> Logic(const Expr& expr);
  Result<Datum> Concat(const Expr& expr);
  Result<Datum> Choose(const Expr& expr);
  Result<Datum> Binary(const Expr& expr);
  Result<Datum> Filtered(const Expr& expr);
  Result<Datum> Tested(const Expr& expr);

  std::unexpected<Error> NotThere(const Expr& expr);

  const Program& program_;
  const json::View variables_;
  Work work_;
  std::vector<Datum> slots_;  // absent: not set
  std::string out_;
};

}  // namespace weir::text::tmpl
