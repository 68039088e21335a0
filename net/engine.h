// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/error.h"
#include "net/frame.h"
#include "net/model.h"

namespace fastscnn {

class Painter;  // net/painter.h

/// Where work is queued: a CUcontext and a CUstream, or nothing on the CPU.
/// Opaque, so that net/ names no CUDA type.
struct Queue {
  void *context = nullptr;
  void *stream = nullptr;
};

/// What does not change from frame to frame.
struct Config {
  int input_width = 0;  ///< of the network; multiples of 32
  int input_height = 0;
  int mask_width = 0;  ///< of the mask; any size, or 0: the logits' own grid
  int mask_height = 0;
};

/// What may change from frame to frame.
struct Options {
  /// Pixels whose class has a lower softmax probability become kUnknown. 0 is
  /// off and costs nothing.
  float confidence_threshold = 0.f;
  /// Weight of the past in an exponential average of the logits; 0 is off and
  /// costs nothing. The engine starts over when the picture changes abruptly.
  float smoothing = 0.f;
};

constexpr uint8_t kUnknown = 255;

/// What segment() writes: (mask_height, mask_width) bytes.
struct Mask {
  uint8_t *ids = nullptr;         ///< class with the largest interpolated
  int stride = 0;                 ///< logit; the lowest of equal ones
  uint8_t *confidence = nullptr;  ///< its softmax probability times 255,
  int confidence_stride = 0;      ///< rounded; null: not wanted
  Memory memory = Memory::kHost;  ///< that ids and confidence are in
  uint32_t *counts = nullptr;     ///< 256, always in host memory: how many
                                  ///< pixels have each id; null: not wanted
};

/// Segments the frames of one stream. Not thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Builds plans and buffers; slow. May be called again at any time between
  /// frames. Without success the engine stays unusable.
  virtual Result<> configure(const FrameInfo &source, const Config &config) = 0;

  /// Segments one frame: colour conversion, bilinear resize (half-pixel
  /// centres), normalisation, network, interpolation of the logits, argmax.
  /// Returns when the mask is written and the frame no longer needed; allocates
  /// nothing. queue: (nullable) where the contents of the frame are valid.
  virtual Result<> segment(const ConstFrame &frame, const Mask &mask,
                           const Options &options, Queue queue) = 0;

  /// Size of the mask that segment() writes, after configure().
  virtual int mask_width() const = 0;
  virtual int mask_height() const = 0;

  /// Forgets the past that smoothing averages over (after a seek).
  virtual void reset() = 0;
};

/// The device that engines of a Backend run on.
struct Device {
  int id = -1;      ///< CUDA ordinal; -1: the first
  int threads = 0;  ///< CPU workers; 0: one a core
  Queue queue;      ///< CUDA: the context to live in; null: the Backend's own
  /// Told what a person should know although all goes on; null: nobody.
  void (*warn)(const char *sentence) = nullptr;
};

/// What a module offers. Thread-safe. Weights are shared by all engines of
/// one (model, device) in the process, and live as long as any of them.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual const char *name() const = 0;  ///< "cpu", "cuda"

  /// What a user calls the device: "AMD EPYC, 2 threads", "NVIDIA H200".
  virtual Result<std::string> device_name(const Device &device) const = 0;

  virtual Result<std::unique_ptr<Engine>> create_engine(
      std::shared_ptr<const Model> model, const Device &device) = 0;

  /// Paints frames in this backend's memory.
  virtual Result<std::unique_ptr<Painter>> create_painter(
      const Device &device) = 0;
};

/// Raised whenever anything above changes in layout: a module of another
/// version is refused instead of called.
constexpr int kEngineAbi = 3;

}  // namespace fastscnn

/// The one symbol of a module. Returns a Backend that lives as long as the
/// process, or null and writes into why[size] one line that says what is
/// missing.
extern "C" typedef fastscnn::Backend *FastscnnBackendOpen(int abi, char *why,
                                                          size_t size);
#define FASTSCNN_BACKEND_OPEN "fastscnn_backend_open"
