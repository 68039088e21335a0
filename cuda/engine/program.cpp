// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/program.h"

#include "cuda/engine/pool.h"

namespace fastscnn::cuda {
namespace {

Error unsupported(const Layer &layer) {
  return Error{Error::Kind::kEngine,
               "The CUDA engine cannot compute layer " + layer.name};
}

/// The convolutions of the pyramid that ends in concat, in the order of its
/// grids. Each of them reads a pool of x; an upsample brings the result back to
/// the size of x.
Result<std::vector<int>> pyramid_grids(const std::vector<Layer> &layers,
                                       const Layer &concat) {
  const int x = concat.inputs[0];
  if (concat.inputs.size() != kGrids + 1 ||
      layers[x].channels != PoolCells::kChannels)
    return unsupported(concat);
  std::vector<int> convolutions;
  for (int grid = 0; grid < kGrids; grid++) {
    const Layer &up = layers[concat.inputs[grid + 1]];
    if (up.op != Op::kUpsample || up.like != x) return unsupported(up);
    const Layer &conv = layers[up.inputs[0]];
    if (conv.op != Op::kConv || conv.kernel != 1 || conv.depthwise() ||
        conv.channels != kGridChannels || conv.residual != kNoLayer)
      return unsupported(conv);
    const Layer &pool = layers[conv.inputs[0]];
    if (pool.op != Op::kPool || pool.inputs[0] != x ||
        pool.bins != grid_bins(grid))
      return unsupported(pool);
    convolutions.push_back(up.inputs[0]);
  }
  return convolutions;
}

/// Marks the layers that a pyramid step computes.
Result<std::vector<bool>> find_fused(const std::vector<Layer> &layers) {
  std::vector<bool> fused(layers.size());
  for (const Layer &l : layers) {
    if (l.op != Op::kConcat) continue;
    const std::vector<int> grids = FASTSCNN_TRY(pyramid_grids(layers, l));
    for (int conv : grids) fused[conv] = fused[layers[conv].inputs[0]] = true;
    for (int grid = 0; grid < kGrids; grid++) fused[l.inputs[grid + 1]] = true;
  }
  return fused;
}

bool is_known_depthwise(const Layer &l) {
  return l.kernel == 3 && l.groups == l.channels && l.residual == kNoLayer &&
         (l.dilation == 1 ? l.stride == 1 || l.stride == 2
                          : l.dilation == 4 && l.stride == 1);
}

Result<Step::Kind> kind_of(const Layer &l) {
  switch (l.op) {
    case Op::kConv:
      if (l.depthwise() && !is_known_depthwise(l)) return unsupported(l);
      return l.depthwise() ? Step::Kind::kDepthwise : Step::Kind::kConvolution;
    case Op::kUpsample:
      return Step::Kind::kUpsample;
    case Op::kConcat:
      return Step::Kind::kPyramid;
    case Op::kPool:
      break;
  }
  return unsupported(l);
}

}  // namespace

Result<Program> make_program(const std::vector<Layer> &layers, int height,
                             int width, size_t element_bytes) {
  Program p;
  p.shapes = FASTSCNN_TRY(infer_shapes(layers, height, width));
  for (Shape &shape : p.shapes) shape.channels = pad_channels(shape.channels);
  p.tensor_of.assign(layers.size(), -1);
  const std::vector<bool> fused = FASTSCNN_TRY(find_fused(layers));

  auto add_tensor = [&p](size_t bytes) {
    const int step = static_cast<int>(p.steps.size());
    p.tensors.push_back({bytes, step, step});
    return static_cast<int>(p.tensors.size()) - 1;
  };
  auto read = [&p](int layer) {
    if (layer >= 0)
      p.tensors[p.tensor_of[layer]].last = static_cast<int>(p.steps.size());
  };

  for (int i = 0; i < static_cast<int>(layers.size()); i++) {
    if (fused[i]) continue;
    const Layer &l = layers[i];
    const Shape &shape = p.shapes[i];
    Step step;
    step.kind = FASTSCNN_TRY(kind_of(l));
    step.layer = i;
    step.src = l.inputs[0];
    step.residual = l.residual;
    read(step.src);
    read(step.residual);
    step.dst = p.tensor_of[i] = add_tensor(
        size_t(shape.channels) * shape.height * shape.width * element_bytes);
    if (step.kind == Step::Kind::kPyramid) {
      step.grids = FASTSCNN_TRY(pyramid_grids(layers, l));
      step.scratch = add_tensor(sizeof(float) * size_t(shape.height) *
                                kColumns * PoolCells::kChannels);
      add_tensor(sizeof(float) * kCells * kGridChannels);
    }
    p.steps.push_back(step);
  }
  p.tensors[p.tensor_of.back()].last = static_cast<int>(p.steps.size());
  p.bytes = place_in_arena(&p.tensors, kAlignment);
  return p;
}

}  // namespace fastscnn::cuda
