// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/depthwise.h"

#include <algorithm>

#include "cpu/engine/int8/depthwiserows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/int8/depthwise.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/requantize-inl.h"
#include "cpu/engine/int8/vnni-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

// The sums of a tile, a column and its weights fit into 16 registers.
constexpr int kTile = kDepthwiseTile;
constexpr int kRows = kDepthwiseRows;
using Rows = DepthwiseRows;

HWY_INLINE Vector load(const uint8_t *p) {
  return hn::ConvertTo(Tag(), load_bytes(p));
}

/// Computes outputs x to x + kTile - 1 of kCount rows. The first input column
/// may lie left of the image, the last one right of it.
template <int kStride, int kCount>
HWY_NOINLINE void tile(const Depthwise &layer, const Rows &rows, int x) {
  constexpr int kColumns = (kTile - 1) * kStride + 3;
  constexpr int kSources = (kCount - 1) * kStride + 3;
  const Tag d;
  const Requantizer to_bytes(layer.to_bytes);
  const Vector outside = hn::Set(d, float(layer.outside));
  const ptrdiff_t step = layer.channels;
  const bool left = x == 0;
  const bool right = x * kStride - 1 + kColumns > rows.src_width;

  for (int c = 0; c < step; c += kLanes) {
    const float *weights = layer.weight(c);
    const Vector bias = hn::LoadU(d, layer.bias + c);
    Vector sum[kCount][kTile];
    for (auto &row : sum)
      for (Vector &s : row) s = bias;
    FASTSCNN_UNROLL
    for (int r = 0; r < kSources; r++) {
      if (!rows.src[r] && layer.outside == 0) continue;
      const uint8_t *in =
          rows.src[r] ? rows.src[r] + (x * kStride - 1) * step + c : nullptr;
      FASTSCNN_UNROLL
      for (int i = 0; i < kColumns; i++) {
        const bool skip =
            !rows.src[r] || (i == 0 && left) || (i == kColumns - 1 && right);
        const Vector column = skip ? outside : load(in + i * step);
        FASTSCNN_UNROLL
        for (int y = 0; y < kCount; y++) {
          FASTSCNN_UNROLL
          for (int kx = 0; kx < 3; kx++) {
            const int ky = r - y * kStride, j = (i - kx) / kStride;
            if (ky < 0 || ky > 2 || i < kx || (i - kx) % kStride || j >= kTile)
              continue;
            const Vector w =
                hn::LoadU(d, weights + (ky * 3 + kx) * kChannelBlock);
            sum[y][j] = hn::MulAdd(column, w, sum[y][j]);
          }
        }
      }
    }
    const Vector scale = hn::LoadU(d, layer.to_bytes.scale + c);
    for (int y = 0; y < kCount; y++)
      to_bytes.store4(hn::Mul(sum[y][0], scale), hn::Mul(sum[y][1], scale),
                      hn::Mul(sum[y][2], scale), hn::Mul(sum[y][3], scale),
                      rows.dst + y * rows.pitch + x * step + c, step);
  }
}

/// Computes one output, for any stride and dilation.
void pixel(const Depthwise &layer, const Rows &rows, int x) {
  const Tag d;
  const Requantizer to_bytes(layer.to_bytes);
  const int channels = layer.channels;
  const int first = x * layer.stride - layer.dilation;
  for (int c = 0; c < channels; c += kLanes) {
    Vector sum = hn::LoadU(d, layer.bias + c);
    for (int r = 0; r < 3; r++)
      for (int k = 0; k < 3; k++) {
        const int column = first + k * layer.dilation;
        const bool outside =
            !rows.src[r] || column < 0 || column >= rows.src_width;
        const Vector v =
            outside ? hn::Set(d, float(layer.outside))
                    : load(rows.src[r] + size_t(column) * channels + c);
        const Vector w =
            hn::LoadU(d, layer.weight(c) + (r * 3 + k) * kChannelBlock);
        sum = hn::MulAdd(v, w, sum);
      }
    to_bytes.store(hn::Mul(sum, hn::LoadU(d, layer.to_bytes.scale + c)),
                   rows.dst + size_t(x) * channels + c);
  }
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#ifdef FASTSCNN_VNNI
FASTSCNN_BEFORE_VNNI()
namespace fastscnn::int8::HWY_NAMESPACE::vnni {
namespace {

#include "cpu/engine/int8/dotsums-inl.h"
#include "cpu/engine/int8/dotdepthwise-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::vnni
FASTSCNN_AFTER_VNNI()
#endif

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

template <int kCount>
void run_rows(const Depthwise &layer, const Rows &rows, int dst_width) {
  for (int x = 0; x < dst_width; x += kTile) {
    // The last tile may overlap the one before it.
    const int at = std::min(x, dst_width - kTile);
    if (layer.stride == 1)
      tile<1, kCount>(layer, rows, at);
    else
      tile<2, kCount>(layer, rows, at);
  }
}

void run_tiles(const Depthwise &layer, Rows rows, int dst_width, int count) {
#ifdef FASTSCNN_VNNI
  if ((supported_instructions() & bit(FASTSCNN_VNNI)) && vnni::fits(layer))
    return vnni::run_tiles(layer, rows, dst_width, count);
#endif
  if (count == kRows) return run_rows<kRows>(layer, rows, dst_width);
  for (; count > 0; count--, rows.move_down(layer.stride))
    run_rows<1>(layer, rows, dst_width);
}

void run(const Depthwise &layer, const uint8_t *const *src, int src_width,
         uint8_t *dst, ptrdiff_t pitch, int dst_width, int count) {
  Rows rows = {src, src_width, dst, pitch};
  if (layer.dilation == 1 && dst_width >= kTile)
    return run_tiles(layer, rows, dst_width, count);
  for (; count > 0; count--, rows.move_down(layer.stride))
    for (int x = 0; x < dst_width; x++) pixel(layer, rows, x);
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(run);

void pack_depthwise(const int8_t *weights, int channels, float *packed) {
  for (int c = 0; c < channels; c++)
    for (int k = 0; k < 9; k++)
      packed[(c / kChannelBlock * 9 + k) * kChannelBlock + c % kChannelBlock] =
          weights[c * 9 + k];
}

void pack_depthwise_dots(const Depthwise &layer, const int8_t *weights,
                         DepthwiseDots *packed) {
  constexpr int kLanes = DepthwiseDots::kLanes;
  std::fill_n(packed, count_depthwise_dots(layer.channels), DepthwiseDots{});
  for (int c = 0; c < layer.channels; c++) {
    DepthwiseDots &dots = packed[c / DepthwiseDots::kChannels];
    const int q = c / 4 % 4, i = c % DepthwiseDots::kChannels / 16 * 4 + c % 4;
    static_assert(kLanes == 16);
    dots.bias[q][i] = static_cast<int32_t>(layer.bias[c]);
    dots.scale[q][i] = layer.to_bytes.scale[c];
    for (int k = 0; k < 9; k++)
      dots.weights[q][k % 3][i][k / 3] = weights[c * 9 + k];
  }
}

void depthwise(const Depthwise &layer, const uint8_t *const *rows,
               int src_width, uint8_t *dst, ptrdiff_t pitch, int dst_width,
               int count) {
  HWY_DYNAMIC_DISPATCH(run)
  (layer, rows, src_width, dst, pitch, dst_width, count);
}

}  // namespace fastscnn::int8
#endif
