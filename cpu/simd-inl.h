// SPDX-License-Identifier: LGPL-2.1-or-later
// Included again for every instruction set that Highway compiles a kernel for.

#if defined(FASTSCNN_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTSCNN_CPU_SIMD_INL_H_
#undef FASTSCNN_CPU_SIMD_INL_H_
#else
#define FASTSCNN_CPU_SIMD_INL_H_
#endif

#include "hwy/highway.h"
#include "cpu/simd.h"

// No HWY_BEFORE_NAMESPACE(): it applies to functions, and this namespace has
// none.
namespace fastscnn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, kChannelBlock>;
using Ints = hn::RebindToSigned<Tag>;
using Vector = hn::Vec<Tag>;

constexpr size_t kLanes = hn::MaxLanes(Tag());

}  // namespace fastscnn::HWY_NAMESPACE

#endif
