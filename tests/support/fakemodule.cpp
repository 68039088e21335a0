// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/fakemodule.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "net/painter.h"

#ifndef FAKE_ABI
#define FAKE_ABI fastscnn::kEngineAbi
#endif

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT FakeControlGet fastscnn_fake_control;
EXPORT FastscnnBackendOpen fastscnn_backend_open;

namespace fastscnn::testing {
namespace {

FakeControl &control() {
  static FakeControl instance;
  return instance;
}

Result<> maybe_fail(std::atomic<int> &countdown, const char *call) {
  if (countdown > 0 && --countdown == 0)
    return Error{Error::Kind::kDevice,
                 std::string("The fake engine failed in ") + call + "."};
  return {};
}

class FakeEngine : public Engine {
 public:
  FakeEngine(std::shared_ptr<const Model> model, Precision precision)
      : model_(std::move(model)), precision_(precision) {
    control().engines++;
  }
  ~FakeEngine() override { control().engines--; }

  Result<> configure(const FrameInfo &src, const Config &config) override {
    control().configures++;
    control().pass_configure();
    FASTSCNN_TRY(maybe_fail(control().fail_configure, "configure"));
    src_ = src;
    config_ = config;
    areas_.clear();
    n_areas_ = 1;
    if (config_.mask_width == 0) {
      config_.mask_width = config.input_width / 8;
      config_.mask_height = config.input_height / 8;
    }
    return {};
  }

  Result<> segment(const ConstFrame &src, const Mask &dst,
                   const Options &options, Queue) override {
    control().pass();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(control().milliseconds));
    control().segmented++;
    control().smoothing = options.smoothing;
    FASTSCNN_TRY(maybe_fail(control().fail_segment, "segment"));
    if (dst.counts) std::fill_n(dst.counts, 256 * n_areas_, 0u);
    for (int y = 0; y < mask_height(); y++)
      for (int x = 0; x < mask_width(); x++) {
        const float value =
            brightness(src, fake_source(x, mask_width(), src_.width),
                       fake_source(y, mask_height(), src_.height));
        dst.ids[y * dst.stride + x] =
            value < options.confidence_threshold
                ? kUnknown
                : fake_class(value, model_->info().classes());
        if (dst.confidence)
          dst.confidence[y * dst.confidence_stride + x] =
              fake_confidence(value);
        const int area = areas_.empty() ? 0 : areas_[y * mask_width() + x];
        if (dst.counts) dst.counts[area * 256 + dst.ids[y * dst.stride + x]]++;
      }
    return {};
  }

  Result<> set_areas(const uint8_t *areas, int n) override {
    areas_.assign(areas, areas + mask_width() * mask_height());
    n_areas_ = n;
    return {};
  }

  int mask_width() const override { return config_.mask_width; }
  int mask_height() const override { return config_.mask_height; }
  std::string fused_blocks() const override {
    return config_.fused ? "first second" : "";
  }
  void reset() override { control().resets++; }
  const char *precision() const override {
    return precision_ == Precision::kAuto   ? "fake auto"
           : precision_ == Precision::kFp32 ? "fake fp32"
                                            : "fake int8";
  }

 private:
  /// Mean of R, G and B.
  float brightness(const ConstFrame &src, int x, int y) const {
    float in[3] = {};
    for (int c = 0; c < src_.components; c++) {
      const Component &k = src_.component[c];
      const int column = (x + pixels_before(k.origin_x)) >> k.shift_x;
      const int row = (y + pixels_before(k.origin_y)) >> k.shift_y;
      in[c] = src.data[k.plane][row * src.stride[k.plane] + k.offset +
                                column * k.pixel_stride] /
              255.f;
    }
    float sum = 0;
    for (int row = 0; row < 3; row++) {
      float value = src_.to_rgb.offset[row];
      for (int c = 0; c < 3; c++) value += src_.to_rgb.matrix[row][c] * in[c];
      sum += std::clamp(value, 0.f, 1.f);
    }
    return sum / 3.f;
  }

  std::shared_ptr<const Model> model_;
  Precision precision_;
  FrameInfo src_;
  Config config_;
  std::vector<uint8_t> areas_;
  int n_areas_ = 1;
};

class FakeBackend : public Backend {
 public:
  const char *name() const override { return FAKE_NAME; }

  Result<std::string> device_name(const Device &device) const override {
    return "fake " FAKE_NAME ", " + std::to_string(device.threads) + " threads";
  }

  Result<std::unique_ptr<Engine>> create_engine(
      std::shared_ptr<const Model> model, const Device &device) override {
    if (device.id == kNoSuchDevice && std::string(name()) == "cuda")
      return Error{Error::Kind::kDevice, "There is no fake device 99."};
    if (device.precision == Precision::kInt8 && std::string(name()) == "cuda")
      return Error{Error::Kind::kDevice, "The fake GPU has no int8."};
    return std::make_unique<FakeEngine>(std::move(model), device.precision);
  }

  Result<std::unique_ptr<Painter>> create_painter(const Device &) override {
    return nullptr;
  }

  std::shared_ptr<void> allocate_host_memory(const Device &,
                                             size_t bytes) override {
    if (std::string(name()) != "cuda" || control().no_host_memory)
      return nullptr;
    control().host_memory++;
    return std::shared_ptr<void>(std::malloc(bytes), [](void *memory) {
      std::free(memory);
      control().host_memory--;
    });
  }

  std::shared_ptr<void> register_host_memory(const Device &, void *memory,
                                             size_t) override {
    control().registrations++;
    if (std::string(name()) != "cuda" || control().no_host_memory)
      return nullptr;
    control().registered++;
    return std::shared_ptr<void>(memory,
                                 [](void *) { control().registered--; });
  }
};

}  // namespace
}  // namespace fastscnn::testing

fastscnn::testing::FakeControl *fastscnn_fake_control() {
  return &fastscnn::testing::control();
}

fastscnn::Backend *fastscnn_backend_open(int abi, char *why, size_t size) {
  static fastscnn::testing::FakeBackend backend;
  if (abi != FAKE_ABI) {
    std::snprintf(why, size, "it is of version %d, not %d.", FAKE_ABI, abi);
    return nullptr;
  }
  return &backend;
}
