// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/painter/painter.h"
#include "tests/gpu/device.h"

using namespace fastscnn;

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (testing::skip_without_device()) return 0;
  static const auto context = must(cuda::Context::primary(0));
  const cuda::ContextGuard current = must(cuda::ContextGuard::enter(*context));
  testing::add_painter_tests({"gpu", [] { return cuda::make_painter(context); },
                              &testing::kDeviceMemory,
                              Queue{context->handle(), nullptr}});
  return g_test_run();
}
