// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace fastscnn {

/// What went wrong, for the person who runs the pipeline.
struct Error {
  enum class Kind {
    kModel,   ///< the model file cannot be used
    kDevice,  ///< no such device, out of its memory, or lost
    kFormat,  ///< frames of this kind cannot be processed
    kEngine,  ///< a library failed; not the user's doing
  };

  Kind kind;
  std::string sentence;  ///< with names and numbers, and what to do
};

/// What is wrong with a model file.
inline Error model_error(std::string sentence) {
  return {Error::Kind::kModel, std::move(sentence)};
}

/// A value, or the Error that there is instead. Nothing here throws: in a
/// process with two unwinders, and libgstreamer brings one, that ends it.
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
