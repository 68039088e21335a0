// SPDX-License-Identifier: LGPL-2.1-or-later
// Times the convolutions of the network at 1024x512 on one thread with data in
// the cache, in fp32 and in 8 bits (billions of multiply-adds per second), then
// the preprocessing of frames (milliseconds). fp32 and 8 bits alternate, and
// the fastest run counts, which other programs disturb little.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/convgemm.h"
#include "cpu/engine/depthwise.h"
#include "cpu/engine/int8/convgemm.h"
#include "cpu/engine/int8/depthwise.h"
#include "cpu/engine/int8/instructions.h"
#include "cpu/engine/int8/preprocess.h"
#include "cpu/engine/preprocess.h"
#include "cpu/simd.h"
#include "tests/bench/timing.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;

namespace {

constexpr int kRuns = 400;
constexpr double kMacs = 2e6;  // per call, as in executionplan.cpp

AlignedBuffer floats(size_t size) {
  AlignedBuffer buffer = must(AlignedBuffer::create(size + kCacheLine));
  reference::Lcg lcg(1);
  for (size_t i = 0; i < size; i++) buffer.data()[i] = lcg.uniform();
  return buffer;
}

/// Aligned bytes; not zero, in case a processor is faster with zeros.
AlignedBuffer bytes(size_t size) {
  AlignedBuffer buffer =
      must(AlignedBuffer::create(size / sizeof(float) + 2 * kCacheLine));
  auto data = reinterpret_cast<uint8_t *>(buffer.data());
  reference::Lcg lcg(2);
  for (size_t i = 0; i < size; i++)
    data[i] = static_cast<uint8_t>(lcg.between(0, 100));
  return buffer;
}

uint8_t *as_bytes(AlignedBuffer &b) {
  return reinterpret_cast<uint8_t *>(b.data());
}

void report(const std::string &name, double macs,
            const std::function<void()> &in_floats,
            const std::function<void()> &in_bytes) {
  double fastest[2] = {1e9, 1e9};
  for (int run = 0; run < kRuns; run++) {
    fastest[0] = std::min(fastest[0], milliseconds(in_floats));
    fastest[1] = std::min(fastest[1], milliseconds(in_bytes));
  }
  std::printf("%-44s %9.1f %9.1f %8.2f\n", name.c_str(),
              macs / fastest[0] / 1e6, macs / fastest[1] / 1e6,
              fastest[0] / fastest[1]);
}

std::vector<float> small_scales(int channels) {
  return std::vector<float>(channels, 1e-3f);
}

void measure_conv_gemm(const std::string &name, int channels, int kernel,
                       int stride, int out, int width, int height) {
  const int pixels = kernel == 1 ? width * height : width;
  const double each = double(channels) * kernel * kernel * out;
  const int count = std::min(pixels, std::max(width, int(kMacs / each)));
  out = static_cast<int>(round_up(out, kChannelBlock));

  ConvGemm gemm;
  gemm.in = kernel * channels;
  gemm.out = out;
  gemm.kernel_rows = kernel;
  const size_t pitch = (size_t(count) * stride + kernel) * channels;
  AlignedBuffer weights = floats(size_t(out) * kernel * gemm.in);
  AlignedBuffer bias = floats(out), src = floats(kernel * pitch);
  AlignedBuffer dst = floats(size_t(count) * out);
  gemm.weights = weights.data();
  gemm.bias = bias.data();
  gemm.clamp = clamp_of(Activation::kRelu);
  const ptrdiff_t offsets[] = {0, ptrdiff_t(pitch), 2 * ptrdiff_t(pitch)};

  int8::ConvGemm layer;
  layer.in = gemm.in;
  layer.out = out;
  layer.kernel_rows = kernel;
  AlignedBuffer unpacked = bytes(size_t(out) * kernel * gemm.in);
  AlignedBuffer packed = bytes(int8::packed_size(out, kernel, gemm.in));
  int8::pack_conv_gemm(reinterpret_cast<int8_t *>(unpacked.data()), out,
                       channels, kernel, channels,
                       reinterpret_cast<int8_t *>(packed.data()));
  const std::vector<int32_t> int_bias(out, 1000);
  const std::vector<float> scales = small_scales(out);
  AlignedBuffer byte_src = bytes(kernel * pitch + int8::kReadAhead);
  AlignedBuffer byte_dst = bytes(size_t(count) * out);
  layer.weights = reinterpret_cast<int8_t *>(packed.data());
  layer.bias = int_bias.data();
  layer.to_bytes.scale = scales.data();

  const ptrdiff_t step = ptrdiff_t(stride) * channels;
  report(
      name, each * count,
      [&] {
        conv_gemm(gemm, {src.data(), step}, offsets, count, {nullptr, 0},
                  {dst.data(), out});
      },
      [&] {
        int8::conv_gemm(layer, {as_bytes(byte_src), step}, offsets, count,
                        {nullptr, 0}, {as_bytes(byte_dst), out});
      });
}

void measure_depthwise(const std::string &name, int channels, int stride,
                       int dst_width) {
  const int width = dst_width * stride;
  const size_t row = size_t(width) * channels;
  const ptrdiff_t pitch = ptrdiff_t(dst_width) * channels;
  AlignedBuffer weights = floats(size_t(9) * channels);
  AlignedBuffer bias = floats(channels), src = floats(5 * row);
  AlignedBuffer dst = floats(2 * pitch);
  Depthwise fp32 = {channels,       stride,      1,
                    weights.data(), bias.data(), clamp_of(Activation::kRelu)};
  AlignedBuffer byte_src = bytes(5 * row), byte_dst = bytes(2 * pitch);
  const std::vector<float> scales = small_scales(channels);
  int8::Depthwise layer;
  layer.channels = channels;
  layer.stride = stride;
  layer.weights = weights.data();
  layer.bias = bias.data();
  layer.to_bytes.scale = scales.data();
  std::vector<int8::DepthwiseDots> dots(int8::count_depthwise_dots(channels));
  const std::vector<int8_t> byte_weights(size_t(9) * channels, 1);
  int8::pack_depthwise_dots(layer, byte_weights.data(), dots.data());
  layer.dots = dots.data();
  const float *rows[5];
  const uint8_t *byte_rows[5];
  for (int i = 0; i < 5; i++) {
    rows[i] = src.data() + i * row;
    byte_rows[i] = as_bytes(byte_src) + i * row;
  }
  report(
      name, double(9) * channels * dst_width * 2,
      [&] { depthwise(fp32, rows, width, dst.data(), pitch, dst_width, 2); },
      [&] {
        int8::depthwise(layer, byte_rows, width, as_bytes(byte_dst), pitch,
                        dst_width, 2);
      });
}

/// Times the conversion of a frame of this size to the network input.
void measure_preprocess(const char *format, int width, int height) {
  constexpr int kWidth = 1024, kHeight = 512, kFrames = 20;
  reference::Lcg lcg(3);
  const reference::TestFrame frame =
      reference::make_frame(format, width, height, 0, false, lcg);
  const float mean[3] = {0.5f, 0.5f, 0.5f}, std[3] = {0.2f, 0.2f, 0.2f};
  const Preprocess fp32(frame.info, kWidth, kHeight, mean, std);
  const int8::Preprocess bytes(frame.info, kWidth, kHeight);
  AlignedBuffer scratch = floats(fp32.scratch_size());
  AlignedBuffer row = floats(3 * kWidth);
  std::vector<int16_t> words(bytes.scratch_size());
  std::vector<uint8_t> byte_row(3 * kWidth);
  double fastest[2] = {1e9, 1e9};
  for (int run = 0; run < kFrames; run++) {
    fastest[0] =
        std::min(fastest[0], milliseconds([&] {
                   for (int y = 0; y < kHeight; y++)
                     fp32.row(frame.frame, y, scratch.data(), row.data());
                 }));
    fastest[1] =
        std::min(fastest[1], milliseconds([&] {
                   for (int y = 0; y < kHeight; y++)
                     bytes.row(frame.frame, y, words.data(), byte_row.data());
                 }));
  }
  const std::string name = std::string(format) + " " + std::to_string(width) +
                           "x" + std::to_string(height) + " to 1024x512";
  std::printf("%-44s %6.2f ms %6.2f ms %8.2f\n", name.c_str(), fastest[0],
              fastest[1], fastest[0] / fastest[1]);
}

}  // namespace

int main() {
  const std::vector<Layer> layers = make_layers(Variant::tramac(), 19);
  const std::vector<Shape> shapes = must(infer_shapes(layers, 512, 1024));
  std::printf("%-44s %9s %9s %8s\n", int8::instructions_name(), "fp32", "int8",
              "times");
  std::set<std::string> done;
  for (size_t i = 0; i < layers.size(); i++) {
    const Layer &l = layers[i];
    if (l.op != Op::kConv || l.dilation != 1 || shapes[i].width < 32) continue;
    const int channels = input_channels(layers, i);
    const std::string shape =
        (l.depthwise() ? "depthwise " : std::to_string(channels) + " to ") +
        std::to_string(l.channels) + (l.stride == 2 ? ", stride 2" : "") +
        ", " + std::to_string(shapes[i].width) + " wide";
    if (!done.insert(shape).second) continue;
    const std::string name = l.name + " " + shape;
    if (l.depthwise())
      measure_depthwise(name, l.channels, l.stride, shapes[i].width);
    else
      measure_conv_gemm(name, channels, l.kernel, l.stride, l.channels,
                        shapes[i].width, shapes[i].height);
  }
  measure_preprocess("NV12", 1024, 512);
  measure_preprocess("NV12", 1920, 1080);
  measure_preprocess("NV12", 3840, 2160);
  measure_preprocess("RGB", 1920, 1080);
  return 0;
}
