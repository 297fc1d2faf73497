#include "weir/cli/media.h"

#include "weir/cli/terminal.h"
#include "weir/text/media.h"

namespace weir::cli {

Result<model::Part> MediaPart(const std::string& source) {
  if (text::IsMediaAddress(source)) return text::MediaAtAddress(source);
  WEIR_TRY(const std::string bytes, ReadInput(source));
  return text::MediaPartOf(bytes, source == "-" ? "stdin" : source);
}

}  // namespace weir::cli
