// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "net/error.h"

namespace fastscnn {

/// Floats in a cache line. Rows and tensors are padded to it.
constexpr size_t kCacheLine = 16;

inline size_t round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Zero-initialised floats, aligned for cache lines and every vector.
class AlignedBuffer {
 public:
  /// `size` floats; an Error if memory runs out.
  static Result<AlignedBuffer> create(size_t size) {
    const size_t bytes = size * sizeof(float);
    AlignedBuffer buffer;
    buffer.data_.reset(
        static_cast<float *>(::operator new(bytes, kAlignment, std::nothrow)));
    if (!buffer.data_)
      return Error{Error::Kind::kDevice,
                   "There is not enough memory for another " +
                       std::to_string((bytes >> 20) + 1) +
                       " MiB; choose a smaller network input"};
    std::memset(buffer.data_.get(), 0, bytes);
    buffer.size_ = size;
    return buffer;
  }

  AlignedBuffer() = default;

  float *data() { return data_.get(); }
  const float *data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{kCacheLine * sizeof(float)};

  struct Delete {
    void operator()(float *p) const { ::operator delete(p, kAlignment); }
  };

  std::unique_ptr<float, Delete> data_;
  size_t size_ = 0;
};

}  // namespace fastscnn
