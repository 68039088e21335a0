// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <cstdlib>
#include <new>

#include "cpu/painter/painter.h"
#include "tests/support/contracttests.h"

static size_t allocations = 0;

void *operator new(size_t size) {
  allocations++;
  if (void *p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void *p) noexcept { std::free(p); }
void operator delete(void *p, size_t) noexcept { std::free(p); }

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  fastscnn::testing::PainterDriver driver = {"cpu", fastscnn::make_cpu_painter};
  driver.allocations = &allocations;
  fastscnn::testing::add_painter_tests(driver);
  return g_test_run();
}
