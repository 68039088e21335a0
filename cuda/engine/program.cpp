// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/program.h"

#include <algorithm>
#include <numeric>

#include "cuda/engine/pool.h"

namespace fastscnn::cuda {
namespace {

Error refusal(const Layer &layer) {
  return Error{Error::Kind::kEngine,
               "The CUDA engine cannot compute layer " + layer.name};
}

size_t round_up(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// The convolutions of the pyramid that ends in a concat, in the order of its
/// grids: each conv reads a pool of x, and is interpolated back to x's size.
Result<std::vector<int>> pyramid_grids(const std::vector<Layer> &layers,
                                       const Layer &concat) {
  const int x = concat.inputs[0];
  if (concat.inputs.size() != kGrids + 1 ||
      layers[x].channels != PoolCells::kChannels)
    return refusal(concat);
  std::vector<int> convolutions;
  for (int grid = 0; grid < kGrids; grid++) {
    const Layer &up = layers[concat.inputs[grid + 1]];
    if (up.op != Op::kUpsample || up.like != x) return refusal(up);
    const Layer &conv = layers[up.inputs[0]];
    if (conv.op != Op::kConv || conv.kernel != 1 || conv.depthwise() ||
        conv.channels != kGridChannels || conv.residual != kNoLayer)
      return refusal(conv);
    const Layer &pool = layers[conv.inputs[0]];
    if (pool.op != Op::kPool || pool.inputs[0] != x ||
        pool.bins != grid_bins(grid))
      return refusal(pool);
    convolutions.push_back(up.inputs[0]);
  }
  return convolutions;
}

/// Layers that are computed as part of a pyramid.
Result<std::vector<bool>> find_absorbed(const std::vector<Layer> &layers) {
  std::vector<bool> absorbed(layers.size());
  for (const Layer &l : layers) {
    if (l.op != Op::kConcat) continue;
    const std::vector<int> grids = FASTSCNN_TRY(pyramid_grids(layers, l));
    for (int conv : grids)
      absorbed[conv] = absorbed[layers[conv].inputs[0]] = true;
    for (int grid = 0; grid < kGrids; grid++)
      absorbed[l.inputs[grid + 1]] = true;
  }
  return absorbed;
}

bool is_known_depthwise(const Layer &l) {
  return l.kernel == 3 && l.groups == l.channels && l.residual == kNoLayer &&
         (l.dilation == 1 ? l.stride == 1 || l.stride == 2
                          : l.dilation == 4 && l.stride == 1);
}

Result<Step::Kind> kind_of(const Layer &l) {
  switch (l.op) {
    case Op::kConv:
      if (l.depthwise() && !is_known_depthwise(l)) return refusal(l);
      return l.depthwise() ? Step::Kind::kDepthwise : Step::Kind::kConvolution;
    case Op::kUpsample:
      return Step::Kind::kUpsample;
    case Op::kConcat:
      return Step::Kind::kPyramid;
    case Op::kPool:
      break;
  }
  return refusal(l);
}

bool overlap(const Buffer &a, const Buffer &b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

size_t place(std::vector<Buffer> *buffers) {
  std::vector<int> order(buffers->size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [buffers](int a, int b) {
    return (*buffers)[a].bytes > (*buffers)[b].bytes;
  });
  size_t total = 0;
  std::vector<const Buffer *> placed;  // by offset
  for (int index : order) {
    Buffer &buffer = (*buffers)[index];
    buffer.offset = 0;
    for (const Buffer *other : placed) {
      if (!overlap(buffer, *other)) continue;
      if (buffer.offset + buffer.bytes <= other->offset) break;
      buffer.offset =
          std::max(buffer.offset, round_up(other->offset + other->bytes));
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &buffer,
                                   [](const Buffer *a, const Buffer *b) {
                                     return a->offset < b->offset;
                                   }),
                  &buffer);
    total = std::max(total, buffer.offset + buffer.bytes);
  }
  return round_up(total);
}

Result<Schedule> make_schedule(const std::vector<Layer> &layers, int height,
                               int width, size_t element_bytes) {
  Schedule s;
  s.shapes = FASTSCNN_TRY(infer_shapes(layers, height, width));
  for (Shape &shape : s.shapes) shape.channels = pad_channels(shape.channels);
  s.buffer_of.assign(layers.size(), -1);
  const std::vector<bool> absorbed = FASTSCNN_TRY(find_absorbed(layers));

  auto add_buffer = [&s](size_t bytes) {
    const int now = static_cast<int>(s.steps.size());
    s.buffers.push_back({bytes, now, now, 0});
    return static_cast<int>(s.buffers.size()) - 1;
  };
  auto read = [&s](int layer) {
    if (layer >= 0)
      s.buffers[s.buffer_of[layer]].last = static_cast<int>(s.steps.size());
  };

  for (int i = 0; i < static_cast<int>(layers.size()); i++) {
    if (absorbed[i]) continue;
    const Layer &l = layers[i];
    const Shape &shape = s.shapes[i];
    Step step;
    step.kind = FASTSCNN_TRY(kind_of(l));
    step.layer = i;
    step.src = l.inputs[0];
    step.residual = l.residual;
    read(step.src);
    read(step.residual);
    step.dst_buffer = s.buffer_of[i] = add_buffer(
        size_t(shape.channels) * shape.height * shape.width * element_bytes);
    if (step.kind == Step::Kind::kPyramid) {
      step.grids = FASTSCNN_TRY(pyramid_grids(layers, l));
      step.scratch = add_buffer(sizeof(float) * size_t(shape.height) *
                                kColumns * PoolCells::kChannels);
      add_buffer(sizeof(float) * kCells * kGridChannels);
    }
    s.steps.push_back(step);
  }
  s.buffers[s.buffer_of.back()].last = static_cast<int>(s.steps.size());
  s.bytes = place(&s.buffers);
  return s;
}

}  // namespace fastscnn::cuda
