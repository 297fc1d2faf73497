#pragma once

#include <string>
#include <string_view>

namespace weir::flow {

// The text as one member of gzip.
std::string Gzipped(std::string_view text);

}  // namespace weir::flow
