/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mask from another process. If it is accepted, it survives a round trip. */
#include "gst/classmask/gstclassmask-private.h"
#include "tests/fuzz/fuzz.h"

static void expect_same(const GstClassMaskMeta *a, const GstClassMaskMeta *b) {
  GstMapInfo map_a, map_b;

  g_assert_true(a->x == b->x && a->y == b->y);
  g_assert_true(a->width == b->width && a->height == b->height);
  g_assert_true(a->age == b->age && a->source == b->source);
  g_assert_true(!a->confidence == !b->confidence);
  g_assert_true(gst_buffer_map(a->mask, &map_a, GST_MAP_READ));
  g_assert_true(gst_buffer_map(b->mask, &map_b, GST_MAP_READ));
  g_assert_cmpmem(map_a.data, map_a.size, map_b.data, map_b.size);
  gst_buffer_unmap(a->mask, &map_a);
  gst_buffer_unmap(b->mask, &map_b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  GstBuffer *buffer;
  GstClassMaskMeta *meta, *again;
  GByteArray *bytes;

  fuzz_init_gst();
  buffer = gst_buffer_new();
  meta =
      gst_class_mask_meta_read(buffer, data, size, GST_CLASS_MASK_META_VERSION);
  if (meta) {
    bytes = g_byte_array_new();
    g_assert_true(gst_class_mask_meta_write(meta, bytes));
    again = gst_class_mask_meta_read(buffer, bytes->data, bytes->len,
                                     GST_CLASS_MASK_META_VERSION);
    g_assert_nonnull(again);
    expect_same(meta, again);
    g_byte_array_unref(bytes);
  }
  gst_buffer_unref(buffer);
  return 0;
}
