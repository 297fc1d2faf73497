#pragma once

// The grammar of a complete message head (RFC 9112), and what it says about the body. Internal to
// the parsers.
//
// It is our own because measurement said so (parser_bench.cc, processor time, both in turn on a
// quiet machine). With Beast's basic_parser a response head of 5 fields took 500 ns and a request
// head of 8 fields 810 ns: every name was looked up in a table of all known ones, every byte was
// read twice, and each field became two more strings. One pass into flat Headers takes 180 ns and
// 270 ns. Beast remains the referee: head_fuzz.cc holds that both agree, and lists where we are
// stricter.

#include <string_view>

#include "weir/base/result.h"
#include "weir/http/parser.h"

namespace weir::http {

// `bytes` begin with one head and its empty line; what follows is not looked at. Fails, too, when
// the empty line is missing: the reader of a stream looks for it with HeadScanner. Nothing is left
// of what `head` held before.
Result<Framing> ParseResponseHead(std::string_view bytes, std::size_t max_fields,
                                  ResponseHead& head);

// `status` becomes the one to answer with when this fails.
Result<Framing> ParseRequestHead(std::string_view bytes, std::size_t max_fields, RequestHead& head,
                                 int& status);

}  // namespace weir::http
