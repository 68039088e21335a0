// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// The header of a safetensors file, checked: ranges lie inside the data, do
/// not overlap, leave no holes, and fit shape and type.
/// Format: the "Format" section of the safetensors documentation.
struct Safetensors {
  enum class Type { kF16, kF32 };

  struct Tensor {
    Type type = Type::kF32;
    std::vector<uint64_t> shape;
    const uint8_t *data = nullptr;  // into the bytes that were parsed
    uint64_t count = 0;             // of elements
  };

  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  /// data must outlive the result. An Error names the tensor and the numbers.
  static Result<Safetensors> parse(const uint8_t *data, size_t size);

  /// The elements of a tensor as floats; an Error on NaN and infinity.
  static Result<std::vector<float>> floats(const std::string &name,
                                           const Tensor &t);
};

}  // namespace fastscnn
