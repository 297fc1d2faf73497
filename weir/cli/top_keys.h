#pragma once

// What a person types at `weir top`.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

enum class TopKey : std::uint8_t {
  kQuit,      // q
  kPause,     // p, space
  kNext,      // Tab, down, j: the next agent
  kPrevious,  // Shift-Tab, up, k
  kAll,       // Esc, a: all agents
  kHelp,      // ?, h
};

// Bytes of a terminal in, keys out; others are passed over. Where the bytes are cut makes no
// difference.
class TopKeyReader {
 public:
  std::vector<TopKey> Feed(std::string_view bytes);
  // Nothing more came for a moment: an escape that stands alone was the key Esc.
  std::vector<TopKey> Pause();

 private:
  void Take(char byte, std::vector<TopKey>& keys);

  std::string sequence_;  // from its escape on
};

}  // namespace weir::cli
