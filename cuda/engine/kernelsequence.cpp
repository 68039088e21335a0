// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/kernelsequence.h"

#include <limits>

namespace fastscnn::cuda {

template <typename T>
Program<T>::Program(const Model &model, const WeightTable<T> &table, int height,
                    int width, Schedule schedule)
    : model_(model),
      table_(table),
      height_(height),
      width_(width),
      schedule_(std::move(schedule)) {}

template <typename T>
Result<Program<T>> Program<T>::create(const Model &model,
                                      const WeightTable<T> &table, int height,
                                      int width) {
  Schedule schedule =
      FASTSCNN_TRY(make_schedule(model.layers(), height, width, sizeof(T)));
  return Program(model, table, height, width, std::move(schedule));
}

template <typename T>
Convolution Program<T>::convolution(const Step &step) const {
  const Layer &l = model_.layers()[step.layer];
  const Shape src = src_shape(step);
  Convolution c;
  c.precision = sizeof(T) == 4 ? Precision::kFloat : Precision::kHalf;
  c.channels = src.channels;
  c.height = src.height;
  c.width = src.width;
  c.filters = schedule_.shapes[step.layer].channels;
  c.kernel = l.kernel;
  c.stride = l.stride;
  c.padding = l.padding;
  c.dilation = l.dilation;
  c.residual = step.residual != kNoLayer;
  c.activation = l.activation;
  return c;
}

template <typename T>
ConvolutionData Program<T>::data(const Step &step, const T *image) const {
  ConvolutionData data = {};
  data.src = tensor(step.src, image);
  data.weight = table_.weight(step.layer);
  data.bias = table_.bias(step.layer);
  if (step.residual != kNoLayer) data.residual = tensor(step.residual, image);
  data.dst = buffer(step.dst_buffer);
  return data;
}

template <typename T>
Shape Program<T>::src_shape(const Step &step) const {
  return step.src == kImage ? Shape{kLanes, height_, width_}
                            : schedule_.shapes[step.src];
}

template <typename T>
std::pair<float, float> Program<T>::bounds(Activation activation) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return {activation == Activation::kNone ? -kInfinity : 0.f,
          activation == Activation::kRelu6 ? 6.f : kInfinity};
}

template class Program<__half>;
template class Program<float>;

}  // namespace fastscnn::cuda
