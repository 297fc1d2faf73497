#pragma once

// The definition of an agent that is being made, line by line. Every line remembers what it was
// made of.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "weir/config/import_draft.h"
#include "weir/json/value.h"

namespace weir::config {

class AgentText {
 public:
  void Comments(std::span<const std::string> lines);
  // `key: value`; a text of several lines becomes a block.
  void Field(std::string_view key, json::View value, const ImportOrigin& origin);
  void Field(std::string_view key, std::string_view text, const ImportOrigin& origin);
  // `key:`, with what follows below it: items of a list, or fields.
  void Open(std::string_view key, const ImportOrigin& origin);
  void OpenItem();  // the next field begins an item
  void Close();

  const Draft::Text& text() const { return text_; }

 private:
  void Line(std::string_view text, const ImportOrigin& origin);
  void Block(std::string_view key, std::string_view text, const ImportOrigin& origin);

  Draft::Text text_;
  std::size_t depth_ = 0;
  bool begins_item_ = false;
};

}  // namespace weir::config
