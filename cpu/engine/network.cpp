// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/network.h"

#include <algorithm>
#include <utility>

#include "cpu/engine/pooling.h"
#include "cpu/engine/upsample.h"

namespace fastscnn {

Network::Network(std::shared_ptr<const Weights> weights,
                 std::vector<Shape> shapes, int width, int height, int threads)
    : weights_(std::move(weights)),
      layers_(weights_->model().layers()),
      width_(width),
      height_(height),
      threads_(threads),
      shapes_(std::move(shapes)),
      plan_(make_execution_plan(layers_, shapes_, height,
                                weights_->model().info().variant.align_corners,
                                threads)),
      graph_(plan_.dependencies),
      rows_(layers_.size()),
      columns_(layers_.size()),
      image_pitch_(ptrdiff_t(width + 2) * kImageChannels) {
  const bool align_corners = weights_->model().info().variant.align_corners;
  for (size_t i = 0; i < layers_.size(); i++) {
    if (layers_[i].op != Op::kUpsample) continue;
    const Shape &from = shapes_[layers_[i].inputs[0]];
    rows_[i] = resize_taps(from.height, shapes_[i].height, align_corners);
    columns_[i] = resize_taps(from.width, shapes_[i].width, align_corners);
  }
}

Result<> Network::allocate() {
  image_ = FASTSCNN_TRY(AlignedBuffer::create(image_pitch_ * (height_ + 2)));
  arena_ = FASTSCNN_TRY(AlignedBuffer::create(plan_.arena));
  for (int t = 0; t < threads_; t++) {
    scratch_.emplace_back();
    scratch_.back() = FASTSCNN_TRY(AlignedBuffer::create(plan_.scratch));
  }
  return {};
}

Result<std::unique_ptr<Network>> Network::create(
    std::shared_ptr<const Weights> weights, int width, int height,
    int threads) {
  std::vector<Shape> shapes =
      FASTSCNN_TRY(infer_shapes(weights->model().layers(), height, width));
  std::unique_ptr<Network> network(new Network(
      std::move(weights), std::move(shapes), width, height, threads));
  FASTSCNN_TRY(network->allocate());
  return network;
}

void Network::run(Workers &workers) {
  graph_.run(workers, threads_,
             [this](int task, int worker) { execute(task, worker); });
}

Logits Network::logits() const {
  const ExecutionPlan::TensorLayout &p = plan_.layouts.back();
  const Shape &shape = shapes_.back();
  return {arena_.data() + p.offset, shape.channels, shape.width, shape.height,
          static_cast<int>(p.pixel_stride)};
}

float *Network::row(int layer, int y) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts[layer];
  return arena_.data() + p.offset + y % p.rows * p.row_stride;
}

Network::View Network::view(int layer, int begin) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts[layer];
  return {row(layer, begin), p.pixel_stride, p.row_stride};
}

/// How many of the rows are contiguous in memory: a line buffer may wrap
/// around.
int Network::contiguous_rows(int layer, int begin, int end) const {
  const ExecutionPlan::TensorLayout &p = plan_.layouts[layer];
  return std::min(end - begin, p.rows - begin % p.rows);
}

void Network::execute(int number, int worker) {
  const ExecutionPlan::Task &task = plan_.tasks[number];
  const ExecutionPlan::Step &step = plan_.steps[task.step];
  const int rows = task.end - task.begin;
  const int logits = static_cast<int>(layers_.size()) - 1;
  float *scratch = scratch_[worker].data();
  auto take = [&](size_t floats) {
    return std::exchange(scratch, scratch + floats);
  };
  auto destination = [&](int layer) {
    if (layer == step.last() && layer != logits) return view(layer, task.begin);
    const ptrdiff_t pitch = row_floats(layers_[layer], shapes_[layer]);
    return View{take(rows * pitch), pitch / shapes_[layer].width, pitch};
  };

  View dst = destination(step.first);
  if (step.skip != kNoLayer) {
    const View last = view(step.last(), task.begin);
    const int input = layers_[step.skip].inputs[0];
    pointwise(step.skip, view(input, task.begin), task.begin, task.end, step,
              last);
  }
  const Layer &first = layers_[step.first];
  if (first.op == Op::kConv && first.kernel == 1 && !first.depthwise()) {
    const int input = first.inputs[0];
    for (int y = task.begin; y < task.end;) {
      const int n = contiguous_rows(input, y, task.end);
      View part = dst;
      part.data += (y - task.begin) * dst.row_stride;
      pointwise(step.first, view(input, y), y, y + n, step, part);
      y += n;
    }
  } else {
    compute_first(step.first, task.begin, task.end, scratch, dst);
  }
  for (int layer : step.pointwise) {
    const View src = dst;
    dst = destination(layer);
    pointwise(layer, src, task.begin, task.end, step, dst);
  }
  if (step.last() == logits) store_logits(dst, task.begin, task.end);
}

void Network::compute_first(int layer, int begin, int end, float *scratch,
                            View dst) {
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
    case Op::kUpsample:
      for (int y = begin; y < end; y++, dst.data += dst.row_stride) {
        const Tap &t = rows_[layer][y];
        upsample(row(input, t.first), row(input, t.second), t.weight,
                 shapes_[input].width, l.channels, columns_[layer].data(),
                 shapes_[layer].width, scratch, dst.pixels());
      }
      break;
    case Op::kConcat:
      break;
  }
}

void Network::convolve_image(int layer, int begin, int end, View dst) {
  const Layer &l = layers_[layer];
  const ptrdiff_t offsets[] = {0, image_pitch_, 2 * image_pitch_};
  for (int y = begin; y < end; y++, dst.data += dst.row_stride) {
    const float *src = image_.data() + image_begin(y * l.stride - l.padding) -
                       l.padding * kImageChannels;
    conv_gemm(weights_->conv_gemm(layer), {src, l.stride * kImageChannels},
              offsets, shapes_[layer].width, {nullptr, 0}, dst.pixels());
  }
}

/// A full 3x3 convolution, from a copy of its input padded with zeros.
void Network::convolve_3x3(int layer, int begin, int end, float *scratch,
                           View dst) {
  const int input = layers_[layer].inputs[0];
  const Shape &from = shapes_[input];
  const ptrdiff_t pitch = ptrdiff_t(from.width + 2) * from.channels;
  for (int y = begin - 1; y <= end; y++) {
    float *to = scratch + (y - begin + 1) * pitch;
    std::fill_n(to, pitch, 0.f);
    if (y >= 0 && y < from.height)
      std::copy_n(row(input, y), size_t(from.width) * from.channels,
                  to + from.channels);
  }
  const ptrdiff_t offsets[] = {0, pitch, 2 * pitch};
  for (int y = begin; y < end; y++, dst.data += dst.row_stride)
    conv_gemm(weights_->conv_gemm(layer),
              {scratch + (y - begin) * pitch, from.channels}, offsets,
              shapes_[layer].width, {nullptr, 0}, dst.pixels());
}

void Network::convolve_depthwise(int layer, int begin, int end, View dst) {
  const Layer &l = layers_[layer];
  const int input = l.inputs[0];
  const Shape &from = shapes_[input];
  for (int y = begin; y < end;) {
    const int count = l.dilation == 1 ? std::min(end - y, kDepthwiseRows) : 1;
    const float *rows[3 + 2 * (kDepthwiseRows - 1)];
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

/// A pointwise convolution of rows that are contiguous in memory.
void Network::pointwise(int layer, View src, int begin, int end,
                        const ExecutionPlan::Step &step, View dst) {
  const Layer &l = layers_[layer];
  const ptrdiff_t offset = 0;
  View residual = {nullptr, 0, 0};
  if (l.residual != kNoLayer)
    residual = l.residual == step.skip ? dst : view(l.residual, begin);
  conv_gemm(weights_->conv_gemm(layer), src.pixels(), &offset,
            (end - begin) * shapes_[layer].width, residual.pixels(),
            dst.pixels());
}

/// From (rows, width, channels) to (rows, classes, width).
void Network::store_logits(View src, int begin, int end) {
  const ExecutionPlan::TensorLayout &p = plan_.layouts.back();
  const Shape &shape = shapes_.back();
  for (int y = begin; y < end; y++, src.data += src.row_stride) {
    float *dst = row(static_cast<int>(layers_.size()) - 1, y);
    for (int c = 0; c < shape.channels; c++, dst += p.pixel_stride)
      for (int x = 0; x < shape.width; x++)
        dst[x] = src.data[x * src.pixel_stride + c];
  }
}

}  // namespace fastscnn
