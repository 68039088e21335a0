// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace fastscnn {

/// Why a call failed, for the person who runs the pipeline.
struct Error {
  enum class Kind {
    kModel,   ///< the model file is unusable
    kDevice,  ///< the device does not exist, ran out of memory, or failed
    kFormat,  ///< frames of this format or size are not supported
    kEngine,  ///< a bug, or the failure of a library
  };

  Kind kind;
  std::string sentence;  ///< what failed, with its value; what to do
};

/// sentence: what is wrong with the model file.
inline Error model_error(std::string sentence) {
  return {Error::Kind::kModel, std::move(sentence)};
}

/// A value, or an Error. Nothing throws: libgstreamer brings an unwinder of its
/// own, and in a process with two of them an exception calls abort().
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)
      : tl::expected<T, Error>(tl::make_unexpected(std::move(error))) {}
};

namespace detail {

template <typename T>
T take_value(Result<T> &result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace detail

/// The value of a Result; on an Error, returns it from the enclosing function.
/// Use it as a whole statement, initialiser or right-hand side.
#define FASTSCNN_TRY(...)                                            \
  ({                                                                 \
    ::fastscnn::Result fastscnn_result = (__VA_ARGS__);              \
    if (!fastscnn_result) return std::move(fastscnn_result).error(); \
    ::fastscnn::detail::take_value(fastscnn_result);                 \
  })

}  // namespace fastscnn
