// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/engine/int8/gemmjob.h"

namespace fastscnn::int8 {

/// conv_gemm() with an emulated instruction.
struct EmulatedGemm {
  const char *name;
  void (*run)(const GemmJob &job);
};

/// All of them, with vectors of the target that Highway has chosen.
std::vector<EmulatedGemm> emulated_gemms();

}  // namespace fastscnn::int8
