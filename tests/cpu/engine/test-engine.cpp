// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU engine, loaded as the plugin loads it.

#include <gmodule.h>

#include <cstring>

#include "net/painter.h"
#include "tests/support/contracttests.h"
#include "tests/support/must.h"

using namespace fastscnn;

namespace {

FastscnnBackendOpen *open_function() {
  GModule *module = g_module_open(FASTSCNN_CPU_MODULE, G_MODULE_BIND_LOCAL);
  if (!module) g_error("%s", g_module_error());
  gpointer symbol;
  g_assert_true(g_module_symbol(module, FASTSCNN_BACKEND_OPEN, &symbol));
  g_module_make_resident(module);
  return reinterpret_cast<FastscnnBackendOpen *>(symbol);
}

Backend &backend() {
  char why[256] = "";
  Backend *backend = open_function()(kEngineAbi, why, sizeof why);
  if (!backend) g_error("%s", why);
  return *backend;
}

std::unique_ptr<Engine> create(std::shared_ptr<const Model> model,
                               int threads) {
  Device device;
  device.threads = threads;
  return must(backend().create_engine(std::move(model), device));
}

void test_backend() {
  char why[256] = "";
  g_assert_null(open_function()(kEngineAbi + 1, why, sizeof why));
  g_assert_nonnull(std::strstr(why, "same version"));
  Device device;
  device.threads = 3;
  g_assert_cmpstr(backend().name(), ==, "cpu");
  g_assert_nonnull(
      std::strstr(must(backend().device_name(device)).c_str(), ", 3 threads"));
  g_assert_nonnull(must(backend().create_painter(device)).get());
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/backend", test_backend);
  testing::add_engine_tests({"cpu", create, {1e-3, 0, 1, 1}, {1e-3, 0, 1, 1}});
  return g_test_run();
}
