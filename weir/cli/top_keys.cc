#include "weir/cli/top_keys.h"

namespace weir::cli {
namespace {

constexpr char kEscape = '\033';
constexpr char kCtrlD = '\x04';
constexpr std::size_t kMostSequence = 32;

void TakePlain(char byte, std::vector<TopKey>& keys) {
  switch (byte) {
    case 'q':
    case 'Q':
    case kCtrlD:
      return keys.push_back(TopKey::kQuit);
    case 'p':
    case ' ':
      return keys.push_back(TopKey::kPause);
    case '\t':
    case 'j':
      return keys.push_back(TopKey::kNext);
    case 'k':
      return keys.push_back(TopKey::kPrevious);
    case 'a':
      return keys.push_back(TopKey::kAll);
    case '?':
    case 'h':
      return keys.push_back(TopKey::kHelp);
    default:
      return;
  }
}

void TakeFinal(char byte, std::vector<TopKey>& keys) {
  if (byte == 'B') keys.push_back(TopKey::kNext);
  if (byte == 'A' || byte == 'Z') keys.push_back(TopKey::kPrevious);
}

}  // namespace

std::vector<TopKey> TopKeyReader::Feed(std::string_view bytes) {
  std::vector<TopKey> keys;
  for (const char byte : bytes) Take(byte, keys);
  return keys;
}

void TopKeyReader::Take(char byte, std::vector<TopKey>& keys) {
  if (sequence_.empty()) {
    if (byte != kEscape) return TakePlain(byte, keys);
    sequence_ = byte;
    return;
  }
  if (sequence_.size() == 1) {
    if (byte == '[' || byte == 'O') {
      sequence_ += byte;
      return;
    }
    keys.push_back(TopKey::kAll);
    sequence_.clear();
    return Take(byte, keys);
  }
  sequence_ += byte;
  const bool final = byte >= '@' && byte <= '~';
  if (final) TakeFinal(byte, keys);
  if (final || sequence_.size() > kMostSequence) sequence_.clear();
}

std::vector<TopKey> TopKeyReader::Pause() {
  std::vector<TopKey> keys;
  if (sequence_.size() == 1) {
    sequence_.clear();
    keys.push_back(TopKey::kAll);
  }
  return keys;
}

}  // namespace weir::cli
