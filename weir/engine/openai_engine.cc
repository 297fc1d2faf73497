#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

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

// A schema in its strict form.
struct Rewritten {
  Result<schema::StrictForm> form = Fail(Code::kInternal, "not rewritten");
  bool same = false;  // it was in that form already
};

// The strict forms of the schemas that were sent last: a program sends few, and each many times.
// They are known again by their memory, which is kept as long as they are remembered. Thread-safe.
class StrictForms {
 public:
  std::shared_ptr<const Rewritten> Of(const json::Value& schema) {
    const char* const place = PlaceOf(schema);
    if (place == nullptr) return Rewrite(schema);
    {
      const std::scoped_lock lock(mutex_);
      const auto known = std::ranges::find(kept_, place, &Kept::place);
      if (known != kept_.end() && json::View(known->schema) == json::View(schema)) {
        return known->form;
      }
    }
    std::shared_ptr<const Rewritten> form = Rewrite(schema);
    const std::scoped_lock lock(mutex_);
    if (kept_.size() == kMostKept) kept_.erase(kept_.begin());
    kept_.push_back({.place = place, .schema = schema, .form = form});
    return form;
  }

 private:
  static constexpr std::size_t kMostKept = 32;

  struct Kept {
    const char* place;
    json::Value schema;  // so that no other one comes to stand in its place
    std::shared_ptr<const Rewritten> form;
  };

  // Two schemas that live at the same time never have the same.
  static const char* PlaceOf(const json::Value& schema) {
    return schema.IsObject() && !schema.empty() ? (*schema.members().begin()).key.data() : nullptr;
  }

  static std::shared_ptr<const Rewritten> Rewrite(const json::Value& schema) {
    auto done = std::make_shared<Rewritten>();
    done->form = schema::ToStrict(schema);
    done->same = done->form && json::Write(done->form->schema) == json::Write(schema);
    return done;
  }

  std::mutex mutex_;
  std::vector<Kept> kept_;  // the newest last
};

// Puts the schema into its strict form, or else lets it go as it is, unenforced. The way back, from
// nulls and the wrapper around a root that is no object, is not gone here, where the reply comes
// without its call: whoever checks the answer coerces it. A stream that is handed on as it comes
// has no way back.
Result<void> MakeStrict(StrictForms& forms, model::Constraint& constraint, bool live,
                        std::vector<model::Degradation>& notes) {
  const std::shared_ptr<const Rewritten> rewritten = forms.Of(constraint.schema);
  Result<schema::StrictForm> form = rewritten->form;
  if (!form && form.error().code != Code::kUnsupportedSchema) return Fail(form.error());
  if (form && live && !rewritten->same) {
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
    WEIR_CHECK(MakeStrict(forms_, *strict.constraint, live, notes));
    WEIR_TRY(wire::EncodedRequest request, EncodeByApi(strict, how));
    std::ranges::move(notes, std::back_inserter(request.degradations));
    return request;
  }

  wire::Dialect DialectOf(std::string_view) const override {
    return *wire::DialectByName("openai");
  }

 private:
  mutable StrictForms forms_;
};

}  // namespace

std::unique_ptr<Adapter> NewOpenAiAdapter() { return std::make_unique<OpenAiAdapter>(); }

}  // namespace weir::engine
