// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/weights.h"

#include <algorithm>
#include <utility>

#include "cpu/simd.h"

namespace fastscnn {

Weights::Weights(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      conv_gemm_(model_->layers().size()),
      depthwise_(model_->layers().size()) {}

Result<std::shared_ptr<const Weights>> Weights::create(
    std::shared_ptr<const Model> model) {
  std::shared_ptr<Weights> weights(new Weights(std::move(model)));
  const std::vector<Layer> &layers = weights->model().layers();
  for (size_t i = 0; i < layers.size(); i++) {
    if (layers[i].op != Op::kConv) continue;
    FASTSCNN_TRY(layers[i].depthwise() ? weights->pack_depthwise(i)
                                       : weights->pack_conv_gemm(i));
  }
  int channels = 0;
  for (const Layer &l : layers) channels = std::max(channels, l.channels);
  weights->zeros_ = FASTSCNN_TRY(AlignedBuffer::create(channels));
  return weights;
}

Result<> Weights::pack_conv_gemm(int layer) {
  const Layer &l = model_->layers()[layer];
  const int channels = input_channels(model_->layers(), layer);
  const int k = l.kernel;
  ConvGemm &d = conv_gemm_[layer];
  // The pixels under a kernel row are adjacent in memory.
  d.kernel_rows = k;
  d.in = k * channels;
  d.out = round_up(l.channels, kChannelBlock);
  d.clamp = clamp_of(l.activation);

  const std::vector<float> &from = model_->weight(layer);
  float *to = FASTSCNN_TRY(allocate(size_t(d.out) * k * d.in));
  for (int o = 0; o < l.channels; o++)
    for (int c = 0; c < channels; c++)
      for (int ky = 0; ky < k; ky++)
        for (int kx = 0; kx < k; kx++) {
          const size_t row = size_t(o / kChannelBlock) * k + ky;
          to[(row * d.in + kx * channels + c) * kChannelBlock +
             o % kChannelBlock] =
              from[((size_t(o) * channels + c) * k + ky) * k + kx];
        }
  d.weights = to;

  float *bias = FASTSCNN_TRY(allocate(d.out));
  std::copy(model_->bias(layer).begin(), model_->bias(layer).end(), bias);
  d.bias = bias;
  return {};
}

Result<> Weights::pack_depthwise(int layer) {
  const Layer &l = model_->layers()[layer];
  Depthwise &d = depthwise_[layer];
  d.channels = l.channels;
  d.stride = l.stride;
  d.dilation = l.dilation;
  d.clamp = clamp_of(l.activation);

  const std::vector<float> &from = model_->weight(layer);
  float *to = FASTSCNN_TRY(allocate(size_t(9) * l.channels));
  d.weights = to;
  for (int c = 0; c < l.channels; c++)
    for (int k = 0; k < 9; k++)
      to[d.weight(c) - to + k * kChannelBlock] = from[c * 9 + k];

  float *bias = FASTSCNN_TRY(allocate(l.channels));
  std::copy(model_->bias(layer).begin(), model_->bias(layer).end(), bias);
  d.bias = bias;
  return {};
}

Result<float *> Weights::allocate(size_t size) {
  storage_.emplace_back();
  storage_.back() = FASTSCNN_TRY(AlignedBuffer::create(size));
  return storage_.back().data();
}

}  // namespace fastscnn
