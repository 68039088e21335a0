/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/paint-blend.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fastscnn
{
namespace
{

constexpr int kBlock = 16;   // pixels that are painted as one if they agree
constexpr int kPattern = 48; // bytes; the formats repeat after 1, 2, 3 or 4
constexpr uint64_t kBytesOfOne = UINT64_C (0x0101010101010101);
constexpr int kVector = 16; // bytes at a time; a block has half at least
constexpr int kMostTaps = 4;

// Pixels of a tile that is painted one by one, and around it, for samples that
// average.
constexpr int kTileWidth = 32, kTileHeight = 8, kBeyond = 2;
constexpr int16_t kMixed = -1;

int
blocks_in (int width)
{
  return (width + kBlock - 1) / kBlock;
}

bool
all_equal (const uint8_t *p, uint64_t splat)
{
  uint64_t a, b;
  std::memcpy (&a, p, 8);
  std::memcpy (&b, p + 8, 8);
  return ((a ^ splat) | (b ^ splat)) == 0;
}

// GNU vectors: loops of 16 bytes are unrolled before they could become vectors.
typedef uint8_t Bytes16 __attribute__ ((vector_size (16)));
typedef uint16_t Words16 __attribute__ ((vector_size (32)));
typedef uint8_t Bytes8 __attribute__ ((vector_size (8)));
typedef uint16_t Words8 __attribute__ ((vector_size (16)));

template <typename Bytes, typename Words>
void
blend_bytes (uint8_t *bytes, const uint16_t *keep, const uint16_t *color)
{
  Bytes b;
  Words k, c;
  std::memcpy (&b, bytes, sizeof b);
  std::memcpy (&k, keep, sizeof k);
  std::memcpy (&c, color, sizeof c);
  const Words mixed = __builtin_convertvector(b, Words) * k + c;
  b = __builtin_convertvector(mixed >> 8, Bytes);
  std::memcpy (bytes, &b, sizeof b);
}

// count: a multiple of kVector / 2.
void
blend_run (
    uint8_t *bytes, int count, const uint16_t *keep, const uint16_t *color)
{
  int i = 0, phase = 0;
  for (; i + kVector <= count; i += kVector) {
    blend_bytes<Bytes16, Words16> (bytes + i, keep + phase, color + phase);
    phase += kVector;
    if (phase == kPattern)
      phase = 0;
  }
  if (i < count)
    blend_bytes<Bytes8, Words8> (bytes + i, keep + phase, color + phase);
}

uint8_t
mix (uint8_t sample, uint32_t keep, uint32_t color, int log2_weights)
{
  const int shift = 8 + log2_weights;
  return static_cast<uint8_t> (
      (sample * keep + color + (1u << (shift - 1))) >> shift);
}

} // namespace

Blender::Taps
Blender::make_taps (float origin, int shift)
{
  const float size = static_cast<float> (1 << shift);
  const float begin = origin - size / 2, end = origin + size / 2;
  Taps taps;
  taps.first = static_cast<int> (std::floor (begin + 0.5f));
  taps.count = 0;
  for (int x = taps.first; x - 0.5f < end && taps.count < kMostTaps; x++) {
    const float overlap = std::min (end, x + 0.5f) - std::max (begin, x - 0.5f);
    taps.weight[taps.count++] =
        static_cast<uint32_t> (std::lround (2 * overlap));
  }
  return taps;
}

void
Blender::configure (const FrameInfo &frame)
{
  info_ = frame;
  planes_.assign (frame.planes, Plane ());
  for (int c = 0; c < frame.components; c++) {
    const Component &k = frame.component[c];
    sampling_[c].x = make_taps (k.origin_x, k.shift_x);
    sampling_[c].y = make_taps (k.origin_y, k.shift_y);
    sampling_[c].log2_weights = 2 + k.shift_x + k.shift_y;
    Plane &plane = planes_[k.plane];
    plane.components.push_back (c);
    plane.shift_x = std::max (plane.shift_x, k.shift_x);
    plane.repeats = std::max (plane.repeats, k.pixel_stride);
    plane.pixels =
        std::max (plane.pixels, component_width (frame, c) << k.shift_x);
    plane.aligned &= k.offset < k.pixel_stride;
  }
  for (int c = 0; c < frame.components; c++)
    if (sampling_[c].x.count > 1 || sampling_[c].y.count > 1)
      planes_[frame.component[c].plane].subsampled.push_back (c);
  beyond_ = Bounds ();
  for (int c = 0; c < frame.components; c++) {
    const Component &k = frame.component[c];
    const Sampling &s = sampling_[c];
    beyond_.x0 = std::min (beyond_.x0, s.x.first);
    beyond_.y0 = std::min (beyond_.y0, s.y.first);
    beyond_.x1 = std::max (beyond_.x1, s.x.last () + 1 - (1 << k.shift_x));
    beyond_.y1 = std::max (beyond_.y1, s.y.last () + 1 - (1 << k.shift_y));
  }
  for (Plane &plane : planes_)
    plane.block_bytes = (kBlock >> plane.shift_x) * plane.repeats;
  blocks_.resize (size_t (blocks_in (frame.width)) * frame.height);
  patch_.resize ((kTileWidth + 2 * kBeyond) * (kTileHeight + 2 * kBeyond));
}

void
Blender::prepare (PaintTable *table) const
{
  table->patterns_.resize (planes_.size () * 256);
  table->sums_.resize (planes_.size () * 256);
  for (size_t p = 0; p < planes_.size (); p++) {
    for (int value = 0; value < 256; value++) {
      const Paint &paint = table->paint_[value];
      const std::vector<int> &averaged = planes_[p].subsampled;
      table->sums_[p * 256 + value] = Packed::pack (paint.keep,
          averaged.empty () ? 0 : paint.color[averaged[0]],
          averaged.size () < 2 ? 0 : paint.color[averaged[1]]);
      if (paint.leaves_all ())
        continue;
      PaintTable::Pattern &pattern = table->patterns_[p * 256 + value];
      std::fill_n (pattern.keep, kPattern, uint16_t{ 256 });
      std::fill_n (pattern.color, kPattern, uint16_t{ 128 });
      for (int c : planes_[p].components) {
        const Component &k = info_.component[c];
        for (int i = k.offset % k.pixel_stride; i < kPattern;
             i += k.pixel_stride) {
          pattern.keep[i] = static_cast<uint16_t> (paint.keep);
          pattern.color[i] = static_cast<uint16_t> (paint.color[c] + 128);
        }
      }
    }
  }
}

// samples: the first of a row of samples; pixel(x, y): its paint.
template <typename Pixel>
void
Blender::blend_span (
    uint8_t *samples, int c, int row, int x0, int x1, const Pixel &pixel) const
{
  const Component &k = info_.component[c];
  const Sampling &s = sampling_[c];
  const int begin = x0 >> k.shift_x;
  const int end = x1 < info_.width ? (x1 + (1 << k.shift_x) - 1) >> k.shift_x
                                   : component_width (info_, c);
  uint8_t *out = samples + int64_t{ begin } * k.pixel_stride;
  if (s.x.count == 1 && s.y.count == 1) {
    const int y = row + s.y.first;
    for (int i = begin; i < end; i++, out += k.pixel_stride) {
      const Paint &paint = pixel (i + s.x.first, y);
      *out = mix (*out, paint.keep, paint.color[c], 0);
    }
    return;
  }
  for (int i = begin; i < end; i++, out += k.pixel_stride) {
    uint32_t keep = 0, color = 0;
    for (int ty = 0; ty < s.y.count; ty++) {
      const int y = (row << k.shift_y) + s.y.first + ty;
      for (int tx = 0; tx < s.x.count; tx++) {
        const int x = (i << k.shift_x) + s.x.first + tx;
        const uint32_t weight = s.x.weight[tx] * s.y.weight[ty];
        const Paint &paint = pixel (x, y);
        keep += weight * paint.keep;
        color += weight * paint.color[c];
      }
    }
    *out = mix (*out, keep, color, s.log2_weights);
  }
}

// A block whose pixels differ, away from the ends of the rows; rows: those that
// the samples average.
void
Blender::blend_mixed_block (uint8_t *bytes, int p, const uint8_t *const *rows,
    int x0, const PaintTable &table) const
{
  const Plane &plane = planes_[p];
  for (int c : plane.components) {
    const Component &k = info_.component[c];
    const Sampling &s = sampling_[c];
    if (s.x.count > 1 || s.y.count > 1)
      continue;
    uint8_t *out = bytes + k.offset + int64_t{ x0 } * k.pixel_stride;
    const uint8_t *values = rows[0] + x0 + s.x.first;
    for (int i = 0; i < kBlock; i++, out += k.pixel_stride) {
      const Paint &paint = table[values[i]];
      *out = mix (*out, paint.keep, paint.color[c], 0);
    }
  }
  if (plane.subsampled.empty ())
    return;

  const Sampling &s = sampling_[plane.subsampled[0]];
  const int shift = info_.component[plane.subsampled[0]].shift_x;
  const int columns = kBlock - (1 << shift) + s.x.count;
  const uint64_t *packed = &table.sums_[p * 256];
  uint64_t column[kBlock + kMostTaps];
  for (int i = 0; i < columns; i++)
    column[i] = packed[rows[0][x0 + s.x.first + i]] * s.y.weight[0];
  for (int t = 1; t < s.y.count; t++)
    for (int i = 0; i < columns; i++)
      column[i] += packed[rows[t][x0 + s.x.first + i]] * s.y.weight[t];
  for (int i = 0; i < kBlock >> shift; i++) {
    uint64_t sum = 0;
    for (int t = 0; t < s.x.count; t++)
      sum += column[(i << shift) + t] * s.x.weight[t];
    int which = 1;
    for (int c : plane.subsampled) {
      const Component &k = info_.component[c];
      uint8_t *out =
          bytes + k.offset + int64_t{ (x0 >> shift) + i } * k.pixel_stride;
      *out = mix (*out, Packed::get (sum, 0), Packed::get (sum, which++),
          s.log2_weights);
    }
  }
}

void
Blender::blend_plane (const Frame &frame, int p, const Values &values,
    const PaintTable &table) const
{
  const Plane &plane = planes_[p];
  // Components of one plane are subsampled alike in y, and reach furthest
  // where they are subsampled most in x.
  int widest = plane.components[0];
  for (int c : plane.components)
    if (info_.component[c].shift_x == plane.shift_x)
      widest = c;
  const Sampling &s = sampling_[widest];
  const int shift_y = info_.component[widest].shift_y;
  const int before = std::min (s.x.first, 0);
  const int after = std::max (s.x.last () - (1 << plane.shift_x) + 1, 0);
  const int width = info_.width, height = info_.height;
  // One sample more than there are pixels, where a crop is odd.
  const int whole = plane.pixels > width ? width - 1 : width;
  const PaintTable::Pattern *patterns = &table.patterns_[p * 256];

  for (int row = 0; row < component_height (info_, widest); row++) {
    uint8_t *bytes = frame.data[p] + int64_t{ row } * frame.stride[p];
    const uint8_t *rows[kMostTaps];
    for (int t = 0; t < s.y.count; t++) {
      const int y = (row << shift_y) + s.y.first + t;
      rows[t] = values.row (std::min (std::max (y, 0), height - 1));
    }
    const auto agrees = [&] (int x, uint8_t value) {
      const uint64_t splat = value * kBytesOfOne;
      const int left = std::max (x + before, 0);
      const int right = std::min (x + kBlock + after, width);
      for (int t = 0; t < s.y.count; t++) {
        if (!all_equal (rows[t] + x, splat))
          return false;
        for (int i = left; i < x; i++)
          if (rows[t][i] != value)
            return false;
        for (int i = x + kBlock; i < right; i++)
          if (rows[t][i] != value)
            return false;
      }
      return true;
    };
    const auto pixel = [&] (int x, int y) -> const Paint & {
      x = std::min (std::max (x, 0), width - 1);
      y = std::min (std::max (y, 0), height - 1);
      return table[values.row (y)[x]];
    };
    for (int x = 0; x < width;) {
      const uint8_t value = rows[0][x];
      int end = x;
      if (plane.aligned)
        while (end + kBlock <= whole && agrees (end, value))
          end += kBlock;
      if (end > x) {
        if (!table[value].leaves_all ())
          blend_run (bytes + int64_t{ x / kBlock } * plane.block_bytes,
              (end - x) / kBlock * plane.block_bytes, patterns[value].keep,
              patterns[value].color);
      } else if (plane.aligned && x + before >= 0 &&
                 x + kBlock + after <= whole) {
        end = x + kBlock;
        blend_mixed_block (bytes, p, rows, x, table);
      } else {
        end = std::min (x + kBlock, width);
        for (int c : plane.components)
          blend_span (bytes + info_.component[c].offset, c, row, x, end, pixel);
      }
      x = end;
    }
  }
}

void
Blender::blend_values (
    const Frame &frame, const Values &values, const PaintTable &table) const
{
  for (size_t p = 0; p < planes_.size (); p++)
    blend_plane (frame, static_cast<int> (p), values, table);
}

void
Blender::find_blocks (const Values &values)
{
  int16_t *out = blocks_.data ();
  for (int y = 0; y < info_.height; y++) {
    const uint8_t *row = values.row (y);
    for (int x = 0; x < info_.width; x += kBlock, out++)
      *out =
          x + kBlock <= info_.width && all_equal (row + x, row[x] * kBytesOfOne)
              ? row[x]
              : kMixed;
  }
}

// The value of a block two rows high and of everything within reach of what
// its samples average, or kMixed.
int
Blender::flat_value (const Values &values, int x, int y, int reach) const
{
  const int blocks = blocks_in (info_.width);
  const int left = std::max (x + beyond_.x0 - reach, 0);
  const int right = std::min (x + kBlock + beyond_.x1 + reach, info_.width);
  const int top = std::max (y + beyond_.y0 - reach, 0);
  const int bottom = std::min (y + 2 + beyond_.y1 + reach, info_.height);
  const int16_t *block = blocks_.data () + x / kBlock;
  const int16_t value = block[size_t (y) * blocks];
  for (int row = top; row < bottom; row++)
    if (block[size_t (row) * blocks] != value)
      return kMixed;
  for (int row = top; row < bottom && value != kMixed; row++) {
    const uint8_t *pixels = values.row (row);
    for (int i = left; i < x; i++)
      if (pixels[i] != value)
        return kMixed;
    for (int i = x + kBlock; i < right; i++)
      if (pixels[i] != value)
        return kMixed;
  }
  return value;
}

void
Blender::blend_flat_tile (
    const Frame &frame, int x, int y, const PaintTable &table, int value) const
{
  if (table[value].leaves_all ())
    return;
  for (size_t p = 0; p < planes_.size (); p++) {
    const Plane &plane = planes_[p];
    const PaintTable::Pattern &pattern = table.patterns_[p * 256 + value];
    const int c = plane.components[0];
    const int shift = info_.component[c].shift_y;
    const int end = std::min ((y + 2) >> shift, component_height (info_, c));
    for (int row = y >> shift; row < end; row++)
      blend_run (frame.data[p] + int64_t{ row } * frame.stride[p] +
                     int64_t{ x / kBlock } * plane.block_bytes,
          plane.block_bytes, pattern.keep, pattern.color);
  }
}

void
Blender::blend_tile (
    const Frame &frame, const Bounds &tile, PaintSource *source)
{
  const Bounds part{ std::max (tile.x0 + beyond_.x0, 0),
    std::max (tile.y0 + beyond_.y0, 0),
    std::min (tile.x1 + beyond_.x1, info_.width),
    std::min (tile.y1 + beyond_.y1, info_.height) };
  const int columns = part.x1 - part.x0;
  source->make (part, patch_.data ());
  const auto pixel = [&] (int x, int y) -> const Paint & {
    x = std::min (std::max (x, part.x0), part.x1 - 1);
    y = std::min (std::max (y, part.y0), part.y1 - 1);
    return patch_[size_t (y - part.y0) * columns + x - part.x0];
  };
  for (int c = 0; c < info_.components; c++) {
    const Component &k = info_.component[c];
    const int end = tile.y1 < info_.height
                        ? (tile.y1 + (1 << k.shift_y) - 1) >> k.shift_y
                        : component_height (info_, c);
    for (int row = tile.y0 >> k.shift_y; row < end; row++)
      blend_span (frame.data[k.plane] + int64_t{ row } * frame.stride[k.plane] +
                      k.offset,
          c, row, tile.x0, tile.x1, pixel);
  }
}

void
Blender::blend_values_softly (const Frame &frame, const Values &values,
    const PaintTable &table, int reach, PaintSource *edges)
{
  const int width = info_.width, height = info_.height;
  bool aligned = true;
  for (const Plane &plane : planes_)
    aligned &= plane.aligned;
  find_blocks (values);
  for (int y = 0; y < height; y += 2)
    for (int x = 0; x < width; x += kBlock) {
      const Bounds tile{ x, y, std::min (x + kBlock, width),
        std::min (y + 2, height) };
      // The last samples of a frame may stand for more than their pixels.
      const bool last = tile.x1 == width || tile.y1 == height;
      const int value =
          aligned && !last ? flat_value (values, x, y, reach) : int{ kMixed };
      if (value == kMixed)
        blend_tile (frame, tile, edges);
      else
        blend_flat_tile (frame, x, y, table, value);
    }
}

void
Blender::blend_rectangle (
    const Frame &frame, const Bounds &rect, PaintSource *source)
{
  for (int y = rect.y0; y < rect.y1; y += kTileHeight)
    for (int x = rect.x0; x < rect.x1; x += kTileWidth)
      blend_tile (frame,
          { x, y, std::min (x + kTileWidth, rect.x1),
              std::min (y + kTileHeight, rect.y1) },
          source);
}

} // namespace fastscnn
