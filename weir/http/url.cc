#include "weir/http/url.h"

#include <algorithm>
#include <optional>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::string_view kForms =
    "write http://HOST:PORT/PREFIX, https://HOST/PREFIX or unix:/PATH/OF.sock";
constexpr std::size_t kUnixPathBytes = 107;  // what a socket address can hold
constexpr std::size_t kShownBytes = 100;

std::unexpected<Error> Refuse(std::string_view text, std::string_view why) {
  return Fail(Code::kInvalidRequest, StrCat("\"", Truncate(text, kShownBytes),
                                            "\" is not an address: ", why, "; ", kForms));
}

bool IsAlnum(char c) { return IsLetter(c) || IsDigit(c); }

bool IsBlankOrControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7F;
}

bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return EqualsIgnoreCase(text.substr(0, prefix.size()), prefix);
}

// Drops the slashes at the end; nothing is left of "/".
std::string Prefix(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

std::string_view WhyNotHost(std::string_view host) {
  if (host.empty()) return "it names no host";
  const bool plain = std::ranges::all_of(host, [](char c) {
    return IsAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '%' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
  return plain ? "" : "the host has a character that no host name has";
}

std::string_view WhyNotIpv6(std::string_view host) {
  const std::string_view address = host.substr(0, host.find('%'));  // what follows is a zone
  const bool plain = std::ranges::all_of(address, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
  });
  if (!plain || address.find(':') == address.npos) return "no IPv6 address stands in the brackets";
  const bool zone = std::ranges::all_of(host.substr(address.size()), [](char c) {
    return IsAlnum(c) || c == '%' || c == '-' || c == '.' || c == '_' || c == '~';
  });
  return zone ? "" : "the zone of the IPv6 address has a character that no zone has";
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  const std::optional<std::uint64_t> port = ParseUint(text);
  if (!port || *port < 1 || *port > 65535 || text.starts_with('+')) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

Result<Url> ParseUnix(std::string_view text, std::string_view rest) {
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (!rest.starts_with('/')) return Refuse(text, "a Unix socket has no host");
  }
  const std::size_t colon = rest.find(":/");
  Url url;
  url.unix_path = rest.substr(0, colon);
  if (colon != rest.npos) url.target_prefix = Prefix(rest.substr(colon + 1));
  if (!url.unix_path.starts_with('/') || url.unix_path.ends_with('/')) {
    return Refuse(text, "the path of a Unix socket is absolute and names a file");
  }
  if (url.unix_path.size() > kUnixPathBytes) {
    return Refuse(text, StrCat("the path of a Unix socket has at most ", kUnixPathBytes, " bytes"));
  }
  return url;
}

Result<Url> ParseTcp(std::string_view text, std::string_view rest, bool tls) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  Url url;
  url.tls = tls;
  url.port = tls ? 443 : 80;
  url.target_prefix = Prefix(rest.substr(slash));

  const bool v6 = authority.starts_with('[');
  const std::size_t host_end = v6 ? authority.find(']') : authority.find(':');
  if (v6 && host_end == authority.npos)
    return Refuse(text, "the ']' of the IPv6 address is missing");
  const std::string_view host =
      v6 ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  if (!v6 && authority.find(':') != authority.rfind(':')) {
    return Refuse(text, "an IPv6 address stands in brackets, as in http://[::1]:8000");
  }
  const std::string_view why = v6 ? WhyNotIpv6(host) : WhyNotHost(host);
  if (!why.empty()) return Refuse(text, why);
  url.host = ToLower(host);

  authority.remove_prefix(v6 ? host_end + 1 : host.size());
  if (authority.empty()) return url;
  if (!authority.starts_with(':')) return Refuse(text, "only a port may follow the IPv6 address");
  const std::optional<std::uint16_t> port = ParsePort(authority.substr(1));
  if (!port) return Refuse(text, "a port is a number from 1 to 65535");
  url.port = *port;
  return url;
}

}  // namespace

Result<Url> ParseUrl(std::string_view text) {
  if (std::ranges::any_of(text, IsBlankOrControl)) {
    std::string shown(text);
    std::ranges::replace_if(shown, IsBlankOrControl, '?');
    return Refuse(shown, "it has a space or a control character (shown as ?)");
  }
  const std::size_t user_end = text.substr(0, text.find('/', text.find("//") + 2)).find('@');
  if (user_end != text.npos) {
    // The text may hold a password, so it is not shown.
    return Fail(Code::kInvalidRequest,
                StrCat("the address holds a user name or password before '@', which is not "
                       "supported: give the key in a setting of its own; ",
                       kForms));
  }
  if (text.find('?') != text.npos) return Refuse(text, "an address has no query ('?')");
  if (text.find('#') != text.npos) return Refuse(text, "an address has no fragment ('#')");
  if (StartsWithIgnoreCase(text, "unix:")) return ParseUnix(text, text.substr(5));
  if (StartsWithIgnoreCase(text, "http://")) return ParseTcp(text, text.substr(7), false);
  if (StartsWithIgnoreCase(text, "https://")) return ParseTcp(text, text.substr(8), true);
  if (text.empty()) return Refuse(text, "it is empty");
  const bool other = text.find("://") != text.npos;
  return Refuse(text, other ? "only http, https and unix are spoken" : "the scheme is missing");
}

std::string Authority(const Url& url) {
  if (!url.unix_path.empty()) return "localhost";
  const bool v6 = url.host.find(':') != url.host.npos;
  std::string out = StrCat(v6 ? "[" : "", url.host, v6 ? "]" : "");
  if (url.port != (url.tls ? 443 : 80)) StrAppend(out, ":", static_cast<unsigned>(url.port));
  return out;
}

}  // namespace weir::http
