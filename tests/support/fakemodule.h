// SPDX-License-Identifier: LGPL-2.1-or-later
// An engine module for tests of the element: what it "sees" can be computed
// by hand, and it is slow or fails exactly when a test says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "net/engine.h"

namespace fastscnn::testing {

/// The test's hand on a loaded module.
struct FakeControl {
  std::atomic<int> engines{0};  ///< alive
  std::atomic<int> configures{0};
  std::atomic<int> started{0};    ///< frames
  std::atomic<int> segmented{0};  ///< finished ones
  std::atomic<int> resets{0};

  /// Count down at each call; the call that reaches 0 fails.
  std::atomic<int> fail_configure{0};
  std::atomic<int> fail_segment{0};

  std::atomic<int> milliseconds{0};  ///< that an inference takes
  std::atomic<float> smoothing{0};   ///< of the last inference

  /// Inferences wait from now on.
  void hold() {
    std::lock_guard<std::mutex> lock(mutex);
    held = true;
  }
  void release() {
    std::lock_guard<std::mutex> lock(mutex);
    held = false;
    changed.notify_all();
  }
  void pass() {
    started++;
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [this] { return !held; });
  }

  /// As if just loaded.
  void reset() {
    for (auto *n : {&configures, &started, &segmented, &resets, &fail_configure,
                    &fail_segment, &milliseconds})
      *n = 0;
    smoothing = 0;
    release();
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
};

/// A CUDA device of this number does not exist.
constexpr int kNoSuchDevice = 99;

/// What the fake engine makes of a pixel of this mean of R, G, B in 0..1.
inline uint8_t fake_class(float brightness, int classes) {
  int id = static_cast<int>(brightness * static_cast<float>(classes));
  return static_cast<uint8_t>(id < classes ? id : classes - 1);
}
inline uint8_t fake_confidence(float brightness) {
  return static_cast<uint8_t>(brightness * 255.f + 0.5f);
}

/// The frame's pixel that a pixel of the mask is made from, along one axis.
inline int fake_source(int i, int mask_size, int frame_size) {
  return (2 * i + 1) * frame_size / (2 * mask_size);
}

}  // namespace fastscnn::testing

#define FAKE_CONTROL "fastscnn_fake_control"
extern "C" typedef fastscnn::testing::FakeControl *FakeControlGet();
