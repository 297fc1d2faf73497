#pragma once

// What to do about an exchange that broke off or made no sense. The layers below say what happened.

#include "weir/base/error.h"

namespace weir::http {

// The same error with a clause of advice behind its message. Codes whose messages have their own
// advice come back as they are. `plain`: the address says http://, and not a byte has come.
Error WithAdvice(Error error, bool plain);

// How the message of a server (and no proxy on the way to it) begins that refused a connection.
inline constexpr std::string_view kNothingListens = "nothing listens at ";
bool NothingListens(const Error& error);

}  // namespace weir::http
