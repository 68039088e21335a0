// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/painter/paint.h"

namespace fastscnn::cuda {

/// Scales the mask to the frame: one value per pixel, kOutside beyond the mask.
struct PaintScale {
  PaintMask mask;
  uint8_t *values;  // (height, width)
  int width, height;

  FASTSCNN_HD int items() const { return width * height; }
  FASTSCNN_HD void operator()(int item) const {
    const int x = item % width - mask.x, y = item / width - mask.y;
    const bool outside =
        x < 0 || y < 0 || x >= mask.covers_width || y >= mask.covers_height;
    const bool grows =
        mask.width <= mask.covers_width && mask.height <= mask.covers_height;
    values[item] = outside ? kOutside : grows ? enlarge(x, y) : shrink(x, y);
  }

 private:
  FASTSCNN_HD int value(int sx, int sy) const {
    return mask.ids[int64_t{sy} * mask.stride + sx];
  }

  FASTSCNN_HD uint8_t enlarge(int x, int y) const {
    const int px = enlarge_position(x, mask.width, mask.covers_width);
    const int py = enlarge_position(y, mask.height, mask.covers_height);
    int values4[4], weights[4];
    for (int i = 0; i < 4; i++) {
      const int dx = i & 1, dy = i >> 1;
      values4[i] = value(clamp_index((px >> 8) + dx, mask.width),
                         clamp_index((py >> 8) + dy, mask.height));
      weights[i] = (dx ? px & 255 : 256 - (px & 255)) *
                   (dy ? py & 255 : 256 - (py & 255));
    }
    int winner = 0, most = -1;
    for (int i = 0; i < 4; i++) {
      int votes = 0;
      for (int j = 0; j < 4; j++)
        votes += values4[j] == values4[i] ? weights[j] : 0;
      if (votes > most || (votes == most && values4[i] < winner)) {
        most = votes;
        winner = values4[i];
      }
    }
    return static_cast<uint8_t>(winner);
  }

  struct Span {
    int begin, end;
  };
  FASTSCNN_HD static Span span(int x, int size, int covers) {
    if (x < 0 || x >= covers) return {0, 0};
    return {shrink_begin(x, size, covers), shrink_end(x, size, covers)};
  }

  FASTSCNN_HD int64_t votes(int candidate, int x, int y, int reach,
                            int64_t *samples) const {
    int64_t count = 0;
    *samples = 0;
    for (int ny = y - reach; ny <= y + reach; ny++)
      for (int nx = x - reach; nx <= x + reach; nx++) {
        const Span across = span(nx, mask.width, mask.covers_width);
        const Span down = span(ny, mask.height, mask.covers_height);
        for (int sy = down.begin; sy < down.end; sy++)
          for (int sx = across.begin; sx < across.end; sx++) {
            count += value(sx, sy) == candidate;
            ++*samples;
          }
      }
    return count;
  }

  FASTSCNN_HD uint8_t shrink(int x, int y) const {
    const Span across = span(x, mask.width, mask.covers_width);
    const Span down = span(y, mask.height, mask.covers_height);
    int winner = -1;
    int64_t best = 0;
    for (int sy = down.begin; sy < down.end; sy++)
      for (int sx = across.begin; sx < across.end; sx++) {
        const int candidate = value(sx, sy);
        if (candidate == winner) continue;
        int64_t own_samples, near_samples;
        const int64_t own = votes(candidate, x, y, 0, &own_samples);
        const int64_t near = votes(candidate, x, y, 1, &near_samples);
        const int64_t score = 4 * own * near_samples - 3 * near * own_samples;
        if (winner < 0 || score > best ||
            (score == best && candidate < winner)) {
          winner = candidate;
          best = score;
        }
      }
    return static_cast<uint8_t>(winner);
  }
};

/// Keeps the values of pixels that have another value within reach; the others
/// become kOutside.
struct PaintOutline {
  const uint8_t *values;
  uint8_t *dst;  // (height, width)
  int width, height;
  int x0, y0, x1, y1;  // part of the frame that the mask covers
  int reach;

  FASTSCNN_HD int items() const { return width * height; }
  FASTSCNN_HD void operator()(int item) const {
    const int x = item % width, y = item / width;
    const uint8_t value = values[item];
    bool near_other = false;
    if (x >= x0 && x < x1 && y >= y0 && y < y1)
      for (int dy = -reach; dy <= reach && !near_other; dy++) {
        if (y + dy < y0 || y + dy >= y1) continue;
        for (int dx = -reach; dx <= reach; dx++) {
          if (dx * dx + dy * dy > reach * reach || x + dx < x0 || x + dx >= x1)
            continue;
          near_other |= values[item + dy * width + dx] != value;
        }
      }
    dst[item] = near_other ? value : kOutside;
  }
};

}  // namespace fastscnn::cuda
