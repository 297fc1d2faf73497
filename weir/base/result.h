#pragma once

// Result<T>: how every fallible function reports failure. Exceptions mean bugs.

#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "weir/base/error.h"

namespace weir {

// An Error behind one pointer: failures are rare, and every function and coroutine frame makes room
// for one.
class BoxedError {
 public:
  BoxedError(Error error) : error_(std::make_unique<Error>(std::move(error))) {}
  BoxedError(const BoxedError& other) : error_(std::make_unique<Error>(*other.error_)) {}
  BoxedError(BoxedError&&) noexcept = default;
  BoxedError& operator=(BoxedError other) noexcept {
    error_ = std::move(other.error_);
    return *this;
  }
  ~BoxedError() = default;

  Error& operator*() const { return *error_; }
  friend bool operator==(const BoxedError& a, const BoxedError& b) { return *a == *b; }

 private:
  std::unique_ptr<Error> error_;  // null only after a move
};

// Our own class, not an alias: libstdc++ 12's std::expected is not [[nodiscard]].
template <class T>
class [[nodiscard]] Result : public std::expected<T, BoxedError> {
  using Base = std::expected<T, BoxedError>;

 public:
  using Base::Base;

  const Error& error() const& { return *Base::error(); }
  Error& error() & { return *Base::error(); }
  Error&& error() && { return std::move(*Base::error()); }
};

// Builds the failure arm of any Result.
inline std::unexpected<Error> Fail(Code code, std::string message, std::string cause = {}) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.cause = std::move(cause);
  return std::unexpected<Error>(std::move(error));
}

inline std::unexpected<Error> Fail(Error error) { return std::unexpected<Error>(std::move(error)); }

}  // namespace weir

// `decl` gets the value; an error leaves the function. Several statements: only in a braced block.
#define WEIR_CONCAT_(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_(a, b)
#define WEIR_TRY_(leave, tmp, decl, ...)                                  \
  auto tmp = __VA_ARGS__;                                                 \
  if (!tmp) leave std::unexpected<::weir::Error>(std::move(tmp).error()); \
  decl = *std::move(tmp)
#define WEIR_TRY(decl, ...) WEIR_TRY_(return, WEIR_CONCAT(weir_try_, __LINE__), decl, __VA_ARGS__)
#define WEIR_CO_TRY(decl, ...) \
  WEIR_TRY_(co_return, WEIR_CONCAT(weir_try_, __LINE__), decl, __VA_ARGS__)

// The same for Result<void>.
#define WEIR_CHECK_(leave, tmp, ...) \
  auto tmp = __VA_ARGS__;            \
  if (!tmp) leave std::unexpected<::weir::Error>(std::move(tmp).error())
#define WEIR_CHECK(...) WEIR_CHECK_(return, WEIR_CONCAT(weir_check_, __LINE__), __VA_ARGS__)
#define WEIR_CO_CHECK(...) WEIR_CHECK_(co_return, WEIR_CONCAT(weir_check_, __LINE__), __VA_ARGS__)
