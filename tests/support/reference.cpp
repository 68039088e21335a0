// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/reference.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "net/engine.h"
#include "tests/support/must.h"

namespace fastscnn::reference {
namespace {

double activate(Activation activation, double v) {
  if (activation == Activation::kNone) return v;
  v = std::max(v, 0.0);
  return activation == Activation::kRelu6 ? std::min(v, 6.0) : v;
}

/// See net/taps.h.
struct Tap {
  int first, second;
  double weight;
};

Tap tap_at(double position, int size) {
  position = std::clamp(position, 0.0, size - 1.0);
  int first = static_cast<int>(position);
  return {first, std::min(first + 1, size - 1), position - first};
}

/// The taps of output i of `out` among `in` inputs.
Tap upsample_tap(int i, int in, int out, bool align_corners) {
  if (align_corners)
    return tap_at(out > 1 ? double(i) * (in - 1) / (out - 1) : 0, in);
  return tap_at((i + 0.5) * in / out - 0.5, in);
}

double lerp(double a, double b, double weight) { return a + (b - a) * weight; }

double interpolate(const Tensor &t, int c, const Tap &y, const Tap &x) {
  double top =
      lerp(t.at(c, y.first, x.first), t.at(c, y.first, x.second), x.weight);
  double bottom =
      lerp(t.at(c, y.second, x.first), t.at(c, y.second, x.second), x.weight);
  return lerp(top, bottom, y.weight);
}

double sample(const FrameInfo &info, const ConstFrame &frame, int c, double y,
              double x) {
  const Component &k = info.component[c];
  Tap ty =
      tap_at((y - k.origin_y) / (1 << k.shift_y), component_height(info, c));
  Tap tx =
      tap_at((x - k.origin_x) / (1 << k.shift_x), component_width(info, c));
  auto value = [&](int row, int column) -> double {
    return frame.data[k.plane][ptrdiff_t(row) * frame.stride[k.plane] +
                               k.offset + column * k.pixel_stride];
  };
  double top =
      lerp(value(ty.first, tx.first), value(ty.first, tx.second), tx.weight);
  double bottom =
      lerp(value(ty.second, tx.first), value(ty.second, tx.second), tx.weight);
  return lerp(top, bottom, ty.weight);
}

}  // namespace

Tensor convolve(const Tensor &src, const Layer &layer, const float *weight,
                const float *bias, const Tensor *residual) {
  const int k = layer.kernel;
  const int reach = layer.dilation * (k - 1) + 1;
  const int in_each = src.channels / layer.groups;
  const int out_each = layer.channels / layer.groups;
  Tensor dst(layer.channels,
             (src.height + 2 * layer.padding - reach) / layer.stride + 1,
             (src.width + 2 * layer.padding - reach) / layer.stride + 1);
  std::vector<double> sum(dst.width);
  for (int o = 0; o < dst.channels; o++)
    for (int y = 0; y < dst.height; y++) {
      std::fill(sum.begin(), sum.end(), bias[o]);
      for (int i = 0; i < in_each; i++)
        for (int ky = 0; ky < k; ky++)
          for (int kx = 0; kx < k; kx++) {
            const double w = weight[((o * in_each + i) * k + ky) * k + kx];
            const int sy =
                y * layer.stride - layer.padding + ky * layer.dilation;
            if (sy < 0 || sy >= src.height) continue;
            const float *row =
                &src.data[(size_t(o / out_each * in_each + i) * src.height +
                           sy) *
                          src.width];
            for (int x = 0; x < dst.width; x++) {
              const int sx =
                  x * layer.stride - layer.padding + kx * layer.dilation;
              if (sx >= 0 && sx < src.width) sum[x] += w * row[sx];
            }
          }
      for (int x = 0; x < dst.width; x++) {
        if (residual) sum[x] += residual->at(o, y, x);
        dst.at(o, y, x) =
            static_cast<float>(activate(layer.activation, sum[x]));
      }
    }
  return dst;
}

Tensor pool(const Tensor &src, int bins) {
  Tensor dst(src.channels, bins, bins);
  auto begin = [bins](int i, int n) { return i * n / bins; };
  auto end = [bins](int i, int n) { return ((i + 1) * n + bins - 1) / bins; };
  for (int c = 0; c < src.channels; c++)
    for (int by = 0; by < bins; by++)
      for (int bx = 0; bx < bins; bx++) {
        double sum = 0;
        int count = 0;
        for (int y = begin(by, src.height); y < end(by, src.height); y++)
          for (int x = begin(bx, src.width); x < end(bx, src.width); x++) {
            sum += src.at(c, y, x);
            count++;
          }
        dst.at(c, by, bx) = static_cast<float>(sum / count);
      }
  return dst;
}

Tensor upsample(const Tensor &src, int height, int width, bool align_corners) {
  Tensor dst(src.channels, height, width);
  for (int c = 0; c < dst.channels; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        dst.at(c, y, x) = static_cast<float>(interpolate(
            src, c, upsample_tap(y, src.height, height, align_corners),
            upsample_tap(x, src.width, width, align_corners)));
  return dst;
}

std::vector<Tensor> run(const Model &model, const Tensor &image) {
  const std::vector<Layer> &layers = model.layers();
  std::vector<Tensor> outputs(layers.size());
  auto output = [&](int index) -> const Tensor & {
    return index == kImage ? image : outputs[index];
  };
  for (size_t i = 0; i < layers.size(); i++) {
    const Layer &l = layers[i];
    const Tensor &src = output(l.inputs[0]);
    switch (l.op) {
      case Op::kConv:
        outputs[i] =
            convolve(src, l, model.weight(i).data(), model.bias(i).data(),
                     l.residual == kNoLayer ? nullptr : &outputs[l.residual]);
        break;
      case Op::kPool:
        outputs[i] = pool(src, l.bins);
        break;
      case Op::kUpsample:
        outputs[i] =
            upsample(src, outputs[l.like].height, outputs[l.like].width,
                     model.info().variant.align_corners);
        break;
      case Op::kConcat: {
        std::vector<const Tensor *> parts;
        for (int input : l.inputs) parts.push_back(&output(input));
        outputs[i] = concat(parts);
        break;
      }
    }
  }
  return outputs;
}

Tensor preprocess(const FrameInfo &info, const ConstFrame &frame, int width,
                  int height, const float mean[3], const float std[3]) {
  Tensor dst(3, height, width);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      double sy = (y + 0.5) * info.height / height - 0.5;
      double sx = (x + 0.5) * info.width / width - 0.5;
      double component[3] = {};
      for (int c = 0; c < info.components; c++)
        component[c] = sample(info, frame, c, sy, sx) / 255;
      for (int c = 0; c < 3; c++) {
        double v = info.to_rgb.offset[c];
        for (int k = 0; k < info.components; k++)
          v += info.to_rgb.matrix[c][k] * component[k];
        v = (std::clamp(v, 0.0, 1.0) - mean[c]) / std[c];
        dst.at(c, y, x) = static_cast<float>(v);
      }
    }
  return dst;
}

Classes classify(const Tensor &logits, int width, int height,
                 bool align_corners, float threshold) {
  const size_t pixels = size_t(width) * height;
  Classes out;
  out.ids.resize(pixels);
  out.confidence.resize(pixels);
  out.margin.resize(pixels);
  out.probability.resize(pixels);
  Tensor full = upsample(logits, height, width, align_corners);
  for (size_t p = 0; p < pixels; p++) {
    auto logit = [&](int c) { return full.data[c * pixels + p]; };
    int best = 0;
    for (int c = 1; c < full.channels; c++)
      if (logit(c) > logit(best)) best = c;
    double sum = 0;
    float second = -INFINITY;
    for (int c = 0; c < full.channels; c++) {
      sum += std::exp(double(logit(c)) - logit(best));
      if (c != best) second = std::max(second, logit(c));
    }
    out.margin[p] = logit(best) - second;
    out.probability[p] = static_cast<float>(1 / sum);
    out.confidence[p] = static_cast<uint8_t>(std::lround(255 / sum));
    out.ids[p] = 1 / sum < threshold ? kUnknown : static_cast<uint8_t>(best);
  }
  return out;
}

uint32_t Lcg::bits() {
  state_ = state_ * 1664525u + 1013904223u;
  return state_ >> 8;
}

float Lcg::uniform() {
  return static_cast<float>(bits() / double(1 << 24) * 2 - 1);
}

int Lcg::between(int low, int high) {
  return low + static_cast<int>(uint64_t(bits()) * (high - low + 1) >> 24);
}

std::shared_ptr<const Model> make_model(const Variant &variant, int classes) {
  ModelInfo info;
  info.name = "random";
  info.variant = variant;
  info.input_width = 1024;
  info.input_height = 512;
  for (int c = 0; c < 3; c++) {
    info.mean[c] = 0.5f;
    info.std[c] = 0.25f;
  }
  for (int c = 0; c < classes; c++) {
    info.labels.push_back("class " + std::to_string(c));
    info.colors.push_back(c * 0x010203u);
  }

  Lcg lcg(1);
  std::vector<Layer> layers = make_layers(variant, classes);
  std::vector<std::vector<float>> weights(layers.size());
  std::vector<std::vector<float>> biases(layers.size());
  for (size_t i = 0; i < layers.size(); i++) {
    const Layer &l = layers[i];
    if (l.op != Op::kConv) continue;
    int fan_in = input_channels(layers, i) / l.groups * l.kernel * l.kernel;
    double gain = l.activation == Activation::kNone ? 3 : 6;
    double scale = std::sqrt(gain / fan_in);
    weights[i].resize(size_t(l.channels) * fan_in);
    for (float &w : weights[i]) w = static_cast<float>(lcg.uniform() * scale);
    biases[i].resize(l.channels);
    for (float &b : biases[i]) b = static_cast<float>(lcg.uniform() * 0.1);
  }
  return must(
      Model::create(std::move(info), std::move(weights), std::move(biases)));
}

Tensor make_image(int height, int width) {
  Tensor image(3, height, width);
  Lcg lcg(2);
  for (float &v : image.data) v = lcg.uniform();
  return image;
}

}  // namespace fastscnn::reference
