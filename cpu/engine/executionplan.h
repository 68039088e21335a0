// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/taskgraph.h"
#include "net/fastscnn.h"

namespace fastscnn {

/// The plan by which the CPU computes a network of one size: which layers are
/// fused, how they are tiled into tasks, what each task waits for, and where
/// the outputs are stored. Plain data; Network executes it.
struct ExecutionPlan {
  /// Layers that a task computes one after the other while their rows are in
  /// the cache. Only the output of the last one is stored.
  struct Step {
    int first;                   ///< any layer; reads any rows of its inputs
    std::vector<int> pointwise;  ///< 1x1 convolutions that follow it
    int skip = kNoLayer;  ///< 1x1 convolution of the skip branch: computed
                          ///< first, residual of the last layer
    int group = 0;        ///< fusion group
    int tile_rows = 1;    ///< output rows that a task computes

    int last() const { return pointwise.empty() ? first : pointwise.back(); }
  };

  /// A row tile of a step.
  struct Task {
    int step;
    int begin;  ///< output rows
    int end;
  };

  /// The place of a layer's output in the arena. Row y begins y % rows *
  /// row_stride elements after the offset: inside a fusion group, a tensor is a
  /// line buffer of only the rows that are still to be read. The logits are
  /// floats; strides are in elements.
  struct TensorLayout {
    bool stored = false;
    size_t offset = 0;           ///< bytes
    ptrdiff_t pixel_stride = 0;  ///< of the logits: from a class to the next
    ptrdiff_t row_stride = 0;
    int rows = 0;
  };

  std::vector<Step> steps;
  std::vector<Task> tasks;                    ///< in the order of execution
  std::vector<TaskGraph::Task> dependencies;  ///< of the tasks
  std::vector<TensorLayout> layouts;          ///< of the layers' outputs
  size_t arena = 0;                           ///< bytes for all outputs
  size_t scratch = 0;                         ///< bytes per thread, in addition
};

/// Elements in a row of a layer's output, channels padded to kChannelBlock.
size_t row_elements(const Layer &layer, const Shape &shape);

/// Bytes of scratch memory that an allocation of `bytes` takes.
inline size_t scratch_bytes(size_t bytes) {
  return round_up(bytes, kCacheLineBytes);
}

/// shapes: of the layers' outputs, for an image of `image_height` rows.
/// element_size: bytes of an element of all outputs but the logits. threads:
/// how many will execute the plan.
ExecutionPlan make_execution_plan(const std::vector<Layer> &layers,
                                  const std::vector<Shape> &shapes,
                                  int image_height, bool align_corners,
                                  size_t element_size, int threads);

}  // namespace fastscnn
