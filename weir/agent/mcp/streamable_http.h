#pragma once

// The transport "streamable HTTP": each message is a POST; the answer of a request is JSON, or a
// stream of events that holds it behind what the server says meanwhile. The stream that a server
// may offer for what belongs to no request (GET) is not opened, and a stream that breaks off is not
// taken up again.

#include <memory>
#include <string>
#include <vector>

#include "weir/agent/mcp/transport.h"
#include "weir/http/client.h"

namespace weir::agent::mcp {

struct StreamableHttpOptions {
  std::string name;  // of the server, for messages
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> secrets;  // texts that no message may show
  std::size_t max_message_bytes = 16 << 20;
};

// Sends nothing yet. Fails with kConfigError for an address or a header that cannot be used.
// `client` and `listener` outlive the transport.
Result<std::unique_ptr<Transport>> NewStreamableHttpTransport(StreamableHttpOptions options,
                                                              http::Client& client,
                                                              Listener& listener);

}  // namespace weir::agent::mcp
