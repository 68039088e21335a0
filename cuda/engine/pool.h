// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/bilinear.h"

namespace fastscnn::cuda {

/// Pyramid pooling: means over the cells of the grids 1x1, 2x2, 3x3 and 6x6, a
/// 1x1 convolution with activation on each grid, interpolation, concatenation
/// with src. Cells overlap if the size is not a multiple of the grid's.
constexpr int kGrids = 4;
constexpr int kGridChannels = 32;
constexpr int kColumns = 1 + 2 + 3 + 6;  // of all grids, side by side
constexpr int kCells = 1 + 4 + 9 + 36;   // of all grids, one after the other

FASTSCNN_HD constexpr int grid_bins(int grid) {
  return grid == 3 ? 6 : grid + 1;
}
FASTSCNN_HD constexpr int first_column(int grid) {
  return grid == 0 ? 0 : grid == 1 ? 1 : grid == 2 ? 3 : 6;
}
FASTSCNN_HD constexpr int first_cell(int grid) {
  return grid == 0 ? 0 : grid == 1 ? 1 : grid == 2 ? 5 : 14;
}
FASTSCNN_HD constexpr int bin_begin(int bin, int bins, int size) {
  return bin * size / bins;
}
FASTSCNN_HD constexpr int bin_end(int bin, int bins, int size) {
  return ((bin + 1) * size + bins - 1) / bins;
}

/// Sums each row of src over each cell's columns.
template <typename T>
struct PoolRows {
  const T *src;  // (height, width, channels)
  float *sums;   // (height, kColumns, channels)
  int channels, height, width;

  FASTSCNN_HD int items() const {
    return height * kColumns * (channels / kLanes);
  }

  FASTSCNN_HD void operator()(int item) const {
    const int groups = channels / kLanes;
    const int channel = item % groups * kLanes;
    const int column = item / groups % kColumns;
    const int y = item / groups / kColumns;
    int grid = kGrids - 1;
    while (column < first_column(grid)) grid--;
    const int bins = grid_bins(grid), bin = column - first_column(grid);

    float sum[kLanes] = {};
    const T *row = src + size_t(y) * width * channels + channel;
    const int end = bin_end(bin, bins, width);
    for (int x = bin_begin(bin, bins, width); x < end; x++) {
      float value[kLanes];
      load(row + size_t(x) * channels, value);
      for (int i = 0; i < kLanes; i++) sum[i] += value[i];
    }
    store(sums + (size_t(y) * kColumns + column) * channels + channel, sum);
  }
};

/// Averages the row sums of each cell and convolves the cells. A block computes
/// one cell.
struct PoolCells {
  static constexpr int kThreads = 128;
  static constexpr int kPhases = 2;
  static constexpr int kChannels = 128;

  struct Shared {
    float mean[kChannels];
  };

  const float *sums;    // (height, kColumns, kChannels)
  const float *weight;  // (kGrids, kChannels, kGridChannels)
  const float *bias;    // (kGrids, kGridChannels)
  float *cells;         // (kCells, kGridChannels)
  int height, width;
  float low, high;  // of the activation

  FASTSCNN_HD int blocks() const { return kCells; }

  FASTSCNN_HD void operator()(int phase, int cell, int channel,
                              Shared &shared) const {
    if (phase == 0)
      average(cell, channel, shared);
    else if (channel < kGridChannels)
      convolve(cell, channel, shared);
  }

 private:
  FASTSCNN_HD void average(int cell, int channel, Shared &shared) const {
    const int grid = grid_of(cell), bins = grid_bins(grid);
    const int row = (cell - first_cell(grid)) / bins;
    const int column = (cell - first_cell(grid)) % bins;
    const int begin = bin_begin(row, bins, height);
    const int end = bin_end(row, bins, height);
    float sum = 0.f;
    for (int y = begin; y < end; y++)
      sum += sums[(size_t(y) * kColumns + first_column(grid) + column) *
                      kChannels +
                  channel];
    const int columns =
        bin_end(column, bins, width) - bin_begin(column, bins, width);
    shared.mean[channel] = sum / static_cast<float>((end - begin) * columns);
  }

  FASTSCNN_HD void convolve(int cell, int channel, Shared &shared) const {
    const int grid = grid_of(cell);
    const float *w = weight + grid * kChannels * kGridChannels + channel;
    float sum = bias[grid * kGridChannels + channel];
    for (int i = 0; i < kChannels; i++)
      sum += shared.mean[i] * w[i * kGridChannels];
    cells[cell * kGridChannels + channel] = clamp(sum, low, high);
  }

  FASTSCNN_HD static int grid_of(int cell) {
    int grid = kGrids - 1;
    while (cell < first_cell(grid)) grid--;
    return grid;
  }
};

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
