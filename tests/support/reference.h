// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/fastscnn.h"
#include "net/frame.h"
#include "net/model.h"

/// What every engine must compute, in plain loops that are meant to be read.
/// Sums are kept in double, so a result is closer to the truth than that of
/// the engine it checks.
namespace fastscnn::reference {

/// Floats of shape (channels, height, width).
struct Tensor {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<float> data;

  Tensor() = default;
  Tensor(int c, int h, int w)
      : channels(c), height(h), width(w), data(size_t(c) * h * w) {}

  float &at(int c, int y, int x) {
    return data[(size_t(c) * height + y) * width + x];
  }
  float at(int c, int y, int x) const {
    return data[(size_t(c) * height + y) * width + x];
  }
};

/// Convolution as layer describes it, with zeros around src. weight is
/// (O, I / groups, kernel, kernel), bias (O); residual (nullable) has the
/// shape of the result and is added before the activation.
Tensor convolve(const Tensor &src, const Layer &layer, const float *weight,
                const float *bias, const Tensor *residual = nullptr);

/// Averages over bins x bins cells; cell i of n reaches from floor (i n / b)
/// to ceil ((i + 1) n / b), as in PyTorch's adaptive pooling.
Tensor pool(const Tensor &src, int bins);

/// Bilinear interpolation as PyTorch computes it: with align_corners, corners
/// map to corners; without, pixels have half-pixel centres and positions left
/// of the first centre are moved onto it.
Tensor upsample(const Tensor &src, int height, int width, bool align_corners);

Tensor concat(const std::vector<const Tensor *> &parts);

/// Outputs of all layers; the last one holds the logits.
std::vector<Tensor> run(const Model &model, const Tensor &image);

/// Frame to network input (3, height, width): each component is interpolated
/// on its own at the half-pixel centres of the output, with the edge repeated;
/// then converted to RGB, clamped to 0..1 and normalised.
Tensor preprocess(const FrameInfo &info, const ConstFrame &frame, int width,
                  int height, const float mean[3], const float std[3]);

/// What infer() writes for every pixel of the mask, (height, width).
struct Classes {
  std::vector<uint8_t> ids;         ///< of the largest interpolated logit
  std::vector<uint8_t> confidence;  ///< its softmax probability x 255, rounded
  std::vector<float> margin;        ///< its distance to the next largest one
  std::vector<float> probability;
};

/// Mask of the given size from logits (classes, h, w); the lowest of equal
/// classes wins. A probability below threshold makes it kUnknown.
Classes classify(const Tensor &logits, int width, int height,
                 bool align_corners, float threshold = 0.f);

/// Pseudo-random numbers that other languages can repeat: state * 1664525 +
/// 1013904223 modulo 2^32, of which the upper 24 bits are taken.
class Lcg {
 public:
  explicit Lcg(uint32_t seed) : state_(seed) {}

  uint32_t bits();                 ///< 24 of them
  float uniform();                 ///< -1 <= value < 1
  int between(int low, int high);  ///< both included

 private:
  uint32_t state_;
};

/// A model with random weights. One Lcg of seed 1 runs through all layers in
/// their order, weight before bias, with weight = uniform * sqrt ((activation ?
/// 6 : 3) / fan_in) and bias = uniform / 10. mean 0.5, std 0.25.
std::shared_ptr<const Model> make_model(const Variant &variant, int classes);

/// A normalised image, (3, height, width), from an Lcg of seed 2.
Tensor make_image(int height, int width);

}  // namespace fastscnn::reference
