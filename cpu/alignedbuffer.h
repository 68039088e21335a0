// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "net/error.h"

namespace fastscnn {

constexpr size_t kCacheLineBytes = 64;

/// Floats in a cache line. Rows and tensors of floats are padded to it.
constexpr size_t kCacheLine = kCacheLineBytes / sizeof(float);

inline size_t round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// An array of zero-initialised numbers, aligned to cache lines and so for
/// every vector.
template <typename T>
class AlignedArray {
 public:
  /// Allocates `size` numbers; an Error if memory runs out.
  static Result<AlignedArray> create(size_t size) {
    const size_t bytes = size * sizeof(T);
    AlignedArray buffer;
    buffer.data_.reset(
        static_cast<T *>(::operator new(bytes, kAlignment, std::nothrow)));
    if (!buffer.data_)
      return Error{Error::Kind::kDevice,
                   "There is not enough memory for another " +
                       std::to_string((bytes >> 20) + 1) +
                       " MiB; choose a smaller network input"};
    std::memset(buffer.data_.get(), 0, bytes);
    buffer.size_ = size;
    return buffer;
  }

  AlignedArray() = default;

  T *data() { return data_.get(); }
  const T *data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{kCacheLineBytes};

  struct Delete {
    void operator()(T *p) const { ::operator delete(p, kAlignment); }
  };

  std::unique_ptr<T, Delete> data_;
  size_t size_ = 0;
};
using AlignedBuffer = AlignedArray<float>;

}  // namespace fastscnn
