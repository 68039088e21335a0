// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// The options in which published implementations of Fast-SCNN (Poudel,
/// Liwicki, Cipolla, arXiv 1902.04502) differ. The defaults, like those of
/// models/fastscnn.py, are what the shipped model was trained with.
struct Variant {
  enum class FfmDw { kDw3, kDw3Dilation4, kPw1 };
  enum class Activation { kRelu, kRelu6 };

  bool align_corners = false;  ///< in every bilinear interpolation
  int first_conv_padding = 1;  ///< 0 or 1
  bool dw_relu = true;         ///< ReLU between depthwise and pointwise
                               ///< convolutions, outside the bottlenecks
  int ppm_out_kernel = 1;      ///< of the convolution after the pyramid: 1, 3
  FfmDw ffm_dw = FfmDw::kDw3;  ///< first convolution of the feature fusion
  Activation activation = Activation::kRelu;  ///< inside the bottlenecks

  static Variant tramac();  ///< github.com/Tramac/Fast-SCNN-pytorch
  static Variant mmseg();   ///< MMSegmentation 0.17 and later
  static Variant paper();
};

enum class Op {
  kConv,      ///< convolution + bias, then residual, then activation
  kPool,      ///< adaptive average pooling to bins x bins
  kUpsample,  ///< bilinear, to the height and width of layer `like`
  kConcat,    ///< concatenates the channels of the inputs, in their order
};

enum class Activation { kNone, kRelu, kRelu6 };

/// The range to which an activation clamps its input.
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

constexpr Clamp clamp_of(Activation activation) {
  Clamp clamp;
  if (activation != Activation::kNone) clamp.low = 0;
  if (activation == Activation::kRelu6) clamp.high = 6;
  return clamp;
}

constexpr int kImage = -1;    ///< input that is the normalised RGB image
constexpr int kNoLayer = -2;  ///< no residual, or no like

/// A layer of the network. Layers refer to each other by index.
struct Layer {
  std::string name;  ///< in model files: name.weight, name.bias
  Op op = Op::kConv;
  std::vector<int> inputs;
  int channels = 0;  ///< of the output
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;  ///< 1; depthwise: the number of channels
  Activation activation = Activation::kNone;
  int residual = kNoLayer;  ///< layer to add before the activation
  int bins = 0;             ///< of kPool
  int like = kNoLayer;      ///< of kUpsample

  bool depthwise() const { return groups > 1; }
};

struct Shape {
  int channels = 0;
  int height = 0;
  int width = 0;
};

constexpr int kMaxClasses = 254;   ///< mask value 254 is kOutside, 255 kUnknown
constexpr int kSizeMultiple = 32;  ///< of the network input's width and height
constexpr int kMaxInputSize = 8192;  ///< pixels, width and height

/// The layers of the network, in an order in which they can be computed: from
/// the normalised image (3, height, width) to the logits (classes, height / 8,
/// width / 8), which the last layer outputs.
std::vector<Layer> make_layers(const Variant &variant, int classes);

/// Output shapes of the layers for an image of this size; an Error unless
/// height and width are multiples of kSizeMultiple up to kMaxInputSize.
Result<std::vector<Shape>> infer_shapes(const std::vector<Layer> &layers,
                                        int height, int width);

/// Whether a model with activation scales has one for the output of a layer:
/// true for every convolution but the last, whose output is the logits.
bool has_scale(const std::vector<Layer> &layers, int index);

/// The byte that represents 0 in an 8-bit output.
constexpr int zero_point_of(Activation activation) {
  return activation == Activation::kNone ? 128 : 0;
}

/// The range of activation scales that a model may have.
constexpr double kMinScale = 1e-6;
constexpr double kMaxScale = 1e6;

/// Input channels of a layer.
int input_channels(const std::vector<Layer> &layers, int index);

/// Size of the network input for a frame: multiples of kSizeMultiple near the
/// requested size. A side that is 0 follows the frame's aspect ratio; if both
/// are 0, the input has about as many pixels as the model prefers.
Shape choose_input_size(int asked_width, int asked_height, int model_width,
                        int model_height, int frame_width, int frame_height);

}  // namespace fastscnn
