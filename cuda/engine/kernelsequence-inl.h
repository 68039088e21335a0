// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/kernelsequence.h"

namespace fastscnn::cuda {

template <typename T>
template <typename Runner>
void KernelSequence<T>::depthwise(const Step &step, const T *image,
                                  Runner &runner) const {
  const Layer &l = model_.layers()[step.layer];
  if (l.dilation == 4)
    depthwise<1, 4>(step, image, runner);
  else if (l.stride == 2)
    depthwise<2, 1>(step, image, runner);
  else
    depthwise<1, 1>(step, image, runner);
}

template <typename T>
template <int kStride, int kDilation, typename Runner>
void KernelSequence<T>::depthwise(const Step &step, const T *image,
                                  Runner &runner) const {
  const Layer &l = model_.layers()[step.layer];
  const Shape src = src_shape(step);
  const Shape &dst = program_.shapes[step.layer];
  const Clamp clamp = clamp_of(l.activation);
  runner.items(Depthwise<T, kStride, kDilation>{
      output(step.src, image), table_.weight(step.layer),
      table_.bias(step.layer), output(step.layer, image), dst.channels,
      program_.views[step.layer].pitch, src.height, src.width, dst.height,
      dst.width, l.padding, clamp.low, clamp.high});
}

template <typename T>
template <typename Runner>
void KernelSequence<T>::upsample(const Step &step, Runner &runner) const {
  const Shape &src = program_.shapes[step.src];
  const Shape &dst = program_.shapes[step.layer];
  const bool align = model_.info().variant.align_corners;
  runner.items(Bilinear<T>{
      output(step.src, nullptr), output(step.layer, nullptr), dst.channels,
      dst.height, dst.width, make_axis(src.height, dst.height, align),
      make_axis(src.width, dst.width, align)});
}

template <typename T>
template <typename Runner>
void KernelSequence<T>::pyramid(const Step &step, Runner &runner) const {
  const Shape &src = program_.shapes[step.src];
  const T *x = output(step.src, nullptr);
  float *sums = reinterpret_cast<float *>(memory(step.scratch));
  float *cells = reinterpret_cast<float *>(memory(step.scratch + 1));
  const Clamp clamp = clamp_of(model_.layers()[step.grids[0]].activation);
  runner.blocks(PoolRows<T>{x, sums, src.height, src.width});
  runner.blocks(PoolCells{sums, table_.pyramid_weight(), table_.pyramid_bias(),
                          cells, src.height, src.width, clamp.low, clamp.high});
  PoolConcat<T> concat = {x,
                          cells,
                          output(step.layer, nullptr),
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

}  // namespace fastscnn::cuda
