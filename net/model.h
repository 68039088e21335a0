// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/error.h"
#include "net/fastscnn.h"

namespace fastscnn {

/// The metadata of a model.
struct ModelInfo {
  std::string name;
  std::string license;
  std::string source;
  std::vector<std::string> labels;  ///< of the classes, 1 to kMaxClasses
  std::vector<uint32_t> colors;     ///< of the classes, 0xRRGGBB
  /// Other names of classes, each with its label.
  std::vector<std::pair<std::string, std::string>> aliases;
  float mean[3] = {0, 0, 0};  ///< of R, G and B in 0..1
  float std[3] = {1, 1, 1};   ///< likewise, above 0
  int input_width = 0;        ///< preferred network input, pixels
  int input_height = 0;
  Variant variant;
  /// Scales of 8-bit outputs, by layer, 0 for layers without one (see
  /// has_scale()): value = scale * (byte - zero_point_of (activation)). Empty
  /// if the model has none; it then runs in floating point only.
  std::vector<float> activation_scales;

  int classes() const { return static_cast<int>(labels.size()); }
};

/// A validated model: every layer has weights of the right shape, all finite,
/// and its scale if the model has any. Immutable.
class Model {
 public:
  /// Reads a safetensors file. An Error names the file and what is wrong with
  /// it.
  static Result<std::shared_ptr<const Model>> load(const std::string &path);

  /// Reads a safetensors file from memory; messages call it `name`.
  static Result<std::shared_ptr<const Model>> parse(const uint8_t *data,
                                                    size_t size,
                                                    const std::string &name);

  /// Takes weights and biases by layer, in the order of make_layers(), empty
  /// for layers that have none. An Error if a size does not fit.
  static Result<std::shared_ptr<const Model>> create(
      ModelInfo info, std::vector<std::vector<float>> weights,
      std::vector<std::vector<float>> biases);

  const ModelInfo &info() const { return info_; }
  const std::vector<Layer> &layers() const { return layers_; }

  /// (out, in / groups, kernel, kernel); empty unless a convolution.
  const std::vector<float> &weight(int layer) const { return weights_[layer]; }
  /// (out); empty unless a convolution.
  const std::vector<float> &bias(int layer) const { return biases_[layer]; }

 private:
  explicit Model(ModelInfo info)
      : info_(std::move(info)),
        layers_(make_layers(info_.variant, info_.classes())) {}

  ModelInfo info_;
  std::vector<Layer> layers_;
  std::vector<std::vector<float>> weights_;
  std::vector<std::vector<float>> biases_;
};

/// No Fast-SCNN of at most kMaxClasses classes has a larger file.
constexpr size_t kMaxModelBytes = 16u << 20;

}  // namespace fastscnn
