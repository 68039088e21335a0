// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

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

/// Makes a context the current one of this thread for a scope.
class Current {
 public:
  explicit Current(const Context &context);
  ~Current();
  Current(const Current &) = delete;
};

/// One sentence if this machine cannot run the engine: no driver, too old a
/// driver, no GPU, or none that is new enough.
Result<> check_machine();

}  // namespace fastscnn::cuda
