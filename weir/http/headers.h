#pragma once

// Header fields, and the writer of message heads and chunks: everything goes into one flat string,
// and nothing that could break out of its line is ever written.

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::http {

struct Header {
  std::string name;
  std::string value;

  friend bool operator==(const Header&, const Header&) = default;
};

// Fields in the order in which they came; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void Add(std::string_view name, std::string_view value);  // keeps earlier fields of that name
  void Set(std::string_view name, std::string_view value);  // replaces them, in the first's place
  void Remove(std::string_view name);
  void Clear() { fields_.clear(); }

  // The first value of that name, or null.
  const std::string* Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
  // Whether a field of that name holds `token` in its comma list ("Connection: close, TE").
  bool HasToken(std::string_view name, std::string_view token) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  std::vector<Header> fields_;
};

// Whether the field may be written: the name is a token, the value has no control character but
// tab, and no white space at its ends. Fails with Code::kInvalidRequest.
Result<void> CheckHeader(std::string_view name, std::string_view value);

// Appends start line, fields and the empty line, or appends nothing and fails with
// Code::kInvalidRequest. Framing fields (Content-Length, Transfer-Encoding) are the caller's.
Result<void> AppendRequestHead(std::string& out, std::string_view method, std::string_view target,
                               const Headers& headers);
Result<void> AppendResponseHead(std::string& out, int status, const Headers& headers);

// "Not Found"; "Unknown" for a status that has no name here.
std::string_view ReasonPhrase(int status);

// One chunk of a chunked body. An empty piece appends nothing: it would end the body.
void AppendChunk(std::string& out, std::string_view piece);
void AppendLastChunk(std::string& out);

}  // namespace weir::http
