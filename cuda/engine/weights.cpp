// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/weights.h"

#include <cstring>

#include "cuda/engine/kernels/image.h"
#include "cuda/engine/kernels/grids.h"
#include "cuda/engine/program.h"
#include "cuda/graph.h"
#include "cuda/vector.h"

namespace fastscnn::cuda {
namespace {

/// Concatenates arrays, each at an aligned offset.
class Packer {
 public:
  template <typename T>
  size_t add(const std::vector<T> &values) {
    bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment);
    const size_t offset = bytes_.size();
    bytes_.resize(offset + values.size() * sizeof(T));
    if (!values.empty())
      std::memcpy(&bytes_[offset], values.data(), values.size() * sizeof(T));
    return offset;
  }
  const std::vector<char> &bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

/// (O, I, k, k) to (O, k, k, I), both channel counts padded.
template <typename T>
std::vector<T> pack_dense(const std::vector<float> &w, int out, int in,
                          int kernel) {
  const int taps = kernel * kernel, padded_in = pad_channels(in);
  std::vector<T> packed(size_t(pad_channels(out)) * taps * padded_in,
                        from_float<T>(0.f));
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++)
      for (int t = 0; t < taps; t++)
        packed[(size_t(o) * taps + t) * padded_in + i] =
            from_float<T>(w[(size_t(o) * in + i) * taps + t]);
  return packed;
}

/// (O, 3, 3, 3) with stride 2 to (O, 2, 2, 16) with stride 1. With padding 1,
/// the kernel begins at the second row and column of its 4x4 pixels.
template <typename T>
std::vector<T> pack_first(const std::vector<float> &w, int out, int padding) {
  constexpr int kKernel = 3, kColors = 3, kPixels = 4;
  std::vector<T> packed(size_t(pad_channels(out)) * 4 * kImageChannels,
                        from_float<T>(0.f));
  for (int o = 0; o < out; o++)
    for (int c = 0; c < kColors; c++)
      for (int y = 0; y < kKernel; y++)
        for (int x = 0; x < kKernel; x++)
          packed[size_t(o) * 4 * kImageChannels +
                 image_index(y + padding, x + padding, kPixels) + c] =
              from_float<T>(w[((o * kColors + c) * kKernel + y) * kKernel + x]);
  return packed;
}

/// (O, A) and (O, B) to (O, A + B).
std::vector<float> join(const std::vector<float> &a,
                        const std::vector<float> &b, int out) {
  std::vector<float> joined;
  for (int o = 0; o < out; o++)
    for (const std::vector<float> *w : {&a, &b}) {
      const size_t in = w->size() / out;
      joined.insert(joined.end(), w->begin() + o * in,
                    w->begin() + (o + 1) * in);
    }
  return joined;
}

/// (C, 1, 3, 3) to (3, 3, C).
template <typename T>
std::vector<T> pack_depthwise(const std::vector<float> &w, int channels) {
  const int taps = static_cast<int>(w.size()) / channels;
  std::vector<T> packed(size_t(taps) * pad_channels(channels),
                        from_float<T>(0.f));
  for (int c = 0; c < channels; c++)
    for (int t = 0; t < taps; t++)
      packed[size_t(t) * pad_channels(channels) + c] =
          from_float<T>(w[size_t(c) * taps + t]);
  return packed;
}

/// (O, I) of each grid to (grids, I, O), in the order of the layers.
void pack_pyramid(const Model &model, std::vector<float> *weight,
                  std::vector<float> *bias) {
  const std::vector<Layer> &layers = model.layers();
  for (size_t i = 0; i < layers.size(); i++) {
    const int src = layers[i].inputs[0];
    if (layers[i].op != Op::kConv || src < 0 || layers[src].op != Op::kPool)
      continue;
    const int out = layers[i].channels, in = layers[src].channels;
    for (int c = 0; c < in; c++)
      for (int o = 0; o < out; o++)
        weight->push_back(model.weight(i)[size_t(o) * in + c]);
    bias->insert(bias->end(), model.bias(i).begin(), model.bias(i).end());
  }
}

}  // namespace

template <typename T>
std::vector<char> WeightTable<T>::pack(const Model &model) {
  Packer packer;
  const std::vector<Layer> &layers = model.layers();
  const int last = static_cast<int>(layers.size()) - 1;
  for (int i = 0; i <= last; i++) {
    const Layer &l = layers[i];
    const int joined = joins_ ? joined_residual(layers, i) : kNoLayer;
    std::vector<float> bias = model.bias(i);
    if (joined != kNoLayer)
      for (int o = 0; o < l.channels; o++) bias[o] += model.bias(joined)[o];
    if (!bias.empty())
      bias.resize(pad_channels(l.channels), i == last ? lowest<T>() : 0.f);
    bias_.push_back(packer.add(bias));
    const std::vector<float> &w = model.weight(i);
    const int in = input_channels(layers, i);
    if (w.empty())
      weight_.push_back(packer.add(std::vector<T>()));
    else if (l.depthwise())
      weight_.push_back(packer.add(pack_depthwise<T>(w, l.channels)));
    else if (l.inputs[0] == kImage)
      weight_.push_back(packer.add(pack_first<T>(w, l.channels, l.padding)));
    else if (joined != kNoLayer)
      weight_.push_back(packer.add(
          pack_dense<T>(join(model.weight(joined), w, l.channels), l.channels,
                        input_channels(layers, joined) + in, l.kernel)));
    else
      weight_.push_back(packer.add(pack_dense<T>(w, l.channels, in, l.kernel)));
  }
  std::vector<float> pyramid_weight, pyramid_bias;
  pack_pyramid(model, &pyramid_weight, &pyramid_bias);
  pyramid_weight_ = packer.add(pyramid_weight);
  pyramid_bias_ = packer.add(pyramid_bias);
  return packer.bytes();
}

template <typename T>
Result<std::shared_ptr<const Weights<T>>> Weights<T>::create(
    std::shared_ptr<const Context> context,
    std::shared_ptr<const Model> model) {
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context));
  // On older GPUs, cuDNN has no tensor-core plans for parts of the channels.
  const bool joins = FASTSCNN_TRY(compute_capability(context->device())) >= 80;
  std::shared_ptr<Weights> weights(
      new Weights(std::move(context), std::move(model), joins));
  const std::vector<char> bytes = weights->table_.pack(weights->model());
  DeviceMemory memory = FASTSCNN_TRY(make_device_memory(bytes.size()));
  TRY_CUDA(cudaMemcpy(memory.get(), bytes.data(), bytes.size(),
                      cudaMemcpyHostToDevice));
  // cudaMemcpy may return before the copy is complete, and our streams do not
  // wait for the default stream.
  FASTSCNN_TRY(synchronize_context());
  weights->table_.place(memory.get());
  weights->memory_ = std::move(memory);
  return weights;
}

template <typename T>
Weights<T>::~Weights() {
  // If this fails, the context is already destroyed, and the memory with it.
  const Result<ContextGuard> guard = ContextGuard::enter(*context_);
  memory_ = DeviceMemory();
}

template class WeightTable<__half>;
template class WeightTable<float>;
template class Weights<__half>;
template class Weights<float>;

}  // namespace fastscnn::cuda
