// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn {

/// A scene cut: temporal smoothing starts over when the mean absolute
/// difference between two consecutive network inputs (normalised R, G and B),
/// sampled at kSceneGrid x kSceneGrid points, exceeds this. Measured: at most
/// 0.36 from frame to frame of a fast drive at 15 frames a second, at least
/// 0.53 between that drive and other streets.
constexpr float kSceneCut = 0.45f;

constexpr int kSceneGrid = 32;

/// The row (column) of the i-th sample of an input of `size` rows (columns).
constexpr int scene_sample(int i, int size) {
  return (2 * i + 1) * size / (2 * kSceneGrid);
}

}  // namespace fastscnn
