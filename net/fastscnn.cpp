// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/fastscnn.h"

#include <algorithm>
#include <cmath>

namespace fastscnn {
namespace {

/// Appends layers. Each call returns the index of the last layer it appended.
class Builder {
 public:
  explicit Builder(const Variant &variant) : variant_(variant) {
    bottleneck_act_ = variant.activation == Variant::Activation::kRelu6
                          ? Activation::kRelu6
                          : Activation::kRelu;
  }

  int conv(const std::string &name, int input, int channels, int kernel,
           int stride, int padding, Activation activation) {
    Layer l = make(name, Op::kConv, {input});
    l.channels = channels;
    l.kernel = kernel;
    l.stride = stride;
    l.padding = padding;
    l.activation = activation;
    return add(l);
  }

  int pointwise(const std::string &name, int input, int channels,
                Activation activation, int residual = kNoLayer) {
    int i = conv(name, input, channels, 1, 1, 0, activation);
    layers_[i].residual = residual;
    return i;
  }

  int depthwise(const std::string &name, int input, int stride,
                Activation activation, int dilation = 1) {
    int channels = layers_[input].channels;
    int i = conv(name, input, channels, 3, stride, dilation, activation);
    layers_[i].groups = channels;
    layers_[i].dilation = dilation;
    return i;
  }

  /// Depthwise separable convolution.
  int dsconv(const std::string &name, int input, int channels, int stride) {
    int dw = depthwise(name + ".dw", input, stride,
                       variant_.dw_relu ? act() : Activation::kNone);
    return pointwise(name + ".pw", dw, channels, act());
  }

  /// Inverted residual: expand by 6, filter, project (MobileNetV2).
  int bottleneck(const std::string &name, int input, int channels, int stride) {
    int in_channels = layers_[input].channels;
    bool same = stride == 1 && in_channels == channels;
    int x = pointwise(name + ".exp", input, in_channels * 6, bottleneck_act_);
    x = depthwise(name + ".dw", x, stride, bottleneck_act_);
    return pointwise(name + ".proj", x, channels, Activation::kNone,
                     same ? input : kNoLayer);
  }

  int pool(const std::string &name, int input, int bins) {
    Layer l = make(name, Op::kPool, {input});
    l.channels = layers_[input].channels;
    l.bins = bins;
    return add(l);
  }

  int upsample(const std::string &name, int input, int like) {
    Layer l = make(name, Op::kUpsample, {input});
    l.channels = layers_[input].channels;
    l.like = like;
    return add(l);
  }

  int concat(const std::string &name, const std::vector<int> &inputs) {
    Layer l = make(name, Op::kConcat, inputs);
    for (int i : inputs) l.channels += layers_[i].channels;
    return add(l);
  }

  /// The activation outside of the bottlenecks.
  Activation act() const { return Activation::kRelu; }
  std::vector<Layer> take() { return std::move(layers_); }

 private:
  static Layer make(const std::string &name, Op op,
                    const std::vector<int> &inputs) {
    Layer l;
    l.name = name;
    l.op = op;
    l.inputs = inputs;
    return l;
  }

  int add(const Layer &layer) {
    layers_.push_back(layer);
    return static_cast<int>(layers_.size()) - 1;
  }

  const Variant &variant_;
  Activation bottleneck_act_;
  std::vector<Layer> layers_;
};

int learning_to_downsample(Builder &b, const Variant &v) {
  int x = b.conv("lds.conv", kImage, 32, 3, 2, v.first_conv_padding, b.act());
  x = b.dsconv("lds.ds1", x, 48, 2);
  return b.dsconv("lds.ds2", x, 64, 2);
}

int global_feature_extractor(Builder &b, int x) {
  const struct {
    int channels, stride;
  } stages[] = {{64, 2}, {96, 2}, {128, 1}};
  for (int s = 0; s < 3; s++)
    for (int r = 0; r < 3; r++)
      x = b.bottleneck(
          "gfe.b" + std::to_string(s + 1) + "." + std::to_string(r), x,
          stages[s].channels, r == 0 ? stages[s].stride : 1);
  return x;
}

int pyramid_pooling(Builder &b, const Variant &v, int x) {
  std::vector<int> parts = {x};
  for (int bins : {1, 2, 3, 6}) {
    std::string n = std::to_string(bins);
    int p = b.pool("ppm.pool" + n, x, bins);
    p = b.pointwise("ppm.conv" + n, p, 32, b.act());
    parts.push_back(b.upsample("ppm.up" + n, p, x));
  }
  x = b.concat("ppm.cat", parts);
  return b.conv("ppm.out", x, 128, v.ppm_out_kernel, 1, v.ppm_out_kernel / 2,
                b.act());
}

int feature_fusion(Builder &b, const Variant &v, int high, int low) {
  int x = b.upsample("ffm.up4", low, high);
  const int dilation = v.ffm_dw == Variant::FfmDw::kDw3Dilation4 ? 4 : 1;
  x = v.ffm_dw == Variant::FfmDw::kPw1
          ? b.pointwise("ffm.dw", x, 128, b.act())
          : b.depthwise("ffm.dw", x, 1, b.act(), dilation);
  int h = b.pointwise("ffm.high", high, 128, Activation::kNone);
  return b.pointwise("ffm.low", x, 128, b.act(), h);
}

int classifier(Builder &b, int x, int classes) {
  x = b.dsconv("cls.ds1", x, 128, 1);
  x = b.dsconv("cls.ds2", x, 128, 1);
  return b.pointwise("cls.conv", x, classes, Activation::kNone);
}

int round_to_multiple(double size) {
  double n = std::round(size / kSizeMultiple);
  return std::clamp(static_cast<int>(n) * kSizeMultiple, kSizeMultiple,
                    kMaxInputSize);
}

}  // namespace

Variant Variant::tramac() {
  Variant v;
  v.align_corners = true;
  v.first_conv_padding = 0;
  return v;
}

Variant Variant::mmseg() {
  Variant v;
  v.dw_relu = false;
  v.ppm_out_kernel = 3;
  return v;
}

Variant Variant::paper() {
  Variant v;
  v.dw_relu = false;
  v.ffm_dw = FfmDw::kDw3Dilation4;
  return v;
}

std::vector<Layer> make_layers(const Variant &variant, int classes) {
  Builder b(variant);
  int high = learning_to_downsample(b, variant);
  int low = global_feature_extractor(b, high);
  low = pyramid_pooling(b, variant, low);
  int x = feature_fusion(b, variant, high, low);
  classifier(b, x, classes);
  return b.take();
}

Result<std::vector<Shape>> infer_shapes(const std::vector<Layer> &layers,
                                        int height, int width) {
  for (int size : {height, width})
    if (size < kSizeMultiple || size > kMaxInputSize || size % kSizeMultiple)
      return Error{Error::Kind::kFormat,
                   "The network input is " + std::to_string(width) + "x" +
                       std::to_string(height) +
                       "; choose multiples of 32 from 32 to 8192"};
  std::vector<Shape> shapes;
  for (const Layer &l : layers) {
    int first = l.inputs[0];
    Shape in = first == kImage ? Shape{3, height, width} : shapes[first];
    Shape out{l.channels, in.height, in.width};
    switch (l.op) {
      case Op::kConv: {
        int reach = l.dilation * (l.kernel - 1) + 1;
        out.height = (in.height + 2 * l.padding - reach) / l.stride + 1;
        out.width = (in.width + 2 * l.padding - reach) / l.stride + 1;
        break;
      }
      case Op::kPool:
        out.height = out.width = l.bins;
        break;
      case Op::kUpsample:
        out.height = shapes[l.like].height;
        out.width = shapes[l.like].width;
        break;
      case Op::kConcat:
        break;
    }
    shapes.push_back(out);
  }
  return shapes;
}

bool has_scale(const std::vector<Layer> &layers, int index) {
  return layers[index].op == Op::kConv && index + 1 < int(layers.size());
}

int input_channels(const std::vector<Layer> &layers, int index) {
  int first = layers[index].inputs[0];
  return first == kImage ? 3 : layers[first].channels;
}

Shape choose_input_size(int asked_width, int asked_height, int model_width,
                        int model_height, int frame_width, int frame_height) {
  double aspect = double(frame_width) / frame_height;
  double height = std::sqrt(double(model_width) * model_height / aspect);
  if (asked_height)
    height = asked_height;
  else if (asked_width)
    height = asked_width / aspect;
  double width = asked_width ? asked_width : height * aspect;
  return {3, round_to_multiple(height), round_to_multiple(width)};
}

}  // namespace fastscnn
