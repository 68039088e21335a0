// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "net/fastscnn.h"

namespace fastscnn::cuda {

/// Memory that is needed from one step to another, both included.
struct Buffer {
  size_t bytes = 0;
  int first = 0;
  int last = 0;
  size_t offset = 0;  ///< in the arena
};

constexpr size_t kAlignment = 256;

/// Places the buffers so that no two that are needed at the same time share
/// a byte; returns the size of the arena.
size_t place(std::vector<Buffer> *buffers);

/// What is launched, one after the other. Several layers may be one step.
struct Step {
  enum class Kind {
    kConvolution,  ///< dense, by cuDNN
    kDepthwise,
    kUpsample,
    kPyramid,  ///< pooling, its convolutions, their interpolation, concat
  };

  Kind kind = Kind::kConvolution;
  int layer = 0;     ///< whose output dst is
  int src = kImage;  ///< layer that it reads
  int residual = kNoLayer;
  int dst_buffer = 0;
  int scratch = -1;        ///< kPyramid: buffer of the sums, then of cells
  std::vector<int> grids;  ///< kPyramid: the convolutions of the grids
};

/// The network as steps over buffers.
struct Schedule {
  std::vector<Shape> shapes;  ///< of the layers, channels padded
  std::vector<Step> steps;
  std::vector<Buffer> buffers;
  std::vector<int> buffer_of;  ///< of a layer's output; -1: none
  size_t bytes = 0;            ///< of the arena
};

/// An Error if a layer is none that the steps can do. The image lies outside of
/// the arena; the logits stay to the end.
Result<Schedule> make_schedule(const std::vector<Layer> &layers, int height,
                               int width, size_t element_bytes);

}  // namespace fastscnn::cuda
