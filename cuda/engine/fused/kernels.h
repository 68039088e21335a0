// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/arguments.h"

namespace fastscnn::cuda::fused {

/// Passes the kernel that computes a block to a visitor.
template <typename Table, typename Visitor>
class KernelChooser {
 public:
  KernelChooser(const NetworkView<Table> &net, const Gpu &gpu, Visitor *visitor)
      : net_(net), gpu_(gpu), visitor_(visitor) {}

  /// False if there is no kernel for these layers on this GPU.
  bool visit(const FusibleBlock &b, const BlockData &data) const {
    if (gpu_.capability < 80) return false;
    switch (b.kind) {
      case FusibleBlock::Kind::kDepthwisePointwise:
        return depthwise_pointwise(b, data);
      case FusibleBlock::Kind::kInvertedResidual:
        return inverted_residual(b, data);
      case FusibleBlock::Kind::kFeatureFusion:
        return feature_fusion(b, data);
      case FusibleBlock::Kind::kFront:
        break;
    }
    return false;
  }

 private:
  template <typename Kernel>
  bool fits() const {
    return sizeof(typename Kernel::Shared) <= gpu_.shared_bytes &&
           (Kernel::kCluster == 1 || gpu_.capability >= 90);
  }

  bool depthwise_pointwise(const FusibleBlock &b, const BlockData &data) const {
    const Layer &dw = net_.layers[b.first];
    const int in = dw.channels, out = net_.layers[b.first + 1].channels;
    const int logits = b.last == b.first + 2 ? net_.shapes[b.last].channels : 0;
    if (dw.dilation != 1) return false;
    if (dw.stride == 2 && !logits) {
      if (in == 32 && out == 48)
        return pass_pair<DepthwisePointwise<32, 48, 2>>(b, data);
      if (in == 48 && out == 64)
        return pass_pair<DepthwisePointwise<48, 64, 2>>(b, data);
    }
    if (dw.stride == 1 && in == 128 && out == 128) {
      using Classify = DepthwisePointwise<128, 128, 1, true>;
      if (!logits) return pass_pair<DepthwisePointwise<128, 128, 1>>(b, data);
      if (logits <= Classify::kMaxLogits) return pass_pair<Classify>(b, data);
    }
    return false;
  }

  template <typename Kernel>
  bool pass_pair(const FusibleBlock &b, const BlockData &data) const {
    if (!fits<Kernel>()) return false;
    (*visitor_)(make_depthwise_pointwise<Kernel>(net_, b, data));
    return true;
  }

  bool inverted_residual(const FusibleBlock &b, const BlockData &data) const {
    const Layer &dw = net_.layers[b.first + 1];
    const int out = net_.layers[b.last].channels;
    if (dw.dilation != 1 || data.dst_stride != out) return false;
    const bool residual = net_.layers[b.last].residual != kNoLayer;
    const auto is = [&](int i, int o, int stride, bool r) {
      return net_.shapes[b.src].channels == i && dw.channels == 6 * i &&
             out == o && dw.stride == stride && residual == r;
    };
    if (is(64, 64, 2, false)) return pass_residual<64, 64, 2, false>(b, data);
    if (is(64, 64, 1, true)) return pass_residual<64, 64, 1, true>(b, data);
    if (is(64, 96, 2, false)) return pass_residual<64, 96, 2, false>(b, data);
    if (is(96, 96, 1, true)) return pass_residual<96, 96, 1, true>(b, data);
    if (is(96, 128, 1, false)) return pass_residual<96, 128, 1, false>(b, data);
    if (is(128, 128, 1, true)) return pass_residual<128, 128, 1, true>(b, data);
    return false;
  }

  template <int kIn, int kOut, int kStride, bool kResidual>
  bool pass_residual(const FusibleBlock &b, const BlockData &data) const {
    constexpr int kMid = 6 * kIn, kSplit = split_of(kIn, kOut);
    if (gpu_.capability >= 90)
      return pass_bottleneck<
          InvertedResidual<kIn, kMid, kOut, kStride, kSplit, kResidual>>(b,
                                                                         data);
    return pass_bottleneck<
        InvertedResidual<kIn, kMid, kOut, kStride, 1, kResidual>>(b, data);
  }

  template <typename Kernel>
  bool pass_bottleneck(const FusibleBlock &b, const BlockData &data) const {
    if (!fits<Kernel>()) return false;
    (*visitor_)(make_inverted_residual<Kernel>(net_, b, data));
    return true;
  }

  bool feature_fusion(const FusibleBlock &b, const BlockData &data) const {
    const Layer &dw = net_.layers[b.first + 1];
    const Shape &coarse = net_.shapes[b.src], &fine = net_.shapes[b.fine];
    if (coarse.channels != 128 || fine.channels != 64 ||
        net_.layers[b.last].channels != 128 || dw.stride != 1 ||
        fine.height != 4 * coarse.height || fine.width != 4 * coarse.width ||
        data.src_stride != 128 || data.dst_stride != 128 || !net_.table.joins())
      return false;
    if (dw.dilation == 1) return pass_fusion<FeatureFusion<1>>(b, data);
    if (dw.dilation == 4) return pass_fusion<FeatureFusion<4>>(b, data);
    return false;
  }

  template <typename Kernel>
  bool pass_fusion(const FusibleBlock &b, const BlockData &data) const {
    if (!fits<Kernel>()) return false;
    (*visitor_)(make_feature_fusion<Kernel>(net_, b, data));
    return true;
  }

  NetworkView<Table> net_;
  Gpu gpu_;
  Visitor *visitor_;
};

/// Does the same as KernelChooser::visit().
template <typename Table, typename Visitor>
bool visit_kernel(const NetworkView<Table> &net, const Gpu &gpu,
                  const FusibleBlock &b, const BlockData &data,
                  Visitor &&visitor) {
  return KernelChooser<Table, std::remove_reference_t<Visitor>>(net, gpu,
                                                                &visitor)
      .visit(b, data);
}

/// Whether Front computes these layers on this GPU. net: its table is not used.
template <typename Table>
bool has_front(const NetworkView<Table> &net, const Gpu &gpu,
               const FusibleBlock &b) {
  const Layer &dw = net.layers[b.first + 1];
  return gpu.capability >= 80 && sizeof(Front::Shared) <= gpu.shared_bytes &&
         net.layers[b.first].channels == kPlane && dw.stride == 2 &&
         dw.dilation == 1 && net.layers[b.last].channels == Front::kOut;
}

}  // namespace fastscnn::cuda::fused
