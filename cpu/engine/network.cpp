// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/network.h"

#include <algorithm>
#include <utility>

#include "cpu/engine/int8/weights.h"
#include "cpu/engine/weights.h"

namespace fastscnn {
namespace {

// Bytes after the end of an input that kernels may read.
constexpr size_t kSlack = int8::kReadAhead;

}  // namespace

template <typename AnyWeights>
Network<AnyWeights>::Network(std::shared_ptr<const AnyWeights> weights,
                             std::vector<Shape> shapes, int width, int height,
                             int threads)
    : weights_(std::move(weights)),
      layers_(weights_->model().layers()),
      width_(width),
      height_(height),
      threads_(threads),
      shapes_(std::move(shapes)),
      plan_(make_execution_plan(layers_, shapes_, height,
                                weights_->model().info().variant.align_corners,
                                sizeof(Element), threads)),
      graph_(plan_.dependencies),
      rows_(layers_.size()),
      columns_(layers_.size()),
      image_pitch_(ptrdiff_t(width + 2) * kImageChannels) {
  const bool align_corners = weights_->model().info().variant.align_corners;
  for (size_t i = 0; i < layers_.size(); i++) {
    if (layers_[i].op != Op::kUpsample) continue;
    const Shape &from = shapes_[layers_[i].inputs[0]];
    rows_[i] = AnyWeights::make_taps(
        resize_taps(from.height, shapes_[i].height, align_corners));
    columns_[i] = AnyWeights::make_taps(
        resize_taps(from.width, shapes_[i].width, align_corners));
  }
}

template <typename AnyWeights>
Result<> Network<AnyWeights>::allocate() {
  image_ = FASTSCNN_TRY(AlignedArray<Element>::create(
      image_pitch_ * (height_ + 2) + kSlack / sizeof(Element)));
  const Element *outside = weights_->outside(0);
  for (ptrdiff_t i = 0; i < image_pitch_ * (height_ + 2); i += kImageChannels)
    std::copy_n(outside, kImageChannels, image_.data() + i);
  arena_ = FASTSCNN_TRY(AlignedArray<uint8_t>::create(plan_.arena + kSlack));
  for (int t = 0; t < threads_; t++) {
    scratch_.emplace_back();
    scratch_.back() =
        FASTSCNN_TRY(AlignedArray<uint8_t>::create(plan_.scratch + kSlack));
  }
  return {};
}

template <typename AnyWeights>
Result<std::unique_ptr<Network<AnyWeights>>> Network<AnyWeights>::create(
    std::shared_ptr<const AnyWeights> weights, int width, int height,
    int threads) {
  std::vector<Shape> shapes =
      FASTSCNN_TRY(infer_shapes(weights->model().layers(), height, width));
  std::unique_ptr<Network> network(new Network(
      std::move(weights), std::move(shapes), width, height, threads));
  FASTSCNN_TRY(network->allocate());
  return network;
}

template <typename AnyWeights>
void Network<AnyWeights>::run(Workers &workers) {
  graph_.run(workers, threads_,
             [this](int task, int worker) { execute(task, worker); });
}

template <typename AnyWeights>
Logits Network<AnyWeights>::logits() const {
  const ExecutionPlan::TensorLayout &p = plan_.layouts.back();
  const Shape &shape = shapes_.back();
  return {reinterpret_cast<const float *>(arena_.data() + p.offset),
          shape.channels, shape.width, shape.height,
          static_cast<int>(p.pixel_stride)};
}

template <typename AnyWeights>
template <typename T>
T *Network<AnyWeights>::row(int layer, int y) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts[layer];
  return reinterpret_cast<T *>(arena_.data() + p.offset) +
         y % p.rows * p.row_stride;
}

template <typename AnyWeights>
typename Network<AnyWeights>::View Network<AnyWeights>::view(int layer,
                                                             int begin) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts[layer];
  return {row(layer, begin), p.pixel_stride, p.row_stride};
}

/// Calls body (view, begin, end) for each part of these rows that is contiguous
/// in memory: a line buffer may wrap around.
template <typename AnyWeights>
template <typename Body>
void Network<AnyWeights>::for_contiguous_rows(int layer, int begin, int end,
                                              const Body &body) {
  const int rows = plan_.layouts[layer].rows;
  for (int next; begin < end; begin = next) {
    next = std::min(end, begin + rows - begin % rows);
    body(view(layer, begin), begin, next);
  }
}

template <typename AnyWeights>
void Network<AnyWeights>::execute(int number, int worker) {
  const ExecutionPlan::Task &task = plan_.tasks[number];
  const ExecutionPlan::Step &step = plan_.steps[task.step];
  const int rows = task.end - task.begin;
  Scratch scratch{scratch_[worker].data()};
  auto destination = [&](int layer) -> View {
    if (layer == step.last()) return view(layer, task.begin);
    const ptrdiff_t pitch = row_elements(layers_[layer], shapes_[layer]);
    return {scratch.template take<Element>(rows * pitch),
            pitch / shapes_[layer].width, pitch};
  };

  if (step.skip != kNoLayer) {
    const int input = layers_[step.skip].inputs[0];
    pointwise(step.skip, view(input, task.begin), task.begin, task.end, step,
              view(step.last(), task.begin));
  }
  const Layer &first = layers_[step.first];
  if (step.first == last_layer()) {
    for_contiguous_rows(first.inputs[0], task.begin, task.end,
                        [&](View src, int begin, int end) {
                          compute_logits(src, begin, end, scratch);
                        });
    return;
  }
  View dst = destination(step.first);
  if (first.op == Op::kConv && first.kernel == 1 && !first.depthwise()) {
    for_contiguous_rows(first.inputs[0], task.begin, task.end,
                        [&](View src, int begin, int end) {
                          View part = dst;
                          part.data += (begin - task.begin) * dst.row_stride;
                          pointwise(step.first, src, begin, end, step, part);
                        });
  } else {
    compute_first(step.first, task.begin, task.end, scratch, dst);
  }
  for (int layer : step.pointwise) {
    if (layer == last_layer()) {
      compute_logits(dst, task.begin, task.end, scratch);
      return;
    }
    const View src = dst;
    dst = destination(layer);
    pointwise(layer, src, task.begin, task.end, step, dst);
  }
}

template <typename AnyWeights>
void Network<AnyWeights>::compute_first(int layer, int begin, int end,
                                        Scratch scratch, View dst) {
  const Layer &l = layers_[layer];
  const int input = l.inputs[0];
  switch (l.op) {
    case Op::kConv:
      if (l.depthwise())
        convolve_depthwise(layer, begin, end, dst);
      else if (input == kImage)
        convolve_image(layer, begin, end, dst);
      else
        convolve_3x3(layer, begin, end, scratch, dst);
      break;
    case Op::kPool: {
      const Shape &from = shapes_[input];
      for (int y = begin; y < end; y++, dst.data += dst.row_stride) {
        const int top = bin_begin(y, from.height, l.bins);
        const View src = view(input, top);
        average_pool(src.pixels(), src.row_stride,
                     bin_end(y, from.height, l.bins) - top, from.width,
                     l.channels, l.bins, dst.data);
      }
      break;
    }
    case Op::kUpsample: {
      auto *between = scratch.template take<typename AnyWeights::Lerped>(
          row_elements(layers_[input], shapes_[input]));
      for (int y = begin; y < end; y++, dst.data += dst.row_stride) {
        const auto &t = rows_[layer][y];
        upsample(row(input, t.first), row(input, t.second), t.weight,
                 shapes_[input].width, l.channels, columns_[layer].data(),
                 shapes_[layer].width, between, dst.pixels());
      }
      break;
    }
    case Op::kConcat:
      break;
  }
}

template <typename AnyWeights>
void Network<AnyWeights>::convolve_image(int layer, int begin, int end,
                                         View dst) {
  const Layer &l = layers_[layer];
  const ptrdiff_t offsets[] = {0, image_pitch_, 2 * image_pitch_};
  for (int y = begin; y < end; y++, dst.data += dst.row_stride) {
    const Element *src = image_.data() + image_begin(y * l.stride - l.padding) -
                         l.padding * kImageChannels;
    conv_gemm(weights_->conv_gemm(layer),
              ConstPixels{src, l.stride * kImageChannels}, offsets,
              shapes_[layer].width, ConstPixels{nullptr, 0}, dst.pixels());
  }
}

/// Computes a full 3x3 convolution from a copy of its input with a border.
template <typename AnyWeights>
void Network<AnyWeights>::convolve_3x3(int layer, int begin, int end,
                                       Scratch scratch, View dst) {
  const int input = layers_[layer].inputs[0];
  const Shape &from = shapes_[input];
  const Element *outside = weights_->outside(layer);
  const ptrdiff_t pitch = ptrdiff_t(from.width + 2) * from.channels;
  auto *copy = scratch.template take<Element>((end - begin + 2) * pitch);
  for (int y = begin - 1; y <= end; y++) {
    Element *to = copy + (y - begin + 1) * pitch;
    const bool inside = y >= 0 && y < from.height;
    for (int x = 0; x < from.width + 2; x += inside ? from.width + 1 : 1)
      std::copy_n(outside, from.channels, to + x * from.channels);
    if (inside)
      std::copy_n(row(input, y), size_t(from.width) * from.channels,
                  to + from.channels);
  }
  const ptrdiff_t offsets[] = {0, pitch, 2 * pitch};
  for (int y = begin; y < end; y++, dst.data += dst.row_stride)
    conv_gemm(weights_->conv_gemm(layer),
              ConstPixels{copy + (y - begin) * pitch, from.channels}, offsets,
              shapes_[layer].width, ConstPixels{nullptr, 0}, dst.pixels());
}

template <typename AnyWeights>
void Network<AnyWeights>::convolve_depthwise(int layer, int begin, int end,
                                             View dst) {
  const Layer &l = layers_[layer];
  const int input = l.inputs[0];
  const Shape &from = shapes_[input];
  for (int y = begin; y < end;) {
    const int count = l.dilation == 1 ? std::min(end - y, kDepthwiseRows) : 1;
    const Element *rows[3 + 2 * (kDepthwiseRows - 1)];
    for (int k = 0; k < 3 + (count - 1) * l.stride; k++) {
      const int source = y * l.stride - l.padding + k * l.dilation;
      const bool inside = source >= 0 && source < from.height;
      rows[k] = inside ? row(input, source) : nullptr;
    }
    depthwise(weights_->depthwise(layer), rows, from.width, dst.data,
              dst.row_stride, shapes_[layer].width, count);
    y += count;
    dst.data += count * dst.row_stride;
  }
}

/// Computes a pointwise convolution of rows that are contiguous in memory.
template <typename AnyWeights>
void Network<AnyWeights>::pointwise(int layer, View src, int begin, int end,
                                    const ExecutionPlan::Step &step, View dst) {
  const Layer &l = layers_[layer];
  const ptrdiff_t offset = 0;
  View residual = {nullptr, 0, 0};
  if (l.residual != kNoLayer)
    residual = l.residual == step.skip ? dst : view(l.residual, begin);
  conv_gemm(weights_->conv_gemm(layer), ConstPixels(src.pixels()), &offset,
            (end - begin) * shapes_[layer].width,
            ConstPixels(residual.pixels()), dst.pixels());
}

/// Computes the last layer as (rows, width, channels) and transposes it to
/// (rows, classes, width).
template <typename AnyWeights>
void Network<AnyWeights>::compute_logits(View src, int begin, int end,
                                         Scratch scratch) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts.back();
  const Shape &shape = shapes_.back();
  const ptrdiff_t offset = 0;
  const int pixels = (end - begin) * shape.width;
  const ptrdiff_t stride = round_up(shape.channels, kChannelBlock);
  auto *logits = scratch.template take<float>(pixels * stride);
  conv_gemm(weights_->conv_gemm(last_layer()), ConstPixels(src.pixels()),
            &offset, pixels, typename AnyWeights::LogitPixels{logits, stride});
  for (int y = begin; y < end; y++, logits += shape.width * stride) {
    float *dst = row<float>(last_layer(), y);
    for (int c = 0; c < shape.channels; c++, dst += p.pixel_stride)
      for (int x = 0; x < shape.width; x++) dst[x] = logits[x * stride + c];
  }
}

template class Network<Weights>;
template class Network<int8::Weights>;

}  // namespace fastscnn
