// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>

#include "net/engine.h"
#include "net/error.h"

namespace fastscnn::cuda {

/// A CUDA context (CUcontext).
class Context {
 public:
  /// Retains the primary context of a device for the lifetime of the object.
  /// The Error says what is missing, the driver or the device.
  static Result<std::shared_ptr<const Context>> primary(int device);

  /// Wraps the context of gst-cuda, which the caller keeps alive.
  static Result<std::shared_ptr<const Context>> borrow(void *handle);

  ~Context();
  Context(const Context &) = delete;

  void *handle() const { return handle_; }
  int device() const { return device_; }  ///< ordinal

 private:
  Context(void *handle, int device, bool owned)
      : handle_(handle), device_(device), owned_(owned) {}

  void *handle_;
  int device_;
  bool owned_;
};

/// Makes a context the current one of this thread for the lifetime of the
/// object.
class ContextGuard {
 public:
  /// An Error if queue names another context.
  static Result<ContextGuard> enter(const Context &context,
                                    const Queue &queue = {});

  ContextGuard(ContextGuard &&other) noexcept
      : entered_(std::exchange(other.entered_, false)) {}
  ~ContextGuard();

 private:
  ContextGuard() = default;

  bool entered_ = true;
};

/// The compute capability of a device, times ten.
Result<int> compute_capability(int device);

/// An Error if this machine cannot run the engine: there is no driver, it is
/// too old, or there is no GPU of compute capability 7.5 or newer.
Result<> check_machine();

}  // namespace fastscnn::cuda
