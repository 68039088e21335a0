// SPDX-License-Identifier: LGPL-2.1-or-later
// An engine module for tests of the element. Tests can compute its masks, and
// decide when it is slow or fails.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "net/backend.h"

namespace fastscnn::testing {

/// Controls a loaded module.
struct FakeControl {
  std::atomic<int> engines{0};  ///< alive
  std::atomic<int> configures{0};
  std::atomic<int> started{0};    ///< inferences
  std::atomic<int> segmented{0};  ///< finished inferences
  std::atomic<int> resets{0};

  /// Counted down by each call; the call that reaches 0 fails.
  std::atomic<int> fail_configure{0};
  std::atomic<int> fail_segment{0};

  std::atomic<int> host_memory{0};  ///< allocated blocks, alive
  std::atomic<int> registered{0};   ///< registered blocks, alive
  std::atomic<int> registrations{0};
  std::atomic<bool> no_host_memory{false};

  std::atomic<int> milliseconds{0};  ///< duration of an inference
  std::atomic<float> smoothing{0};   ///< of the last inference

  /// Makes inferences wait for release().
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

  /// Makes configure() wait for release_configure().
  void hold_configure() {
    std::lock_guard<std::mutex> lock(mutex);
    configure_held = true;
  }
  void release_configure() {
    std::lock_guard<std::mutex> lock(mutex);
    configure_held = false;
    changed.notify_all();
  }
  void pass_configure() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [this] { return !configure_held; });
  }

  /// Restores the initial state.
  void reset() {
    for (auto *n : {&configures, &started, &segmented, &resets, &fail_configure,
                    &fail_segment, &registrations, &milliseconds})
      *n = 0;
    smoothing = 0;
    no_host_memory = false;
    release();
    release_configure();
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  bool configure_held = false;
};

/// The fake CUDA backend has no device of this number.
constexpr int kNoSuchDevice = 99;

/// The class and confidence of a pixel, from the mean of R, G and B, 0 to 1.
inline uint8_t fake_class(float brightness, int classes) {
  int id = static_cast<int>(brightness * static_cast<float>(classes));
  return static_cast<uint8_t>(id < classes ? id : classes - 1);
}
inline uint8_t fake_confidence(float brightness) {
  return static_cast<uint8_t>(brightness * 255.f + 0.5f);
}

/// The frame pixel from which the engine makes mask pixel i, along one axis.
inline int fake_source(int i, int mask_size, int frame_size) {
  return (2 * i + 1) * frame_size / (2 * mask_size);
}

}  // namespace fastscnn::testing

#define FAKE_CONTROL "fastscnn_fake_control"
extern "C" typedef fastscnn::testing::FakeControl *FakeControlGet();
