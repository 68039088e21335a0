// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace fastscnn {

/// The one exception of the core. what() is a sentence for the person who runs
/// the pipeline: what is wrong, with names and numbers, and what to do.
class Error : public std::runtime_error {
 public:
  enum class Kind {
    kModel,   ///< the model file cannot be used
    kDevice,  ///< no such device, out of its memory, or lost
    kFormat,  ///< frames of this kind cannot be processed
    kEngine,  ///< a library failed; not the user's doing
  };

  Error(Kind kind, const std::string &sentence)
      : std::runtime_error(sentence), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

/// A value, or the Error that there is instead.
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)
      : tl::expected<T, Error>(tl::make_unexpected(std::move(error))) {}
};

/// The value of a Result; throws its Error.
template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::move(result).error();
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

namespace detail {

template <typename T>
T take_value(Result<T> &result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace detail

/// The value of a Result; an Error is what the function around it returns.
/// Stands alone: as a statement, or as all that a variable is initialised or
/// assigned with.
#define FASTSCNN_TRY(...)                                            \
  ({                                                                 \
    ::fastscnn::Result fastscnn_result = (__VA_ARGS__);              \
    if (!fastscnn_result) return std::move(fastscnn_result).error(); \
    ::fastscnn::detail::take_value(fastscnn_result);                 \
  })

}  // namespace fastscnn
