#include "weir/wire/media.h"

#include "weir/base/text.h"

namespace weir::wire {
namespace {

constexpr std::string_view kScheme = "data:audio/";

}  // namespace

std::optional<InlineAudio> ReadInlineAudio(const model::Part& part) {
  const std::string_view url = part.url;
  const std::size_t mark = url.find(kBase64Mark);
  if (!url.starts_with(kScheme) || mark == url.npos) return std::nullopt;
  std::string_view type = url.substr(kScheme.size(), mark - kScheme.size());
  type = type.substr(0, type.find(';'));
  if (type.starts_with("x-")) type.remove_prefix(2);
  if (type == "mpeg") type = "mp3";
  return InlineAudio{url.substr(mark + kBase64Mark.size()),
                     part.format.empty() ? std::string(type) : part.format};
}

model::Part MakeAudioPart(std::string_view data, std::string_view format) {
  model::Part part;
  part.kind = model::Part::Kind::kAudio;
  part.url = StrCat(kScheme, format == "mp3" ? "mpeg" : format, kBase64Mark, data);
  part.format = format;
  return part;
}

}  // namespace weir::wire
