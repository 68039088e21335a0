// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/preprocess.h"

#include <algorithm>
#include <cmath>

#include "cpu/engine/componenttaps.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/int8/preprocess.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

/// Interpolates the samples of a plane's row to one row of words per component.
/// kStride: bytes from a sample of a component to the next.
template <int kStride>
void lerp_rows(const Preprocess::Rows &rows, const uint8_t *top,
               const uint8_t *bottom, int weight, int16_t *scratch) {
  const Words d;
  const WordBytes d8;
  const WordVector w = hn::Set(d, int16_t(16 * weight));
  int i = 0;
  // Interleaved loads read whole pixels, which may extend beyond the last
  // component: leave the last samples to the loop below.
  for (; i + kWordLanes < rows.samples; i += kWordLanes) {
    hn::Vec<WordBytes> a[4], b[4];
    const uint8_t *t = top + i * kStride, *u = bottom + i * kStride;
    if constexpr (kStride == 1) {
      a[0] = hn::LoadU(d8, t);
      b[0] = hn::LoadU(d8, u);
    } else if constexpr (kStride == 2) {
      hn::LoadInterleaved2(d8, t, a[0], a[1]);
      hn::LoadInterleaved2(d8, u, b[0], b[1]);
    } else if constexpr (kStride == 3) {
      hn::LoadInterleaved3(d8, t, a[0], a[1], a[2]);
      hn::LoadInterleaved3(d8, u, b[0], b[1], b[2]);
    } else {
      hn::LoadInterleaved4(d8, t, a[0], a[1], a[2], a[3]);
      hn::LoadInterleaved4(d8, u, b[0], b[1], b[2], b[3]);
    }
    for (int k = 0; k < kStride; k++)
      if (rows.begin[k] >= 0)
        hn::StoreU(lerp(to_words(a[k]), to_words(b[k]), w), d,
                   scratch + rows.begin[k] + i);
  }
  for (; i < rows.samples; i++)
    for (int k = 0; k < kStride; k++)
      if (rows.begin[k] >= 0) {
        const int a = top[i * kStride + k], b = bottom[i * kStride + k];
        scratch[rows.begin[k] + i] =
            static_cast<int16_t>(128 * a + (((b - a) * weight + 8) >> 4));
      }
}

/// Interpolates a row of words to the columns of the result.
void lerp_columns(const Preprocess::Columns &columns, const int16_t *row,
                  int width, int16_t *dst) {
#if HWY_TARGET != HWY_SCALAR
  if (!columns.shuffle.empty()) {
    constexpr int kGroup = Preprocess::kGroup;
    const hn::FixedTag<int16_t, kGroup> d;
    const hn::Repartition<uint8_t, decltype(d)> d8;
    const uint8_t *shuffle = columns.shuffle.data();
    for (int x = 0; x < width; x += kGroup, shuffle += 64) {
      const int16_t *from = row + columns.window[x / kGroup];
      const auto near = hn::BitCast(d8, hn::LoadU(d, from));
      const auto far = hn::BitCast(d8, hn::LoadU(d, from + kGroup));
      auto pick = [&](const uint8_t *bytes) HWY_ATTR {
        return hn::BitCast(
            d, hn::Or(hn::TableLookupBytesOr0(near, hn::LoadU(d8, bytes)),
                      hn::TableLookupBytesOr0(far, hn::LoadU(d8, bytes + 16))));
      };
      const auto first = pick(shuffle);
      const auto more =
          hn::MulFixedPoint15(hn::Sub(pick(shuffle + 32), first),
                              hn::LoadU(d, columns.weight.data() + x));
      hn::StoreU(hn::Add(first, more), d, dst + x);
    }
    return;
  }
#endif
  for (int x = 0; x < width; x++) {
    const int a = row[columns.first[x]], b = row[columns.second[x]];
    const int weight = columns.weight[x];
    dst[x] = static_cast<int16_t>(a + (((b - a) * weight + (1 << 14)) >> 15));
  }
}

/// Converts rows of words, `width` apart, to RGB.
void convert(const Preprocess::Color &color, int components,
             const int16_t *words, int width, uint8_t *dst) {
  const Words d;
  for (int x = 0; x < width; x += kWordLanes) {
    hn::Vec<WordBytes> rgb[3];
    for (int i = 0; i < 3; i++) {
      WordVector sum = hn::Set(d, color.offset[i]);
      for (int c = 0; c < components; c++)
        sum = hn::SaturatedAdd(
            sum, hn::MulFixedPoint15(hn::LoadU(d, words + c * width + x),
                                     hn::Set(d, color.matrix[i][c])));
      sum = hn::ShiftRight<5>(hn::SaturatedAdd(sum, hn::Set(d, 16)));
      rgb[i] = hn::DemoteTo(WordBytes(), sum);
    }
    hn::StoreInterleaved3(rgb[0], rgb[1], rgb[2], WordBytes(), dst + 3 * x);
  }
}

void run(const Preprocess::Columns *columns, const Preprocess::Color &color,
         int components, int16_t *scratch, int width, uint8_t *dst) {
  for (int c = 0; c < components; c++)
    lerp_columns(columns[c], scratch + columns[c].begin, width,
                 scratch + c * width);
  convert(color, components, scratch, width, dst);
}

void interpolate_rows(const Preprocess::Rows &rows, const uint8_t *top,
                      const uint8_t *bottom, int weight, int16_t *scratch) {
  const auto lerp_all = rows.stride == 1   ? lerp_rows<1>
                        : rows.stride == 2 ? lerp_rows<2>
                        : rows.stride == 3 ? lerp_rows<3>
                                           : lerp_rows<4>;
  lerp_all(rows, top, bottom, weight, scratch);
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {
namespace {

HWY_EXPORT(interpolate_rows);
HWY_EXPORT(run);

/// Words after the end of a row that a window may reach.
constexpr int kSlack = 2 * Preprocess::kGroup;

int16_t to_step(double value, double steps) {
  return static_cast<int16_t>(
      std::clamp(std::nearbyint(value * steps), -32768.0, 32767.0));
}

/// Fills window and shuffle, unless the inputs of neighbouring outputs are too
/// far apart.
void find_windows(Preprocess::Columns *columns) {
  constexpr int kGroup = Preprocess::kGroup;
  const int width = static_cast<int>(columns->first.size());
  for (int x = 0; x < width; x += kGroup)
    if (columns->second[x + kGroup - 1] - columns->first[x] >= 2 * kGroup)
      return;
  for (int x = 0; x < width; x += kGroup) {
    const int window = columns->first[x];
    columns->window.push_back(window);
    for (const std::vector<int32_t> *taps : {&columns->first, &columns->second})
      for (int half = 0; half < 2; half++)
        for (int i = 0; i < 2 * kGroup; i++) {
          const int byte =
              2 * ((*taps)[x + i / 2] - window) + i % 2 - half * 2 * kGroup;
          const bool here = byte >= 0 && byte < 2 * kGroup;
          columns->shuffle.push_back(here ? static_cast<uint8_t>(byte) : 0x80);
        }
  }
}

}  // namespace

Preprocess::Preprocess(const FrameInfo &info, int width, int height)
    : width_(width), components_(info.components) {
  scratch_size_ = size_t(3) * width;
  for (int c = 0; c < info.components; c++) {
    const Component &k = info.component[c];
    const int samples = component_width(info, c);
    const int first = k.offset / k.pixel_stride * k.pixel_stride;
    auto rows = std::find_if(rows_.begin(), rows_.end(), [&](const Rows &r) {
      return r.plane == k.plane && r.offset == first &&
             r.stride == k.pixel_stride && r.samples == samples;
    });
    if (rows == rows_.end())
      rows = rows_.insert(rows, {k.plane,
                                 first,
                                 k.pixel_stride,
                                 samples,
                                 to_fixed(component_rows(info, c, height)),
                                 {-1, -1, -1, -1}});
    rows->begin[k.offset - first] = scratch_size_;

    Columns &columns = columns_[c];
    columns.begin = scratch_size_;
    for (const FixedTap &t : to_fixed(component_columns(info, c, width))) {
      columns.first.push_back(t.first);
      columns.second.push_back(t.second);
      columns.weight.push_back(static_cast<int16_t>(16 * t.weight));
    }
    find_windows(&columns);
    scratch_size_ += samples + kSlack;
  }
  for (int i = 0; i < 3; i++) {
    for (int c = 0; c < 3; c++)
      color_.matrix[i][c] = to_step(info.to_rgb.matrix[i][c], 1 << 13);
    color_.offset[i] = to_step(info.to_rgb.offset[i] * 255.0, 1 << 5);
  }
}

void Preprocess::row(const ConstFrame &src, int y, int16_t *scratch,
                     uint8_t *dst) const {
  for (const Rows &rows : rows_) {
    const FixedTap &t = rows.taps[y];
    const uint8_t *plane = src.data[rows.plane] + rows.offset;
    const ptrdiff_t stride = src.stride[rows.plane];
    HWY_DYNAMIC_DISPATCH(interpolate_rows)
    (rows, plane + t.first * stride, plane + t.second * stride, t.weight,
     scratch);
  }
  HWY_DYNAMIC_DISPATCH(run)
  (columns_, color_, components_, scratch, width_, dst);
}

}  // namespace fastscnn::int8
#endif
