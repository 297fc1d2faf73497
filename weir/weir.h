#pragma once

// Everything that a program using weir needs; docs/library.md is the tour. It is C++23 for g++ 12
// and clang 19, without Asio and coroutines.

#include "weir/base/error.h"
#include "weir/base/result.h"
#include "weir/client/client.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

// Your structs in and out. Who does not describe any needs no Boost.
#if __has_include(<boost/describe.hpp>)
#include "weir/client/typed.h"
#include "weir/schema/structs.h"
#endif
