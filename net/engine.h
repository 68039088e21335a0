// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include "net/error.h"
#include "net/frame.h"

namespace fastscnn {

/// A CUcontext and a CUstream, opaque to net/; null on the CPU.
struct Queue {
  void *context = nullptr;
  void *stream = nullptr;
};

/// Settings that need configure().
struct Config {
  int input_width = 0;   ///< network input, in pixels: multiples of
  int input_height = 0;  ///< kSizeMultiple, 32 to kMaxInputSize
  int mask_width = 0;    ///< mask, in pixels: any size from 1 on;
  int mask_height = 0;   ///< 0: the size of the logits
  bool fused = true;  ///< CUDA: blocks of the network may run as single kernels
                      ///< where these are faster
};

/// Settings that may change with every frame. The defaults cost nothing.
struct Options {
  /// Pixels whose class has a lower softmax probability, 0..1, become kUnknown.
  float confidence_threshold = 0.f;
  /// Weight of the past, from 0 to below 1, in an exponential average of the
  /// logits, which restarts at scene cuts (net/scenecut.h).
  float smoothing = 0.f;
  /// Whether the calling thread sleeps while a GPU works. Otherwise it spins,
  /// which occupies a core but notices the end sooner.
  bool sleeps = false;
};

/// The mask value of a pixel without a class.
constexpr uint8_t kUnknown = 255;

/// The largest number of areas of a mask.
constexpr int kMaxAreas = 256;

/// The memory to which segment() writes its results. The caller owns it.
struct Mask {
  /// (mask_height, mask_width): the class with the largest interpolated logit;
  /// the lowest of these classes if several are equal.
  uint8_t *ids = nullptr;
  int stride = 0;  ///< bytes from a row of ids to the next
  /// Nullable, (mask_height, mask_width): the softmax probability of that class
  /// times 255, rounded.
  uint8_t *confidence = nullptr;
  int confidence_stride = 0;
  Memory memory = Memory::kHost;  ///< of ids and confidence
  /// Nullable, (areas, 256), always in host memory: how many pixels of each
  /// area have each id.
  uint32_t *counts = nullptr;
};

/// Segments the frames of one stream. Not thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Prepares for frames of this description: plans, buffers, kernels. Slow.
  /// Callable again between frames. After an Error the engine must be
  /// configured again before it can segment.
  virtual Result<> configure(const FrameInfo &source, const Config &config) = 0;

  /// Segments one frame: colour conversion, bilinear resize, normalisation,
  /// network, bilinear interpolation of the logits to the size of the mask,
  /// argmax. Blocks until the mask is written and the frame is no longer
  /// needed; keeps no pointer. Allocates nothing. queue: the queue of earlier
  /// work on the frame and the mask; null if that has finished.
  virtual Result<> segment(const ConstFrame &frame, const Mask &mask,
                           const Options &options, Queue queue) = 0;

  /// Divides the mask into areas, whose pixels segment() counts separately:
  /// `areas`, (mask_height, mask_width) in host memory, holds values below n
  /// and is copied; n is 1 to kMaxAreas. Slow. configure() makes the whole mask
  /// one area.
  virtual Result<> set_areas(const uint8_t *areas, int n) = 0;

  /// Size of the mask in pixels; 0 before configure().
  virtual int mask_width() const = 0;
  virtual int mask_height() const = 0;

  /// The blocks of the network that run as single kernels, by name, separated
  /// by spaces. Empty before configure().
  virtual std::string fused_blocks() const { return ""; }

  /// Restarts smoothing with the next frame. Call after a seek.
  virtual void reset() = 0;

  /// Human-readable arithmetic of the network: "fp32", "int8 (AMX)".
  virtual const char *precision() const = 0;
};

}  // namespace fastscnn
