// Result<T>: a T or an Error. Programmer errors stop at ENSURE, absence is std::optional.
//
// Threads: values. Lifetime: value() and error() borrow from the Result. Errors: asking for the
// side that is not there aborts.
#pragma once

#include <utility>
#include <variant>

#include "protocol/base/ensure.h"
#include "protocol/base/error.h"

namespace reprise::base {

template <typename T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): `return Error{...};` is the point.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  T& value() & {
    ENSURE(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    ENSURE(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    ENSURE(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const Error& error() const& {
    ENSURE(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    ENSURE(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

struct Ok {};
using Status = Result<Ok>;

}  // namespace reprise::base

#define RETURN_IF_ERROR(expr)                         \
  do {                                                \
    if (auto try_result = (expr); !try_result.ok()) { \
      return std::move(try_result).error();           \
    }                                                 \
  } while (false)

#define TRY_CONCAT_INNER(a, b) a##b
#define TRY_CONCAT(a, b) TRY_CONCAT_INNER(a, b)
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(TRY_CONCAT(try_result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                          \
  if (!tmp.ok()) {                            \
    return std::move(tmp).error();            \
  }                                           \
  lhs = std::move(tmp).value()
