// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/frame.h"
#include "net/model.h"
#include "tests/support/reference.h"

/// Bit-exact reference for the network in 8 bits on all processors. A byte q of
/// a tensor represents scale * (q - zero).
namespace fastscnn::reference {

using ByteTensor = BasicTensor<uint8_t>;

/// A convolution in integers. Output channel o of a pixel has
///   sum = bias[o] + sum of weight * input
///         + (residual - residual_zero) * residual_scale[o]
///   byte = clamp (round (float (sum) * scale[o]) + zero, low, high)
/// where the product is computed in fp32, and round takes ties to even.
struct QuantizedLayer {
  std::vector<int> weight;   ///< (out, in / groups, kernel, kernel), -127..127
  std::vector<int> bias;     ///< (out)
  std::vector<float> scale;  ///< (out)
  std::vector<int> residual_scale;  ///< (out); empty: no residual
  int residual_zero = 0;
  int zero = 0, low = 0, high = 255;
  std::vector<int> outside;  ///< (in): the bytes of pixels outside the image
};

/// Quantises a layer of a model with activation scales. In double precision,
/// rounding ties to even, with s and z the scales and zero points of the
/// input's channels (for the image: 1 / (255 * std) and 255 * mean), t that of
/// the output and r that of the residual:
///   w = weight * s
///   u = the largest of |w| / 127, |bias - sum of w * z (of the image)| / 2^22
///       and r / 2^22; 1 if that is 0
///   weight = round (w / u)
///   bias = round ((bias - sum of w * z (of the image)) / u)
///          - sum of weight * z (of other inputs)
///   scale = float (u / t), at most 2^20; of the logits: float (u)
///   residual_scale = round (r / u)
///   high = 255; ReLU6: round (6 / t), at most 255
///   outside = z; for the image clamped to 0..255 and rounded
QuantizedLayer quantize(const Model &model, int layer);

/// The sums of a convolution, (out, height, width). residual: nullable.
BasicTensor<int> sums(const ByteTensor &src, const Layer &layer,
                      const QuantizedLayer &quantized,
                      const ByteTensor *residual = nullptr);

ByteTensor to_bytes(const BasicTensor<int> &sums,
                    const QuantizedLayer &quantized);

/// Adaptive average pooling: round (float (sum) * (1.f / count)), ties to even.
ByteTensor pool(const ByteTensor &src, int bins);

/// Bilinear interpolation with weights rounded to 1/2048, in two steps, rounded
/// to nearest, halves up:
///   v = 128 * top + (((bottom - top) * weight_y + 8) >> 4)
///   byte = (v0 + (((v1 - v0) * weight_x + 1024) >> 11) + 64) >> 7
ByteTensor upsample(const ByteTensor &src, int height, int width,
                    bool align_corners);

/// Converts a frame to RGB bytes: interpolates each component as upsample()
/// does, but leaves it in steps of 1/128; then, with matrix in steps of 2^-13
/// and offset, times 255, in steps of 1/32:
///   sum = offset + sum of ((matrix * component + 2^14) >> 15)
///   byte = clamp ((sum + 16) >> 5, 0, 255)
ByteTensor preprocess_bytes(const FrameInfo &info, const ConstFrame &frame,
                            int width, int height);

/// Converts an image of RGB bytes to the input of floating-point networks.
Tensor normalize(const ModelInfo &info, const ByteTensor &image);

/// The logits of an image (3, height, width) of RGB bytes.
Tensor run_int8(const Model &model, const ByteTensor &image);

/// The same model with activation scales, from the ranges of its outputs for a
/// random image.
std::shared_ptr<const Model> with_scales(const Model &model);

/// A random image (3, height, width) of RGB bytes, from an Lcg of seed 2.
ByteTensor make_byte_image(int height, int width);

}  // namespace fastscnn::reference
