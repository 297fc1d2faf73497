#pragma once

// Pictures, sounds and films for a message: from files and addresses.

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::text {

inline constexpr std::size_t kMediaBytes = 20 << 20;  // of one medium; servers refuse much more

// "image/png" and its like, told by the first bytes; nothing for what is no known medium.
std::optional<std::string_view> MediaType(std::string_view bytes);

// A part with the bytes in a data: URL. `name` is for the message when they are no medium, or more
// than kMediaBytes.
Result<model::Part> MediaPartOf(std::string_view bytes, std::string_view name);

// Whether it is an address (http:, https:, data:) and not a path.
bool IsMediaAddress(std::string_view source);

// An address goes to the server as it is: a picture, unless its ending says otherwise.
model::Part MediaAtAddress(const std::string& address);

// The medium at a path or an address.
Result<model::Part> ReadMedia(const std::string& source);

}  // namespace weir::text
