#pragma once

// JSON pointers (RFC 6901): "/choices/0/message" names a place in a document.

#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::json {

// The value at `pointer`; "" is the root itself. Fails with kInvalidRequest, naming the part of
// the pointer that is malformed or leads nowhere.
Result<View> Resolve(View root, std::string_view pointer);

// Appends "/" and the token (a member name or an index) with ~ and / escaped.
void AppendToken(std::string& pointer, std::string_view token);
void AppendToken(std::string& pointer, std::size_t index);

// Takes the first token off `pointer`, which is not empty, and returns it unescaped. Fails with
// kInvalidRequest when the pointer does not start with '/' or holds a '~' that is no escape.
Result<std::string> TakeToken(std::string_view& pointer);

// The item of an array or member of an object that one token names; absent if there is none. An
// index is "0" or digits without a leading zero; "-" names no existing item.
View Child(View container, std::string_view token);

}  // namespace weir::json
