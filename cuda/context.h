// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

namespace fastscnn::cuda {

/// A CUcontext: of gst-cuda, which keeps it alive, or the primary one of a
/// device, which lives as long as this.
class Context {
 public:
  /// Throws Error that says whether driver or device is missing.
  static std::shared_ptr<const Context> primary(int device);
  static std::shared_ptr<const Context> borrow(void *handle);

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

/// Makes a context the current one of this thread for a scope.
class Current {
 public:
  explicit Current(const Context &context);
  ~Current();
  Current(const Current &) = delete;
};

/// Throws Error with one sentence if this machine cannot run the engine: no
/// driver, too old a driver, no GPU, or none that is new enough.
void check_machine();

/// Throws Error unless there is such a device and it is new enough.
void check_device(int device);

}  // namespace fastscnn::cuda
