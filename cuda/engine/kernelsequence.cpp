// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/kernelsequence.h"

namespace fastscnn::cuda {
namespace {

struct Ignore {
  template <typename Kernel>
  void clusters(const Kernel &) {}
};

}  // namespace

template <typename T>
KernelSequence<T>::KernelSequence(const Model &model,
                                  const WeightTable<T> &table, int height,
                                  int width, Program program)
    : model_(model),
      table_(table),
      height_(height),
      width_(width),
      program_(std::move(program)) {}

template <typename T>
Result<KernelSequence<T>> KernelSequence<T>::create(const Model &model,
                                                    const WeightTable<T> &table,
                                                    int height, int width) {
  Program program = FASTSCNN_TRY(
      make_program(model.layers(), height, width, sizeof(T), table.joins()));
  return KernelSequence(model, table, height, width, std::move(program));
}

template <typename T>
Convolution KernelSequence<T>::convolution(const Step &step) const {
  const Layer &l = model_.layers()[step.layer];
  const Shape src = src_shape(step);
  Convolution c;
  c.precision = sizeof(T) == 4 ? Precision::kFloat : Precision::kHalf;
  c.height = src.height;
  c.width = src.width;
  c.filters = program_.shapes[step.layer].channels;
  c.dst_pitch = program_.views[step.layer].pitch;
  if (step.src == kImage) {
    c.channels = c.src_pitch = kImageChannels;
    c.kernel = 2;
    c.padding = l.padding;
  } else {
    c.src_pitch = program_.views[step.src].pitch;
    c.channels = step.joined == kNoLayer ? src.channels : c.src_pitch;
    c.kernel = l.kernel;
    c.stride = l.stride;
    c.padding = c.post_padding = l.padding;
    c.dilation = l.dilation;
  }
  c.residual = step.residual != kNoLayer;
  c.activation = l.activation;
  return c;
}

template <typename T>
ConvolutionData KernelSequence<T>::data(const Step &step,
                                        const T *image) const {
  ConvolutionData data = {};
  data.src = step.joined == kNoLayer
                 ? output(step.src, image)
                 : output(model_.layers()[step.joined].inputs[0], image);
  data.weight = table_.weight(step.layer);
  data.bias = table_.bias(step.layer);
  if (step.residual != kNoLayer) data.residual = output(step.residual, image);
  data.dst = output(step.layer, image);
  return data;
}

template <typename T>
void KernelSequence<T>::find_fused_forms(const fused::Gpu &gpu) {
  gpu_ = gpu;
  forms_.clear();
  for (const FusedForm &form :
       cuda::find_fused_forms(model_.layers(), program_))
    if (run_fused(form, Ignore())) forms_.push_back(form);
  front_ = std::is_same_v<T, __half>
               ? cuda::find_front(model_.layers(), program_)
               : std::nullopt;
  if (front_ && !fused::has_front(view(), gpu, front_->block)) front_.reset();
}

template <typename T>
fused::Front KernelSequence<T>::make_front(
    const Preprocess<__half> &frame) const {
  if constexpr (std::is_same_v<T, __half>)
    return fused::make_front(view(), front_->block, frame,
                             fused_data(front_->block));
  return {};
}

template <typename T>
fused::BlockData KernelSequence<T>::fused_data(
    const fused::FusibleBlock &block) const {
  fused::BlockData data = {};
  if constexpr (std::is_same_v<T, __half>) {
    if (block.src != kImage) {
      data.src = output(block.src, nullptr);
      data.src_stride = program_.views[block.src].pitch;
    }
    if (block.fine != kNoLayer) {
      data.fine = output(block.fine, nullptr);
      data.fine_stride = program_.views[block.fine].pitch;
    }
    data.dst = output(block.last, nullptr);
    data.dst_stride = program_.views[block.last].pitch;
  }
  return data;
}

template <typename T>
Shape KernelSequence<T>::src_shape(const Step &step) const {
  return step.src == kImage ? Shape{kImageChannels, height_ / 2, width_ / 2}
                            : program_.shapes[step.src];
}

template class KernelSequence<__half>;
template class KernelSequence<float>;

}  // namespace fastscnn::cuda
