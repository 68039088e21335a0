// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/int8reference.h"

#include <algorithm>
#include <cmath>

#include "net/taps.h"
#include "tests/support/must.h"

namespace fastscnn::reference {
namespace {

/// A byte of a channel represents scale * (byte - zero).
struct Channel {
  double scale, zero;
};

/// The channels of a layer's output, or of the image.
std::vector<Channel> channels_of(const Model &model, int layer) {
  const ModelInfo &info = model.info();
  std::vector<Channel> all;
  if (layer == kImage) {
    for (int c = 0; c < 3; c++)
      all.push_back({1 / (255. * info.std[c]), 255. * info.mean[c]});
    return all;
  }
  const Layer &l = model.layers()[layer];
  if (l.op == Op::kConv)
    return {
        size_t(l.channels),
        {info.activation_scales[layer], double(zero_point_of(l.activation))}};
  for (int input : l.inputs)
    for (const Channel &c : channels_of(model, input)) all.push_back(c);
  return all;
}

int round_to_int(double v) { return static_cast<int>(std::nearbyint(v)); }

struct FixedTap {
  int first, second, weight;
};

FixedTap fixed_tap(double position, int in) {
  position = std::clamp(position, 0., in - 1.);
  // A weight that rounds to 2048 becomes the next input with a weight of 0.
  const int steps = static_cast<int>(std::lround(position * 2048));
  const int first = steps / 2048;
  return {first, std::min(first + 1, in - 1), steps % 2048};
}

/// Interpolates bytes at (row, column), in steps of 1/128.
template <typename At>
int interpolate(const FixedTap &y, const FixedTap &x, const At &at) {
  auto between_rows = [&](int column) {
    const int top = at(y.first, column), bottom = at(y.second, column);
    return 128 * top + (((bottom - top) * y.weight + 8) >> 4);
  };
  const int v0 = between_rows(x.first), v1 = between_rows(x.second);
  return v0 + (((v1 - v0) * x.weight + 1024) >> 11);
}

}  // namespace

QuantizedLayer quantize(const Model &model, int layer) {
  const Layer &l = model.layers()[layer];
  const std::vector<float> &weight = model.weight(layer);
  const std::vector<Channel> inputs = channels_of(model, l.inputs[0]);
  const bool logits = layer + 1 == int(model.layers().size());
  const bool image = l.inputs[0] == kImage;
  const double residual =
      l.residual == kNoLayer ? 0 : model.info().activation_scales[l.residual];
  const Channel output = logits ? Channel{1, 0} : channels_of(model, layer)[0];
  const int in_each = inputs.size() / l.groups;
  const int out_each = l.channels / l.groups;
  const int taps = l.kernel * l.kernel;

  QuantizedLayer q;
  for (int o = 0; o < l.channels; o++) {
    const size_t first = size_t(o) * in_each * taps;
    auto input = [&](int i) {
      return inputs[o / out_each * in_each + i / taps];
    };
    double largest = 0, bias = model.bias(layer)[o];
    for (int i = 0; i < in_each * taps; i++) {
      const double w = weight[first + i] * input(i).scale;
      largest = std::max(largest, std::abs(w));
      if (image) bias -= w * input(i).zero;
    }
    double unit = std::max(
        {largest / 127, std::abs(bias) / (1 << 22), residual / (1 << 22)});
    if (unit == 0) unit = 1;
    int sum = round_to_int(bias / unit);
    for (int i = 0; i < in_each * taps; i++) {
      const double w = weight[first + i] * input(i).scale;
      q.weight.push_back(round_to_int(w / unit));
      if (!image) sum -= q.weight.back() * int(input(i).zero);
    }
    q.bias.push_back(sum);
    q.scale.push_back(static_cast<float>(
        logits ? unit : std::min(unit / output.scale, double(1 << 20))));
    if (residual != 0)
      q.residual_scale.push_back(round_to_int(residual / unit));
  }
  if (residual != 0)
    q.residual_zero = zero_point_of(model.layers()[l.residual].activation);
  q.zero = static_cast<int>(output.zero);
  if (l.activation == Activation::kRelu6)
    q.high = round_to_int(std::min(6 / output.scale, 255.));
  for (const Channel &c : inputs)
    q.outside.push_back(round_to_int(std::clamp(c.zero, 0., 255.)));
  return q;
}

BasicTensor<int> sums(const ByteTensor &src, const Layer &layer,
                      const QuantizedLayer &quantized,
                      const ByteTensor *residual) {
  const int k = layer.kernel;
  const int reach = layer.dilation * (k - 1) + 1;
  const int in_each = src.channels / layer.groups;
  const int out_each = layer.channels / layer.groups;
  BasicTensor<int> dst(
      layer.channels,
      (src.height + 2 * layer.padding - reach) / layer.stride + 1,
      (src.width + 2 * layer.padding - reach) / layer.stride + 1);
  for (int o = 0; o < dst.channels; o++)
    for (int y = 0; y < dst.height; y++) {
      int *sum = &dst.at(o, y, 0);
      std::fill_n(sum, dst.width, quantized.bias[o]);
      for (int i = 0; i < in_each; i++)
        for (int ky = 0; ky < k; ky++)
          for (int kx = 0; kx < k; kx++) {
            const int w =
                quantized.weight[((size_t(o) * in_each + i) * k + ky) * k + kx];
            const int c = o / out_each * in_each + i;
            const int sy =
                y * layer.stride - layer.padding + ky * layer.dilation;
            for (int x = 0; x < dst.width; x++) {
              const int sx =
                  x * layer.stride - layer.padding + kx * layer.dilation;
              const bool inside =
                  sy >= 0 && sy < src.height && sx >= 0 && sx < src.width;
              sum[x] += w * (inside ? src.at(c, sy, sx) : quantized.outside[c]);
            }
          }
      for (int x = 0; residual && x < dst.width; x++)
        sum[x] += (residual->at(o, y, x) - quantized.residual_zero) *
                  quantized.residual_scale[o];
    }
  return dst;
}

ByteTensor to_bytes(const BasicTensor<int> &sums,
                    const QuantizedLayer &quantized) {
  ByteTensor dst(sums.channels, sums.height, sums.width);
  const size_t pixels = size_t(sums.height) * sums.width;
  for (size_t i = 0; i < sums.data.size(); i++) {
    // The rounded value may be too large for an int.
    const float scaled =
        static_cast<float>(sums.data[i]) * quantized.scale[i / pixels];
    const double byte = double(std::nearbyint(scaled)) + quantized.zero;
    dst.data[i] = static_cast<uint8_t>(
        std::clamp(byte, double(quantized.low), double(quantized.high)));
  }
  return dst;
}

ByteTensor pool(const ByteTensor &src, int bins) {
  ByteTensor dst(src.channels, bins, bins);
  auto begin = [bins](int i, int n) { return i * n / bins; };
  auto end = [bins](int i, int n) { return ((i + 1) * n + bins - 1) / bins; };
  for (int c = 0; c < src.channels; c++)
    for (int by = 0; by < bins; by++)
      for (int bx = 0; bx < bins; bx++) {
        int sum = 0, count = 0;
        for (int y = begin(by, src.height); y < end(by, src.height); y++)
          for (int x = begin(bx, src.width); x < end(bx, src.width); x++) {
            sum += src.at(c, y, x);
            count++;
          }
        const float mean = static_cast<float>(sum) * (1.f / count);
        dst.at(c, by, bx) = static_cast<uint8_t>(std::nearbyint(mean));
      }
  return dst;
}

ByteTensor upsample(const ByteTensor &src, int height, int width,
                    bool align_corners) {
  ByteTensor dst(src.channels, height, width);
  for (int c = 0; c < dst.channels; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        const double sy = resize_position(y, src.height, height, align_corners);
        const double sx = resize_position(x, src.width, width, align_corners);
        const int v = interpolate(
            fixed_tap(sy, src.height), fixed_tap(sx, src.width),
            [&](int row, int column) { return src.at(c, row, column); });
        dst.at(c, y, x) = static_cast<uint8_t>((v + 64) >> 7);
      }
  return dst;
}

Tensor run_int8(const Model &model, const ByteTensor &image) {
  const std::vector<Layer> &layers = model.layers();
  std::vector<ByteTensor> outputs(layers.size());
  for (size_t i = 0;; i++) {
    const Layer &l = layers[i];
    const ByteTensor &src =
        l.inputs[0] == kImage ? image : outputs[l.inputs[0]];
    switch (l.op) {
      case Op::kConv: {
        const QuantizedLayer quantized = quantize(model, i);
        const BasicTensor<int> sum =
            sums(src, l, quantized,
                 l.residual == kNoLayer ? nullptr : &outputs[l.residual]);
        if (i + 1 < layers.size()) {
          outputs[i] = to_bytes(sum, quantized);
          break;
        }
        Tensor logits(sum.channels, sum.height, sum.width);
        const size_t pixels = size_t(sum.height) * sum.width;
        for (size_t p = 0; p < sum.data.size(); p++)
          logits.data[p] =
              static_cast<float>(sum.data[p]) * quantized.scale[p / pixels];
        return logits;
      }
      case Op::kPool:
        outputs[i] = pool(src, l.bins);
        break;
      case Op::kUpsample:
        outputs[i] =
            upsample(src, outputs[l.like].height, outputs[l.like].width,
                     model.info().variant.align_corners);
        break;
      case Op::kConcat: {
        std::vector<const ByteTensor *> parts;
        for (int input : l.inputs) parts.push_back(&outputs[input]);
        outputs[i] = concat(parts);
        break;
      }
    }
  }
}

ByteTensor preprocess_bytes(const FrameInfo &info, const ConstFrame &frame,
                            int width, int height) {
  ByteTensor dst(3, height, width);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int component[3] = {};
      for (int c = 0; c < info.components; c++) {
        const Component &k = info.component[c];
        const double sy = resize_position(y, info.height, height, false);
        const double sx = resize_position(x, info.width, width, false);
        component[c] = interpolate(
            fixed_tap((sy - k.origin_y) / (1 << k.shift_y),
                      component_height(info, c)),
            fixed_tap((sx - k.origin_x) / (1 << k.shift_x),
                      component_width(info, c)),
            [&](int row, int column) {
              return frame
                  .data[k.plane][ptrdiff_t(row) * frame.stride[k.plane] +
                                 k.offset + column * k.pixel_stride];
            });
      }
      for (int i = 0; i < 3; i++) {
        int sum = round_to_int(info.to_rgb.offset[i] * 255. * 32);
        for (int c = 0; c < info.components; c++) {
          const int matrix = round_to_int(info.to_rgb.matrix[i][c] * 8192.);
          sum += (matrix * component[c] + (1 << 14)) >> 15;
        }
        dst.at(i, y, x) =
            static_cast<uint8_t>(std::clamp((sum + 16) >> 5, 0, 255));
      }
    }
  return dst;
}

Tensor normalize(const ModelInfo &info, const ByteTensor &image) {
  Tensor out(3, image.height, image.width);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < image.height; y++)
      for (int x = 0; x < image.width; x++)
        out.at(c, y, x) = static_cast<float>(
            (image.at(c, y, x) / 255. - info.mean[c]) / info.std[c]);
  return out;
}

std::shared_ptr<const Model> with_scales(const Model &model) {
  const std::vector<Layer> &layers = model.layers();
  const std::vector<Tensor> outputs =
      run(model, normalize(model.info(), make_byte_image(64, 96)));
  ModelInfo info = model.info();
  info.activation_scales.assign(layers.size(), 0);
  std::vector<std::vector<float>> weights, biases;
  for (size_t i = 0; i < layers.size(); i++) {
    weights.push_back(model.weight(i));
    biases.push_back(model.bias(i));
    if (!has_scale(layers, i)) continue;
    float largest = 0.01f;
    for (float v : outputs[i].data) largest = std::max(largest, std::abs(v));
    const int steps = 255 - zero_point_of(layers[i].activation);
    info.activation_scales[i] = largest / steps;
  }
  return must(
      Model::create(std::move(info), std::move(weights), std::move(biases)));
}

ByteTensor make_byte_image(int height, int width) {
  ByteTensor image(3, height, width);
  Lcg lcg(2);
  for (uint8_t &v : image.data) v = static_cast<uint8_t>(lcg.bits() >> 16);
  return image;
}

}  // namespace fastscnn::reference
