// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/temporalfilter.h"

#include <algorithm>
#include <cmath>

namespace fastscnn {
namespace {

size_t floats(const Logits &grid) {
  return size_t(grid.height) * grid.classes * grid.pitch;
}

}  // namespace

Result<TemporalFilter> TemporalFilter::create(const Logits &logits) {
  TemporalFilter filter;
  for (AlignedBuffer *samples : {&filter.samples_, &filter.last_samples_})
    *samples = FASTSCNN_TRY(AlignedBuffer::create(kSceneGrid * kSceneGrid * 3));
  filter.average_ = FASTSCNN_TRY(AlignedBuffer::create(floats(logits)));
  return filter;
}

bool TemporalFilter::is_cut() {
  float difference = 0;
  for (size_t i = 0; i < samples_.size(); i++) {
    difference += std::abs(samples_.data()[i] - last_samples_.data()[i]);
    last_samples_.data()[i] = samples_.data()[i];
  }
  return difference > kSceneCut * samples_.size();
}

const float *TemporalFilter::add(const Logits &logits, float smoothing) {
  const size_t n = floats(logits);
  float *average = average_.data();
  const bool cut = is_cut();
  if (cut || empty_) {
    std::copy_n(logits.data, n, average);
    empty_ = false;
  } else {
    for (size_t i = 0; i < n; i++)
      average[i] = logits.data[i] + smoothing * (average[i] - logits.data[i]);
  }
  return average;
}

}  // namespace fastscnn
