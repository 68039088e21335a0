// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include <memory>
#include <utility>
#include <vector>

#include "cuda/context.h"
#include "cuda/handles.h"
#include "net/model.h"

namespace fastscnn::cuda {

/// The weights of a model as the kernels read them: (O, kernel, kernel, I) for
/// dense convolutions, (3, 3, C) for depthwise ones, (grids, I, O) in floats
/// for the pyramid. Biases are floats. Channels are padded with zeros. T is
/// __half or float.
template <typename T>
class WeightTable {
 public:
  /// The bytes. Copy them to memory aligned to kAlignment, then call place().
  std::vector<char> pack(const Model &model);
  void place(const void *memory) { base_ = static_cast<const char *>(memory); }

  const T *weight(int layer) const {
    return reinterpret_cast<const T *>(base_ + weight_[layer]);
  }
  const float *bias(int layer) const {
    return reinterpret_cast<const float *>(base_ + bias_[layer]);
  }
  const float *pyramid_weight() const {
    return reinterpret_cast<const float *>(base_ + pyramid_weight_);
  }
  const float *pyramid_bias() const {
    return reinterpret_cast<const float *>(base_ + pyramid_bias_);
  }

 private:
  const char *base_ = nullptr;
  std::vector<size_t> weight_, bias_;  // offsets
  size_t pyramid_weight_ = 0, pyramid_bias_ = 0;
};

/// A WeightTable on a device.
template <typename T>
class Weights {
 public:
  static Result<std::shared_ptr<const Weights>> create(
      std::shared_ptr<const Context> context,
      std::shared_ptr<const Model> model);
  ~Weights();

  const Model &model() const { return *model_; }
  const WeightTable<T> &table() const { return table_; }

 private:
  Weights(std::shared_ptr<const Context> context,
          std::shared_ptr<const Model> model)
      : context_(std::move(context)), model_(std::move(model)) {}

  std::shared_ptr<const Context> context_;
  std::shared_ptr<const Model> model_;
  WeightTable<T> table_;
  DeviceMemory memory_;
};

}  // namespace fastscnn::cuda
