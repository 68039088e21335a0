// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "cpu/engine/int8/instructions.h"
#include "tests/support/targets.h"

namespace fastscnn::testing {

/// Runs test with every instruction that multiplies bytes, of every target.
inline void on_every_instruction(const std::function<void()> &test) {
  using int8::Instructions;
  constexpr Instructions kAll[] = {
      Instructions::kPortable,   Instructions::kAvxVnni,
      Instructions::kAvx512Vnni, Instructions::kAmx,
      Instructions::kDotProd,    Instructions::kI8mm};
  on_every_target([&] {
    const char *before = nullptr;
    for (Instructions i : kAll) {
      int8::allow_instructions(2 * bit(i) - 1);  // this and lesser ones
      if (int8::instructions_name() == before) continue;
      before = int8::instructions_name();
      g_test_message("with %s", before);
      test();
    }
    int8::allow_instructions(~0u);
  });
}

}  // namespace fastscnn::testing
