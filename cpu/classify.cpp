// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/classify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "net/engine.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/classify.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

using Bytes = hn::Rebind<uint8_t, Ints>;

/// The logits of kLanes neighbouring outputs. Two ways to fetch them: from
/// anywhere, or from one vector that holds them all.
template <bool kClose>
class Sampler {
 public:
  HWY_INLINE Sampler(const Classify::Columns &columns, int x)
      : base_(kClose ? columns.first[x] : 0),
        first_(index(columns.first, x)),
        second_(index(columns.second, x)),
        weight_(hn::LoadU(Tag(), columns.weight.data() + x)) {}

  HWY_INLINE Vector operator()(const float *row) const {
    const Tag d;
    Vector a, b;
    if constexpr (kClose) {
      const Vector near = hn::LoadU(d, row + base_);
      a = hn::TableLookupLanes(near, hn::IndicesFromVec(d, first_));
      b = hn::TableLookupLanes(near, hn::IndicesFromVec(d, second_));
    } else {
      a = hn::GatherIndex(d, row, first_);
      b = hn::GatherIndex(d, row, second_);
    }
    return hn::MulAdd(hn::Sub(b, a), weight_, a);
  }

 private:
  HWY_INLINE hn::Vec<Ints> index(const std::vector<int32_t> &all, int x) const {
    const Ints di;
    return hn::Sub(hn::LoadU(di, all.data() + x), hn::Set(di, base_));
  }

  int32_t base_;
  hn::Vec<Ints> first_, second_;
  Vector weight_;
};

HWY_INLINE void store(hn::Vec<Ints> values, int count, uint8_t *dst) {
  const Bytes d;
  const auto bytes = hn::DemoteTo(d, values);
  if (count >= int(kLanes)) {
    hn::StoreU(bytes, d, dst);
    return;
  }
  uint8_t all[kLanes];
  hn::StoreU(bytes, d, all);
  std::copy_n(all, count, dst);
}

template <bool kClose, bool kProbability>
HWY_INLINE void find_classes(const Classify::Columns &columns,
                             const float *rows, int classes, int pitch,
                             int width, float threshold, uint8_t *ids,
                             uint8_t *confidence) {
  const Tag d;
  const Ints di;
  HWY_ALIGN float values[kMaxClasses * kLanes];
  for (int x = 0; x < width; x += kLanes) {
    const Sampler<kClose> sample(columns, x);
    Vector best = sample(rows);
    hn::Vec<Ints> id = hn::Zero(di);
    if (kProbability) hn::Store(best, d, values);
    for (int c = 1; c < classes; c++) {
      const Vector v = sample(rows + c * pitch);
      if (kProbability) hn::Store(v, d, values + c * kLanes);
      const auto larger = hn::Gt(v, best);
      best = hn::IfThenElse(larger, v, best);
      id = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, c), id);
    }
    if (kProbability) {
      Vector sum = hn::Zero(d);
      for (int c = 0; c < classes; c++)
        sum = hn::Add(
            sum, hn::Exp(d, hn::Sub(hn::Load(d, values + c * kLanes), best)));
      const Vector probability = hn::Div(hn::Set(d, 1.0f), sum);
      const auto unsure = hn::Lt(probability, hn::Set(d, threshold));
      id =
          hn::IfThenElse(hn::RebindMask(di, unsure), hn::Set(di, kUnknown), id);
      if (confidence)
        store(hn::NearestInt(hn::Mul(probability, hn::Set(d, 255.0f))),
              width - x, confidence + x);
    }
    store(id, width - x, ids + x);
  }
}

void run(const Classify::Columns &columns, const float *top,
         const float *bottom, float weight, int classes, int pitch, int width,
         float threshold, float *scratch, uint8_t *ids, uint8_t *confidence) {
  const Tag d;
  const float *rows = top;
  if (weight != 0) {
    const Vector w = hn::Set(d, weight);
    for (int i = 0; i < classes * pitch; i += kLanes) {
      const Vector a = hn::Load(d, top + i);
      hn::Store(hn::MulAdd(hn::Sub(hn::Load(d, bottom + i), a), w, a), d,
                scratch + i);
    }
    rows = scratch;
  }
  const bool probability = confidence || threshold > 0;
  auto find = columns.close ? probability ? find_classes<true, true>
                                          : find_classes<true, false>
              : probability ? find_classes<false, true>
                            : find_classes<false, false>;
  find(columns, rows, classes, pitch, width, threshold, ids, confidence);
}

size_t lanes() { return kLanes; }

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {
namespace {

HWY_EXPORT(run);
HWY_EXPORT(lanes);

}  // namespace

Classify::Classify(const Logits &grid, int width, int height,
                   bool align_corners)
    : grid_(grid),
      width_(width),
      scratch_size_(size_t(grid.classes) * grid.pitch),
      rows_(bilinear_taps(grid.height, height, align_corners)) {
  std::vector<Tap> taps = bilinear_taps(grid.width, width, align_corners);
  const size_t lanes = HWY_DYNAMIC_DISPATCH(lanes)();
  // A last vector that is not full repeats the last column.
  while (taps.size() % lanes) taps.push_back(taps.back());
  columns_.close = true;
  for (size_t x = 0; x < taps.size(); x++) {
    columns_.first.push_back(taps[x].first);
    columns_.second.push_back(taps[x].second);
    columns_.weight.push_back(taps[x].weight);
    const int base = taps[x / lanes * lanes].first;
    if (taps[x].second - base >= int(lanes) || base + int(lanes) > grid.pitch)
      columns_.close = false;
  }
}

void Classify::row(const float *logits, int y, float threshold, float *scratch,
                   uint8_t *ids, uint8_t *confidence) const {
  const Tap &t = rows_[y];
  const size_t row = size_t(grid_.classes) * grid_.pitch;
  HWY_DYNAMIC_DISPATCH(run)
  (columns_, logits + t.first * row, logits + t.second * row, t.weight,
   grid_.classes, grid_.pitch, width_, threshold, scratch, ids, confidence);
}

}  // namespace fastscnn
#endif
