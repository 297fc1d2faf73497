#include <algorithm>
#include <iterator>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/openai_form.h"
#include "weir/json/writer.h"
#include "weir/schema/strict_form.h"

namespace weir::engine {
namespace {

// Whether the constraint is a schema that OpenAI may enforce, in its strict form.
bool MayBeStrict(const model::Call& call) {
  return call.constraint && call.constraint->kind == model::Constraint::Kind::kJsonSchema &&
         call.constraint->strict != false && call.api != model::Api::kCompletions;
}

// Puts the schema into its strict form, or else lets it go as it is, unenforced. The way back, from
// nulls and the wrapper around a root that is no object, is not gone here, where the reply comes
// without its call: whoever checks the answer coerces it. A stream that is handed on as it comes
// has no way back.
Result<void> MakeStrict(model::Constraint& constraint, bool live,
                        std::vector<model::Degradation>& notes) {
  Result<schema::StrictForm> form = schema::ToStrict(constraint.schema);
  if (!form && form.error().code != Code::kUnsupportedSchema) return Fail(form.error());
  if (form && live && json::Write(form->schema) != json::Write(constraint.schema)) {
    form =
        Fail(Code::kUnsupportedSchema,
             "it is not in OpenAI's strict form, and a live stream cannot be brought back from it");
  }
  constraint.strict = form.has_value();
  if (!form) {
    notes.push_back({"constraint", StrCat("OpenAI is asked to follow the schema, but not held to "
                                          "it: ",
                                          form.error().message)});
    return {};
  }
  for (const schema::StrictNote& note : form->notes) {
    if (note.widened) notes.push_back({StrCat("constraint.", note.keyword), note.message});
  }
  constraint.schema = std::move(form->schema);
  return {};
}

class OpenAiAdapter final : public OpenAiFormAdapter {
 public:
  std::string_view kind() const override { return "openai"; }

  Result<wire::EncodedRequest> Encode(const model::Call& call,
                                      const wire::EncodeOptions& how) const override {
    if (!MayBeStrict(call)) return EncodeByApi(call, how);
    model::Call strict = call;
    std::vector<model::Degradation> notes;
    const bool live = how.stream && !call.buffer;
    WEIR_CHECK(MakeStrict(*strict.constraint, live, notes));
    WEIR_TRY(wire::EncodedRequest request, EncodeByApi(strict, how));
    std::ranges::move(notes, std::back_inserter(request.degradations));
    return request;
  }

  wire::Dialect DialectOf(std::string_view) const override {
    return *wire::DialectByName("openai");
  }
};

}  // namespace

std::unique_ptr<Adapter> NewOpenAiAdapter() { return std::make_unique<OpenAiAdapter>(); }

}  // namespace weir::engine
