// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "cpu/engine/int8/convgemm.h"
#include "cpu/engine/int8/gemmjob.h"
#include "tests/cpu/engine/int8/kernelinputs.h"

namespace fastscnn::int8 {

/// Whether all convolutions have only positive weights.
inline bool positive_weights = false;

/// Aligned to cache lines, as packed weights must be.
struct alignas(64) Line {
  int8_t byte[64];
};

/// A convolution with everything that conv_gemm() reads.
struct GemmCase {
  int channels, out, kernel, pixel_stride, step, count, dst_stride;
  bool residual, logits;
  Kind kind;
  std::vector<int8_t> weights;
  std::vector<Line> packed;
  std::vector<int32_t> bias, residual_scale;
  std::vector<float> scales;
  std::vector<uint8_t> src, dst;
  std::vector<float> float_dst;
  std::vector<ptrdiff_t> offsets;
  ConvGemm layer;

  explicit GemmCase(Random &random) {
    kernel = random.between(0, 3) ? 1 : 3;
    channels = random.between(1, kernel == 1 && random.coin() ? 200 : 70);
    out = random.between(1, 70);
    const bool padded = random.coin();
    pixel_stride = padded ? round_up(channels, 16) : channels;
    step = random.between(1, 2);
    count = random.between(1, random.coin() ? 80 : 12);
    kind = static_cast<Kind>(random.between(0, kKinds - 1));
    residual = random.coin();
    logits = !residual && random.coin();
    weights =
        make_weights(random, kind, size_t(out) * channels * kernel * kernel);
    if (positive_weights)
      for (int8_t &w : weights) w = static_cast<int8_t>(std::abs(w));
    const int all = round_up(out, kChannelBlock);
    bias = make_bias(random, kind, all);
    residual_scale = random.values<int32_t>(all, 0, 5000);
    scales = make_scales(random, kind, all, 127e3f * kernel);

    const int width = (count - 1) * step + kernel;
    const ptrdiff_t pitch = ptrdiff_t(width) * pixel_stride;
    src = make_inputs<uint8_t>(random, kind, kernel * pitch + kReadAhead);
    for (int ky = 0; ky < kernel; ky++) offsets.push_back(ky * pitch);
    dst_stride = all + kChannelBlock * random.between(0, 1);
    dst = make_inputs<uint8_t>(random, kind, size_t(count) * dst_stride);
    float_dst.resize(dst.size(), -1.f);

    layer.in = kernel * pixel_stride;
    layer.out = all;
    layer.kernel_rows = kernel;
    packed.resize(round_up(packed_size(out, kernel, layer.in), sizeof(Line)) /
                  sizeof(Line));
    // The previous contents must not matter.
    std::memset(packed.data(), 0x55, packed.size() * sizeof(Line));
    pack_conv_gemm(weights.data(), out, channels, kernel, pixel_stride,
                   packed[0].byte);
    layer.weights = packed[0].byte;
    layer.bias = bias.data();
    layer.to_bytes = make_requantization(random, scales);
    layer.residual_scale = residual_scale.data();
    layer.residual_zero = random.coin() ? 0 : 128;
  }

  std::string name() const {
    g_autofree gchar *text = g_strdup_printf(
        "%dx%d convolution of %d to %d channels, step %d, %d pixels of %d, "
        "kind %d%s%s",
        kernel, kernel, channels, out, step, count, pixel_stride, int(kind),
        residual ? ", residual" : "", logits ? ", logits" : "");
    return text;
  }

  int32_t sum(int p, int o) const {
    int32_t sum = bias[o];
    if (o < out)
      for (int c = 0; c < channels; c++)
        for (int ky = 0; ky < kernel; ky++)
          for (int kx = 0; kx < kernel; kx++)
            sum +=
                src[offsets[ky] + ptrdiff_t(p * step + kx) * pixel_stride + c] *
                weights[((size_t(o) * channels + c) * kernel + ky) * kernel +
                        kx];
    return sum;
  }

  std::vector<uint8_t> expected_bytes() const {
    std::vector<uint8_t> want = dst;
    for (int p = 0; p < count && !logits; p++)
      for (int o = 0; o < layer.out; o++) {
        uint8_t &byte = want[size_t(p) * dst_stride + o];
        int32_t s = sum(p, o);
        if (residual)
          s += (byte - layer.residual_zero) * layer.residual_scale[o];
        byte = expect_byte(layer.to_bytes, s, o);
      }
    return want;
  }

  std::vector<float> expected_logits() const {
    std::vector<float> want = float_dst;
    for (int p = 0; p < count && logits; p++)
      for (int o = 0; o < layer.out; o++)
        want[size_t(p) * dst_stride + o] =
            static_cast<float>(sum(p, o)) * scales[o];
    return want;
  }

  /// In place, as the network does.
  GemmJob job(std::vector<uint8_t> &bytes, std::vector<float> &floats) const {
    return {layer,
            {src.data(), ptrdiff_t(step) * pixel_stride},
            offsets.data(),
            count,
            {residual ? bytes.data() : nullptr, dst_stride},
            {logits ? nullptr : bytes.data(), dst_stride},
            {logits ? floats.data() : nullptr, dst_stride}};
  }
};

}  // namespace fastscnn::int8
