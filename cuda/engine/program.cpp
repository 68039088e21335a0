// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/program.h"

#include <algorithm>

#include "cuda/engine/kernels/grids.h"
#include "cuda/vector.h"

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
  if (concat.inputs.size() != kGrids + 1 || layers[x].channels != kPoolChannels)
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

/// joined_residual() of every layer; kNoLayer for all unless joins.
std::vector<int> find_joined(const std::vector<Layer> &layers, bool joins) {
  std::vector<int> joined(layers.size(), kNoLayer);
  for (size_t i = 0; joins && i < layers.size(); i++)
    joined[i] = joined_residual(layers, static_cast<int>(i));
  return joined;
}

/// Marks the layers that the step of another layer computes.
Result<std::vector<bool>> find_fused(const std::vector<Layer> &layers,
                                     const std::vector<int> &all_joined) {
  std::vector<bool> fused(layers.size());
  for (int i = 0; i < static_cast<int>(layers.size()); i++) {
    const Layer &l = layers[i];
    if (all_joined[i] != kNoLayer) fused[all_joined[i]] = true;
    if (l.op != Op::kConcat) continue;
    const std::vector<int> grids = FASTSCNN_TRY(pyramid_grids(layers, l));
    for (int conv : grids) fused[conv] = fused[layers[conv].inputs[0]] = true;
    for (int grid = 0; grid < kGrids; grid++) fused[l.inputs[grid + 1]] = true;
  }
  return fused;
}

bool is_plain_pointwise(const Layer &l) {
  return l.op == Op::kConv && l.kernel == 1 && l.stride == 1 &&
         l.padding == 0 && !l.depthwise();
}

/// How many layers read a layer.
int count_readers(const std::vector<Layer> &layers, int layer) {
  int readers = 0;
  for (const Layer &l : layers) {
    readers += std::count(l.inputs.begin(), l.inputs.end(), layer);
    readers += l.residual == layer;
  }
  return readers;
}

/// Whether the first convolution can read the image as it is stored (image.h).
bool is_known_first(const Layer &l) {
  return l.kernel == 3 && l.stride == 2 && l.dilation == 1 &&
         (l.padding == 0 || l.padding == 1) && l.residual == kNoLayer;
}

/// Makes the two layers that a joined product reads share the pixels of one
/// tensor, which the caller adds. partners: for each layer the other one.
Result<> share_tensors(const std::vector<Layer> &layers,
                       const std::vector<int> &all_joined,
                       const std::vector<Shape> &shapes,
                       std::vector<View> *views, std::vector<int> *partners) {
  views->resize(layers.size());
  partners->assign(layers.size(), kNoLayer);
  for (int i = 0; i < static_cast<int>(layers.size()); i++) {
    if (all_joined[i] == kNoLayer) continue;
    const int a = layers[all_joined[i]].inputs[0], b = layers[i].inputs[0];
    if (a == b || (*partners)[a] != kNoLayer || (*partners)[b] != kNoLayer)
      return unsupported(layers[i]);
    (*partners)[a] = b;
    (*partners)[b] = a;
    (*views)[b].channel = shapes[a].channels;
    (*views)[a].pitch = (*views)[b].pitch =
        shapes[a].channels + shapes[b].channels;
  }
  return {};
}

std::vector<Block> make_blocks(const std::vector<Layer> &layers,
                               const std::vector<Step> &steps) {
  std::vector<Block> blocks;
  for (int i = 0; i < static_cast<int>(steps.size()); i++) {
    const std::string &name = layers[steps[i].layer].name;
    const std::string prefix = name.substr(0, name.rfind('.'));
    if (blocks.empty() || blocks.back().name != prefix)
      blocks.push_back({prefix, i, i});
    blocks.back().end = i + 1;
  }
  return blocks;
}

/// Keeps the inputs of fused kernels alive: such a kernel reads them until it
/// has written its output, which must not reuse their memory.
void keep_inputs(const std::vector<Layer> &layers, Program *p) {
  for (const fused::FusibleBlock &block : fused::find_fusible(layers))
    for (int layer : {block.src, block.fine}) {
      if (layer < 0) continue;
      int &last = p->tensors[p->views[layer].tensor].last;
      last = std::max(last, p->tensors[p->views[block.last].tensor].first);
    }
}

bool is_known_depthwise(const Layer &l) {
  return l.kernel == 3 && l.groups == l.channels && l.residual == kNoLayer &&
         (l.dilation == 1 ? l.stride == 1 || l.stride == 2
                          : l.dilation == 4 && l.stride == 1);
}

Result<Step::Kind> kind_of(const Layer &l) {
  switch (l.op) {
    case Op::kConv:
      if (l.depthwise() ? !is_known_depthwise(l)
                        : l.inputs[0] == kImage && !is_known_first(l))
        return unsupported(l);
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

/// The blocks that together have exactly the fusible layers, if there are any.
std::optional<FusedForm> make_form(const Program &program,
                                   const fused::FusibleBlock &fusible) {
  FusedForm form;
  form.block = fusible;
  const int count = static_cast<int>(program.blocks.size());
  const auto layer = [&](int step) { return program.steps[step].layer; };
  while (form.first < count &&
         layer(program.blocks[form.first].first) < fusible.first)
    form.first++;
  form.end = form.first;
  while (form.end < count &&
         layer(program.blocks[form.end].end - 1) <= fusible.last)
    form.end++;
  if (form.end > form.first &&
      layer(program.blocks[form.first].first) == fusible.first &&
      layer(program.blocks[form.end - 1].end - 1) == fusible.last)
    return form;
  return {};
}

}  // namespace

int joined_residual(const std::vector<Layer> &layers, int layer) {
  const Layer &l = layers[layer];
  if (l.residual == kNoLayer || !is_plain_pointwise(l)) return kNoLayer;
  const Layer &residual = layers[l.residual];
  const bool joins = is_plain_pointwise(residual) &&
                     residual.residual == kNoLayer &&
                     residual.activation == Activation::kNone &&
                     residual.inputs[0] != kImage && l.inputs[0] != kImage &&
                     input_channels(layers, l.residual) % kLanes == 0 &&
                     count_readers(layers, l.residual) == 1;
  return joins ? l.residual : kNoLayer;
}

std::vector<FusedForm> find_fused_forms(const std::vector<Layer> &layers,
                                        const Program &program) {
  std::vector<FusedForm> forms;
  for (const fused::FusibleBlock &fusible : fused::find_fusible(layers))
    if (const auto form = make_form(program, fusible)) forms.push_back(*form);
  return forms;
}

std::optional<FusedForm> find_front(const std::vector<Layer> &layers,
                                    const Program &program) {
  const auto fusible = fused::find_front(layers);
  return fusible ? make_form(program, *fusible) : std::nullopt;
}

Result<Program> make_program(const std::vector<Layer> &layers, int height,
                             int width, size_t element_bytes, bool joins) {
  Program p;
  p.shapes = FASTSCNN_TRY(infer_shapes(layers, height, width));
  for (Shape &shape : p.shapes) shape.channels = pad_channels(shape.channels);
  const std::vector<int> joined = find_joined(layers, joins);
  std::vector<int> partners;
  FASTSCNN_TRY(share_tensors(layers, joined, p.shapes, &p.views, &partners));
  const std::vector<bool> fused = FASTSCNN_TRY(find_fused(layers, joined));

  auto add_tensor = [&p](size_t bytes) {
    const int step = static_cast<int>(p.steps.size());
    p.tensors.push_back({bytes, step, step});
    return static_cast<int>(p.tensors.size()) - 1;
  };
  auto read = [&p](int layer) {
    if (layer >= 0)
      p.tensors[p.views[layer].tensor].last = static_cast<int>(p.steps.size());
  };
  auto write = [&](int layer) {
    View &view = p.views[layer];
    if (view.tensor >= 0) return;  // added for the partner
    const Shape &shape = p.shapes[layer];
    if (partners[layer] == kNoLayer) view.pitch = shape.channels;
    view.tensor = add_tensor(size_t(view.pitch) * shape.height * shape.width *
                             element_bytes);
    if (partners[layer] != kNoLayer)
      p.views[partners[layer]].tensor = view.tensor;
  };
  // Only cuDNN can read a part of the channels of a tensor; only cuDNN and
  // depthwise convolutions can write one.
  auto is_possible = [&](const Step &step) {
    auto shares = [&](int layer) {
      return layer >= 0 && partners[layer] != kNoLayer;
    };
    const bool dense = step.kind == Step::Kind::kConvolution;
    return (dense || !shares(step.src)) && !shares(step.residual) &&
           (dense || step.kind == Step::Kind::kDepthwise ||
            !shares(step.layer));
  };

  for (int i = 0; i < static_cast<int>(layers.size()); i++) {
    if (fused[i]) continue;
    const Layer &l = layers[i];
    Step step;
    step.kind = FASTSCNN_TRY(kind_of(l));
    step.layer = i;
    step.src = l.inputs[0];
    step.joined = joined[i];
    if (step.joined == kNoLayer) step.residual = l.residual;
    if (!is_possible(step)) return unsupported(l);
    read(step.src);
    read(step.residual);
    write(i);
    if (step.kind == Step::Kind::kPyramid) {
      step.grids = FASTSCNN_TRY(pyramid_grids(layers, l));
      step.scratch = add_tensor(sizeof(float) * size_t(p.shapes[i].height) *
                                kColumns * kPoolChannels);
      add_tensor(sizeof(float) * kCells * kGridChannels);
    }
    p.steps.push_back(step);
  }
  keep_inputs(layers, &p);
  p.tensors[p.views.back().tensor].last = static_cast<int>(p.steps.size());
  p.blocks = make_blocks(layers, p.steps);
  p.bytes = place_in_arena(&p.tensors, kAlignment);
  return p;
}

}  // namespace fastscnn::cuda
