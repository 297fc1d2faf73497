#include "weir/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

#include "weir/base/utf8.h"

namespace weir {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

template <class T>
std::optional<T> ParseWhole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

Piece::Piece(long long value) {
  const auto end = std::to_chars(buffer_, buffer_ + sizeof(buffer_), value).ptr;
  text_ = {buffer_, static_cast<std::size_t>(end - buffer_)};
}

Piece::Piece(unsigned long long value) {
  const auto end = std::to_chars(buffer_, buffer_ + sizeof(buffer_), value).ptr;
  text_ = {buffer_, static_cast<std::size_t>(end - buffer_)};
}

Piece::Piece(double value) {
  const auto end = std::to_chars(buffer_, buffer_ + sizeof(buffer_), value).ptr;
  text_ = {buffer_, static_cast<std::size_t>(end - buffer_)};
}

void AppendPieces(std::string& out, std::span<const Piece* const> pieces) {
  std::size_t size = out.size();
  for (const Piece* piece : pieces) size += piece->text().size();
  out.reserve(std::max(size, out.capacity()));
  for (const Piece* piece : pieces) out += piece->text();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string Join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

std::string ToLower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), Lower);
  return out;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

std::optional<std::int64_t> ParseInt(std::string_view text) {
  return ParseWhole<std::int64_t>(text);
}

std::optional<std::uint64_t> ParseUint(std::string_view text) {
  return ParseWhole<std::uint64_t>(text);
}

std::optional<double> ParseDouble(std::string_view text) {
  const std::optional<double> value = ParseWhole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::string CountOf(const Piece& count, std::string_view one, std::string_view many) {
  if (count.text() == "1") return StrCat("1 ", one);
  return many.empty() ? StrCat(count.text(), " ", one, "s") : StrCat(count.text(), " ", many);
}

std::string HexText(std::uint64_t number) {
  std::string text(16, '0');
  for (std::size_t i = text.size(); number != 0; number >>= 4) text[--i] = kHexDigits[number & 15];
  return text;
}

std::string Truncate(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  const std::string_view kept = Utf8Prefix(text, max_bytes);
  return StrCat(kept, "… (truncated ", text.size() - kept.size(), " chars)");
}

std::optional<std::string> Nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  // With as many edits as it has letters, any short word is any other.
  std::size_t best_distance = std::min(std::max<std::size_t>(2, word.size() / 3) + 1,
                                       std::max<std::size_t>(1, word.size()));
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string Base64Encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= group.size() ? kBase64[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::size_t holes = i + 4 == text.size() ? padding : 0;
    unsigned bits = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::size_t digit = j < 4 - holes ? kBase64.find(text[i + j]) : 0;
      if (digit == kBase64.npos) return std::nullopt;
      bits = bits << 6 | static_cast<unsigned>(digit);
    }
    for (std::size_t j = 0; j < 3 - holes; ++j) {
      out += static_cast<char>(bits >> (16 - 8 * j) & 0xFF);
    }
  }
  return out;
}

std::string FormatMillis(std::int64_t millis) {
  if (millis % 1000 != 0 || millis == 0) {
    return millis < 10'000 ? StrCat(millis, " ms")
                           : StrCat(static_cast<double>(millis) / 1000, " s");
  }
  return StrCat(millis / 1000, " s");
}

}  // namespace weir
