// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/kernels/grids.h"
#include "cuda/vector.h"

namespace fastscnn::cuda {

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

}  // namespace fastscnn::cuda
