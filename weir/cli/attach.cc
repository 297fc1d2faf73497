#include "weir/cli/attach.h"

#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/cli/terminal.h"
#include "weir/json/fence.h"
#include "weir/text/media.h"

namespace weir::cli {
namespace {

constexpr std::string_view kBehindPath = ".,;:!?)]}'\"";

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

bool Exists(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0;
}

// A path where an @ stands, and how much of the line it takes. "notes.txt," is notes.txt, unless
// there is a file with the comma.
struct Mention {
  std::string path;
  std::size_t size = 0;
};

Mention MentionAt(std::string_view text) {
  if (text.starts_with("@\"")) {
    const std::size_t end = text.find('"', 2);
    if (end != text.npos) return {.path = std::string(text.substr(2, end - 2)), .size = end + 1};
  }
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  std::string path(text.substr(1, end - 1));
  while (!path.empty() && kBehindPath.contains(path.back()) && !Exists(path)) path.pop_back();
  const std::size_t size = path.size() + 1;
  return {.path = std::move(path), .size = size};
}

bool IsMeant(const Mention& mention) {
  return !mention.path.empty() &&
         (mention.path.find_first_of("/.") != mention.path.npos || Exists(mention.path));
}

// The word behind the fence: the ending of the file's name.
std::string_view InfoOf(std::string_view path) {
  const std::size_t name = path.rfind('/') + 1;
  const std::size_t dot = path.rfind('.');
  return dot == path.npos || dot <= name ? "" : path.substr(dot + 1);
}

Result<void> Attach(const std::string& path, std::string& texts, std::vector<model::Part>& media) {
  WEIR_TRY(const std::string bytes, ReadInput(path));
  if (text::MediaType(bytes)) {
    WEIR_TRY(model::Part part, text::MediaPartOf(bytes, path));
    media.push_back(std::move(part));
    return {};
  }
  if (!IsUtf8(bytes) || bytes.contains('\0')) {
    return Fail(Code::kConfigError,
                StrCat(path, " is neither a text in UTF-8 nor a medium that weir knows"));
  }
  if (bytes.size() > kAttachedTextBytes) {
    return Fail(Code::kConfigError, StrCat(path, " has ", bytes.size(), " bytes, more than the ",
                                           kAttachedTextBytes, " of an attached text"));
  }
  StrAppend(texts, "\n\n", path, ":\n", json::WrapFence(bytes, InfoOf(path)));
  return {};
}

}  // namespace

Result<model::Message> MessageOf(std::string_view line) {
  std::string text;
  std::string texts;
  std::vector<model::Part> media;
  for (std::size_t i = 0; i < line.size();) {
    const bool begins_word = i == 0 || IsBlank(line[i - 1]) || line[i - 1] == '(';
    const Mention mention = begins_word && line[i] == '@' ? MentionAt(line.substr(i)) : Mention();
    if (!IsMeant(mention)) {
      text += line[i++];
      continue;
    }
    if (!Exists(mention.path)) {
      return Fail(Code::kConfigError,
                  StrCat("there is no file ", mention.path, ", so nothing was asked; write '@ ",
                         mention.path, "' if no file is meant"));
    }
    WEIR_CHECK(Attach(mention.path, texts, media));
    text += mention.path;
    i += mention.size;
  }
  model::Message message = model::Message::Text(model::Role::kUser, text + texts);
  for (model::Part& part : media) message.parts.push_back(std::move(part));
  return message;
}

}  // namespace weir::cli
