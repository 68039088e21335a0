// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "net/engine.h"
#include "net/error.h"
#include "net/model.h"

namespace fastscnn {

class Painter;  // net/painter.h

/// The arithmetic of a network.
enum class Precision {
  kAuto,  ///< fp16 on GPUs; on CPUs int8 if the model has activation scales and
          ///< it is faster on the processor, otherwise fp32
  kFp32,
  kInt8,
};

/// The device and the settings of an engine or painter.
struct Device {
  int id = -1;      ///< CUDA device ordinal; -1: the first
  int threads = 0;  ///< CPU threads; 0: one per core
  Queue queue;      ///< CUDA context to use; null: one of the backend's own
  Precision precision = Precision::kAuto;  ///< of engines
  /// Nullable: called with a sentence about each problem that does not stop
  /// work.
  void (*warn)(const char *sentence) = nullptr;
};

/// The engines and painters of a module. Thread-safe. Engines of the same
/// model, device and precision share weights, which live as long as any of
/// those engines.
class Backend {
 public:
  virtual ~Backend() = default;

  /// "cpu" or "cuda".
  virtual const char *name() const = 0;

  /// Human-readable, such as "AMD EPYC, 2 threads" or "NVIDIA H200". An Error
  /// if the device does not exist.
  virtual Result<std::string> device_name(const Device &device) const = 0;

  /// An Error if the backend or the model does not support device.precision.
  virtual Result<std::unique_ptr<Engine>> create_engine(
      std::shared_ptr<const Model> model, const Device &device) = 0;

  virtual Result<std::unique_ptr<Painter>> create_painter(
      const Device &device) = 0;

  // The results of these two may outlive all engines and the context in
  // `queue`, and may be released on any thread. Both functions are slow.

  /// Pinned host memory, or null.
  virtual std::shared_ptr<void> allocate_host_memory(const Device &, size_t) {
    return nullptr;
  }

  /// Pins host memory of the caller for as long as the result lives; release it
  /// before freeing or unmapping the memory. Null if the memory is pinned
  /// already or cannot be pinned.
  virtual std::shared_ptr<void> register_host_memory(const Device &, void *,
                                                     size_t) {
    return nullptr;
  }
};

/// Increase whenever a type that crosses the module boundary changes; modules
/// of another version are refused.
constexpr int kEngineAbi = 8;

}  // namespace fastscnn

/// The only exported symbol of a module. Returns a Backend that lives as long
/// as the process; or null, with one line in why[size] that says what is
/// missing.
extern "C" typedef fastscnn::Backend *FastscnnBackendOpen(int abi, char *why,
                                                          size_t size);
#define FASTSCNN_BACKEND_OPEN "fastscnn_backend_open"
