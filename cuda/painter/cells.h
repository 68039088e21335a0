// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/painter/paint.h"

namespace fastscnn::cuda {

/// A frame divided into square cells.
struct CellGrid {
  int side, columns, rows;
  int width, height;  // of the frame

  FASTSCNN_HD int cells() const { return columns * rows; }
};

/// Marks the cells that have a drawn pixel within `margin` pixels; all cells if
/// values is null.
struct CellCover {
  CellGrid grid;
  const uint8_t *values;  // (height, width), or null
  const uint8_t *drawn;   // (256)
  int margin;
  uint8_t *covered;  // (rows, columns)

  FASTSCNN_HD int items() const { return grid.cells(); }
  FASTSCNN_HD void operator()(int item) const {
    covered[item] = !values || find(item % grid.columns, item / grid.columns);
  }

 private:
  FASTSCNN_HD bool find(int column, int row) const {
    const int x0 = column * grid.side - margin, y0 = row * grid.side - margin;
    const int x1 = x0 + grid.side + 2 * margin;
    const int y1 = y0 + grid.side + 2 * margin;
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < grid.height; y++)
      for (int x = x0 < 0 ? 0 : x0; x < x1 && x < grid.width; x++)
        if (drawn[values[size_t(y) * grid.width + x]]) return true;
    return false;
  }
};

/// Writes 1 for covered cells and their neighbours, 0 for the others.
struct CellDilate {
  CellGrid grid;
  const uint8_t *covered;
  float *dilated;

  FASTSCNN_HD int items() const { return grid.cells(); }
  FASTSCNN_HD void operator()(int item) const {
    const int column = item % grid.columns, row = item / grid.columns;
    bool any = false;
    for (int y = row - 1; y <= row + 1; y++)
      for (int x = column - 1; x <= column + 1; x++)
        any |= covered[clamp_index(y, grid.rows) * grid.columns +
                       clamp_index(x, grid.columns)] != 0;
    dilated[item] = any ? 1.f : 0.f;
  }
};

/// The mean of the samples of a component in each cell.
struct CellMean {
  CellGrid grid;
  PaintSamples samples;
  float *mean;  // (rows, columns)

  FASTSCNN_HD int items() const { return grid.cells(); }
  FASTSCNN_HD void operator()(int item) const {
    const int column = item % grid.columns, row = item / grid.columns;
    const int x0 = column * grid.side >> samples.shift_x;
    const int y0 = row * grid.side >> samples.shift_y;
    const int x1 = column == grid.columns - 1
                       ? samples.width
                       : (column + 1) * grid.side >> samples.shift_x;
    const int y1 = row == grid.rows - 1
                       ? samples.height
                       : (row + 1) * grid.side >> samples.shift_y;
    unsigned sum = 0;
    for (int j = y0; j < y1; j++)
      for (int i = x0; i < x1; i++) sum += *samples.at(i, j);
    mean[item] =
        static_cast<float>(sum) / static_cast<float>((x1 - x0) * (y1 - y0));
  }
};

/// Box filter in one direction.
struct CellBox {
  CellGrid grid;
  const float *src;
  float *dst;
  int step_x, step_y;  // one is 1, the other 0

  FASTSCNN_HD int items() const { return grid.cells(); }
  FASTSCNN_HD void operator()(int item) const {
    const int column = item % grid.columns, row = item / grid.columns;
    float sum = 0.f;
    for (int t = -kBlurRadius; t <= kBlurRadius; t++)
      sum += src[clamp_index(row + t * step_y, grid.rows) * grid.columns +
                 clamp_index(column + t * step_x, grid.columns)];
    dst[item] = sum / (2 * kBlurRadius + 1);
  }
};

/// Replaces the samples of covered cells by the cell's mean.
struct PaintPixelate {
  CellGrid grid;
  const uint8_t *covered;
  const float *mean;
  PaintSamples samples;

  FASTSCNN_HD int items() const { return samples.items(); }
  FASTSCNN_HD void operator()(int item) const {
    const int i = item % samples.width, j = item / samples.width;
    const int column =
        clamp_index((i << samples.shift_x) / grid.side, grid.columns);
    const int row = clamp_index((j << samples.shift_y) / grid.side, grid.rows);
    const int cell = row * grid.columns + column;
    if (covered[cell]) *samples.at(i, j) = to_byte(mean[cell]);
  }
};

/// Blends the smoothed means into the samples; dilated cells are opaque.
struct PaintBlur {
  CellGrid grid;
  const float *dilated;
  const float *mean;
  PaintSamples samples;

  FASTSCNN_HD int items() const { return samples.items(); }
  FASTSCNN_HD void operator()(int item) const {
    const int i = item % samples.width, j = item / samples.width;
    const float u = cell_position(samples.origin_x, i << samples.shift_x);
    const float v = cell_position(samples.origin_y, j << samples.shift_y);
    const int column = static_cast<int>(floorf(u));
    const int row = static_cast<int>(floorf(v));
    float strength = 0.f, color = 0.f;
    for (int dy = 0; dy < 2; dy++)
      for (int dx = 0; dx < 2; dx++) {
        const int cell = clamp_index(row + dy, grid.rows) * grid.columns +
                         clamp_index(column + dx, grid.columns);
        const float weight = (dx ? u - column : 1.f - (u - column)) *
                             (dy ? v - row : 1.f - (v - row)) * dilated[cell];
        strength += weight;
        color += weight * mean[cell];
      }
    if (strength == 0.f) return;
    uint8_t *sample = samples.at(i, j);
    *sample = to_byte(*sample * (1.f - strength) + color);
  }

 private:
  FASTSCNN_HD float cell_position(float origin, int pixel) const {
    return (origin + static_cast<float>(pixel) + 0.5f) / grid.side - 0.5f;
  }
};

}  // namespace fastscnn::cuda
