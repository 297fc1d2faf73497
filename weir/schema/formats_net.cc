#include "weir/schema/formats_net.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::schema {
namespace {

bool IsBeyondAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool IsOneOf(char c, std::string_view set) { return set.find(c) != set.npos; }

enum class Letters : std::uint8_t { kAscii, kAny };

bool IsUnreserved(char c, Letters letters) {
  return IsLetter(c) || IsDigit(c) || IsOneOf(c, "-._~") ||
         (letters == Letters::kAny && IsBeyondAscii(c));
}

// Whether all is unreserved, a %XX escape, or one of `others`.
bool OnlyUriCharacters(std::string_view text, std::string_view others, Letters letters) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHexDigit(text[i + 1]) || !IsHexDigit(text[i + 2]))
        return false;
      i += 2;
    } else if (!IsUnreserved(text[i], letters) && !IsOneOf(text[i], others)) {
      return false;
    }
  }
  return true;
}

constexpr std::string_view kSubDelimiters = "!$&'()*+,;=";

bool IsIpLiteral(std::string_view text) {
  if (!text.starts_with('v') && !text.starts_with('V')) return IsIpv6(text);
  const std::size_t dot = text.find('.');
  return dot != text.npos && dot > 1 && dot + 1 < text.size() &&
         std::ranges::all_of(text.substr(1, dot - 1), IsHexDigit) &&
         OnlyUriCharacters(text.substr(dot + 1), "!$&'()*+,;=:", Letters::kAscii);
}

bool IsAuthority(std::string_view text, Letters letters) {
  const std::size_t at = text.find('@');
  if (at != text.npos) {
    if (!OnlyUriCharacters(text.substr(0, at), "!$&'()*+,;=:", letters)) return false;
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || !IsIpLiteral(text.substr(1, end - 1))) return false;
    text.remove_prefix(end + 1);
    if (text.empty()) return true;
    return text.front() == ':' && std::ranges::all_of(text.substr(1), IsDigit);
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view port = text.substr(std::min(colon + 1, text.size()));
  return OnlyUriCharacters(text.substr(0, colon), kSubDelimiters, letters) &&
         std::ranges::all_of(port, IsDigit);
}

// Takes "scheme:" off the front; false if there is none.
bool TakeScheme(std::string_view& text) {
  const std::size_t colon = text.find_first_of(":/?#");
  if (colon == text.npos || text[colon] != ':' || colon == 0 || !IsLetter(text[0])) return false;
  const auto allowed = [](char c) { return IsLetter(c) || IsDigit(c) || IsOneOf(c, "+-."); };
  if (!std::ranges::all_of(text.substr(0, colon), allowed)) return false;
  text.remove_prefix(colon + 1);
  return true;
}

bool IsReference(std::string_view text, Letters letters, bool absolute) {
  constexpr std::string_view kPath = "!$&'()*+,;=:@/";
  constexpr std::string_view kQuery = "!$&'()*+,;=:@/?";
  const bool has_scheme = TakeScheme(text);
  if (absolute && !has_scheme) return false;
  const std::size_t hash = text.find('#');
  if (hash != text.npos) {
    if (!OnlyUriCharacters(text.substr(hash + 1), kQuery, letters)) return false;
    text = text.substr(0, hash);
  }
  const std::size_t question = text.find('?');
  if (question != text.npos) {
    if (!OnlyUriCharacters(text.substr(question + 1), kQuery, letters)) return false;
    text = text.substr(0, question);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t slash = std::min(text.find('/'), text.size());
    if (!IsAuthority(text.substr(0, slash), letters)) return false;
    text.remove_prefix(slash);
  } else if (!has_scheme) {
    // "a:b" would be a scheme, and a wrong one.
    const std::string_view first = text.substr(0, text.find('/'));
    if (first.find(':') != first.npos) return false;
  }
  return OnlyUriCharacters(text, kPath, letters);
}

bool IsLabel(std::string_view label, Letters letters) {
  constexpr std::size_t kLongest = 63;
  const auto allowed = [&](char c) {
    return IsLetter(c) || IsDigit(c) || c == '-' || (letters == Letters::kAny && IsBeyondAscii(c));
  };
  const bool reserved = label.size() >= 4 && label.substr(2, 2) == "--";
  return !label.empty() && label.size() <= kLongest && label.front() != '-' &&
         label.back() != '-' && (!reserved || label.starts_with("xn--")) &&
         std::ranges::all_of(label, allowed);
}

bool IsHost(std::string_view text, Letters letters) {
  constexpr std::size_t kLongest = 253;
  if (text.empty() || text.size() > kLongest) return false;
  return std::ranges::all_of(Split(text, '.'),
                             [&](std::string_view label) { return IsLabel(label, letters); });
}

bool IsQuotedLocalPart(std::string_view text) {
  if (text.size() < 2 || !text.ends_with('"')) return false;
  text = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
    } else if (text[i] == '"' || text[i] == '\\' || static_cast<unsigned char>(text[i]) < 0x20) {
      return false;
    }
  }
  return true;
}

bool IsMailbox(std::string_view text, Letters letters) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0) return false;
  const std::string_view local = text.substr(0, at);
  std::string_view domain = text.substr(at + 1);
  const auto atom = [&](char c) {
    return IsLetter(c) || IsDigit(c) || IsOneOf(c, "!#$%&'*+-/=?^_`{|}~.") ||
           (letters == Letters::kAny && IsBeyondAscii(c));
  };
  if (local.front() == '"') {
    if (!IsQuotedLocalPart(local)) return false;
  } else if (!std::ranges::all_of(local, atom) || local.front() == '.' || local.back() == '.' ||
             local.find("..") != local.npos) {
    return false;
  }
  if (!domain.starts_with('[')) return IsHost(domain, letters);
  if (!domain.ends_with(']')) return false;
  domain = domain.substr(1, domain.size() - 2);
  return domain.starts_with("IPv6:") ? IsIpv6(domain.substr(5)) : IsIpv4(domain);
}

// A variable of a URI template: "name", "name*" or "name:12".
bool IsVariable(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != text.npos) {
    const std::string_view length = text.substr(colon + 1);
    if (length.empty() || length.size() > 4 || length.front() == '0' ||
        !std::ranges::all_of(length, IsDigit)) {
      return false;
    }
    text = text.substr(0, colon);
  } else if (text.ends_with('*')) {
    text.remove_suffix(1);
  }
  return !text.empty() && text.find("..") == text.npos && text.find_first_of("-~") == text.npos &&
         OnlyUriCharacters(text, "", Letters::kAscii);
}

}  // namespace

bool IsIpv4(std::string_view text) {
  const auto parts = Split(text, '.');
  return parts.size() == 4 && std::ranges::all_of(parts, [](std::string_view part) {
           return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, IsDigit) &&
                  (part.size() == 1 || part.front() != '0') && (part.size() < 3 || part <= "255");
         });
}

bool IsIpv6(std::string_view text) {
  std::size_t groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  for (;;) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, end);
    if (end == text.size() && group.find('.') != group.npos) {
      if (!IsIpv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, IsHexDigit)) return false;
    ++groups;
    text.remove_prefix(end);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(1);
      if (text.empty()) break;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

bool IsHostname(std::string_view text) { return IsHost(text, Letters::kAscii); }
bool IsIdnHostname(std::string_view text) { return IsUtf8(text) && IsHost(text, Letters::kAny); }
bool IsEmail(std::string_view text) { return IsMailbox(text, Letters::kAscii); }
bool IsIdnEmail(std::string_view text) { return IsMailbox(text, Letters::kAny); }
bool IsUri(std::string_view text) { return IsReference(text, Letters::kAscii, true); }
bool IsUriReference(std::string_view text) { return IsReference(text, Letters::kAscii, false); }
bool IsIri(std::string_view text) { return IsReference(text, Letters::kAny, true); }
bool IsIriReference(std::string_view text) { return IsReference(text, Letters::kAny, false); }

bool IsUriTemplate(std::string_view text) {
  while (!text.empty()) {
    const std::size_t open = std::min(text.find_first_of("{}"), text.size());
    const std::string_view literal = text.substr(0, open);
    const auto banned = [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || IsOneOf(c, "\"<>\\^`|");
    };
    if (std::ranges::any_of(literal, banned)) return false;
    text.remove_prefix(open);
    if (text.empty()) return true;
    const std::size_t close = text.find('}');
    if (text.front() != '{' || close == text.npos) return false;
    std::string_view names = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!names.empty() && IsOneOf(names.front(), "+#./;?&=,!@|")) names.remove_prefix(1);
    for (const std::string_view name : Split(names, ',')) {
      if (!IsVariable(name)) return false;
    }
  }
  return true;
}

}  // namespace weir::schema
