#pragma once

// @file in a line that a person typed: the file goes along with the message.

#include <string_view>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::cli {

inline constexpr std::size_t kAttachedTextBytes = 1 << 20;  // of one text file

// The message of a user who typed `line`. @path and @"path with blanks" at the start of a word name
// files: a text goes in a fence behind the line, a picture or another medium becomes a part.
// Left alone are e-mail addresses, and @words that look like no path and name no file. Fails with
// kConfigError for a file that cannot be read, or is neither a text nor a medium.
Result<model::Message> MessageOf(std::string_view line);

}  // namespace weir::cli
