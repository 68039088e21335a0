// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <type_traits>
#include <utility>

#include "cuda/engine/kernels/bilinear.h"
#include "cuda/engine/cudnn.h"
#include "cuda/engine/kernels/depthwise.h"
#include "cuda/engine/fused/kernels.h"
#include "cuda/engine/kernels/image.h"
#include "cuda/engine/kernels/pool.h"
#include "cuda/engine/kernels/poolconcat.h"
#include "cuda/engine/program.h"
#include "cuda/engine/weights.h"
#include "net/model.h"

namespace fastscnn::cuda {

/// The kernels of the network in order, with all their parameters. run() passes
/// each to a runner, which has
///   void items(const Kernel &);  // see cuda/kernel.h
///   void blocks(const Kernel &);
///   void clusters(const Kernel &);
///   void convolve(int step, const ConvolutionData &);
/// Blocks run in their fused form if that has been chosen.
template <typename T>
class KernelSequence {
 public:
  /// model and table must outlive the sequence. table and arena may be placed
  /// later, but before run().
  static Result<KernelSequence> create(const Model &model,
                                       const WeightTable<T> &table, int height,
                                       int width);

  /// arena: device memory of program().bytes.
  void place(void *arena) { arena_ = static_cast<char *>(arena); }
  const Program &program() const { return program_; }

  /// Finds the fused forms. Call after the arena and the table are placed.
  void find_fused_forms(const fused::Gpu &gpu);
  const std::vector<FusedForm> &fused_forms() const { return forms_; }
  void choose_fused(int form, bool chosen) { forms_[form].chosen = chosen; }

  /// For a step of kind kConvolution: what cuDNN computes, and where its data
  /// lies, except for the workspace.
  Convolution convolution(const Step &step) const;
  ConvolutionData data(const Step &step, const T *image) const;

  /// image: as described in image.h.
  template <typename Runner>
  void run(const T *image, Runner &&runner) const {
    const FusedForm *form = forms_.data(), *last = form + forms_.size();
    for (int i = 0; i < static_cast<int>(program_.blocks.size());) {
      while (form != last && (form->first < i || !form->chosen)) form++;
      if (form != last && form->first == i) {
        run_fused(*form, runner);
        i = form->end;
      } else {
        run_block(program_.blocks[i++], image, runner);
      }
    }
  }

  /// False if there is no kernel for the form.
  template <typename Runner>
  bool run_fused(const FusedForm &form, Runner &&runner) const {
    if constexpr (std::is_same_v<T, __half>)
      return fused::visit_kernel(
          fused::NetworkView<WeightTable<T>>{
              model_.layers(), program_.shapes, table_,
              model_.info().variant.align_corners},
          gpu_, form.block, fused_data(form.block),
          [&runner](const auto &kernel) { runner.clusters(kernel); });
    return false;
  }

  template <typename Runner>
  void run_block(const Block &block, const T *image, Runner &&runner) const {
    for (int i = block.first; i < block.end; i++) {
      const Step &step = program_.steps[i];
      switch (step.kind) {
        case Step::Kind::kConvolution:
          runner.convolve(i, data(step, image));
          break;
        case Step::Kind::kDepthwise:
          depthwise(step, image, runner);
          break;
        case Step::Kind::kUpsample:
          upsample(step, runner);
          break;
        case Step::Kind::kPyramid:
          pyramid(step, runner);
          break;
      }
    }
  }

  /// Where a layer's output lies; program().views says how.
  T *output(int layer, const T *image) const {
    if (layer == kImage) return const_cast<T *>(image);
    const View &view = program_.views[layer];
    return reinterpret_cast<T *>(memory(view.tensor)) + view.channel;
  }

  Shape logits_shape() const { return program_.shapes.back(); }
  T *logits() const { return output(program_.shapes.size() - 1, nullptr); }

 private:
  KernelSequence(const Model &model, const WeightTable<T> &table, int height,
                 int width, Program program);

  char *memory(int tensor) const {
    return arena_ + program_.tensors[tensor].offset;
  }

  Shape src_shape(const Step &step) const;
  fused::BlockData fused_data(const fused::FusibleBlock &block) const;

  template <typename Runner>
  void depthwise(const Step &step, const T *image, Runner &runner) const {
    const Layer &l = model_.layers()[step.layer];
    if (l.dilation == 4)
      depthwise<1, 4>(step, image, runner);
    else if (l.stride == 2)
      depthwise<2, 1>(step, image, runner);
    else
      depthwise<1, 1>(step, image, runner);
  }

  template <int kStride, int kDilation, typename Runner>
  void depthwise(const Step &step, const T *image, Runner &runner) const {
    const Layer &l = model_.layers()[step.layer];
    const Shape src = src_shape(step);
    const Shape &dst = program_.shapes[step.layer];
    const Clamp clamp = clamp_of(l.activation);
    runner.items(Depthwise<T, kStride, kDilation>{
        output(step.src, image), table_.weight(step.layer),
        table_.bias(step.layer), output(step.layer, image), dst.channels,
        program_.views[step.layer].pitch, src.height, src.width, dst.height,
        dst.width, l.padding, clamp.low, clamp.high});
  }

  template <typename Runner>
  void upsample(const Step &step, Runner &runner) const;
  template <typename Runner>
  void pyramid(const Step &step, Runner &runner) const;

  const Model &model_;
  const WeightTable<T> &table_;
  const int height_, width_;
  const Program program_;
  char *arena_ = nullptr;
  fused::Gpu gpu_;
  std::vector<FusedForm> forms_;
};

}  // namespace fastscnn::cuda

#include "cuda/engine/kernelsequence-inl.h"
