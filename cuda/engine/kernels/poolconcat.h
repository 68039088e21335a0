// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/kernels/bilinear.h"
#include "cuda/engine/kernels/grids.h"

namespace fastscnn::cuda {

/// Concatenates the channels of src and the four interpolated grids.
template <typename T>
struct PoolConcat {
  const T *src;        // (height, width, channels)
  const float *cells;  // (kCells, kGridChannels)
  T *dst;              // (height, width, channels + kGrids * kGridChannels)
  int channels, height, width;
  Axis axis_y[kGrids], axis_x[kGrids];

  FASTSCNN_HD int dst_channels() const {
    return channels + kGrids * kGridChannels;
  }
  FASTSCNN_HD int items() const {
    return height * width * (dst_channels() / kLanes);
  }

  FASTSCNN_HD void operator()(int item) const {
    const int groups = dst_channels() / kLanes;
    const int pixel = item / groups;
    const int channel = item % groups * kLanes;
    float value[kLanes];
    if (channel < channels) {
      load(src + size_t(pixel) * channels + channel, value);
    } else {
      const int grid = (channel - channels) / kGridChannels;
      interpolate(cells + first_cell(grid) * kGridChannels +
                      (channel - channels) % kGridChannels,
                  grid_bins(grid), kGridChannels,
                  axis_y[grid].tap(pixel / width),
                  axis_x[grid].tap(pixel % width), value);
    }
    store(dst + size_t(pixel) * dst_channels() + channel, value);
  }
};

}  // namespace fastscnn::cuda
