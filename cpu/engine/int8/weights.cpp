// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cpu/engine/int8/instructions.h"
#include "cpu/simd.h"

namespace fastscnn::int8 {
namespace {

// Limits of the bias and residual in a sum: including all products, it stays
// below 2^31, and below 2^24 where the kernel computes in fp32.
constexpr double kMaxBias = 1 << 22;
constexpr double kMaxResidual = 1 << 22;
// Larger scales change nothing: this one already saturates every sum but 0.
constexpr double kMaxScale = 1 << 20;

/// Rounds to nearest, ties to even.
template <typename T>
T round_to(double v) {
  return static_cast<T>(std::nearbyint(v));
}

/// A byte of an input channel represents scale * (byte - zero).
struct Channel {
  double scale, zero;
};

void append_channels(const Model &model, int layer, std::vector<Channel> *to) {
  const ModelInfo &info = model.info();
  if (layer == kImage) {
    for (int c = 0; c < 3; c++)
      to->push_back({1 / (255. * info.std[c]), 255. * info.mean[c]});
    return;
  }
  const Layer &l = model.layers()[layer];
  if (l.op == Op::kConv)
    to->insert(
        to->end(), l.channels,
        {info.activation_scales[layer], double(zero_point_of(l.activation))});
  else
    for (int input : l.inputs) append_channels(model, input, to);
}

}  // namespace

/// A layer in integers.
struct Weights::Quantized {
  std::vector<int8_t> weights;  // (out, in / groups, kernel, kernel)
  // (out), padded to kChannelBlock:
  std::vector<int32_t> bias, residual_scale;
  std::vector<float> scale;
  std::vector<uint8_t> outside;  // (in)
};

Weights::Weights(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      conv_gemm_(model_->layers().size()),
      depthwise_(model_->layers().size()),
      outside_(model_->layers().size()),
      precision_("int8 (" + std::string(instructions_name()) + ")") {}

Result<std::shared_ptr<const Weights>> Weights::create(
    std::shared_ptr<const Model> model) {
  std::shared_ptr<Weights> weights(new Weights(std::move(model)));
  const std::vector<Layer> &layers = weights->model().layers();
  for (size_t i = 0; i < layers.size(); i++) {
    if (layers[i].op != Op::kConv) continue;
    FASTSCNN_TRY(layers[i].depthwise() ? weights->pack_depthwise(i)
                                       : weights->pack_conv_gemm(i));
  }
  return weights;
}

void Weights::normalize(const uint8_t *pixel, float rgb[3]) const {
  const ModelInfo &info = model_->info();
  for (int c = 0; c < 3; c++)
    rgb[c] = (pixel[c] / 255.f - info.mean[c]) / info.std[c];
}

Weights::Quantized Weights::quantize(int layer) const {
  const Layer &l = model_->layers()[layer];
  const std::vector<float> &scales = model_->info().activation_scales;
  const bool image = l.inputs[0] == kImage;
  const double residual = l.residual == kNoLayer ? 0 : scales[l.residual];
  std::vector<Channel> inputs;
  append_channels(*model_, l.inputs[0], &inputs);
  const int taps = l.kernel * l.kernel;
  const int count = int(inputs.size()) / l.groups * taps;  // of one output

  Quantized q;
  const size_t padded = round_up(l.channels, kChannelBlock);
  q.weights.resize(size_t(l.channels) * count);
  q.bias.resize(padded);
  q.residual_scale.resize(padded);
  q.scale.resize(padded);
  std::vector<double> scaled(count);
  for (int o = 0; o < l.channels; o++) {
    const float *weights = model_->weight(layer).data() + size_t(o) * count;
    const Channel *from = l.depthwise() ? &inputs[o] : inputs.data();
    double largest = 0, bias = model_->bias(layer)[o];
    for (int i = 0; i < count; i++) {
      scaled[i] = weights[i] * from[i / taps].scale;
      largest = std::max(largest, std::abs(scaled[i]));
      // The image's zero points are fractions, which bytes cannot represent.
      if (image) bias -= scaled[i] * from[i / taps].zero;
    }
    double unit = std::max(
        {largest / 127, std::abs(bias) / kMaxBias, residual / kMaxResidual});
    if (unit == 0) unit = 1;
    int32_t sum = round_to<int32_t>(bias / unit);
    for (int i = 0; i < count; i++) {
      const int8_t weight = round_to<int8_t>(scaled[i] / unit);
      q.weights[size_t(o) * count + i] = weight;
      if (!image) sum -= weight * static_cast<int>(from[i / taps].zero);
    }
    q.bias[o] = sum;
    q.residual_scale[o] = round_to<int32_t>(residual / unit);
    q.scale[o] =
        static_cast<float>(has_scale(model_->layers(), layer)
                               ? std::min(unit / scales[layer], kMaxScale)
                               : unit);
  }
  for (const Channel &c : inputs)
    q.outside.push_back(round_to<uint8_t>(std::clamp(c.zero, 0., 255.)));
  return q;
}

Result<> Weights::pack_conv_gemm(int layer) {
  const Layer &l = model_->layers()[layer];
  const Quantized q = quantize(layer);
  const int channels = static_cast<int>(q.outside.size());
  ConvGemm &d = conv_gemm_[layer];
  // The pixels under a kernel row are adjacent in memory.
  d.kernel_rows = l.kernel;
  d.in = l.kernel * channels;
  d.out = static_cast<int>(q.bias.size());
  int8_t *packed =
      FASTSCNN_TRY(allocate<int8_t>(packed_size(d.out, d.kernel_rows, d.in)));
  int8::pack_conv_gemm(q.weights.data(), l.channels, channels, l.kernel,
                       channels, packed);
  d.weights = packed;
  d.bias = FASTSCNN_TRY(store(q.bias));
  d.to_bytes = FASTSCNN_TRY(pack_requantization(layer, q));
  if (l.residual != kNoLayer) {
    d.residual_scale = FASTSCNN_TRY(store(q.residual_scale));
    d.residual_zero = zero_point_of(model_->layers()[l.residual].activation);
  }
  outside_[layer] = q.outside;
  return {};
}

Result<> Weights::pack_depthwise(int layer) {
  const Layer &l = model_->layers()[layer];
  const Quantized q = quantize(layer);
  Depthwise &d = depthwise_[layer];
  d.channels = l.channels;
  d.stride = l.stride;
  d.dilation = l.dilation;
  d.outside = q.outside[0];
  float *packed = FASTSCNN_TRY(allocate<float>(size_t(9) * l.channels));
  int8::pack_depthwise(q.weights.data(), l.channels, packed);
  d.weights = packed;
  d.bias =
      FASTSCNN_TRY(store(std::vector<float>(q.bias.begin(), q.bias.end())));
  d.to_bytes = FASTSCNN_TRY(pack_requantization(layer, q));
  DepthwiseDots *dots =
      FASTSCNN_TRY(allocate<DepthwiseDots>(count_depthwise_dots(l.channels)));
  pack_depthwise_dots(d, q.weights.data(), dots);
  d.dots = dots;
  return {};
}

Result<Requantization> Weights::pack_requantization(int layer,
                                                    const Quantized &q) {
  const Layer &l = model_->layers()[layer];
  Requantization to_bytes;
  to_bytes.scale = FASTSCNN_TRY(store(q.scale));
  if (has_scale(model_->layers(), layer))
    to_bytes.zero = zero_point_of(l.activation);
  if (l.activation == Activation::kRelu6)
    to_bytes.high = round_to<int>(
        std::min(6. / model_->info().activation_scales[layer], 255.));
  return to_bytes;
}

template <typename T>
Result<T *> Weights::allocate(size_t size) {
  storage_.emplace_back();
  storage_.back() =
      FASTSCNN_TRY(AlignedArray<uint8_t>::create(size * sizeof(T)));
  return reinterpret_cast<T *>(storage_.back().data());
}

template <typename T>
Result<const T *> Weights::store(const std::vector<T> &values) {
  T *to = FASTSCNN_TRY(allocate<T>(values.size()));
  std::copy(values.begin(), values.end(), to);
  return to;
}

}  // namespace fastscnn::int8
