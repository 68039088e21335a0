// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <cstring>
#include <functional>
#include <vector>

#include "cuda/engine/kernelsequence.h"
#include "tests/cuda/relativeerror.h"
#include "tests/support/contracttests.h"
#include "tests/support/frames.h"

namespace fastscnn::cuda {

/// The front of a network in both forms: as one kernel, and as preprocessing
/// and layers. The same test compares them on the device and on the CPU.
struct FrontForms {
  const KernelSequence<__half> &kernels;  ///< with a front
  const ModelInfo &model;
  int height, width;                  ///< of the image
  const testing::TestMemory &memory;  ///< in which the kernels run
  /// Each returns when the output is complete.
  std::function<void(const Preprocess<__half> &frame)> run_fused, run_layers;
};

inline std::vector<__half> read_front(const FrontForms &forms) {
  const Program &program = forms.kernels.program();
  const int last = forms.kernels.front()->block.last;
  const Shape &shape = program.shapes[last];
  const size_t pitch = program.views[last].pitch, channels = shape.channels;
  const size_t pixels = size_t(shape.height) * shape.width;
  const std::vector<uint8_t> bytes = forms.memory.read(
      reinterpret_cast<const uint8_t *>(forms.kernels.output(last, nullptr)),
      ((pixels - 1) * pitch + channels) * sizeof(__half));
  std::vector<__half> values(pixels * channels);
  for (size_t pixel = 0; pixel < pixels; pixel++)
    std::memcpy(static_cast<void *>(&values[pixel * channels]),
                &bytes[pixel * pitch * sizeof(__half)],
                channels * sizeof(__half));
  return values;
}

/// Compares the forms on a frame of random bytes with padded rows, stored
/// bottom up.
inline void compare_front_forms(const FrontForms &forms, const char *format,
                                int width, int height) {
  reference::Lcg lcg(7);
  const reference::TestFrame frame =
      reference::make_frame(format, width, height, 5, true, lcg);
  const auto bytes = forms.memory.copy(frame.bytes);
  const auto image = forms.memory.copy(std::vector<uint8_t>(
      sizeof(__half) * kImageChannels / 4 * forms.height * forms.width));
  auto preprocess = make_preprocess<__half>(frame.info, forms.model,
                                            forms.height, forms.width);
  set_frame(&preprocess, frame.info,
            as_const(reference::planes_in(bytes.get(), frame)));
  preprocess.dst = reinterpret_cast<__half *>(image.get());

  // Fused first: outputs that it fails to write are then left from another
  // frame, and differ from those of the layers.
  forms.run_fused(preprocess);
  const std::vector<__half> fused = read_front(forms);
  forms.run_layers(preprocess);
  const std::vector<__half> layers = read_front(forms);
  RelativeError error;
  for (size_t i = 0; i < fused.size(); i++)
    error.add(__half2float(fused[i]), __half2float(layers[i]));
  g_test_message("%s %dx%d to %dx%d: relative difference %.1e", format, width,
                 height, forms.width, forms.height, error.value());
  g_assert_cmpfloat(error.value(), <, 2e-3);  // fails for NaN, too
}

/// Frames of the image's size, larger and smaller ones, odd sizes.
inline void compare_front_forms(const FrontForms &forms) {
  for (const char *format : {"NV12", "I420", "RGB", "BGRx"}) {
    compare_front_forms(forms, format, forms.width, forms.height);
    compare_front_forms(forms, format, 2 * forms.width, 2 * forms.height);
    compare_front_forms(forms, format, forms.width + 5, forms.height - 3);
    compare_front_forms(forms, format, 77, 61);
  }
}

}  // namespace fastscnn::cuda
