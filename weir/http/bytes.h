#pragma once

// Classes of bytes in a message head: what the scanner, the grammar and the writer agree on.

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::http {

enum class ByteClass : std::uint8_t {
  kToken = 1,   // of a method or the name of a field (RFC 9110 5.6.2)
  kTarget = 2,  // of a request target: no control character, no space
  kLine = 4,    // anywhere in a line: no control character but tab
};

inline constexpr std::array<std::uint8_t, 256> kByteClasses = [] {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&](int byte, ByteClass to) {
    table[static_cast<std::size_t>(byte)] |= static_cast<std::uint8_t>(to);
  };
  for (int c = '0'; c <= '9'; ++c) add(c, ByteClass::kToken);
  for (int c = 'a'; c <= 'z'; ++c) add(c, ByteClass::kToken);
  for (int c = 'A'; c <= 'Z'; ++c) add(c, ByteClass::kToken);
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) add(c, ByteClass::kToken);
  for (int c = ' '; c < 256; ++c) {
    if (c != 0x7F && c != ' ') add(c, ByteClass::kTarget);
    if (c != 0x7F) add(c, ByteClass::kLine);
  }
  add('\t', ByteClass::kLine);
  return table;
}();

inline bool IsIn(char c, ByteClass wanted) {
  return (kByteClasses[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(wanted)) != 0;
}

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The first byte of [at, end) that is not `wanted`.
inline const char* Skip(const char* at, const char* end, ByteClass wanted) {
  while (at != end && IsIn(*at, wanted)) ++at;
  return at;
}

// The same for kLine, sixteen bytes at a time where the processor can: values are most of a head.
inline const char* SkipLineBytes(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i space = _mm_set1_epi8(' ');
  const __m128i del = _mm_set1_epi8(0x7F);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i printable = _mm_cmpeq_epi8(_mm_max_epu8(bytes, space), bytes);
    const __m128i fine = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, del), printable);
    const auto others = static_cast<unsigned>(_mm_movemask_epi8(fine)) ^ 0xFFFF;
    if (others == 0) {
      at += 16;
      continue;
    }
    at += std::countr_zero(others);
    if (*at != '\t') return at;
    ++at;
  }
#endif
  return Skip(at, end, ByteClass::kLine);
}

inline std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace weir::http
