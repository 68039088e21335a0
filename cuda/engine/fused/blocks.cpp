// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/blocks.h"

namespace fastscnn::cuda::fused {
namespace {

/// The layers from `first` on, seen as a block.
class Candidate {
 public:
  Candidate(const std::vector<Layer> &layers, int first)
      : layers_(layers), first_(first) {}

  /// Whether layer `i` of the block is a convolution of this kind.
  bool depthwise(int i) const {
    return conv(i, 3) && at(i).depthwise() && at(i).padding == at(i).dilation &&
           at(i).residual == kNoLayer;
  }
  bool pointwise(int i) const { return conv(i, 1) && !at(i).depthwise(); }
  bool starts_at_image() const {
    return conv(0, 3) && at(0).inputs[0] == kImage && at(0).stride == 2 &&
           at(0).dilation == 1 && at(0).padding <= 1 &&
           at(0).residual == kNoLayer;
  }
  bool upsample(int i) const { return exists(i) && at(i).op == Op::kUpsample; }
  /// Whether layer `i` is the only one that reads the layer before it.
  bool follows(int i) const {
    return exists(i) && at(i).inputs[0] == first_ + i - 1 &&
           readers(first_ + i - 1) == 1;
  }
  int readers(int layer) const {
    int count = 0;
    for (const Layer &l : layers_) {
      count += l.residual == layer;
      for (int input : l.inputs) count += input == layer;
    }
    return count;
  }
  bool exists(int i) const {
    return first_ + i < static_cast<int>(layers_.size());
  }
  const Layer &at(int i) const { return layers_[first_ + i]; }

  FusibleBlock make(FusibleBlock::Kind kind, int count,
                    int fine = kNoLayer) const {
    return {kind, first_, first_ + count - 1, at(0).inputs[0], fine};
  }

 private:
  bool conv(int i, int kernel) const {
    return exists(i) && at(i).op == Op::kConv && at(i).kernel == kernel;
  }

  const std::vector<Layer> &layers_;
  int first_;
};

/// Appends the block that begins at a layer, if there is one.
bool add_block(const std::vector<Layer> &layers, int first,
               std::vector<FusibleBlock> *blocks) {
  const Candidate c(layers, first);
  if (c.at(0).inputs[0] < 0) return false;
  if (c.pointwise(0) && c.depthwise(1) && c.follows(1) && c.pointwise(2) &&
      c.follows(2) && c.at(0).residual == kNoLayer &&
      c.at(0).activation == c.at(1).activation &&
      c.at(2).activation == Activation::kNone &&
      (c.at(2).residual == kNoLayer || c.at(2).residual == c.at(0).inputs[0])) {
    blocks->push_back(c.make(FusibleBlock::Kind::kInvertedResidual, 3));
    return true;
  }
  if (c.upsample(0) && c.depthwise(1) && c.follows(1) && c.pointwise(2) &&
      c.pointwise(3) && c.at(3).inputs[0] == first + 1 &&
      c.readers(first + 1) == 1 && c.at(3).residual == first + 2 &&
      c.readers(first + 2) == 1 && c.at(2).residual == kNoLayer &&
      c.at(2).activation == Activation::kNone &&
      c.at(0).like == c.at(2).inputs[0]) {
    blocks->push_back(
        c.make(FusibleBlock::Kind::kFeatureFusion, 4, c.at(2).inputs[0]));
    return true;
  }
  if (c.depthwise(0) && c.pointwise(1) && c.follows(1) &&
      c.at(1).residual == kNoLayer) {
    const bool logits = c.pointwise(2) && c.follows(2) && !c.exists(3) &&
                        c.at(2).residual == kNoLayer &&
                        c.at(2).activation == Activation::kNone;
    blocks->push_back(
        c.make(FusibleBlock::Kind::kDepthwisePointwise, logits ? 3 : 2));
    return true;
  }
  return false;
}

}  // namespace

std::optional<FusibleBlock> find_front(const std::vector<Layer> &layers) {
  const Candidate c(layers, 0);
  if (!c.starts_at_image() || !c.depthwise(1) || !c.follows(1) ||
      !c.pointwise(2) || !c.follows(2) || c.at(2).residual != kNoLayer)
    return {};
  return c.make(FusibleBlock::Kind::kFront, 3);
}

std::vector<FusibleBlock> find_fusible(const std::vector<Layer> &layers) {
  std::vector<FusibleBlock> blocks;
  for (int i = 0; i < static_cast<int>(layers.size()); i++)
    if (add_block(layers, i, &blocks)) i = blocks.back().last;
  return blocks;
}

}  // namespace fastscnn::cuda::fused
