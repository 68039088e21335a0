// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "net/error.h"

namespace fastscnn {

/// Floats, zeroed, aligned for every vector and cache line.
class Buffer {
 public:
  /// An Error if there is not so much memory.
  static Result<Buffer> create(size_t size) {
    const size_t bytes = size * sizeof(float);
    Buffer buffer;
    buffer.data_.reset(
        static_cast<float *>(::operator new(bytes, kAlignment, std::nothrow)));
    if (!buffer.data_)
      return Error{
          Error::Kind::kDevice,
          "There is not enough memory: " + std::to_string((bytes >> 20) + 1) +
              " MiB more are needed; choose a smaller network input"};
    std::memset(buffer.data_.get(), 0, bytes);
    buffer.size_ = size;
    return buffer;
  }

  Buffer() = default;

  float *data() { return data_.get(); }
  const float *data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};

  struct Delete {
    void operator()(float *p) const { ::operator delete(p, kAlignment); }
  };

  std::unique_ptr<float, Delete> data_;
  size_t size_ = 0;
};

/// Buffer in a cache line: what rows and pixels are padded to.
constexpr size_t kLine = 16;

inline size_t round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

}  // namespace fastscnn
