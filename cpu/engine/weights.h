// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/convgemm.h"
#include "cpu/engine/depthwise.h"
#include "net/model.h"

namespace fastscnn {

/// The weights of a model in the order in which the kernels read them.
/// Immutable; shared by all engines of the model.
class Weights {
 public:
  static Result<std::shared_ptr<const Weights>> create(
      std::shared_ptr<const Model> model);

  const Model &model() const { return *model_; }

  /// Of a convolution, by index of the layer. Outputs of the dense ones are
  /// padded to kChannelBlock with zeros.
  const Dense &dense(int layer) const { return dense_[layer]; }
  const Depthwise &depthwise(int layer) const { return depthwise_[layer]; }

 private:
  explicit Weights(std::shared_ptr<const Model> model);

  Result<> pack_dense(int layer);
  Result<> pack_depthwise(int layer);
  Result<float *> allocate(size_t size);

  std::shared_ptr<const Model> model_;
  std::vector<Dense> dense_;
  std::vector<Depthwise> depthwise_;
  std::vector<Buffer> storage_;
};

}  // namespace fastscnn
