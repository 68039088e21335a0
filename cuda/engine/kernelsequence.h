// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <utility>

#include "cuda/engine/bilinear.h"
#include "cuda/engine/cudnn.h"
#include "cuda/engine/depthwise.h"
#include "cuda/engine/pool.h"
#include "cuda/engine/program.h"
#include "cuda/engine/weights.h"
#include "net/model.h"

namespace fastscnn::cuda {

/// The kernels of the network with all their parameters, one after the other.
/// Whoever runs them has
///   void items(const Kernel &);       // see kernel.h
///   void blocks(const Kernel &);
///   void convolve(int step, const ConvolutionData &);
template <typename T>
class Program {
 public:
  /// table and memory may be placed later; model and table must live longer.
  static Result<Program> create(const Model &model, const WeightTable<T> &table,
                                int height, int width);

  /// Memory of schedule().bytes.
  void place(void *arena) { arena_ = static_cast<char *>(arena); }
  const Schedule &schedule() const { return schedule_; }

  /// What cuDNN computes in the step of a dense convolution; its addresses, but
  /// for the workspace.
  Convolution convolution(const Step &step) const;
  ConvolutionData data(const Step &step, const T *image) const;

  /// image: (height, width, 8).
  template <typename Runner>
  void run(const T *image, Runner &&runner) const {
    for (int i = 0; i < static_cast<int>(schedule_.steps.size()); i++) {
      const Step &step = schedule_.steps[i];
      switch (step.kind) {
        case Step::Kind::kConvolution:
          runner.convolve(i, data(step, image));
          break;
        case Step::Kind::kDepthwise:
          depthwise(step, image, runner);
          break;
        case Step::Kind::kUpsample:
          upsample(step, runner);
          break;
        case Step::Kind::kPyramid:
          pyramid(step, runner);
          break;
      }
    }
  }

  Shape logits_shape() const { return schedule_.shapes.back(); }
  T *logits() const { return tensor(schedule_.shapes.size() - 1, nullptr); }

 private:
  Program(const Model &model, const WeightTable<T> &table, int height,
          int width, Schedule schedule);

  char *buffer(int index) const {
    return arena_ + schedule_.buffers[index].offset;
  }

  T *tensor(int layer, const T *image) const {
    return layer == kImage
               ? const_cast<T *>(image)
               : reinterpret_cast<T *>(buffer(schedule_.buffer_of[layer]));
  }

  Shape src_shape(const Step &step) const;

  /// Bounds that an activation clamps to.
  static std::pair<float, float> bounds(Activation activation);

  template <typename Runner>
  void depthwise(const Step &step, const T *image, Runner &runner) const {
    const Layer &l = model_.layers()[step.layer];
    if (l.dilation == 4)
      runner.items(make_depthwise<1, 4>(step, image));
    else if (l.stride == 2)
      runner.items(make_depthwise<2, 1>(step, image));
    else
      runner.items(make_depthwise<1, 1>(step, image));
  }

  template <int kStride, int kDilation>
  Depthwise<T, kStride, kDilation> make_depthwise(const Step &step,
                                                  const T *image) const {
    const Layer &l = model_.layers()[step.layer];
    const Shape src = src_shape(step);
    const Shape &dst = schedule_.shapes[step.layer];
    const auto [low, high] = bounds(l.activation);
    return {tensor(step.src, image),
            table_.weight(step.layer),
            table_.bias(step.layer),
            tensor(step.layer, image),
            dst.channels,
            src.height,
            src.width,
            dst.height,
            dst.width,
            l.padding,
            low,
            high};
  }

  template <typename Runner>
  void upsample(const Step &step, Runner &runner) const {
    const Shape &src = schedule_.shapes[step.src];
    const Shape &dst = schedule_.shapes[step.layer];
    const bool align = model_.info().variant.align_corners;
    runner.items(Bilinear<T>{
        tensor(step.src, nullptr), tensor(step.layer, nullptr), dst.channels,
        dst.height, dst.width, make_axis(src.height, dst.height, align),
        make_axis(src.width, dst.width, align)});
  }

  template <typename Runner>
  void pyramid(const Step &step, Runner &runner) const {
    const Shape &src = schedule_.shapes[step.src];
    const T *x = tensor(step.src, nullptr);
    float *sums = reinterpret_cast<float *>(buffer(step.scratch));
    float *cells = reinterpret_cast<float *>(buffer(step.scratch + 1));
    const auto [low, high] = bounds(model_.layers()[step.grids[0]].activation);
    runner.items(PoolRows<T>{x, sums, src.channels, src.height, src.width});
    runner.blocks(PoolCells{sums, table_.pyramid_weight(),
                            table_.pyramid_bias(), cells, src.height, src.width,
                            low, high});
    PoolConcat<T> concat = {x,
                            cells,
                            tensor(step.layer, nullptr),
                            src.channels,
                            src.height,
                            src.width,
                            {},
                            {}};
    const bool align = model_.info().variant.align_corners;
    for (int grid = 0; grid < kGrids; grid++) {
      concat.axis_y[grid] = make_axis(grid_bins(grid), src.height, align);
      concat.axis_x[grid] = make_axis(grid_bins(grid), src.width, align);
    }
    runner.items(concat);
  }

  const Model &model_;
  const WeightTable<T> &table_;
  const int height_, width_;
  const Schedule schedule_;
  char *arena_ = nullptr;
};

}  // namespace fastscnn::cuda
