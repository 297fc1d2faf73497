#pragma once

// A schema as vLLM's decoders take it, and as our languages can hold it.

#include "weir/json/value.h"

namespace weir::sim {

// A copy in which an object that declares its properties takes no others, unless its schema says
// that it does or another schema for the same value may need them; and in which fractions with
// bounds, and multiples, are numbers of a grid. What obeys the copy obeys `schema`, which must
// compile. There are schemas that something obeys, but whose copy nothing does.
json::Value DecoderForm(json::View schema);

}  // namespace weir::sim
