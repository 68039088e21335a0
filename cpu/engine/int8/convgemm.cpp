// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/convgemm.h"

#include <algorithm>
#include <cstring>

#include "cpu/engine/int8/gemmjob.h"
#include "cpu/engine/int8/instructions.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/int8/convgemm.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/storesums-inl.h"
#include "cpu/engine/int8/vnni-inl.h"

// Instructions beyond Highway's that processors of this target may have. Clang
// before 16 declares ARM's only if they are enabled for the whole file.
#undef FASTSCNN_AMX
#undef FASTSCNN_DOTPROD
#if HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX3
#define FASTSCNN_AMX
#elif HWY_ARCH_ARM_A64 && defined(__linux__) && HWY_TARGET != HWY_EMU128 && \
    (HWY_COMPILER_CLANG == 0 || HWY_COMPILER_CLANG >= 1600)
#define FASTSCNN_DOTPROD
#endif

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE::portable {
namespace {

// Sums take 16 of 32 or 8 of 16 registers, to leave room for pixels and
// weights.
constexpr int kTileBlocks = 1;
constexpr int kTilePixels =
    std::max<int>(1, (HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 16 : 8) *
                         kLanes / kChannelBlock);

#include "cpu/engine/int8/portabledot-inl.h"
#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::portable
HWY_AFTER_NAMESPACE();

#ifdef FASTSCNN_VNNI
FASTSCNN_BEFORE_VNNI()
namespace fastscnn::int8::HWY_NAMESPACE::vnni {
namespace {

// 24 of 32 registers are sums, or 12 of 16.
constexpr int kTileBlocks = HWY_TARGET <= HWY_AVX3 ? 2 : 1;
constexpr int kTilePixels = HWY_TARGET <= HWY_AVX3 ? 12 : 6;

#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::vnni
FASTSCNN_AFTER_VNNI()
#endif

#ifdef FASTSCNN_AMX
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",amx-tile,amx-int8")
namespace fastscnn::int8::HWY_NAMESPACE::amx {
namespace {

/// In the processor's layout. Not on the stack: gcc's intrinsic declares that
/// only the first bytes are read, so gcc could omit the stores of the others.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
constexpr TileConfig kTileConfig;

/// Configures the tiles for every call: in between, other code may use them on
/// this thread, and the operating system need not save released ones.
struct Tiles {
  HWY_INLINE Tiles() { _tile_loadconfig(&kTileConfig); }
  HWY_INLINE ~Tiles() { _tile_release(); }

  // Tile numbers are encoded in the instructions, so compilers accept literals
  // only.
  template <int kTile>
  HWY_INLINE void load(const void *p, ptrdiff_t stride) {
    if constexpr (kTile == 0) _tile_loadd(0, p, stride);
    if constexpr (kTile == 1) _tile_loadd(1, p, stride);
    if constexpr (kTile == 2) _tile_loadd(2, p, stride);
    if constexpr (kTile == 3) _tile_loadd(3, p, stride);
    if constexpr (kTile == 4) _tile_loadd(4, p, stride);
    if constexpr (kTile == 5) _tile_loadd(5, p, stride);
    if constexpr (kTile == 6) _tile_loadd(6, p, stride);
    if constexpr (kTile == 7) _tile_loadd(7, p, stride);
  }
  template <int kTile>
  HWY_INLINE void store(void *p, ptrdiff_t stride) {
    if constexpr (kTile == 0) _tile_stored(0, p, stride);
    if constexpr (kTile == 1) _tile_stored(1, p, stride);
    if constexpr (kTile == 2) _tile_stored(2, p, stride);
    if constexpr (kTile == 3) _tile_stored(3, p, stride);
  }
  template <int kSum, int kX, int kW>
  HWY_INLINE void dot() {
    static_assert(kSum == (kX - 4) * 2 + kW - 6, "the only combinations");
    if constexpr (kSum == 0) _tile_dpbusd(0, 4, 6);
    if constexpr (kSum == 1) _tile_dpbusd(1, 4, 7);
    if constexpr (kSum == 2) _tile_dpbusd(2, 5, 6);
    if constexpr (kSum == 3) _tile_dpbusd(3, 5, 7);
  }
};

#include "cpu/engine/int8/amxgemm-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::amx
HWY_POP_ATTRIBUTES
#endif

#ifdef FASTSCNN_DOTPROD
HWY_PUSH_ATTRIBUTES("arch=armv8.2-a+crypto+dotprod")
namespace fastscnn::int8::HWY_NAMESPACE::dotprod {
namespace {

// 24 of 32 registers are sums.
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;

/// The instruction multiplies signed bytes only, so load() subtracts 128.
struct Dot {
  static constexpr bool kSigned = true;

  HWY_INLINE static int8x16_t load(const uint8_t *p) {
    uint32_t four;
    std::memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x80808080u));
  }
  HWY_INLINE static int8x16_t load_weights(const int8_t *p) {
    return vld1q_s8(p);
  }
  HWY_INLINE static Sums dot(Sums sum, int8x16_t x, int8x16_t w) {
    return Sums(vdotq_s32(sum.raw, x, w));
  }
};

#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::dotprod
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES("arch=armv8.2-a+crypto+dotprod+i8mm")
namespace fastscnn::int8::HWY_NAMESPACE::i8mm {
namespace {

// 24 of 32 registers are sums.
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;

struct Matrix {
  HWY_INLINE static Quad multiply(Quad sum, hn::Vec<Bytes16> x,
                                  hn::Vec<Bytes16> w) {
    return Quad(vusmmlaq_s32(sum.raw, x.raw, vreinterpretq_s8_u8(w.raw)));
  }
};

#include "cpu/engine/int8/mmlatile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE::i8mm
HWY_POP_ATTRIBUTES
#endif

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

HWY_MAYBE_UNUSED bool supports(Instructions i) {
  return supported_instructions() & bit(i);
}

Instructions choose() {
#ifdef FASTSCNN_AMX
  if (supports(FASTSCNN_VNNI) && supports(Instructions::kAmx))
    return Instructions::kAmx;
#endif
#ifdef FASTSCNN_VNNI
  if (supports(FASTSCNN_VNNI)) return FASTSCNN_VNNI;
#endif
#ifdef FASTSCNN_DOTPROD
  if (supports(Instructions::kI8mm)) return Instructions::kI8mm;
  if (supports(Instructions::kDotProd)) return Instructions::kDotProd;
#endif
  return Instructions::kPortable;
}

bool faster_than_fp32() {
  return choose() != Instructions::kPortable ||
         (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2);
}

const char *target_name() { return hwy::TargetName(HWY_TARGET); }

void run(const GemmJob &job) {
  switch (choose()) {
#ifdef FASTSCNN_AMX
    case Instructions::kAmx:
      // Tiles need enough pixels, and pay off only for long kernel rows.
      if (job.count >= amx::kTileRows && job.layer.in >= kDepth / 2)
        return amx::run(job);
      [[fallthrough]];
#endif
#ifdef FASTSCNN_VNNI
    case FASTSCNN_VNNI:
      return vnni::run(job);
#endif
#ifdef FASTSCNN_DOTPROD
    case Instructions::kDotProd:
      return dotprod::run(job);
    case Instructions::kI8mm:
      return i8mm::run(job);
#endif
    default:
      return portable::run(job);
  }
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(run);
HWY_EXPORT(choose);
HWY_EXPORT(faster_than_fp32);
HWY_EXPORT(target_name);

Instructions instructions() { return HWY_DYNAMIC_DISPATCH(choose)(); }

bool is_faster_than_fp32() { return HWY_DYNAMIC_DISPATCH(faster_than_fp32)(); }

const char *instructions_name() {
  switch (instructions()) {
    case Instructions::kAvxVnni:
      return "AVX-VNNI";
    case Instructions::kAvx512Vnni:
      return "AVX512-VNNI";
    case Instructions::kAmx:
      return "AMX";
    case Instructions::kDotProd:
      return "dotprod";
    case Instructions::kI8mm:
      return "i8mm";
    case Instructions::kPortable:
      break;
  }
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

size_t packed_size(int out, int kernel_rows, int in) {
  const size_t blocks = (out + kChannelBlock - 1) / kChannelBlock;
  return blocks * (kSumBytes + kernel_rows * row_bytes(in));
}

void pack_conv_gemm(const int8_t *weights, int out, int channels, int kernel,
                    int pixel_stride, int8_t *packed) {
  const int in = kernel * pixel_stride;
  const ptrdiff_t block = packed_size(kChannelBlock, kernel, in);
  std::fill_n(packed, packed_size(out, kernel, in), 0);
  for (int o = 0; o < out; o++) {
    int8_t *sums = packed + o / kChannelBlock * block;
    int32_t sum = 0;
    for (int c = 0; c < channels; c++)
      for (int ky = 0; ky < kernel; ky++)
        for (int kx = 0; kx < kernel; kx++) {
          const int k = kx * pixel_stride + c;
          int8_t *row = sums + kSumBytes + ky * row_bytes(in);
          row[k / 4 * kGroupBytes + o % kChannelBlock * 4 + k % 4] = *weights;
          sum += *weights++;
        }
    std::memcpy(sums + o % kChannelBlock * sizeof sum, &sum, sizeof sum);
  }
}

void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, ConstPixels residual, Pixels dst) {
  HWY_DYNAMIC_DISPATCH(run)
  ({layer, src, offset, count, residual, dst, {nullptr, 0}});
}

void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, FloatPixels dst) {
  HWY_DYNAMIC_DISPATCH(run)
  ({layer, src, offset, count, {nullptr, 0}, {nullptr, 0}, dst});
}

}  // namespace fastscnn::int8
#endif
