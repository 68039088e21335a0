// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace fastscnn {

/// Floats, zeroed, aligned for every vector and cache line.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size)
      : data_(static_cast<float *>(
            ::operator new(size * sizeof(float), kAlignment))),
        size_(size) {
    std::memset(data_.get(), 0, size * sizeof(float));
  }

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
