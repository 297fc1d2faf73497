#pragma once

// How far a text is plain: what the scanner and the writer spend most of their time on.

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::json::internal {

// Neither a quotation mark, a backslash nor a control character, and inside ASCII.
inline bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

#if defined(__SSE2__)
// A bit for each of 16 characters that is not plain.
inline unsigned NotPlain16(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  // As signed numbers the bytes outside ASCII are below the blank, like the control characters.
  const __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
  const __m128i special = _mm_or_si128(low, _mm_or_si128(quote, backslash));
  return static_cast<unsigned>(_mm_movemask_epi8(special));
}
#endif

// The first character that is not plain, or `end`.
inline const char* SkipPlain(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    const unsigned special = NotPlain16(at);
    if (special != 0) return at + std::countr_zero(special);
  }
  // Eight to fifteen are left, as most keys have: two halves that may overlap, in one look.
  if (end - at >= 8) {
    char halves[16];
    std::memcpy(halves, at, 8);
    std::memcpy(halves + 8, end - 8, 8);
    const unsigned special = NotPlain16(halves);
    if ((special & 0xFF) != 0) return at + std::countr_zero(special);
    return special == 0 ? end : end - 16 + std::countr_zero(special);
  }
#endif
  while (at != end && IsPlain(*at)) ++at;
  return at;
}

// The same, but looks at 16 characters at most: most texts end among them.
inline const char* SkipShort(const char* at, const char* end) {
#if defined(__SSE2__)
  if (end - at >= 16) {
    const unsigned special = NotPlain16(at);
    return special != 0 ? at + std::countr_zero(special) : end;
  }
#endif
  return SkipPlain(at, end);
}

}  // namespace weir::json::internal
