// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/int8/convgemm.h"
#include "cpu/engine/int8/depthwise.h"
#include "cpu/engine/int8/pooling.h"
#include "cpu/engine/int8/preprocess.h"
#include "cpu/engine/int8/upsample.h"
#include "net/model.h"

namespace fastscnn::int8 {

/// The weights of a model with activation scales, quantised to 8 bits and
/// packed for the kernels. tests/support/int8reference.h defines the rounding.
/// Immutable; shared by all engines of the model.
class Weights {
 public:
  using Element = uint8_t;
  using ConstPixels = int8::ConstPixels;
  using Pixels = int8::Pixels;
  using LogitPixels = FloatPixels;
  using Tap = FixedTap;
  using Lerped = int16_t;  ///< a value after vertical interpolation
  using Preprocess = int8::Preprocess;

  static std::vector<Tap> make_taps(const std::vector<fastscnn::Tap> &taps) {
    return to_fixed(taps);
  }

  static Result<std::shared_ptr<const Weights>> create(
      std::shared_ptr<const Model> model);

  const Model &model() const { return *model_; }

  /// The packed weights of a layer; empty for layers of another kind.
  const ConvGemm &conv_gemm(int layer) const { return conv_gemm_[layer]; }
  const Depthwise &depthwise(int layer) const { return depthwise_[layer]; }

  /// A pixel outside the input of a conv_gemm() layer: (input channels).
  const uint8_t *outside(int layer) const { return outside_[layer].data(); }

  Preprocess make_preprocess(const FrameInfo &src, int width,
                             int height) const {
    return {src, width, height};
  }
  /// The normalised colour of a pixel that Preprocess made.
  void normalize(const uint8_t *pixel, float rgb[3]) const;

  /// "int8 (AMX)".
  const char *precision() const { return precision_.c_str(); }

 private:
  struct Quantized;

  explicit Weights(std::shared_ptr<const Model> model);

  Quantized quantize(int layer) const;
  Result<> pack_conv_gemm(int layer);
  Result<> pack_depthwise(int layer);
  Result<Requantization> pack_requantization(int layer, const Quantized &q);
  template <typename T>
  Result<T *> allocate(size_t size);
  template <typename T>
  Result<const T *> store(const std::vector<T> &values);

  std::shared_ptr<const Model> model_;
  std::vector<ConvGemm> conv_gemm_;
  std::vector<Depthwise> depthwise_;
  std::vector<std::vector<uint8_t>> outside_;
  std::vector<AlignedArray<uint8_t>> storage_;
  std::string precision_;
};

}  // namespace fastscnn::int8
