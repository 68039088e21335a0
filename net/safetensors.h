// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// A safetensors file, checked: every tensor lies inside the file and has the
/// bytes that its shape needs; tensors neither overlap nor leave gaps.
/// Format: https://huggingface.co/docs/safetensors, section "Format".
struct Safetensors {
  struct Tensor {
    enum class Type { kF16, kF32 };

    std::string name;
    Type type = Type::kF32;
    std::vector<uint64_t> shape;
    const uint8_t *begin = nullptr;  ///< first byte, in the parsed data
    const uint8_t *end = nullptr;

    /// The elements as floats; an Error if one is NaN or infinite.
    Result<std::vector<float>> floats() const;
  };

  std::map<std::string, Tensor> tensors;  ///< by name
  std::map<std::string, std::string> metadata;

  /// `data` must outlive the result. An Error names the tensor and the numbers.
  static Result<Safetensors> parse(const uint8_t *data, size_t size);
};

}  // namespace fastscnn
