// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "cuda/engine/cudnn.h"
#include "cuda/engine/kernels/image.h"
#include "cuda/vector.h"
#include "net/fastscnn.h"
#include "tests/support/reference.h"

/// Runs the code of kernels on the CPU: in each phase, one thread after the
/// other.
namespace fastscnn::cuda::emulator {

template <typename Kernel>
void items(const Kernel &kernel) {
  // Backwards: items must not depend on their order.
  for (int item = kernel.items() - 1; item >= 0; item--) kernel(item);
}

template <typename Kernel>
void blocks(const Kernel &kernel) {
  for (int block = 0; block < kernel.blocks(); block++) {
    auto shared = std::make_unique<typename Kernel::Shared>();
    for (int phase = 0; phase < Kernel::kPhases; phase++)
      for (int t = Kernel::kThreads - 1; t >= 0; t--)
        kernel(phase, block, t, *shared);
  }
}

/// Memory aligned like a device's and filled with NaN. It has exactly the size
/// that was asked for, so that the address sanitizer detects accesses outside.
template <typename T>
class Array {
 public:
  explicit Array(size_t count)
      : count_(count),
        data_(static_cast<T *>(
            ::operator new(count * sizeof(T), std::align_val_t(256)))) {
    std::fill_n(reinterpret_cast<uint8_t *>(data_), count * sizeof(T), 0xff);
  }
  ~Array() { ::operator delete(data_, std::align_val_t(256)); }
  Array(Array &&other) noexcept
      : count_(other.count_), data_(std::exchange(other.data_, nullptr)) {}
  Array(const Array &) = delete;

  T *get() const { return data_; }
  size_t size() const { return count_; }

 private:
  size_t count_;
  T *data_;
};

/// Converts (C, H, W) in floats to (H, W, padded C); separate() converts back.
template <typename T>
std::unique_ptr<Array<T>> interleave(const reference::Tensor &tensor,
                                     float padding = 0.f) {
  const int channels = pad_channels(tensor.channels);
  auto memory = std::make_unique<Array<T>>(size_t(channels) * tensor.height *
                                           tensor.width);
  for (int y = 0; y < tensor.height; y++)
    for (int x = 0; x < tensor.width; x++)
      for (int c = 0; c < channels; c++)
        memory->get()[(size_t(y) * tensor.width + x) * channels + c] =
            from_float<T>(c < tensor.channels ? tensor.at(c, y, x) : padding);
  return memory;
}

template <typename T>
reference::Tensor separate(const T *data, int channels, int height, int width) {
  reference::Tensor tensor(channels, height, width);
  const int padded = pad_channels(channels);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        tensor.at(c, y, x) =
            to_float(data[(size_t(y) * width + x) * padded + c]);
  return tensor;
}

/// Convert (3, H, W) to the layout of the network input, and back.
template <typename T>
std::unique_ptr<Array<T>> store_image(const reference::Tensor &image) {
  auto memory = std::make_unique<Array<T>>(size_t(kImageChannels) / 4 *
                                           image.height * image.width);
  std::fill_n(memory->get(), memory->size(), from_float<T>(0.f));
  for (int c = 0; c < image.channels; c++)
    for (int y = 0; y < image.height; y++)
      for (int x = 0; x < image.width; x++)
        memory->get()[image_index(y, x, image.width) + c] =
            from_float<T>(image.at(c, y, x));
  return memory;
}
template <typename T>
reference::Tensor load_image(const T *data, int channels, int height,
                             int width) {
  reference::Tensor image(channels, height, width);
  for (int c = 0; c < channels; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        image.at(c, y, x) = to_float(data[image_index(y, x, width) + c]);
  return image;
}

/// Computes a convolution in place of cuDNN.
template <typename T>
void convolve(const Convolution &c, const ConvolutionData &data) {
  auto channels_first = [](const void *src, int64_t channels, int64_t height,
                           int64_t width, int64_t pitch) {
    reference::Tensor tensor(static_cast<int>(channels),
                             static_cast<int>(height), static_cast<int>(width));
    for (int k = 0; k < tensor.channels; k++)
      for (int64_t pixel = 0; pixel < height * width; pixel++)
        tensor.data[k * height * width + pixel] =
            to_float(static_cast<const T *>(src)[pixel * pitch + k]);
    return tensor;
  };
  Layer layer;
  layer.channels = static_cast<int>(c.filters);
  layer.kernel = static_cast<int>(c.kernel);
  layer.stride = static_cast<int>(c.stride);
  layer.padding = static_cast<int>(c.padding);
  layer.dilation = static_cast<int>(c.dilation);
  layer.activation = c.activation;
  std::vector<float> weight;  // (K, C, R, R) from (K, R, R, C)
  for (int64_t k = 0; k < c.filters; k++)
    for (int64_t i = 0; i < c.channels; i++)
      for (int64_t tap = 0; tap < c.kernel * c.kernel; tap++)
        weight.push_back(to_float(static_cast<const T *>(
            data.weight)[(k * c.kernel * c.kernel + tap) * c.channels + i]));
  reference::Tensor residual;
  if (c.residual)
    residual = channels_first(data.residual, c.filters, c.out_height(),
                              c.out_width(), c.filters);
  // The reference pads all sides equally; the outputs this adds are dropped.
  const reference::Tensor result = reference::convolve(
      channels_first(data.src, c.channels, c.height, c.width, c.src_pitch),
      layer, weight.data(), static_cast<const float *>(data.bias),
      c.residual ? &residual : nullptr);
  for (int k = 0; k < result.channels; k++)
    for (int64_t y = 0; y < c.out_height(); y++)
      for (int64_t x = 0; x < c.out_width(); x++)
        static_cast<T *>(data.dst)[(y * c.out_width() + x) * c.dst_pitch + k] =
            from_float<T>(
                result.at(k, static_cast<int>(y), static_cast<int>(x)));
}

}  // namespace fastscnn::cuda::emulator
