// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "net/backend.h"
#include "net/scenecut.h"
#include "tests/support/int8reference.h"
#include "tests/support/reference.h"

namespace fastscnn::reference {

/// The reference as an engine, for frames and masks in host memory.
class ReferenceEngine : public Engine {
 public:
  /// precision: kInt8, or any other for double precision.
  explicit ReferenceEngine(std::shared_ptr<const Model> model,
                           Precision precision = Precision::kAuto)
      : model_(std::move(model)),
        info_(model_->info()),
        int8_(precision == Precision::kInt8) {}

  Result<> configure(const FrameInfo &source, const Config &config) override {
    config_ = {};
    reset();
    if (source.memory != Memory::kHost)
      return Error{Error::Kind::kFormat, "The reference reads host memory"};
    const std::vector<Shape> shapes =
        FASTSCNN_TRY(infer_shapes(make_layers(info_.variant, info_.classes()),
                                  config.input_height, config.input_width));
    source_ = source;
    config_ = config;
    areas_.clear();
    n_areas_ = 1;
    if (!config.mask_width) {
      config_.mask_width = shapes.back().width;
      config_.mask_height = shapes.back().height;
    }
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue) override {
    if (!config_.input_width)
      return Error{Error::Kind::kEngine, "The reference is not configured"};
    Tensor image, logits;
    if (int8_) {
      const ByteTensor bytes = preprocess_bytes(
          source_, frame, config_.input_width, config_.input_height);
      image = normalize(info_, bytes);
      logits = run_int8(*model_, bytes);
    } else {
      image = preprocess(source_, frame, config_.input_width,
                         config_.input_height, info_.mean, info_.std);
      logits = run(*model_, image).back();
    }
    if (!average_.data.empty() && !is_cut(image))
      for (size_t i = 0; i < logits.data.size(); i++)
        logits.data[i] +=
            options.smoothing * (average_.data[i] - logits.data[i]);
    classes_ =
        classify(logits, config_.mask_width, config_.mask_height,
                 info_.variant.align_corners, options.confidence_threshold);
    average_ = std::move(logits);
    image_ = std::move(image);
    write(mask);
    return {};
  }

  Result<> set_areas(const uint8_t *areas, int n) override {
    areas_.assign(areas, areas + config_.mask_width * config_.mask_height);
    n_areas_ = n;
    return {};
  }

  int mask_width() const override { return config_.mask_width; }
  int mask_height() const override { return config_.mask_height; }
  void reset() override { average_ = {}; }
  const char *precision() const override { return int8_ ? "int8" : "fp64"; }

  /// The classes from which the last mask was made.
  const Classes &classes() const { return classes_; }

 private:
  bool is_cut(const Tensor &image) const {
    double change = 0;
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < kSceneGrid; i++)
        for (int j = 0; j < kSceneGrid; j++) {
          const int y = scene_sample(i, image.height);
          const int x = scene_sample(j, image.width);
          change += std::abs(image.at(c, y, x) - image_.at(c, y, x));
        }
    return change > double{kSceneCut} * 3 * kSceneGrid * kSceneGrid;
  }

  void write(const Mask &mask) const {
    if (mask.counts) std::fill_n(mask.counts, 256 * n_areas_, 0u);
    const uint8_t *id = classes_.ids.data();
    const uint8_t *confidence = classes_.confidence.data();
    for (int y = 0; y < mask_height(); y++)
      for (int x = 0; x < mask_width(); x++, id++, confidence++) {
        mask.ids[y * mask.stride + x] = *id;
        if (mask.confidence)
          mask.confidence[y * mask.confidence_stride + x] = *confidence;
        const int area = areas_.empty() ? 0 : areas_[y * mask_width() + x];
        if (mask.counts) mask.counts[area * 256 + *id]++;
      }
  }

  std::shared_ptr<const Model> model_;
  const ModelInfo &info_;
  const bool int8_;
  FrameInfo source_;
  Config config_;
  Tensor image_, average_;  // of the last frame
  Classes classes_;
  std::vector<uint8_t> areas_;
  int n_areas_ = 1;
};

}  // namespace fastscnn::reference
