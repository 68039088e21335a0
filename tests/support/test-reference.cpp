// SPDX-License-Identifier: LGPL-2.1-or-later
// The plain reference passes the tests of engines and painters.
#include <glib.h>

#include "tests/support/contracttests.h"
#include "tests/support/paintreference.h"
#include "tests/support/referenceengine.h"

using namespace fastscnn;

namespace {

std::unique_ptr<Engine> create_engine(std::shared_ptr<const Model> model, int) {
  return std::make_unique<reference::ReferenceEngine>(std::move(model));
}

std::unique_ptr<Painter> create_painter() {
  return std::make_unique<reference::ReferencePainter>();
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  testing::add_engine_tests({"reference", create_engine, {}, {}});
  testing::add_painter_tests({"reference", create_painter});
  return g_test_run();
}
