// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cuda/engine/fused/blocks.h"
#include "net/arena.h"
#include "net/fastscnn.h"

namespace fastscnn::cuda {

/// Alignment of tensors in device memory, in bytes.
constexpr size_t kAlignment = 256;

/// One step of the network: one cuDNN plan, or one or more kernels. It may
/// compute several layers.
struct Step {
  enum class Kind {
    kConvolution,  ///< dense, by cuDNN
    kDepthwise,
    kUpsample,
    kPyramid,  ///< pooling, its convolutions, their interpolation, concat
  };

  Kind kind = Kind::kConvolution;
  int layer = 0;     ///< layer whose output it writes
  int src = kImage;  ///< layer that it reads
  int residual = kNoLayer;
  int joined = kNoLayer;   ///< joined_residual() of the layer
  int scratch = -1;        ///< kPyramid: tensor of the row sums; cells follow
  std::vector<int> grids;  ///< kPyramid: the convolutions of the grids
};

/// The place of a layer's output: its pixels are `pitch` channels apart and
/// begin at `channel` of a tensor.
struct View {
  int tensor = -1;  ///< -1: the output does not exist
  int channel = 0;
  int pitch = 0;
};

/// Steps that belong together, such as an inverted residual.
struct Block {
  std::string name;  ///< prefix of its layers' names
  int first = 0;     ///< step
  int end = 0;
};

/// Blocks that one fused kernel can compute.
struct FusedForm {
  fused::FusibleBlock block;
  int first = 0, end = 0;  ///< blocks of the program
  bool chosen = false;
};

/// The network as steps in order, and the places of its tensors in an arena.
struct Program {
  std::vector<Shape> shapes;  ///< of the layers, channels padded
  std::vector<Step> steps;
  std::vector<Block> blocks;  ///< all steps, in order
  std::vector<Interval> tensors;
  std::vector<View> views;  ///< of the layers
  size_t bytes = 0;         ///< of the arena
};

/// The layer that a 1x1 convolution adds as its residual, if that is a 1x1
/// convolution, too, and nothing else reads it: then one product computes both,
/// from the input channels of the residual followed by those of the layer.
/// kNoLayer otherwise.
int joined_residual(const std::vector<Layer> &layers, int layer);

/// The fused forms of a program, in order, whether or not they have kernels.
std::vector<FusedForm> find_fused_forms(const std::vector<Layer> &layers,
                                        const Program &program);

/// The form of kind kFront.
std::optional<FusedForm> find_front(const std::vector<Layer> &layers,
                                    const Program &program);

/// An Error if the steps cannot compute one of the layers. The image is not in
/// the arena; the logits stay valid to the end. joins: whether layers with a
/// joined_residual() are one product.
Result<Program> make_program(const std::vector<Layer> &layers, int height,
                             int width, size_t element_bytes, bool joins);

}  // namespace fastscnn::cuda
