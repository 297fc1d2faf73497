#pragma once

// The formats that name places on a network.

#include <string_view>

namespace weir::schema {

bool IsIpv4(std::string_view text);
bool IsIpv6(std::string_view text);
bool IsHostname(std::string_view text);
// As IsHostname, with letters beyond ASCII; the tables of IDNA are not consulted.
bool IsIdnHostname(std::string_view text);
bool IsEmail(std::string_view text);
bool IsIdnEmail(std::string_view text);
bool IsUri(std::string_view text);  // absolute; the other takes relative ones too
bool IsUriReference(std::string_view text);
bool IsIri(std::string_view text);
bool IsIriReference(std::string_view text);
bool IsUriTemplate(std::string_view text);

}  // namespace weir::schema
