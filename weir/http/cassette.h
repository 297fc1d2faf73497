#pragma once

// Cassettes: exchanges recorded as they went over the wire, and played back without a server. Both
// sides are dialers, so a client does not know that it is being recorded or deceived. The files are
// described in docs/formats/cassette.md.

#include <memory>
#include <string>

#include "weir/base/limits.h"
#include "weir/http/dialer.h"

namespace weir::http {

struct CassetteLimits {
  std::size_t request_bytes = limits::kRequestBodyBytes;  // body of one request
  std::size_t reply_bytes = limits::kReplyBodyBytes;      // one reply, with its heads and framing
  std::size_t pieces = 1'000'000;                         // of one reply
  std::size_t exchanges = 9999;                           // in one folder
};

// Dials with `inner` and writes every exchange that got an answer into `folder`, which is made if
// it is not there; a folder that holds a recording already is refused, so that two recordings never
// mix. A file appears, whole and without secrets, when its exchange is over. A cassette is complete
// or somebody hears of it: an exchange above a limit, or one that cannot be written, breaks its
// connection, and what fails when a connection is closed fails the next dial. Thread-safe.
std::unique_ptr<Dialer> NewRecordingDialer(std::unique_ptr<Dialer> inner, std::string folder,
                                           CassetteLimits limits = {});

struct ReplayOptions {
  double time_scale = 1;  // multiplies the recorded times; 0: every piece at once
  CassetteLimits limits;
};

// Answers each request with the first recorded reply, not yet used, to the same method, target and
// body, piece by piece. Before they are compared both sides are redacted, so that a key may change
// between recording and playing back. A request that is not there breaks the connection, with a
// cause that names it, the recorded one that is nearest, and the remedy.
//
// All files are read and checked at the first dial, and read again when they are played; both block
// the loop. Memory holds an index, and the replies that are on their way. Thread-safe.
std::unique_ptr<Dialer> NewReplayDialer(std::string folder, ReplayOptions options = {});

}  // namespace weir::http
