// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/model.h"

namespace fastscnn::testing {

/// The parts of a model file. Tests change one to make an invalid file.
struct ModelFile {
  struct Tensor {
    std::string name;
    std::string type = "F32";
    std::vector<uint64_t> shape;
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;
  std::vector<uint8_t> data;

  /// A valid file with small weights, all different.
  static ModelFile valid(const Variant &variant = {}, int classes = 3);

  /// Sets the activation scale of every layer that has one. variant, classes:
  /// as in valid().
  void set_scales(double scale, const Variant &variant = {}, int classes = 3);

  Tensor &tensor(const std::string &name);  ///< must exist
  std::string header() const;
  std::vector<uint8_t> bytes() const;
};

/// Joins the parts of a safetensors file: the size of the header, the header
/// unchanged, the data.
std::vector<uint8_t> join(const std::string &header,
                          const std::vector<uint8_t> &data);

}  // namespace fastscnn::testing
