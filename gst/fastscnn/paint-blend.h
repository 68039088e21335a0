/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "gst/fastscnn/paint.h"

namespace fastscnn
{

/// Says what is painted where values do not: pixel by pixel.
class PaintSource
{
public:
  virtual ~PaintSource () = default;

  /// The paint of the pixels of a part of the frame, row after row.
  virtual void make (const Bounds &part, Paint *paint) = 0;
};

/// Which paint stands for each value, prepared for one kind of frame.
class PaintTable
{
public:
  Paint &
  operator[] (int value)
  {
    return paint_[value];
  }
  const Paint &
  operator[] (int value) const
  {
    return paint_[value];
  }

private:
  friend class Blender;

  /// keep and color of the bytes of a row of a plane, which repeat.
  struct Pattern {
    uint16_t keep[48];
    uint16_t color[48]; // rounding added
  };

  Paint paint_[256];
  std::vector<Pattern> patterns_; // of a plane and a value
  std::vector<uint64_t> sums_;    // of a plane and a value; see Blender::Packed
};

/// Mixes paint into all components of frames of one kind.
class Blender
{
public:
  void configure (const FrameInfo &frame);

  /// Call after the paints of a table changed. Allocates at first only.
  void prepare (PaintTable *table) const;

  /// Paints every pixel with what the table says for its value.
  void blend_values (
      const Frame &frame, const Values &values, const PaintTable &table) const;

  /// The same, but where other values lie within `reach` pixels, at most
  /// kMaxReach, the source says what is painted.
  void blend_values_softly (const Frame &frame, const Values &values,
      const PaintTable &table, int reach, PaintSource *edges);

  /// Paints a rectangle within the frame that begins at even pixels. Its
  /// outermost two pixels are at the edge of the frame or not painted.
  void blend_rectangle (
      const Frame &frame, const Bounds &rect, PaintSource *source);

  static constexpr int kMaxReach = 12;

private:
  /// Pixels that a sample averages in one direction, from its first pixel
  /// (index << shift) on, and their weights, out of 2 << shift.
  struct Taps {
    int first = 0;
    int count = 1;
    uint32_t weight[4] = { 2 };

    int
    last () const
    {
      return first + count - 1;
    }
  };

  struct Sampling {
    Taps x, y;
    int log2_weights = 2;
  };

  /// The components of a plane, and how the bytes of its rows repeat.
  struct Plane {
    std::vector<int> components;
    int shift_x = 0;
    int block_bytes = 0;         // of kBlock pixels
    int repeats = 1;             // bytes after which components repeat
    int pixels = 0;              // that its samples stand for
    bool aligned = true;         // all components start in the same block
    std::vector<int> subsampled; // of the components; at most two
  };

  /// keep and the colours of up to two components in one word, so that paint
  /// is averaged three numbers at a time. Weights add up to 16 at most.
  struct Packed {
    static constexpr int kBits = 21;
    static constexpr uint64_t kMask = (UINT64_C (1) << kBits) - 1;

    static uint64_t
    pack (uint32_t keep, uint32_t first, uint32_t second)
    {
      return keep | uint64_t{ first } << kBits |
             uint64_t{ second } << (2 * kBits);
    }
    static uint32_t
    get (uint64_t packed, int which)
    {
      return static_cast<uint32_t> (packed >> (which * kBits) & kMask);
    }
  };

  static Taps make_taps (float origin, int shift);

  void blend_plane (const Frame &frame, int plane, const Values &values,
      const PaintTable &table) const;

  void blend_mixed_block (uint8_t *bytes, int plane, const uint8_t *const *rows,
      int x, const PaintTable &table) const;

  template <typename Pixel>
  void blend_span (uint8_t *samples, int c, int row, int x0, int x1,
      const Pixel &pixel) const;

  void find_blocks (const Values &values);
  int flat_value (const Values &values, int x, int y, int reach) const;
  void blend_flat_tile (const Frame &frame, int x, int y,
      const PaintTable &table, int value) const;
  void blend_tile (const Frame &frame, const Bounds &tile, PaintSource *source);

  FrameInfo info_;
  Sampling sampling_[3];
  std::vector<Plane> planes_;
  Bounds beyond_;               // what samples of one pixel average around it
  std::vector<int16_t> blocks_; // the value of all its pixels, or none
  std::vector<Paint> patch_;    // a tile and what its samples average
};

} // namespace fastscnn
