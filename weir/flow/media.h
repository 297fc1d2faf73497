#pragma once

// What `media` of a row names. Paths of rows are data, which may come from anybody: only files
// beneath the flow's folder are read, and beneath those that the flow allows.

#include <string_view>

#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/model/message.h"

namespace weir::flow {

// An address goes to the server as it is. A path counts from the flow's folder (from the working
// directory where the flow has none), links are followed. Fails with kConfigError for a file that
// lies elsewhere than beneath it or one of Flow::media_folders, whether it is there or not.
Result<model::Part> MediaOf(const Flow& flow, std::string_view source);

}  // namespace weir::flow
