#pragma once

// Embeddings through the waist, so that retries, limits and records can stand around them as around
// answers: the text of each message is one to embed, `extra` goes along, and the `value` of the
// only choice of the reply is the list of the vectors. There are no streams of them.

#include <memory>

#include "weir/engine/control.h"
#include "weir/model/engine.h"

namespace weir::engine {

std::unique_ptr<model::Engine> NewEmbedEngine(std::unique_ptr<Control> control);

}  // namespace weir::engine
