#pragma once

// Everything that a program using weir needs.

#include "weir/base/error.h"
#include "weir/base/result.h"
#include "weir/client/client.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"
