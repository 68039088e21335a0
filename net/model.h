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

/// What a model file says about itself, beside the weights.
struct ModelInfo {
  std::string name;
  std::string license;
  std::string source;
  std::vector<std::string> labels;  // one a class
  std::vector<uint32_t> colors;     // 0xRRGGBB, one a class
  float mean[3] = {0, 0, 0};        // RGB, of values in 0..1
  float std[3] = {1, 1, 1};
  int input_width = 0;  // preferred network input
  int input_height = 0;
  Variant variant;

  int classes() const { return static_cast<int>(labels.size()); }
};

/// A model that has been checked to the last number: every layer has finite
/// weights of the right shape. Immutable.
class Model {
 public:
  /// Reads a safetensors file. An Error names the file and what is wrong with
  /// it, in one sentence.
  static Result<std::shared_ptr<const Model>> load(const std::string &path);

  /// The same from memory; name stands in messages for the path.
  static Result<std::shared_ptr<const Model>> parse(const uint8_t *data,
                                                    size_t size,
                                                    const std::string &name);

  /// From weights that are there already, in the order of make_layers():
  /// for tests and benchmarks. An Error if sizes do not fit.
  static Result<std::shared_ptr<const Model>> create(
      ModelInfo info, std::vector<std::vector<float>> weights,
      std::vector<std::vector<float>> biases);

  const ModelInfo &info() const { return info_; }
  const std::vector<Layer> &layers() const { return layers_; }

  /// (O, I / groups, kernel, kernel) of a convolution; empty for others.
  const std::vector<float> &weight(int layer) const { return weights_[layer]; }
  /// (O); empty for layers without weights.
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

/// Files larger than this are no Fast-SCNN of at most 254 classes.
constexpr size_t kMaxModelBytes = 16u << 20;

}  // namespace fastscnn
