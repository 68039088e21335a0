// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "cpu/engine/executionplan.h"
#include "cpu/engine/weights.h"
#include "cpu/workers.h"
#include "net/taps.h"

namespace fastscnn {

/// Computes the logits of an image of one size.
class Network {
 public:
  /// width, height: of the image. threads: that run() may use.
  static Result<std::unique_ptr<Network>> create(
      std::shared_ptr<const Weights> weights, int width, int height,
      int threads);

  /// Row y of the normalised image, (width, 3); fill all rows before run().
  float *image_row(int y) { return image_.data() + image_begin(y); }
  const float *image_row(int y) const { return image_.data() + image_begin(y); }

  int width() const { return width_; }
  int height() const { return height_; }

  void run(Workers &workers);

  /// What run() computed last; valid until the next run.
  Logits logits() const;

  const ExecutionPlan &plan() const { return plan_; }
  const std::vector<Shape> &shapes() const { return shapes_; }

  /// Executes one task of the plan, after all earlier ones. For benchmarks.
  void execute(int task, int worker);

 private:
  Network(std::shared_ptr<const Weights> weights, std::vector<Shape> shapes,
          int width, int height, int threads);
  Result<> allocate();

  /// Rows of a tensor that a task reads or writes.
  struct View {
    float *data;  // of the first row
    ptrdiff_t pixel_stride, row_stride;

    Pixels pixels() const { return {data, pixel_stride}; }
  };

  size_t image_begin(int y) const {
    return (y + 1) * image_pitch_ + kImageChannels;
  }
  float *row(int layer, int y);
  View view(int layer, int begin);
  int contiguous_rows(int layer, int begin, int end) const;

  void compute_first(int layer, int begin, int end, float *scratch, View dst);
  void convolve_image(int layer, int begin, int end, View dst);
  void convolve_3x3(int layer, int begin, int end, float *scratch, View dst);
  void convolve_depthwise(int layer, int begin, int end, View dst);
  void pointwise(int layer, View src, int begin, int end,
                 const ExecutionPlan::Step &step, View dst);
  void store_logits(View src, int begin, int end);

  static constexpr int kImageChannels = 3;

  std::shared_ptr<const Weights> weights_;
  const std::vector<Layer> &layers_;
  int width_;
  int height_;
  int threads_;
  std::vector<Shape> shapes_;
  ExecutionPlan plan_;
  TaskGraph graph_;
  std::vector<std::vector<Tap>> rows_;     // of the upsampling layers
  std::vector<std::vector<Tap>> columns_;  // of the same
  ptrdiff_t image_pitch_;                  // of the image, padded with zeros
  AlignedBuffer image_;
  AlignedBuffer arena_;
  std::vector<AlignedBuffer> scratch_;  // one per worker
};

}  // namespace fastscnn
