// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn::int8 {

/// What multiplies bytes in conv_gemm().
enum class Instructions {
  kPortable,  ///< no byte dot products
  kAvxVnni,
  kAvx512Vnni,
  kAmx,
  kDotProd,
  kI8mm,
};

/// The best that processor, kernel and compiler have.
Instructions instructions();

/// "AMX", "AVX512-VNNI", "dotprod" ...; for kPortable the instruction set of
/// all kernels: "AVX2", "NEON" ...
const char *instructions_name();

inline bool have_dot_products() {
  return instructions() != Instructions::kPortable;
}

/// For tests: instructions() is at most `limit` from now on.
void limit_instructions(Instructions limit);

}  // namespace fastscnn::int8
