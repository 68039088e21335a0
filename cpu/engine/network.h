// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "cpu/engine/executionplan.h"
#include "net/taps.h"
#include "cpu/engine/weights.h"
#include "cpu/workers.h"

namespace fastscnn {

/// The network for one input size: image to logits.
class Network {
 public:
  /// threads: that run() may use.
  static Result<std::unique_ptr<Network>> create(
      std::shared_ptr<const Weights> weights, int width, int height,
      int threads);

  /// Row y of the normalised image, (width, 3); to be filled before run().
  float *image_row(int y) { return image_.data() + image_begin(y); }
  const float *image_row(int y) const { return image_.data() + image_begin(y); }

  int width() const { return width_; }
  int height() const { return height_; }

  void run(Workers &workers);

  /// The result of run().
  Logits logits() const;

  const Plan &plan() const { return plan_; }
  const std::vector<Shape> &shapes() const { return shapes_; }

  /// One task of run(), to time it: the earlier ones have been executed.
  void execute(int task, int worker);

 private:
  Network(std::shared_ptr<const Weights> weights, std::vector<Shape> shapes,
          int width, int height, int threads);
  Result<> allocate();

  /// Rows of an activation that a task reads or writes.
  struct View {
    float *data;      // of the first row
    ptrdiff_t step;   // from a pixel to the next
    ptrdiff_t pitch;  // from a row to the next
  };

  size_t image_begin(int y) const {
    return (y + 1) * image_pitch_ + kImageChannels;
  }
  float *row(int layer, int y);
  View view(int layer, int begin);
  int rows_together(int layer, int begin, int end) const;

  void compute_first(int layer, int begin, int end, float *scratch, View dst);
  void convolve_image(int layer, int begin, int end, View dst);
  void convolve_square(int layer, int begin, int end, float *scratch, View dst);
  void convolve_depthwise(int layer, int begin, int end, View dst);
  void mix(int layer, View src, int begin, int end, const Plan::Step &step,
           View dst);
  void store_logits(View src, int begin, int end);

  static constexpr int kImageChannels = 3;

  std::shared_ptr<const Weights> weights_;
  const std::vector<Layer> &layers_;
  int width_;
  int height_;
  int threads_;
  std::vector<Shape> shapes_;
  Plan plan_;
  Schedule schedule_;
  std::vector<std::vector<Tap>> rows_;  // of upsampling layers
  std::vector<std::vector<Tap>> columns_;
  ptrdiff_t image_pitch_;  // zeros stand around the image
  Buffer image_;
  Buffer arena_;
  std::vector<Buffer> scratch_;  // one a worker
};

}  // namespace fastscnn
