// SPDX-License-Identifier: LGPL-2.1-or-later
// The module loads on every machine and says in one line what is missing.
#include <glib.h>
#include <gmodule.h>

#include <cstring>

#include "net/backend.h"

namespace {

const char *module_path;

FastscnnBackendOpen *open_symbol() {
  GModule *module = g_module_open(module_path, G_MODULE_BIND_LOCAL);
  if (!module) g_error("%s", g_module_error());
  gpointer symbol = nullptr;
  g_assert_true(g_module_symbol(module, FASTSCNN_BACKEND_OPEN, &symbol));
  return reinterpret_cast<FastscnnBackendOpen *>(symbol);
}

void test_reason() {
  char why[256] = "";
  fastscnn::Backend *backend =
      open_symbol()(fastscnn::kEngineAbi, why, sizeof why);
  if (backend) {
    g_assert_cmpstr(backend->name(), ==, "cuda");
    g_assert_cmpstr(why, ==, "");
    return;
  }
  g_test_message("%s", why);
  g_assert_cmpuint(std::strlen(why), >, 10);
  g_assert_null(std::strchr(why, '\n'));
  const char *parts[] = {"driver", "GPU", "cuDNN"};
  bool named = false;
  for (const char *part : parts) named |= std::strstr(why, part) != nullptr;
  g_assert_true(named);
}

void test_short_reason() {
  char why[8] = "xxxxxxx";
  g_assert_null(open_symbol()(fastscnn::kEngineAbi + 1, why, sizeof why));
  g_assert_cmpuint(std::strlen(why), ==, 7);
}

void test_other_version() {
  char why[256] = "";
  g_assert_null(open_symbol()(fastscnn::kEngineAbi + 1, why, sizeof why));
  g_assert_nonnull(std::strstr(why, "version"));
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_assert_cmpint(argc, ==, 2);
  module_path = argv[1];
  g_test_add_func("/cuda/module/reason", test_reason);
  g_test_add_func("/cuda/module/short-reason", test_short_reason);
  g_test_add_func("/cuda/module/other-version", test_other_version);
  return g_test_run();
}
