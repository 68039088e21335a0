// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn {

/// Two consecutive network inputs are a scene cut, at which smoothing restarts,
/// if the mean absolute difference of their normalised R, G and B at kSceneGrid
/// x kSceneGrid points exceeds this. Measured: at most 0.36 between frames of a
/// fast drive at 15 fps, at least 0.53 between that drive and other streets.
constexpr float kSceneCut = 0.45f;

constexpr int kSceneGrid = 32;

/// The row (or column) of grid point i in an input of `size` rows (or columns).
constexpr int scene_sample(int i, int size) {
  return (2 * i + 1) * size / (2 * kSceneGrid);
}

}  // namespace fastscnn
