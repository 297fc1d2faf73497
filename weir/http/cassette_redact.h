#pragma once

// What of an exchange may be written down, and by what a request is found again.

#include <string>
#include <string_view>

#include "weir/http/cassette_file.h"

namespace weir::http {

// Takes the secrets out of all of it, by the rules of weir/base/redact.h: heads line by line, the
// body of the request, and the body of the reply, decoded and put together from its pieces first.
//
// A reply without a secret in its body keeps every byte behind its heads. One with a secret is
// framed anew, because it is no longer as long as it was: chunks instead of a length, no content
// coding, no interim heads, and one piece for all that lies between the first secret and the last.
void RedactExchange(RecordedExchange& exchange);

// "POST /v1/models?api_key=***": method and target of a request, without secrets, and without the
// scheme and host that a proxy is sent.
std::string RequestKey(std::string_view method, std::string_view target);

}  // namespace weir::http
