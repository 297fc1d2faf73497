#include "weir/schema/uri.h"

#include <algorithm>
#include <cstddef>

#include "weir/base/text.h"

namespace weir::schema {
namespace {

struct Parts {
  std::string_view scheme;     // with the colon
  std::string_view authority;  // with the slashes
  std::string_view path;
  std::string_view query;  // with the question mark
};

Parts Divide(std::string_view uri) {
  Parts out;
  const std::size_t colon = uri.find_first_of(":/?");
  if (colon != uri.npos && uri[colon] == ':' && colon > 0 && IsLetter(uri[0])) {
    out.scheme = uri.substr(0, colon + 1);
    uri.remove_prefix(colon + 1);
  }
  if (uri.starts_with("//")) {
    const std::size_t end = std::min(uri.find_first_of("/?", 2), uri.size());
    out.authority = uri.substr(0, end);
    uri.remove_prefix(end);
  }
  const std::size_t query = std::min(uri.find('?'), uri.size());
  out.path = uri.substr(0, query);
  out.query = uri.substr(query);
  return out;
}

std::string RemoveDotSegments(std::string_view path) {
  std::string out;
  const auto drop_last = [&out] { out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/')); };
  while (!path.empty()) {
    const bool slash = path.front() == '/';
    const std::size_t end = std::min(path.find('/', slash ? 1 : 0), path.size());
    const std::string_view segment = path.substr(0, end);
    const std::string_view name = segment.substr(slash ? 1 : 0);
    path.remove_prefix(end);
    if (name == "." || name == "..") {
      if (name == "..") drop_last();
      if (path.empty() && slash) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

}  // namespace

SplitUri SplitFragment(std::string_view reference) {
  const std::size_t hash = reference.find('#');
  if (hash == reference.npos) return {.uri = reference, .fragment = {}};
  return {.uri = reference.substr(0, hash), .fragment = reference.substr(hash + 1)};
}

std::string ResolveUri(std::string_view base, std::string_view reference) {
  if (reference.empty()) return std::string(base);
  const Parts to = Divide(reference);
  const auto clean = [](std::string_view path) {
    return path.starts_with('/') ? RemoveDotSegments(path) : std::string(path);
  };
  if (!to.scheme.empty()) return StrCat(to.scheme, to.authority, clean(to.path), to.query);
  const Parts from = Divide(base);
  if (!to.authority.empty()) return StrCat(from.scheme, to.authority, clean(to.path), to.query);
  if (to.path.empty()) {
    return StrCat(from.scheme, from.authority, from.path, to.query.empty() ? from.query : to.query);
  }
  if (to.path.starts_with('/')) {
    return StrCat(from.scheme, from.authority, RemoveDotSegments(to.path), to.query);
  }
  std::string merged;
  if (!from.authority.empty() && from.path.empty()) {
    merged = "/";
  } else if (from.path.find('/') != from.path.npos) {
    merged = from.path.substr(0, from.path.rfind('/') + 1);
  }
  merged += to.path;
  return StrCat(from.scheme, from.authority, RemoveDotSegments(merged), to.query);
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
    i += 2;
  }
  return out;
}

}  // namespace weir::schema
