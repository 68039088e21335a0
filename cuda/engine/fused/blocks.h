// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include <optional>
#include <vector>

#include "net/fastscnn.h"

namespace fastscnn::cuda::fused {

/// Consecutive layers that one kernel can compute.
struct FusibleBlock {
  enum class Kind {
    kDepthwisePointwise,  ///< depthwise, pointwise[, the logits]
    kInvertedResidual,    ///< pointwise, depthwise, pointwise
    kFeatureFusion,       ///< upsample, depthwise, the fine branch, pointwise
    kFront,               ///< the first convolution, depthwise, pointwise
  };

  Kind kind;
  int first, last;  ///< layers
  int src;          ///< layer that it reads
  int fine;         ///< kFeatureFusion: the other one it reads; else kNoLayer
};

/// All blocks whose layers are connected as the kernels expect, in order.
/// visit_kernel() tells whether a kernel has been compiled for their channels.
std::vector<FusibleBlock> find_fusible(const std::vector<Layer> &layers);

/// The block of kind kFront, which reads the frame itself. It overlaps a block
/// of find_fusible().
std::optional<FusibleBlock> find_front(const std::vector<Layer> &layers);

/// Source and destination of a block. Strides are in channels.
struct BlockData {
  const __half *src;
  int src_stride;
  const __half *fine;  ///< kFeatureFusion only
  int fine_stride;
  __half *dst;
  int dst_stride;
};

/// The properties that decide which kernels a GPU can run.
struct Gpu {
  int capability = 0;       ///< times ten
  size_t shared_bytes = 0;  ///< shared memory that a block may request
};

}  // namespace fastscnn::cuda::fused
