// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/temporalfilter.h"

#include <algorithm>
#include <cmath>

#include "net/scenecut.h"

namespace fastscnn {
namespace {

size_t floats(const Logits &grid) {
  return size_t(grid.height) * grid.classes * grid.pitch;
}

}  // namespace

Result<TemporalFilter> TemporalFilter::create(const Network &network) {
  TemporalFilter filter;
  filter.samples_ =
      FASTSCNN_TRY(AlignedBuffer::create(kSceneGrid * kSceneGrid * 3));
  filter.average_ =
      FASTSCNN_TRY(AlignedBuffer::create(floats(network.logits())));
  return filter;
}

bool TemporalFilter::is_cut(const Network &network) {
  float *last = samples_.data();
  float difference = 0;
  for (int i = 0; i < kSceneGrid; i++) {
    const float *row = network.image_row(scene_sample(i, network.height()));
    for (int j = 0; j < kSceneGrid; j++) {
      const float *pixel = row + scene_sample(j, network.width()) * 3;
      for (int c = 0; c < 3; c++, last++) {
        difference += std::abs(pixel[c] - *last);
        *last = pixel[c];
      }
    }
  }
  return difference > kSceneCut * samples_.size();
}

const float *TemporalFilter::add(const Network &network, float smoothing) {
  const Logits logits = network.logits();
  const size_t n = floats(logits);
  float *average = average_.data();
  const bool cut = is_cut(network);
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
