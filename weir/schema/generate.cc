#include "weir/schema/generate.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/schema/compiled.h"
#include "weir/schema/generate_machine.h"

namespace weir::schema {

struct Generator::Impl {
  Impl(const Schema& from, const GenerateOptions& with)
      : schema(from),
        options(with),
        outlines(MakeOutlines(schema.compiled())),
        texts(schema.compiled(), options.typical_length, options.max_bytes) {}

  std::unexpected<Error> Cannot(const Obstacle& obstacle) const {
    const std::string path = schema.compiled().PathOf(obstacle.node, obstacle.keyword);
    return CannotAt(path, obstacle.sentence);
  }

  std::unexpected<Error> CannotAt(std::string_view path, std::string_view sentence) const {
    return Fail(Code::kUnsupportedSchema,
                StrCat("cannot make an instance: at ", path.empty() ? "the top level" : path,
                       " of the schema: ", sentence,
                       "; loosen the schema there, or give it an example under \"examples\""));
  }

  const Schema schema;
  const GenerateOptions options;
  const std::vector<Outline> outlines;
  TextSampler texts;
};

Generator::Generator(const Schema& schema, const GenerateOptions& options)
    : impl_(std::make_unique<Impl>(schema, options)) {}

Generator::~Generator() = default;

Result<json::Value> Generator::Next(Random& random) {
  const Schema& schema = impl_->schema;
  const Workshop shop{.compiled = schema.compiled(),
                      .outlines = impl_->outlines,
                      .texts = impl_->texts,
                      .options = impl_->options,
                      .random = random};
  const Part root{.node = schema.compiled().root};
  const auto depth =
      static_cast<std::uint32_t>(std::min<std::size_t>(impl_->options.max_depth, kEndless - 1));
  Result<json::Value> last = Fail(Code::kUnsupportedSchema, "no attempt is allowed (attempts)");
  for (int attempt = 0; attempt < impl_->options.attempts; ++attempt) {
    GenerateMachine machine(shop, {.careful = attempt > 0, .lean = attempt % 3 == 2});
    if (!machine.Value({&root, 1}, depth)) {
      last = impl_->Cannot(machine.obstacle());
      continue;
    }
    Result<json::Value> value = json::Read(machine.text());
    if (!value) {
      last = std::move(value);
      continue;
    }
    if (schema.Accepts(*value)) return value;
    const std::vector<Violation> found = schema.Check(*value, {.max_violations = 1});
    if (!found.empty()) {
      last = impl_->CannotAt(found.front().schema_path,
                             StrCat("no instance was found that obeys it; of the last one it was "
                                    "said: ",
                                    found.front().message));
    }
  }
  return last;
}

Result<json::Value> Generate(const Schema& schema, Random& random, const GenerateOptions& options) {
  return Generator(schema, options).Next(random);
}

}  // namespace weir::schema
