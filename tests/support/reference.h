// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/fastscnn.h"
#include "net/frame.h"
#include "net/model.h"

/// Reference for engines, in plain, readable loops. Sums are in double
/// precision, so results are more accurate than those of the engine under test.
namespace fastscnn::reference {

/// Values of shape (channels, height, width).
template <typename T>
struct BasicTensor {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<T> data;

  BasicTensor() = default;
  BasicTensor(int c, int h, int w)
      : channels(c), height(h), width(w), data(size_t(c) * h * w) {}

  T &at(int c, int y, int x) {
    return data[(size_t(c) * height + y) * width + x];
  }
  T at(int c, int y, int x) const {
    return data[(size_t(c) * height + y) * width + x];
  }
};
using Tensor = BasicTensor<float>;

/// The convolution that layer describes, with zero padding. weight: (out, in /
/// groups, kernel, kernel); bias: (out); residual (nullable): of the shape of
/// the result, added before the activation.
Tensor convolve(const Tensor &src, const Layer &layer, const float *weight,
                const float *bias, const Tensor *residual = nullptr);

/// Adaptive average pooling as in PyTorch: bin i of an axis with n inputs
/// averages those from floor (i n / bins) to ceil ((i + 1) n / bins) - 1.
Tensor pool(const Tensor &src, int bins);

/// Bilinear interpolation as in PyTorch: with align_corners, corners map to
/// corners; without, samples lie at half-pixel centres and edges repeat.
Tensor upsample(const Tensor &src, int height, int width, bool align_corners);

template <typename T = float>
BasicTensor<T> concat(const std::vector<const BasicTensor<T> *> &parts) {
  BasicTensor<T> dst(0, parts[0]->height, parts[0]->width);
  for (const BasicTensor<T> *part : parts) {
    dst.channels += part->channels;
    dst.data.insert(dst.data.end(), part->data.begin(), part->data.end());
  }
  return dst;
}

/// The outputs of all layers; the last one is the logits.
std::vector<Tensor> run(const Model &model, const Tensor &image);

/// Frame to network input (3, height, width): interpolates each component at
/// the half-pixel centres of the output, repeating edges; converts to RGB,
/// clamps to 0..1 and normalises.
Tensor preprocess(const FrameInfo &info, const ConstFrame &frame, int width,
                  int height, const float mean[3], const float std[3]);

/// The output of segment() for every pixel of the mask, (height, width).
struct Classes {
  std::vector<uint8_t> ids;         ///< of the largest interpolated logit
  std::vector<uint8_t> confidence;  ///< its softmax probability x 255, rounded
  std::vector<float> margin;        ///< its distance to the next largest one
  std::vector<float> probability;
};

/// A mask of the given size from logits (classes, h, w). Of equal logits the
/// lowest class wins; pixels with a probability below threshold are kUnknown.
Classes classify(const Tensor &logits, int width, int height,
                 bool align_corners, float threshold = 0.f);

/// Pseudo-random numbers that other languages can reproduce: the upper 24 bits
/// of state = state * 1664525 + 1013904223 modulo 2^32.
class Lcg {
 public:
  explicit Lcg(uint32_t seed) : state_(seed) {}

  uint32_t bits();                 ///< 24 of them
  float uniform();                 ///< -1 <= value < 1
  int between(int low, int high);  ///< both included

 private:
  uint32_t state_;
};

/// A model with random weights from an Lcg of seed 1, layer by layer, weight
/// before bias: weight = uniform * sqrt ((activation ? 6 : 3) / fan_in), bias =
/// uniform / 10. mean 0.5, std 0.25.
std::shared_ptr<const Model> make_model(const Variant &variant, int classes);

/// A random normalised image (3, height, width) from an Lcg of seed 2.
Tensor make_image(int height, int width);

}  // namespace fastscnn::reference
