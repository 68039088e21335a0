// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
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

  /// The form that reads the frame instead of the image, if there is one. run()
  /// does not use it: callers may run make_front() in place of its blocks.
  const std::optional<FusedForm> &front() const { return front_; }
  fused::Front make_front(const Preprocess<__half> &frame) const;

  /// The operation and, except for the workspace, the memory of a step of kind
  /// kConvolution.
  Convolution convolution(const Step &step) const;
  ConvolutionData data(const Step &step, const T *image) const;

  /// image: as described in image.h.
  template <typename Runner>
  void run(const T *image, Runner &&runner) const {
    run(image, 0, static_cast<int>(program_.blocks.size()), runner);
  }
  /// Runs the blocks from first to end (exclusive).
  template <typename Runner>
  void run(const T *image, int first, int end, Runner &&runner) const {
    const FusedForm *form = forms_.data(), *last = form + forms_.size();
    for (int i = first; i < end;) {
      while (form != last && (form->first < i || !form->chosen)) form++;
      if (form != last && form->first == i) {
        run_fused(*form, runner);
        i = form->end;
      } else {
        run_block(program_.blocks[i++], image, runner);
      }
    }
  }

  /// Returns false if there is no kernel for the form.
  template <typename Runner>
  bool run_fused(const FusedForm &form, Runner &&runner) const {
    if constexpr (std::is_same_v<T, __half>)
      return fused::visit_kernel(
          view(), gpu_, form.block, fused_data(form.block),
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

  /// The start of a layer's output; program().views has its layout.
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
  fused::NetworkView<WeightTable<T>> view() const {
    return {model_.layers(), program_.shapes, table_,
            model_.info().variant.align_corners};
  }
  fused::BlockData fused_data(const fused::FusibleBlock &block) const;

  template <typename Runner>
  void depthwise(const Step &step, const T *image, Runner &runner) const;
  template <int kStride, int kDilation, typename Runner>
  void depthwise(const Step &step, const T *image, Runner &runner) const;
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
  std::optional<FusedForm> front_;
};

}  // namespace fastscnn::cuda

#include "cuda/engine/kernelsequence-inl.h"
