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
/// dense convolutions, (O, 2, 2, 16) for the first one (image.h), (3, 3, C) for
/// depthwise ones, (grids, I, O) in floats for the pyramid. A joined
/// product has the input channels of the residual first, and the sum of both
/// biases. Biases are floats. Channels are padded with zeros, except for the
/// bias of the logits: the padding of these is the lowest number of the type,
/// so that no padding ever wins the argmax. T is __half or float.
template <typename T>
class WeightTable {
 public:
  /// joins: whether layers with a joined_residual() are one product.
  explicit WeightTable(bool joins) : joins_(joins) {}
  bool joins() const { return joins_; }

  /// Returns the bytes of the table. Copy them to memory aligned to kAlignment,
  /// then call place().
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
  bool joins_;
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
          std::shared_ptr<const Model> model, bool joins)
      : context_(std::move(context)), model_(std::move(model)), table_(joins) {}

  std::shared_ptr<const Context> context_;
  std::shared_ptr<const Model> model_;
  WeightTable<T> table_;
  DeviceMemory memory_;
};

}  // namespace fastscnn::cuda
