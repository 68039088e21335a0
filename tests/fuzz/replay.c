/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzzer over a folder of files, and over each of them truncated and
 * with single bytes changed: the regression test of a build without libFuzzer.
 */
#include <glib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define CHANGES 200

static void run_copy(const guint8 *data, gsize size) {
  /* A separate allocation, so that sanitizers see reads beyond its end. */
  guint8 *copy = g_memdup2(data, size);

  LLVMFuzzerTestOneInput(copy, size);
  g_free(copy);
}

static void replay(gconstpointer path) {
  GError *error = NULL;
  gchar *data;
  gsize size;
  GRand *rand = g_rand_new_with_seed(1);

  g_file_get_contents(path, &data, &size, &error);
  g_assert_no_error(error);
  run_copy((guint8 *)data, size);
  for (gint i = 0; i < CHANGES && size > 0; i++) {
    gchar *byte = &data[g_rand_int_range(rand, 0, (gint32)size)];
    gchar saved = *byte;

    *byte = (gchar)g_rand_int(rand);
    run_copy((guint8 *)data, size);
    *byte = saved;
    run_copy((guint8 *)data, (gsize)g_rand_int_range(rand, 0, (gint32)size));
  }
  g_rand_free(rand);
  g_free(data);
}

int main(int argc, char **argv) {
  GError *error = NULL;
  const gchar *name;
  GDir *dir;

  g_test_init(&argc, &argv, NULL);
  dir = g_dir_open(argv[1], 0, &error);
  g_assert_no_error(error);
  while ((name = g_dir_read_name(dir))) {
    gchar *test = g_strconcat("/", name, NULL);

    g_test_add_data_func_full(test, g_build_filename(argv[1], name, NULL),
                              replay, g_free);
    g_free(test);
  }
  g_dir_close(dir);
  return g_test_run();
}
