// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>

#include "net/error.h"

namespace fastscnn::cuda {

/// A CUcontext: of gst-cuda, which keeps it alive, or the primary one of a
/// device, which lives as long as this.
class Context {
 public:
  /// An Error says whether driver or device is missing.
  static Result<std::shared_ptr<const Context>> primary(int device);
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

/// A context is the current one of this thread as long as this lives.
class Current {
 public:
  static Result<Current> enter(const Context &context);

  Current(Current &&other) noexcept
      : entered_(std::exchange(other.entered_, false)) {}
  ~Current();

 private:
  Current() = default;

  bool entered_ = true;
};

/// One sentence if this machine cannot run the engine: no driver, too old a
/// driver, no GPU, or none that is new enough.
Result<> check_machine();

}  // namespace fastscnn::cuda
