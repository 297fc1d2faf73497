#include "weir/config/import_agent_text.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/config/show.h"
#include "weir/json/writer.h"

namespace weir::config {
namespace {

// Whether a block of YAML says exactly this text.
bool FitsBlock(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  });
  const std::string_view rest = text.substr(0, text.find_last_not_of('\n') + 1);
  const bool first_is_plain = !text.empty() && text.front() != ' ' && text.front() != '\n';
  return printable && first_is_plain && rest.contains('\n') && text.size() - rest.size() <= 1 &&
         IsUtf8(text);
}

}  // namespace

void AgentText::Comments(std::span<const std::string> lines) {
  for (std::string line : lines) {
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    Line(StrCat("# ", line), {});
  }
}

void AgentText::Line(std::string_view text, const ImportOrigin& origin) {
  StrAppend(text_.yaml, text, "\n");
  text_.lines.push_back(origin);
}

void AgentText::Field(std::string_view key, json::View value, const ImportOrigin& origin) {
  if (const auto text = value.AsString()) {
    if (FitsBlock(*text)) return Block(key, *text, origin);
  }
  const auto text = value.AsString();
  const std::string written = text ? YamlText(*text) : json::Write(value);
  Open(key, origin);
  Close();
  text_.yaml.insert(text_.yaml.size() - 1, StrCat(" ", written));
}

void AgentText::Field(std::string_view key, std::string_view text, const ImportOrigin& origin) {
  Field(key, json::Value::Of(text), origin);
}

void AgentText::Block(std::string_view key, std::string_view text, const ImportOrigin& origin) {
  const bool ends_line = text.ends_with('\n');
  if (ends_line) text.remove_suffix(1);
  Open(key, origin);
  text_.yaml.insert(text_.yaml.size() - 1, ends_line ? " |" : " |-");
  for (const std::string_view line : Split(text, '\n')) {
    const std::string indent(line.empty() ? 0 : depth_ * 2, ' ');
    Line(StrCat(indent, line), origin);
  }
  Close();
}

void AgentText::Open(std::string_view key, const ImportOrigin& origin) {
  std::string line(depth_ * 2, ' ');
  if (begins_item_) line.replace(line.size() - 2, 2, "- ");
  begins_item_ = false;
  Line(StrCat(line, YamlText(key), ":"), origin);
  ++depth_;
}

void AgentText::OpenItem() {
  ++depth_;
  begins_item_ = true;
}

void AgentText::Close() { --depth_; }

}  // namespace weir::config
