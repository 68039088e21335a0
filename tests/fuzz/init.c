/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/gst.h>

#include "tests/fuzz/fuzz.h"

/* Disables the registry: the names of plugins would fill GLib's table of
 * quarks, which leaks when it grows. */
void fuzz_init_gst(void) {
  if (gst_is_initialized()) return;
  g_setenv("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init(NULL, NULL);
  gst_debug_set_active(FALSE);
}
