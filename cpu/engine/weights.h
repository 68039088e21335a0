// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/convgemm.h"
#include "cpu/engine/depthwise.h"
#include "cpu/engine/pooling.h"
#include "cpu/engine/preprocess.h"
#include "cpu/engine/upsample.h"
#include "net/model.h"

namespace fastscnn {

/// The weights of a model in single precision, packed for the kernels.
/// Immutable; shared by all engines of the model. Network takes these or
/// int8::Weights, which must have the same members.
class Weights {
 public:
  using Element = float;
  using ConstPixels = fastscnn::ConstPixels;
  using Pixels = fastscnn::Pixels;
  using LogitPixels = fastscnn::Pixels;
  using Tap = fastscnn::Tap;
  using Lerped = float;  ///< a value after vertical interpolation
  using Preprocess = fastscnn::Preprocess;

  static std::vector<Tap> make_taps(std::vector<Tap> taps) { return taps; }

  static Result<std::shared_ptr<const Weights>> create(
      std::shared_ptr<const Model> model);

  const Model &model() const { return *model_; }

  /// The packed weights of a layer; empty for layers of another kind.
  /// conv_gemm() pads the output channels with zeros.
  const ConvGemm &conv_gemm(int layer) const { return conv_gemm_[layer]; }
  const Depthwise &depthwise(int layer) const { return depthwise_[layer]; }

  /// A pixel outside the input of a layer: (input channels).
  const float *outside(int) const { return zeros_.data(); }

  Preprocess make_preprocess(const FrameInfo &src, int width,
                             int height) const {
    const ModelInfo &info = model_->info();
    return {src, width, height, info.mean, info.std};
  }
  /// The normalised colour of a pixel that Preprocess made.
  void normalize(const float *pixel, float rgb[3]) const {
    std::copy_n(pixel, 3, rgb);
  }
  const char *precision() const { return "fp32"; }

 private:
  explicit Weights(std::shared_ptr<const Model> model);

  Result<> pack_conv_gemm(int layer);
  Result<> pack_depthwise(int layer);
  Result<float *> allocate(size_t size);

  std::shared_ptr<const Model> model_;
  std::vector<ConvGemm> conv_gemm_;
  std::vector<Depthwise> depthwise_;
  std::vector<AlignedBuffer> storage_;
  AlignedBuffer zeros_;
};

}  // namespace fastscnn
