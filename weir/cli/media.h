#pragma once

// The media of --media, which may come from stdin, too.

#include <string>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::cli {

// A file, an address, or "-" for stdin.
Result<model::Part> MediaPart(const std::string& source);

}  // namespace weir::cli
