#include "weir/http/error_advice.h"

#include <string_view>

namespace weir::http {
namespace {

std::string_view AdviceOn(const Error& error, bool plain) {
  switch (error.code) {
    case Code::kStreamTruncated:
      return "; the server died or a proxy in between gave up: look at its log, or try again";
    case Code::kConnectionError:
      if (plain) return "; is it up (look at its log), or does it want https:// and not http://?";
      return "; the server may have died or be starting anew: look at its log, or try again";
    case Code::kProtocolError:
      if (error.message.contains("looks like TLS")) return "";
      return "; is this the address of a model server, or does a proxy in between change what it "
             "says?";
    default:
      return "";
  }
}

}  // namespace

Error WithAdvice(Error error, bool plain) {
  if (!error.permanent) error.message += AdviceOn(error, plain);
  return error;
}

bool NothingListens(const Error& error) {
  return error.code == Code::kConnectionError && error.message.starts_with(kNothingListens);
}

}  // namespace weir::http
