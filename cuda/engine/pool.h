// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/bilinear.h"

namespace fastscnn::cuda {

/// Pyramid pooling: means over the cells of the grids 1x1, 2x2, 3x3 and 6x6, a
/// 1x1 convolution with activation on each grid, interpolation, concatenation
/// with src. Cells overlap if the size is not a multiple of the grid's.
constexpr int kGrids = 4;
constexpr int kGridChannels = 32;
constexpr int kPoolChannels = 128;
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

/// Sums each row of src over each cell's columns. A block computes one sum of
/// each channel.
template <typename T>
struct PoolRows {
  static constexpr int kThreads = 128;
  static constexpr int kPhases = 2;
  static constexpr int kGroups = kPoolChannels / kLanes;
  static constexpr int kPixels = kThreads / kGroups;  // at a time
  static constexpr int kLoads = 4;                    // of a thread, in flight

  struct Shared {
    float sum[kPixels][kPoolChannels];
  };

  const T *src;  // (height, width, kPoolChannels)
  float *sums;   // (height, kColumns, kPoolChannels)
  int height, width;

  FASTSCNN_HD int blocks() const { return height * kColumns; }

  FASTSCNN_HD void operator()(int phase, int block, int thread,
                              Shared &shared) const {
    if (phase == 0) {
      add_pixels(block, thread % kGroups * kLanes, shared.sum[thread / kGroups],
                 thread / kGroups);
      return;
    }
    float sum = 0.f;
    FASTSCNN_UNROLL
    for (int i = 0; i < kPixels; i++) sum += shared.sum[i][thread];
    sums[size_t(block) * kPoolChannels + thread] = sum;
  }

 private:
  FASTSCNN_HD void add_pixels(int block, int channel, float *dst,
                              int first) const {
    const int column = block % kColumns;
    int grid = kGrids - 1;
    while (column < first_column(grid)) grid--;
    const int bins = grid_bins(grid), bin = column - first_column(grid);
    const int end = bin_end(bin, bins, width);
    const T *row =
        src + size_t(block / kColumns) * width * kPoolChannels + channel;
    float sum[kLanes] = {};
    for (int x = bin_begin(bin, bins, width) + first; x < end;
         x += kLoads * kPixels) {
      Raw<T> raw[kLoads];
      FASTSCNN_UNROLL
      for (int i = 0; i < kLoads; i++)
        raw[i] = load_raw(row + (x + i * kPixels) * kPoolChannels,
                          x + i * kPixels < end);
      FASTSCNN_UNROLL
      for (int i = 0; i < kLoads; i++) {
        float value[kLanes];
        unpack(raw[i], value);
        for (int k = 0; k < kLanes; k++) sum[k] += value[k];
      }
    }
    for (int k = 0; k < kLanes; k++) dst[channel + k] = sum[k];
  }
};

/// Averages the row sums of each cell and convolves the cells. A block computes
/// one cell.
struct PoolCells {
  static constexpr int kThreads = 512;
  static constexpr int kPhases = 4;
  static constexpr int kRows = kThreads / kPoolChannels;   // at a time
  static constexpr int kParts = kThreads / kGridChannels;  // of a product
  static constexpr int kDepth = kPoolChannels / kParts;    // of a part

  struct Shared {
    float sum[kRows][kPoolChannels];
    float mean[kPoolChannels];
    float part[kParts][kGridChannels];
  };

  const float *sums;    // (height, kColumns, kPoolChannels)
  const float *weight;  // (kGrids, kPoolChannels, kGridChannels)
  const float *bias;    // (kGrids, kGridChannels)
  float *cells;         // (kCells, kGridChannels)
  int height, width;
  float low, high;  // of the activation

  FASTSCNN_HD int blocks() const { return kCells; }

  FASTSCNN_HD void operator()(int phase, int cell, int thread,
                              Shared &shared) const {
    if (phase == 0)
      add_rows(cell, thread / kPoolChannels, thread % kPoolChannels, shared);
    else if (phase == 1 && thread < kPoolChannels)
      average(cell, thread, shared);
    else if (phase == 2)
      multiply(cell, thread / kGridChannels, thread % kGridChannels, shared);
    else if (phase == 3 && thread < kGridChannels)
      finish(cell, thread, shared);
  }

 private:
  FASTSCNN_HD void add_rows(int cell, int first, int channel,
                            Shared &shared) const {
    const int grid = grid_of(cell), bins = grid_bins(grid);
    const int row = (cell - first_cell(grid)) / bins;
    const int column = first_column(grid) + (cell - first_cell(grid)) % bins;
    const int end = bin_end(row, bins, height);
    float sum = 0.f;
    for (int y = bin_begin(row, bins, height) + first; y < end; y += kRows)
      sum += sums[(size_t(y) * kColumns + column) * kPoolChannels + channel];
    shared.sum[first][channel] = sum;
  }

  FASTSCNN_HD void average(int cell, int channel, Shared &shared) const {
    const int grid = grid_of(cell), bins = grid_bins(grid);
    const int row = (cell - first_cell(grid)) / bins;
    const int column = (cell - first_cell(grid)) % bins;
    const int rows = bin_end(row, bins, height) - bin_begin(row, bins, height);
    const int columns =
        bin_end(column, bins, width) - bin_begin(column, bins, width);
    float sum = 0.f;
    FASTSCNN_UNROLL
    for (int i = 0; i < kRows; i++) sum += shared.sum[i][channel];
    shared.mean[channel] = sum / static_cast<float>(rows * columns);
  }

  FASTSCNN_HD void multiply(int cell, int part, int channel,
                            Shared &shared) const {
    const float *w =
        weight +
        (grid_of(cell) * kPoolChannels + part * kDepth) * kGridChannels +
        channel;
    float sum = 0.f;
    FASTSCNN_UNROLL
    for (int i = 0; i < kDepth; i++)
      sum += shared.mean[part * kDepth + i] * w[i * kGridChannels];
    shared.part[part][channel] = sum;
  }

  FASTSCNN_HD void finish(int cell, int channel, Shared &shared) const {
    float sum = bias[grid_of(cell) * kGridChannels + channel];
    FASTSCNN_UNROLL
    for (int i = 0; i < kParts; i++) sum += shared.part[i][channel];
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
