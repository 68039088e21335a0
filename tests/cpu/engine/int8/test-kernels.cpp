// SPDX-License-Identifier: LGPL-2.1-or-later
// Every kernel in 8 bits against plain loops, byte for byte, with every
// instruction that multiplies bytes on every instruction set. Instructions that
// this processor lacks are emulated. Needs nothing but GLib and Highway, so
// that it can be linked statically and run on an emulated processor, for which
//   --cases N            tests N convolutions instead of 250
//   --positive-weights   avoids an emulator's bugs in signed arithmetic

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cpu/engine/int8/convgemm.h"
#include "cpu/engine/int8/depthwise.h"
#include "cpu/engine/int8/instructions.h"
#include "cpu/engine/int8/pooling.h"
#include "cpu/engine/int8/upsample.h"
#include "cpu/engine/pooling.h"
#include "tests/cpu/engine/int8/emulateddepthwise.h"
#include "tests/cpu/engine/int8/emulatedgemm.h"
#include "tests/cpu/engine/int8/gemmcase.h"
#include "tests/cpu/engine/int8/kernelinputs.h"
#include "tests/support/targets.h"

namespace fastscnn::int8 {
namespace {

int gemm_cases = 250;
constexpr Instructions kAll[] = {
    Instructions::kPortable, Instructions::kAvxVnni, Instructions::kAvx512Vnni,
    Instructions::kAmx,      Instructions::kDotProd, Instructions::kI8mm};

/// Runs test with every instruction of every target.
void on_every_instruction(const std::function<void()> &test) {
  testing::on_every_target([&] {
    const char *before = nullptr;
    for (Instructions i : kAll) {
      allow_instructions(2 * bit(i) - 1);  // this and lesser ones
      if (instructions_name() == before) continue;
      before = instructions_name();
      g_test_message("with %s", before);
      test();
    }
    allow_instructions(~0u);
  });
}

void call_conv_gemm(const GemmJob &job) {
  if (job.logits.data)
    conv_gemm(job.layer, job.src, job.offset, job.count, job.logits);
  else
    conv_gemm(job.layer, job.src, job.offset, job.count, job.residual, job.dst);
}

using Gemm = std::function<void(const GemmJob &)>;

std::vector<GemmCase> make_gemm_cases() {
  Random random(31);
  std::vector<GemmCase> cases;
  for (int i = 0; i < gemm_cases; i++) cases.emplace_back(random);
  return cases;
}

struct GemmResult {
  std::vector<uint8_t> bytes;
  std::vector<float> logits;
};

std::vector<GemmResult> expect_all(const std::vector<GemmCase> &cases) {
  std::vector<GemmResult> all;
  for (const GemmCase &c : cases)
    all.push_back({c.expected_bytes(), c.expected_logits()});
  return all;
}

void check_gemm(const std::vector<GemmCase> &cases,
                const std::vector<GemmResult> &expected, const Gemm &gemm) {
  for (size_t i = 0; i < cases.size(); i++) {
    const GemmCase &c = cases[i];
    GemmResult got = {c.dst, c.float_dst};
    gemm(c.job(got.bytes, got.logits));
    compare(got.bytes, expected[i].bytes, c.name());
    compare(got.logits, expected[i].logits, c.name());
  }
}

void test_conv_gemm() {
  const std::vector<GemmCase> cases = make_gemm_cases();
  const std::vector<GemmResult> expected = expect_all(cases);
  on_every_instruction([&] { check_gemm(cases, expected, call_conv_gemm); });
}

void test_emulated() {
  const std::vector<GemmCase> cases = make_gemm_cases();
  const std::vector<GemmResult> expected = expect_all(cases);
  testing::on_every_target([&] {
    for (const EmulatedGemm &gemm : emulated_gemms()) {
      g_test_message("with %s", gemm.name);
      check_gemm(cases, expected, gemm.run);
    }
  });
}

/// Returns false if it does not support the layer or width.
using CallDepthwise = bool (*)(const Depthwise &, const DepthwiseRows &,
                               int dst_width, int count);

bool call_depthwise(const Depthwise &layer, const DepthwiseRows &rows,
                    int dst_width, int count) {
  depthwise(layer, rows.src, rows.src_width, rows.dst, rows.pitch, dst_width,
            count);
  return true;
}

/// Returns how many calls were checked.
int check_depthwise(CallDepthwise call) {
  int checked = 0;
  Random random(32);
  for (int i = 0; i < 200; i++) {
    const Kind kind = static_cast<Kind>(random.between(0, kKinds - 1));
    Depthwise layer;
    layer.channels = kChannelBlock * random.between(1, 8);
    layer.stride = random.between(1, 2);
    layer.dilation =
        layer.stride == 1 && random.coin() ? random.between(2, 4) : 1;
    layer.outside = random.coin() ? 0 : random.between(1, 255);
    const int channels = layer.channels;
    const int height = random.between(1, 9), width = random.between(1, 50);
    const int dst_height = (height - 1) / layer.stride + 1;
    const int dst_width = (width - 1) / layer.stride + 1;
    const auto src =
        make_inputs<uint8_t>(random, kind, size_t(height) * width * channels);
    const auto weights = make_weights(random, kind, size_t(9) * channels);
    const auto bias = make_bias(random, kind, channels);
    const auto scales = make_scales(random, kind, channels, 200e3f);
    layer.to_bytes = make_requantization(random, scales);
    std::vector<float> packed(weights.size());
    pack_depthwise(weights.data(), channels, packed.data());
    const std::vector<float> float_bias(bias.begin(), bias.end());
    layer.weights = packed.data();
    layer.bias = float_bias.data();
    std::vector<DepthwiseDots> dots(count_depthwise_dots(channels));
    pack_depthwise_dots(layer, weights.data(), dots.data());
    layer.dots = dots.data();
    const std::string what =
        "depthwise stride " + std::to_string(layer.stride) + " dilation " +
        std::to_string(layer.dilation) + " of " + std::to_string(width) + "x" +
        std::to_string(height);

    const ptrdiff_t pitch =
        ptrdiff_t(dst_width + random.between(0, 1)) * channels;
    for (int y = 0, count; y < dst_height; y += count) {
      count = layer.dilation > 1 ? 1 : random.between(1, kDepthwiseRows);
      count = std::min(count, dst_height - y);
      const uint8_t *rows[3 + 2 * (kDepthwiseRows - 1)];
      for (int k = 0; k < 3 + (count - 1) * layer.stride; k++) {
        const int row = y * layer.stride + (k - 1) * layer.dilation;
        rows[k] = row < 0 || row >= height
                      ? nullptr
                      : src.data() + size_t(row) * width * channels;
      }
      std::vector<uint8_t> dst(kDepthwiseRows * pitch, 77), want = dst;
      for (int j = 0; j < count; j++)
        for (int x = 0; x < dst_width; x++)
          for (int c = 0; c < channels; c++) {
            int32_t sum = bias[c];
            for (int k = 0; k < 9; k++) {
              const int sy =
                  (y + j) * layer.stride + (k / 3 - 1) * layer.dilation;
              const int sx = x * layer.stride + (k % 3 - 1) * layer.dilation;
              const bool inside =
                  sy >= 0 && sy < height && sx >= 0 && sx < width;
              sum += weights[c * 9 + k] *
                     (inside ? src[(size_t(sy) * width + sx) * channels + c]
                             : layer.outside);
            }
            want[j * pitch + x * channels + c] =
                expect_byte(layer.to_bytes, sum, c);
          }
      if (!call(layer, {rows, width, dst.data(), pitch}, dst_width, count))
        continue;
      compare(dst, want, what);
      checked++;
    }
  }
  return checked;
}

void test_depthwise() {
  on_every_instruction(
      [] { g_assert_cmpint(check_depthwise(call_depthwise), >=, 200); });
}

/// Only targets from AVX2 on are emulated.
void test_depthwise_emulated() {
  int checked = 0;
  testing::on_every_target([&] {
    checked = std::max(checked, check_depthwise(emulated_depthwise));
  });
#if HWY_ARCH_X86
  if (hwy::SupportedTargets() & (HWY_AVX2 | HWY_AVX3))
    g_assert_cmpint(checked, >=, 20);
#endif
}

void test_average_pool() {
  testing::on_every_target([] {
    Random random(33);
    for (int i = 0; i < 80; i++) {
      // Bins of the largest size, and of 2 pixels, whose means are often ties.
      const bool large = i == 0, tie = i % 4 == 1;
      const Kind kind = large ? Kind::kHighest : Kind::kAny;
      const int channels = kChannelBlock * random.between(1, large ? 1 : 3);
      const int bins = large ? 1 : random.between(1, 6);
      const int rows = large ? 256 : tie ? 1 : random.between(1, 9);
      const int width = large ? 256 : tie ? 2 * bins : random.between(1, 30);
      const int stride = channels + kChannelBlock * random.between(0, 2);
      const ptrdiff_t pitch = ptrdiff_t(width) * stride;
      const auto src = make_inputs<uint8_t>(random, kind, rows * pitch);
      std::vector<uint8_t> dst(size_t(bins) * channels), want(dst.size());
      for (int b = 0; b < bins; b++)
        for (int c = 0; c < channels; c++) {
          const int begin = bin_begin(b, width, bins);
          const int end = bin_end(b, width, bins);
          int32_t sum = 0;
          for (int y = 0; y < rows; y++)
            for (int x = begin; x < end; x++)
              sum += src[y * pitch + x * stride + c];
          const float mean = static_cast<float>(sum) *
                             (1.f / static_cast<float>(rows * (end - begin)));
          want[size_t(b) * channels + c] =
              static_cast<uint8_t>(std::nearbyint(mean));
        }
      average_pool({src.data(), stride}, pitch, rows, width, channels, bins,
                   dst.data());
      compare(dst, want,
              "average pool of " + std::to_string(width) + "x" +
                  std::to_string(rows));
    }
  });
}

void test_upsample() {
  testing::on_every_target([] {
    Random random(34);
    for (int i = 0; i < 80; i++) {
      const Kind kind = random.coin() ? Kind::kAny : Kind::kExtreme;
      const int channels = kChannelBlock * random.between(1, 3);
      const int step = channels + kChannelBlock * random.between(0, 2);
      const int src_width = random.between(1, 9), width = random.between(1, 40);
      const auto taps = to_fixed(resize_taps(src_width, width, random.coin()));
      const int weight = random.between(0, 2047);
      const size_t size = size_t(src_width) * channels;
      const auto top = make_inputs<uint8_t>(random, kind, size);
      const auto bottom = make_inputs<uint8_t>(random, kind, size);
      std::vector<int16_t> scratch(size);
      std::vector<uint8_t> dst(size_t(width) * step, 7), want = dst;
      for (int x = 0; x < width; x++)
        for (int c = 0; c < channels; c++) {
          auto v = [&](int column) {
            const int t = top[column * channels + c];
            const int b = bottom[column * channels + c];
            return 128 * t + (((b - t) * weight + 8) >> 4);
          };
          const int v0 = v(taps[x].first), v1 = v(taps[x].second);
          want[x * step + c] = static_cast<uint8_t>(
              (v0 + (((v1 - v0) * taps[x].weight + 1024) >> 11) + 64) >> 7);
        }
      upsample(top.data(), bottom.data(), weight, src_width, channels,
               taps.data(), width, scratch.data(), {dst.data(), step});
      compare(dst, want,
              "upsample of " + std::to_string(src_width) + " to " +
                  std::to_string(width));
    }
  });
}

void test_to_fixed() {
  const std::vector<FixedTap> taps =
      to_fixed({{3, 4, 0.f}, {3, 4, 0.25f}, {3, 4, 0.9999f}, {5, 5, 0.f}});
  const int want[][3] = {{3, 4, 0}, {3, 4, 512}, {4, 4, 0}, {5, 5, 0}};
  for (int i = 0; i < 4; i++) {
    g_assert_cmpint(taps[i].first, ==, want[i][0]);
    g_assert_cmpint(taps[i].second, ==, want[i][1]);
    g_assert_cmpint(taps[i].weight, ==, want[i][2]);
  }
}

/// The name that users see is that of an instruction that was allowed.
void test_instructions() {
  g_test_message("uses %s", instructions_name());
  if (instructions() != Instructions::kPortable) {
    g_assert_true(supported_instructions() & bit(instructions()));
    g_assert_true(is_faster_than_fp32());
  }
  allow_instructions(0);
  testing::on_every_target([] {
    g_assert_true(instructions() == Instructions::kPortable);
    // Without dot products, int8 was measured to be faster with AVX2 only.
    g_assert_true(is_faster_than_fp32() ==
                  g_str_has_prefix(instructions_name(), "AVX"));
  });
  allow_instructions(~0u);
}

}  // namespace
}  // namespace fastscnn::int8

int main(int argc, char **argv) {
  using namespace fastscnn::int8;
  g_test_init(&argc, &argv, nullptr);
  for (int i = 1; i < argc; i++) {
    if (!std::strcmp(argv[i], "--positive-weights")) positive_weights = true;
    if (!std::strcmp(argv[i], "--cases") && i + 1 < argc)
      gemm_cases = std::atoi(argv[i + 1]);
  }
  g_test_add_func("/cpu/int8/instructions", test_instructions);
  g_test_add_func("/cpu/int8/conv-gemm", test_conv_gemm);
  g_test_add_func("/cpu/int8/conv-gemm-emulated", test_emulated);
  g_test_add_func("/cpu/int8/depthwise", test_depthwise);
  g_test_add_func("/cpu/int8/depthwise-emulated", test_depthwise_emulated);
  g_test_add_func("/cpu/int8/average-pool", test_average_pool);
  g_test_add_func("/cpu/int8/upsample", test_upsample);
  g_test_add_func("/cpu/int8/to-fixed", test_to_fixed);
  return g_test_run();
}
