// Properties: where the text is cut never changes what stands on the screen in the end; the only
// escapes that come out are those of the machine itself, on a screen of any size.

#include <cstdint>
#include <string>

#include "weir/base/fuzz_testing.h"
#include "weir/cli/markdown.h"
#include "weir/cli/screen_testing.h"

namespace {

using weir::Require;
using weir::cli::Markdown;
using weir::cli::MarkdownOptions;
using weir::cli::TestScreen;

// Every escape is one of ours: colours, cursor up, erase.
bool HasOnlyOurEscapes(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == 0x7F || (c < 0x20 && c != '\n' && c != '\r' && c != 0x1B)) return false;
    if (c != 0x1B) continue;
    const std::size_t end = bytes.find_first_not_of("0123456789;", i + 2);
    if (i + 1 >= bytes.size() || bytes[i + 1] != '[' || end == bytes.npos) return false;
    if (!std::string_view("mAKJ").contains(bytes[end])) return false;
  }
  return true;
}

std::string Shown(std::string_view text, std::size_t step, const MarkdownOptions& options) {
  Markdown markdown(options);
  TestScreen screen(options.width, options.height);
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += step) out += markdown.Feed(text.substr(i, step));
  out += markdown.Finish();
  Require(HasOnlyOurEscapes(out));
  Require(out.empty() || out.ends_with('\n'));
  screen.Write(out);
  Require(screen.unknown_escapes() == 0);
  return screen.Text();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 16;
  MarkdownOptions options;
  options.width = 5 + data[1] % 100;
  options.height = 1 << 20;
  options.colour = data[0] % 2 == 0;
  options.max_block_bytes = data[1] % 2 == 0 ? 40 : 16384;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  Require(Shown(text, step, options) == Shown(text, text.size() + 1, options));

  options.height = 2 + data[1] % 30;
  (void)Shown(text, step, options);
  return 0;
}
