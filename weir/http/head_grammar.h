#pragma once

// The grammar of a complete message head, and what it says about the body. Internal to the parsers.

#include <optional>
#include <string_view>

#include "weir/base/result.h"
#include "weir/http/parser.h"

namespace weir::http {

// `bytes` is one head with its empty line. Nothing is left of what `head` held before.
Result<Framing> ParseResponseHead(std::string_view bytes, std::size_t max_fields,
                                  ResponseHead& head);

// `status` becomes the one to answer with when this fails.
Result<Framing> ParseRequestHead(std::string_view bytes, std::size_t max_fields, RequestHead& head,
                                 int& status);

}  // namespace weir::http
