// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/engine/kernels/logits.h"
#include "cuda/engine/kernels/masktile.h"

namespace fastscnn::cuda {

/// Interpolates the logits to mask size, writes the class of the largest one
/// (of equal ones, the lowest), and counts the pixels of each class. Full-size
/// logits exist in registers only. kSoft: computes probabilities, too.
///
/// A block computes a tile in pieces. If all logits around a piece have the
/// same class, it is filled: the logits of its pixels are weighted means of
/// them. The pixels of all other pieces are divided among the threads.
template <typename T, bool kSoft>
struct Argmax {
  static constexpr int kThreads = 256;  // as many as there are ids
  static constexpr int kPhases = 7;
  static constexpr int kPiece = 4;  // pixels across and down
  static constexpr int kPieces = MaskTile::kSize / kPiece;
  static_assert(kPieces * kPieces == kThreads);

  struct Shared {
    MaskTile ids;
    MaskTile confidence;
    uint8_t classes[kThreads];  // of the logits around the tile
    uint8_t mixed[kThreads];    // pieces that are not filled
    uint32_t mixed_count, counts[kThreads];
    bool last;  // of all blocks
  };

  Logits<T> logits;
  uint8_t *ids;         // (height, width)
  uint8_t *confidence;  // (height, width), or null; kSoft only
  int64_t stride, confidence_stride;
  int height, width;
  float threshold;   // a class that is less probable becomes 255; kSoft only
  uint32_t *counts;  // (256), then finished blocks; all zero before and after
  uint32_t *result;  // (256), the counts; may be pinned host memory

  Argmax<T, false> without_confidence() const {
    return {logits, ids,   nullptr,   stride, confidence_stride,
            height, width, threshold, counts, result};
  }

  FASTSCNN_HD int across() const {
    return (width + MaskTile::kSize - 1) / MaskTile::kSize;
  }
  FASTSCNN_HD int blocks() const {
    return across() * ((height + MaskTile::kSize - 1) / MaskTile::kSize);
  }

  FASTSCNN_HD void operator()(int phase, int block, int thread,
                              Shared &shared) const {
    const Window tile = window(block);
    if (phase == 0) {
      shared.counts[thread] = 0;
      if (thread == 0) shared.mixed_count = 0;
      if (known(tile) && thread < tile.rows * tile.columns)
        shared.classes[thread] = static_cast<uint8_t>(
            logits.class_at(tile.top + thread / tile.columns,
                            tile.left + thread % tile.columns));
    } else if (phase == 1) {
      fill_piece(tile, thread, shared);
    } else if (phase == 2) {
      const int pixels = static_cast<int>(shared.mixed_count) * kPiece * kPiece;
      for (int i = thread; i < pixels; i += kThreads)
        classify(tile, shared.mixed[i / (kPiece * kPiece)],
                 i % (kPiece * kPiece), shared);
    } else if (phase == 3) {
      if (thread < tile.height)
        shared.ids.count_row(thread, tile.width, shared.counts);
      shared.ids.write(ids + tile.y * stride + tile.x, stride, tile.height,
                       tile.width, thread, kThreads);
      if (kSoft && confidence)
        shared.confidence.write(
            confidence + tile.y * confidence_stride + tile.x, confidence_stride,
            tile.height, tile.width, thread, kThreads);
    } else if (phase == 4) {
      if (shared.counts[thread] > 0)
        add_atomically(counts + thread, shared.counts[thread]);
      fence();
    } else if (phase == 5) {
      if (thread == 0)
        shared.last = add_atomically(counts + kThreads, 1) + 1 ==
                      static_cast<uint32_t>(blocks());
    } else if (shared.last) {
      result[thread] = take_atomically(counts + thread);
      if (thread == 0) take_atomically(counts + kThreads);
    }
  }

 private:
  FASTSCNN_HD static int min(int a, int b) { return a < b ? a : b; }

  FASTSCNN_HD Window window(int block) const {
    const int x = block % across() * MaskTile::kSize;
    const int y = block / across() * MaskTile::kSize;
    return {logits.axis_y,
            logits.axis_x,
            y,
            x,
            min(height - y, MaskTile::kSize),
            min(width - x, MaskTile::kSize)};
  }

  /// Whether Shared::classes is used and has room for the logits around a tile.
  FASTSCNN_HD static bool known(const Window &tile) {
    return !kSoft && tile.rows * tile.columns <= kThreads;
  }

  FASTSCNN_HD void fill_piece(const Window &tile, int piece,
                              Shared &shared) const {
    const int x = piece % kPieces * kPiece, y = piece / kPieces * kPiece;
    if (x >= tile.width || y >= tile.height) return;
    const int id = known(tile) ? common_class(tile, y, x, shared.classes) : -1;
    if (id < 0) {
      shared.mixed[add_atomically(&shared.mixed_count, 1)] =
          static_cast<uint8_t>(piece);
      return;
    }
    FASTSCNN_UNROLL
    for (int r = 0; r < kPiece; r++) shared.ids.set_four(y + r, x / 4, id);
  }

  /// The class of all logits around the piece at (y, x) of the tile, or -1.
  FASTSCNN_HD int common_class(const Window &tile, int y, int x,
                               const uint8_t *classes) const {
    const Axis &axis_y = logits.axis_y, &axis_x = logits.axis_x;
    const int end_y = tile.y + min(y + kPiece, tile.height);
    const int end_x = tile.x + min(x + kPiece, tile.width);
    const int top = axis_y.tap(tile.y + y).first - tile.top;
    const int left = axis_x.tap(tile.x + x).first - tile.left;
    const int bottom = axis_y.tap(end_y - 1).second - tile.top;
    const int right = axis_x.tap(end_x - 1).second - tile.left;
    const int id = classes[top * tile.columns + left];
    for (int i = top; i <= bottom; i++)
      for (int j = left; j <= right; j++)
        if (classes[i * tile.columns + j] != id) return -1;
    return id;
  }

  FASTSCNN_HD void classify(const Window &tile, int piece, int pixel,
                            Shared &shared) const {
    const int x = piece % kPieces * kPiece + pixel % kPiece;
    const int y = piece / kPieces * kPiece + pixel / kPiece;
    if (x >= tile.width || y >= tile.height) return;
    const auto found = logits.template classify<kSoft>(tile.y + y, tile.x + x);
    const bool sure = !kSoft || found.probability >= threshold;
    shared.ids.set(y, x, sure ? found.id : 255);
    if (kSoft)
      shared.confidence.set(y, x,
                            static_cast<int>(found.probability * 255.f + 0.5f));
  }
};

}  // namespace fastscnn::cuda
