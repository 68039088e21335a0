// SPDX-License-Identifier: LGPL-2.1-or-later
// Every kernel against the plain reference, over random shapes, on every
// instruction set.

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/depthwise.h"
#include "cpu/engine/pooling.h"
#include "cpu/simd.h"
#include "cpu/engine/upsample.h"
#include "tests/support/targets.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using reference::Lcg;
using reference::Tensor;

namespace {

constexpr float kTolerance = 1e-4f;

Activation random_activation(Lcg &lcg) {
  return static_cast<Activation>(lcg.between(0, 2));
}

Tensor random_tensor(Lcg &lcg, int channels, int height, int width) {
  Tensor t(channels, height, width);
  for (float &v : t.data) v = lcg.uniform();
  return t;
}

/// A tensor in the memory layout of activations, `step` floats per pixel.
AlignedBuffer to_pixels(const Tensor &t, int step) {
  AlignedBuffer out =
      must(AlignedBuffer::create(size_t(t.height) * t.width * step));
  for (int c = 0; c < t.channels; c++)
    for (int y = 0; y < t.height; y++)
      for (int x = 0; x < t.width; x++)
        out.data()[(size_t(y) * t.width + x) * step + c] = t.at(c, y, x);
  return out;
}

AlignedBuffer to_buffer(const std::vector<float> &values) {
  AlignedBuffer out = must(AlignedBuffer::create(values.size()));
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

std::vector<float> random_floats(Lcg &lcg, size_t size) {
  std::vector<float> values(size);
  for (float &v : values) v = lcg.uniform();
  return values;
}

/// Compares row y of expected with a row of interleaved channels, `step` floats
/// per pixel.
void compare_row(const Tensor &expected, int y, const float *row, int step,
                 const char *what) {
  for (int x = 0; x < expected.width; x++)
    for (int c = 0; c < expected.channels; c++) {
      const float got = row[size_t(x) * step + c];
      const float want = expected.at(c, y, x);
      if (std::abs(got - want) <= kTolerance * (1 + std::abs(want))) continue;
      g_error("%s: row %d, column %d, channel %d is %g instead of %g", what, y,
              x, c, got, want);
    }
}

void test_conv_gemm() {
  testing::on_every_target([] {
    Lcg lcg(11);
    for (int i = 0; i < 60; i++) {
      Layer layer;
      layer.kernel = lcg.between(0, 2) ? 1 : 3;
      layer.stride = lcg.between(1, 2);
      layer.channels = kChannelBlock * lcg.between(1, 4);
      layer.activation = random_activation(lcg);
      const int channels = lcg.between(1, 70);
      const bool with_residual = lcg.between(0, 1);
      const int k = layer.kernel;
      // One row of outputs; the kernel stays inside.
      const Tensor src =
          random_tensor(lcg, channels, k, k + lcg.between(0, 40));
      const std::vector<float> weights =
          random_floats(lcg, size_t(layer.channels) * channels * k * k);
      const std::vector<float> bias = random_floats(lcg, layer.channels);
      const int width = (src.width - k) / layer.stride + 1;
      const Tensor residual = random_tensor(lcg, layer.channels, 1, width);
      const Tensor expected =
          reference::convolve(src, layer, weights.data(), bias.data(),
                              with_residual ? &residual : nullptr);

      ConvGemm gemm;
      gemm.in = k * channels;
      gemm.out = layer.channels;
      gemm.kernel_rows = k;
      AlignedBuffer packed = must(AlignedBuffer::create(weights.size()));
      for (int o = 0; o < layer.channels; o++)
        for (int c = 0; c < channels; c++)
          for (int ky = 0; ky < k; ky++)
            for (int kx = 0; kx < k; kx++)
              packed.data()[((o / kChannelBlock * k + ky) * gemm.in +
                             kx * channels + c) *
                                kChannelBlock +
                            o % kChannelBlock] =
                  weights[((size_t(o) * channels + c) * k + ky) * k + kx];
      gemm.weights = packed.data();
      const AlignedBuffer aligned_bias = to_buffer(bias);
      gemm.bias = aligned_bias.data();
      gemm.clamp = clamp_of(layer.activation);

      const AlignedBuffer pixels = to_pixels(src, channels);
      const int step = layer.channels + kChannelBlock * lcg.between(0, 1);
      AlignedBuffer dst =
          to_pixels(residual, step);  // in place, as the network does
      ptrdiff_t offsets[3];
      for (int ky = 0; ky < 3; ky++)
        offsets[ky] = ptrdiff_t(ky) * src.width * channels;
      conv_gemm(gemm, {pixels.data(), ptrdiff_t(layer.stride) * channels},
                offsets, width, {with_residual ? dst.data() : nullptr, step},
                {dst.data(), step});
      g_autofree gchar *what = g_strdup_printf(
          "convolution %dx%d stride %d, %d to %d channels, %d pixels", k, k,
          layer.stride, channels, layer.channels, width);
      compare_row(expected, 0, dst.data(), step, what);
    }
  });
}

void test_depthwise() {
  testing::on_every_target([] {
    Lcg lcg(12);
    for (int i = 0; i < 80; i++) {
      Layer layer;
      layer.channels = layer.groups = kChannelBlock * lcg.between(1, 5);
      layer.kernel = 3;
      layer.stride = lcg.between(1, 2);
      layer.dilation = layer.stride == 1 && lcg.between(0, 1) ? 4 : 1;
      layer.padding = layer.dilation;
      layer.activation = random_activation(lcg);
      const Tensor src = random_tensor(lcg, layer.channels, lcg.between(1, 9),
                                       lcg.between(1, 30));
      const std::vector<float> weights =
          random_floats(lcg, size_t(9) * layer.channels);
      const std::vector<float> bias = random_floats(lcg, layer.channels);
      const Tensor expected =
          reference::convolve(src, layer, weights.data(), bias.data());

      AlignedBuffer packed = must(AlignedBuffer::create(weights.size()));
      const AlignedBuffer aligned_bias = to_buffer(bias);
      const Depthwise depthwise_layer = {
          layer.channels, layer.stride,        layer.dilation,
          packed.data(),  aligned_bias.data(), clamp_of(layer.activation)};
      for (int c = 0; c < layer.channels; c++)
        for (int k = 0; k < 9; k++)
          packed.data()[(c / kChannelBlock * 9 + k) * kChannelBlock +
                        c % kChannelBlock] = weights[c * 9 + k];
      const AlignedBuffer pixels = to_pixels(src, layer.channels);
      const ptrdiff_t pitch =
          ptrdiff_t(expected.width + lcg.between(0, 1)) * layer.channels;
      AlignedBuffer dst = must(AlignedBuffer::create(kDepthwiseRows * pitch));
      for (int y = 0, count; y < expected.height; y += count) {
        count = layer.dilation > 1 ? 1 : lcg.between(1, kDepthwiseRows);
        count = std::min(count, expected.height - y);
        const float *rows[3 + 2 * (kDepthwiseRows - 1)];
        for (int k = 0; k < 3 + (count - 1) * layer.stride; k++) {
          const int row = y * layer.stride + (k - 1) * layer.dilation;
          rows[k] =
              row < 0 || row >= src.height
                  ? nullptr
                  : pixels.data() + size_t(row) * src.width * layer.channels;
        }
        depthwise(depthwise_layer, rows, src.width, dst.data(), pitch,
                  expected.width, count);
        g_autofree gchar *what = g_strdup_printf(
            "depthwise stride %d dilation %d, %d channels, %dx%d, %d rows",
            layer.stride, layer.dilation, layer.channels, src.width, src.height,
            count);
        for (int i = 0; i < count; i++)
          compare_row(expected, y + i, dst.data() + i * pitch, layer.channels,
                      what);
      }
    }
  });
}

void test_upsample() {
  testing::on_every_target([] {
    Lcg lcg(13);
    for (int i = 0; i < 60; i++) {
      const int channels = kChannelBlock * lcg.between(1, 3);
      const int step = channels + kChannelBlock * lcg.between(0, 2);
      const bool align_corners = lcg.between(0, 1);
      const Tensor src =
          random_tensor(lcg, channels, lcg.between(1, 6), lcg.between(1, 6));
      const int height = lcg.between(1, 25), width = lcg.between(1, 25);
      const Tensor expected =
          reference::upsample(src, height, width, align_corners);

      const auto rows = resize_taps(src.height, height, align_corners);
      const auto columns = resize_taps(src.width, width, align_corners);
      const AlignedBuffer pixels = to_pixels(src, channels);
      auto row = [&](int y) {
        return pixels.data() + size_t(y) * src.width * channels;
      };
      AlignedBuffer scratch =
          must(AlignedBuffer::create(size_t(src.width) * channels));
      AlignedBuffer dst = must(AlignedBuffer::create(size_t(width) * step));
      for (int y = 0; y < height; y++) {
        upsample(row(rows[y].first), row(rows[y].second), rows[y].weight,
                 src.width, channels, columns.data(), width, scratch.data(),
                 {dst.data(), step});
        g_autofree gchar *what = g_strdup_printf(
            "upsample %dx%d to %dx%d%s", src.width, src.height, width, height,
            align_corners ? ", corners aligned" : "");
        compare_row(expected, y, dst.data(), step, what);
      }
    }
  });
}

void test_average_pool() {
  testing::on_every_target([] {
    Lcg lcg(14);
    for (int i = 0; i < 60; i++) {
      const int channels = kChannelBlock * lcg.between(1, 3);
      const int step = channels + kChannelBlock * lcg.between(0, 2);
      const int bins = lcg.between(1, 6);
      const Tensor src =
          random_tensor(lcg, channels, lcg.between(1, 20), lcg.between(1, 20));
      const Tensor expected = reference::pool(src, bins);
      const AlignedBuffer pixels = to_pixels(src, step);
      const ptrdiff_t pitch = ptrdiff_t(src.width) * step;
      AlignedBuffer dst = must(AlignedBuffer::create(size_t(bins) * channels));
      for (int y = 0; y < bins; y++) {
        const int begin = bin_begin(y, src.height, bins);
        const int end = bin_end(y, src.height, bins);
        average_pool({pixels.data() + begin * pitch, step}, pitch, end - begin,
                     src.width, channels, bins, dst.data());
        g_autofree gchar *what = g_strdup_printf(
            "average pool of %dx%d in %d bins", src.width, src.height, bins);
        compare_row(expected, y, dst.data(), channels, what);
      }
    }
  });
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/ops/conv-gemm", test_conv_gemm);
  g_test_add_func("/cpu/ops/depthwise", test_depthwise);
  g_test_add_func("/cpu/ops/upsample", test_upsample);
  g_test_add_func("/cpu/ops/average-pool", test_average_pool);
  return g_test_run();
}
