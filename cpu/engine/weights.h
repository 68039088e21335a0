// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/convgemm.h"
#include "cpu/engine/depthwise.h"
#include "net/model.h"

namespace fastscnn {

/// The weights of a model, packed for the kernels. Immutable; shared by all
/// engines of the model.
class Weights {
 public:
  static Result<std::shared_ptr<const Weights>> create(
      std::shared_ptr<const Model> model);

  const Model &model() const { return *model_; }

  /// By layer; empty for layers of another kind. conv_gemm() pads the output
  /// channels with zeros.
  const ConvGemm &conv_gemm(int layer) const { return conv_gemm_[layer]; }
  const Depthwise &depthwise(int layer) const { return depthwise_[layer]; }

 private:
  explicit Weights(std::shared_ptr<const Model> model);

  Result<> pack_conv_gemm(int layer);
  Result<> pack_depthwise(int layer);
  Result<float *> allocate(size_t size);

  std::shared_ptr<const Model> model_;
  std::vector<ConvGemm> conv_gemm_;
  std::vector<Depthwise> depthwise_;
  std::vector<AlignedBuffer> storage_;
};

}  // namespace fastscnn
