// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "cpu/taskgraph.h"
#include "net/fastscnn.h"

namespace fastscnn {

/// How a network is computed: which layers together, in which pieces, in which
/// order, and where the results lie. Numbers only; runs nothing.
struct Plan {
  /// Layers whose rows are computed one after the other while they are in the
  /// cache. Only the result of the last one is stored.
  struct Step {
    int first;              ///< reads any rows of its inputs
    std::vector<int> then;  ///< pointwise convolutions of the rows before
    int aside = kNoLayer;   ///< pointwise convolution that is the residual of
                            ///< the last layer, and computed along with it
    int group = 0;
    int band = 1;  ///< rows of the result that a task computes

    int last() const { return then.empty() ? first : then.back(); }
  };

  struct Task {
    int step;
    int begin;  ///< rows of the result
    int end;
  };

  /// Where a layer's output lies, in floats. Row y is at begin + y % rows *
  /// pitch: only so many rows are kept of what is read at once.
  struct Place {
    bool stored = false;
    size_t begin = 0;
    ptrdiff_t step = 0;   ///< from a pixel to the next; of the logits, from
                          ///< a class to the next
    ptrdiff_t pitch = 0;  ///< from a row to the next
    int rows = 0;
  };

  std::vector<Step> steps;
  std::vector<Task> tasks;            ///< in the order of the schedule
  std::vector<Schedule::Task> order;  ///< of the tasks
  std::vector<Place> places;          ///< of every layer
  size_t arena = 0;                   ///< floats that hold all places
  size_t scratch = 0;                 ///< floats that a task needs beside them
};

/// The floats of a row of a layer's output; channels are padded.
size_t row_floats(const Layer &layer, const Shape &shape);

Plan make_plan(const std::vector<Layer> &layers,
               const std::vector<Shape> &shapes, int image_height,
               bool align_corners, int threads);

}  // namespace fastscnn
