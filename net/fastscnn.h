// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// Where published implementations of Fast-SCNN (Poudel, Liwicki, Cipolla,
/// arXiv 1902.04502) differ. The defaults, like those of models/fastscnn.py,
/// are what the shipped model was trained with.
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
  kConv,      ///< convolution + bias (+ residual) (+ activation)
  kPool,      ///< adaptive average pooling to bins x bins
  kUpsample,  ///< bilinear, to the height and width of layer `like`
  kConcat,    ///< of channels, in the order of inputs
};

enum class Activation { kNone, kRelu, kRelu6 };

/// All activations clamp to a range.
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

constexpr int kImage = -1;    ///< as an input: the normalised RGB image
constexpr int kNoLayer = -2;  ///< as residual or like: none

/// One step of the network. Layers refer to one another by index.
struct Layer {
  std::string name;  ///< as in the model file, before ".weight" and ".bias"
  Op op = Op::kConv;
  std::vector<int> inputs;
  int channels = 0;  ///< of the output
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;  ///< 1, or the number of channels (depthwise)
  Activation activation = Activation::kNone;
  int residual = kNoLayer;  ///< added before the activation
  int bins = 0;             ///< kPool
  int like = kNoLayer;      ///< kUpsample

  bool depthwise() const { return groups > 1; }
};

struct Shape {
  int channels = 0;
  int height = 0;
  int width = 0;
};

constexpr int kMaxClasses = 254;  // 255 is "unknown" in a mask
constexpr int kSizeMultiple = 32;
constexpr int kMaxInputSize = 8192;

/// The network from the normalised image (3, H, W) to the logits
/// (classes, ~H/8, ~W/8), the output of the last layer, in an order in which
/// it can be computed. This is the one place where the layers are listed.
std::vector<Layer> make_layers(const Variant &variant, int classes);

/// Output shape of every layer; an Error unless height and width are multiples
/// of kSizeMultiple from 32 to kMaxInputSize.
Result<std::vector<Shape>> infer_shapes(const std::vector<Layer> &layers,
                                        int height, int width);

/// Channels that a layer reads.
int input_channels(const std::vector<Layer> &layers, int index);

/// Network input for a frame when neither or only one side is asked for
/// (0 = not asked for): the frame's aspect ratio at the number of pixels the
/// model prefers, rounded to multiples of kSizeMultiple.
Shape choose_input_size(int asked_width, int asked_height, int model_width,
                        int model_height, int frame_width, int frame_height);

}  // namespace fastscnn
