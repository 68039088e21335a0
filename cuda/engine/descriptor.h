// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#define NV_CUDNN_DISABLE_EXCEPTION
#include <cudnn.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "net/error.h"

/// cuDNN's backend API. Only this file includes cuDNN's headers.
namespace fastscnn::cuda {

/// The functions of libcudnn that the engine uses. They are resolved at run
/// time, so that the module loads without cuDNN and can report that it is
/// missing.
struct Library {
  decltype(&cudnnGetVersion) get_version;
  decltype(&cudnnGetErrorString) get_error_string;
  decltype(&cudnnGetLastErrorString) get_last_error_string;
  decltype(&cudnnCreate) create;
  decltype(&cudnnDestroy) destroy;
  decltype(&cudnnSetStream) set_stream;
  decltype(&cudnnBackendCreateDescriptor) create_descriptor;
  decltype(&cudnnBackendDestroyDescriptor) destroy_descriptor;
  decltype(&cudnnBackendSetAttribute) set_attribute;
  decltype(&cudnnBackendGetAttribute) get_attribute;
  decltype(&cudnnBackendFinalize) finalize;
  decltype(&cudnnBackendExecute) execute;
};

/// Stays open until the process ends: cuDNN cannot be unloaded safely.
const Result<Library> &opened_library();

/// Only for code that has a Cudnn, which proves that the library was opened.
inline const Library &library() { return *opened_library(); }

/// An Error with cuDNN's message unless the command succeeded.
Result<> check_cudnn(const char *command, cudnnStatus_t status);
#define CHECK_CUDNN(command) ::fastscnn::cuda::check_cudnn(#command, (command))
#define TRY_CUDNN(command) FASTSCNN_TRY(CHECK_CUDNN(command))

/// A backend descriptor. After the first failure, its own or of a descriptor
/// that it refers to, calls do nothing; status() holds the Error.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type)
      : status_(CHECK_CUDNN(library().create_descriptor(type, &descriptor_))) {}
  Descriptor(Descriptor &&other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)),
        status_(std::move(other.status_)) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(status_, other.status_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_) library().destroy_descriptor(descriptor_);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  template <typename T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           const T *values, int64_t count) {
    if (status_)
      status_ = CHECK_CUDNN(
          library().set_attribute(descriptor_, name, type, count, values));
  }
  template <typename T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           T value) {
    set(name, type, &value, 1);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor &other) {
    depend_on(other);
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other.get());
  }
  void set(cudnnBackendAttributeName_t name,
           const std::vector<Descriptor> &others) {
    std::vector<cudnnBackendDescriptor_t> raw;
    for (const Descriptor &d : others) {
      depend_on(d);
      raw.push_back(d.get());
    }
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.data(), raw.size());
  }

  void finalize() {
    if (status_) status_ = CHECK_CUDNN(library().finalize(descriptor_));
  }

  const Result<> &status() const { return status_; }

  /// Reads at most `room` values; returns how many there are.
  template <typename T>
  Result<int64_t> get(cudnnBackendAttributeName_t name,
                      cudnnBackendAttributeType_t type, T *values,
                      int64_t room) const {
    FASTSCNN_TRY(status_);
    int64_t count = 0;
    TRY_CUDNN(
        library().get_attribute(descriptor_, name, type, room, &count, values));
    return count;
  }

 private:
  void depend_on(const Descriptor &other) {
    if (status_) status_ = other.status_;
  }

  cudnnBackendDescriptor_t descriptor_ = nullptr;
  Result<> status_;
};

}  // namespace fastscnn::cuda
