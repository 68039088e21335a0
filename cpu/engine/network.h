// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "cpu/engine/executionplan.h"
#include "cpu/workers.h"

namespace fastscnn {

/// Computes the logits of an image of one size. AnyWeights is Weights or
/// int8::Weights: its types determine the elements of tensors, and so which
/// overloads of the kernels compute them.
template <typename AnyWeights>
class Network {
 public:
  using Element = typename AnyWeights::Element;

  /// width, height: of the image. threads: how many run() may use.
  static Result<std::unique_ptr<Network>> create(
      std::shared_ptr<const AnyWeights> weights, int width, int height,
      int threads);

  /// Row y of the image, (width, 3), as AnyWeights expects it; fill all rows
  /// before run().
  Element *image_row(int y) { return image_.data() + image_begin(y); }
  const Element *image_row(int y) const {
    return image_.data() + image_begin(y);
  }

  /// The normalised colour of a pixel of the image.
  void normalized_pixel(int x, int y, float rgb[3]) const {
    weights_->normalize(image_row(y) + x * kImageChannels, rgb);
  }

  int width() const { return width_; }
  int height() const { return height_; }

  void run(Workers &workers);

  /// The result of the last run(); valid until the next one.
  Logits logits() const;

  const ExecutionPlan &plan() const { return plan_; }
  const std::vector<Shape> &shapes() const { return shapes_; }

  /// Executes one task of the plan, after all earlier ones. For benchmarks.
  void execute(int task, int worker);

 private:
  using ConstPixels = typename AnyWeights::ConstPixels;
  using Pixels = typename AnyWeights::Pixels;
  using Tap = typename AnyWeights::Tap;

  Network(std::shared_ptr<const AnyWeights> weights, std::vector<Shape> shapes,
          int width, int height, int threads);
  Result<> allocate();

  /// Rows of a tensor that a task reads or writes.
  struct View {
    Element *data;  // of the first row
    ptrdiff_t pixel_stride, row_stride;

    Pixels pixels() const { return {data, pixel_stride}; }
  };

  /// The scratch memory of a task, allocated piece by piece.
  struct Scratch {
    uint8_t *free;

    template <typename T>
    T *take(size_t count) {
      T *taken = reinterpret_cast<T *>(free);
      free += scratch_bytes(count * sizeof(T));
      return taken;
    }
  };

  size_t image_begin(int y) const {
    return (y + 1) * image_pitch_ + kImageChannels;
  }
  int last_layer() const { return static_cast<int>(layers_.size()) - 1; }
  template <typename T = Element>
  T *row(int layer, int y);
  View view(int layer, int begin);
  template <typename Body>
  void for_contiguous_rows(int layer, int begin, int end, const Body &body);

  void compute_first(int layer, int begin, int end, Scratch scratch, View dst);
  void convolve_image(int layer, int begin, int end, View dst);
  void convolve_3x3(int layer, int begin, int end, Scratch scratch, View dst);
  void convolve_depthwise(int layer, int begin, int end, View dst);
  void pointwise(int layer, View src, int begin, int end,
                 const ExecutionPlan::Step &step, View dst);
  void compute_logits(View src, int begin, int end, Scratch scratch);

  static constexpr int kImageChannels = 3;

  std::shared_ptr<const AnyWeights> weights_;
  const std::vector<Layer> &layers_;
  int width_;
  int height_;
  int threads_;
  std::vector<Shape> shapes_;
  ExecutionPlan plan_;
  TaskGraph graph_;
  std::vector<std::vector<Tap>> rows_;     // of the upsampling layers
  std::vector<std::vector<Tap>> columns_;  // of the same
  ptrdiff_t image_pitch_;                  // of the image and its border
  AlignedArray<Element> image_;
  AlignedArray<uint8_t> arena_;
  std::vector<AlignedArray<uint8_t>> scratch_;  // one per worker
};

}  // namespace fastscnn
