// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/kernel.h"

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

}  // namespace fastscnn::cuda
