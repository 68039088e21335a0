// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "net/arena.h"
#include "net/fastscnn.h"

namespace fastscnn::cuda {

/// Of tensors in device memory, in bytes.
constexpr size_t kAlignment = 256;

/// One step of the network: one cuDNN plan, or one or more kernels. It may
/// compute several layers.
struct Step {
  enum class Kind {
    kConvolution,  ///< dense, by cuDNN
    kDepthwise,
    kUpsample,
    kPyramid,  ///< pooling, its convolutions, their interpolation, concat
  };

  Kind kind = Kind::kConvolution;
  int layer = 0;     ///< whose output the step writes
  int src = kImage;  ///< layer that it reads
  int residual = kNoLayer;
  int dst = 0;             ///< tensor that it writes
  int scratch = -1;        ///< kPyramid: tensor of the row sums; cells follow
  std::vector<int> grids;  ///< kPyramid: the convolutions of the grids
};

/// The network as steps in order, and the places of its tensors in an arena.
struct Program {
  std::vector<Shape> shapes;  ///< of the layers, channels padded
  std::vector<Step> steps;
  std::vector<Interval> tensors;
  std::vector<int> tensor_of;  ///< tensor of a layer's output; -1: none
  size_t bytes = 0;            ///< of the arena
};

/// An Error if the steps cannot compute one of the layers. The image is not in
/// the arena; the logits stay valid to the end.
Result<Program> make_program(const std::vector<Layer> &layers, int height,
                             int width, size_t element_bytes);

}  // namespace fastscnn::cuda
