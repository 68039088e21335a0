// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/blocks.h"
#include "cuda/engine/fused/depthwisepointwise.h"
#include "cuda/engine/fused/featurefusion.h"
#include "cuda/engine/fused/front.h"
#include "cuda/engine/fused/invertedresidual.h"

namespace fastscnn::cuda::fused {

/// The parts of a network from which the kernels' parameters are made. Table
/// has weight(layer) and bias(layer), see weights.h.
template <typename Table>
struct NetworkView {
  const std::vector<Layer> &layers;
  const std::vector<Shape> &shapes;  ///< of the layers, channels padded
  const Table &table;
  bool align_corners;
};

template <typename Kernel, typename Table>
Kernel make_depthwise_pointwise(const NetworkView<Table> &net,
                                const FusibleBlock &b, const BlockData &data) {
  const Clamp dw = clamp_of(net.layers[b.first].activation);
  const Clamp pw = clamp_of(net.layers[b.first + 1].activation);
  const Shape &src = net.shapes[b.src], &dst = net.shapes[b.last];
  Kernel k = {};
  k.src = data.src;
  k.depthwise = net.table.weight(b.first);
  k.depthwise_bias = net.table.bias(b.first);
  k.pointwise = net.table.weight(b.first + 1);
  k.pointwise_bias = net.table.bias(b.first + 1);
  k.classify = net.table.weight(b.last);  // unused without logits
  k.classify_bias = net.table.bias(b.last);
  k.dst = data.dst;
  k.src_height = src.height;
  k.src_width = src.width;
  k.src_stride = data.src_stride;
  k.height = dst.height;
  k.width = dst.width;
  k.dst_stride = data.dst_stride;
  k.logits = dst.channels;  // unused without logits
  k.depthwise_low = dw.low;
  k.depthwise_high = dw.high;
  k.low = pw.low;
  k.high = pw.high;
  return k;
}

template <typename Kernel, typename Table>
Kernel make_inverted_residual(const NetworkView<Table> &net,
                              const FusibleBlock &b, const BlockData &data) {
  const Clamp clamp = clamp_of(net.layers[b.first].activation);
  const Shape &src = net.shapes[b.src], &dst = net.shapes[b.last];
  Kernel k = {};
  k.src = data.src;
  k.weights = {net.table.weight(b.first),     net.table.weight(b.first + 1),
               net.table.weight(b.first + 2), net.table.bias(b.first),
               net.table.bias(b.first + 1),   net.table.bias(b.first + 2)};
  k.dst = data.dst;
  k.src_height = src.height;
  k.src_width = src.width;
  k.src_stride = data.src_stride;
  k.height = dst.height;
  k.width = dst.width;
  k.low = clamp.low;
  k.high = clamp.high;
  return k;
}

inline Upsampling make_upsampling(int size, bool align_corners) {
  const double offset = resize_position(0, size / 4, size, align_corners);
  const double scale =
      resize_position(1, size / 4, size, align_corners) - offset;
  return {size, static_cast<float>(scale), static_cast<float>(offset)};
}

template <typename Kernel, typename Table>
Kernel make_feature_fusion(const NetworkView<Table> &net, const FusibleBlock &b,
                           const BlockData &data) {
  const Clamp dw = clamp_of(net.layers[b.first + 1].activation);
  const Clamp pw = clamp_of(net.layers[b.last].activation);
  const Shape &fine = net.shapes[b.fine];
  Kernel k = {};
  k.coarse = data.src;
  k.fine = data.fine;
  k.depthwise = net.table.weight(b.first + 1);
  k.depthwise_bias = net.table.bias(b.first + 1);
  k.weight = net.table.weight(b.last);
  k.bias = net.table.bias(b.last);
  k.dst = data.dst;
  k.axis_y = make_upsampling(fine.height, net.align_corners);
  k.axis_x = make_upsampling(fine.width, net.align_corners);
  k.height = fine.height;
  k.width = fine.width;
  k.fine_stride = data.fine_stride;
  k.depthwise_low = dw.low;
  k.depthwise_high = dw.high;
  k.low = pw.low;
  k.high = pw.high;
  return k;
}

/// frame: the conversion to the network input; its dst is not used.
template <typename Table>
Front make_front(const NetworkView<Table> &net, const FusibleBlock &b,
                 const Preprocess<__half> &frame, const BlockData &data) {
  const Clamp first = clamp_of(net.layers[b.first].activation);
  const Clamp dw = clamp_of(net.layers[b.first + 1].activation);
  const Clamp pw = clamp_of(net.layers[b.last].activation);
  const Shape &middle = net.shapes[b.first], &dst = net.shapes[b.last];
  Front k = {};
  k.frame = frame;
  k.first = net.table.weight(b.first);
  k.first_bias = net.table.bias(b.first);
  k.depthwise = net.table.weight(b.first + 1);
  k.depthwise_bias = net.table.bias(b.first + 1);
  k.pointwise = net.table.weight(b.last);
  k.pointwise_bias = net.table.bias(b.last);
  k.dst = data.dst;
  k.padding = net.layers[b.first].padding;
  k.middle_height = middle.height;
  k.middle_width = middle.width;
  k.height = dst.height;
  k.width = dst.width;
  k.dst_stride = data.dst_stride;
  k.first_low = first.low;
  k.first_high = first.high;
  k.depthwise_low = dw.low;
  k.depthwise_high = dw.high;
  k.low = pw.low;
  k.high = pw.high;
  return k;
}

}  // namespace fastscnn::cuda::fused
