// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn::int8 {

/// The instructions with which conv_gemm() multiplies bytes.
enum class Instructions {
  kPortable,  ///< no byte dot products
  kAvxVnni,
  kAvx512Vnni,
  kAmx,
  kDotProd,
  kI8mm,
};

/// The best ones that processor, operating system and compiler support.
Instructions instructions();

/// "AMX", "AVX512-VNNI", "dotprod" ...; for kPortable the instruction set of
/// all kernels: "AVX2", "NEON" ...
const char *instructions_name();

/// Whether a network is faster in int8 than in fp32: with byte dot products,
/// and with AVX2, where bytes are multiplied as 16-bit integers.
bool is_faster_than_fp32();

constexpr unsigned bit(Instructions i) { return 1u << static_cast<int>(i); }

/// The bits of the instructions that processor and operating system support and
/// allow_instructions() allows.
unsigned supported_instructions();

/// For tests: sets the bits of the instructions that kernels may use; initially
/// all.
void allow_instructions(unsigned bits);

}  // namespace fastscnn::int8
