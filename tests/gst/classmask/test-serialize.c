/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serialised masks: round trips, and untrusted bytes. */

#include "tests/support/masks.h"
#include "gst/classmask/gstclassmask-private.h"

static GByteArray *write_mask(const guint8 *pixels, guint width, guint height,
                              gboolean confidence) {
  GByteArray *bytes = g_byte_array_new();
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta = add_mask(
      buffer, new_image(pixels, width, height, width + 3, 1), "seg", 640, 360);

  meta->x = -7;
  meta->y = 9;
  meta->age = 40 * GST_MSECOND;
  if (confidence)
    gst_class_mask_meta_set_confidence(
        meta, new_image(pixels, width, height, width, 0));
  g_assert_true(gst_class_mask_meta_write(meta, bytes));
  gst_buffer_unref(buffer);
  return bytes;
}

static void assert_image(GstBuffer *image, const guint8 *pixels, gsize size) {
  GstMapInfo map;

  g_assert_true(gst_buffer_map(image, &map, GST_MAP_READ));
  g_assert_cmpmem(map.data, map.size, pixels, size);
  gst_buffer_unmap(image, &map);
}

static void test_round_trip(void) {
  GRand *rand = g_rand_new_with_seed(4);
  guint8 *pixels = g_malloc(300 * 200);

  for (guint round = 0; round < 40; round++) {
    guint width = g_rand_int_range(rand, 1, 301);
    guint height = g_rand_int_range(rand, 1, 201);
    GByteArray *bytes;
    GstBuffer *buffer = gst_buffer_new();
    GstClassMaskMeta *meta;

    random_pixels(rand, pixels, width, height, 3, round);
    bytes = write_mask(pixels, width, height, round % 2);
    meta = gst_class_mask_meta_read(buffer, bytes->data, bytes->len,
                                    GST_CLASS_MASK_META_VERSION);
    g_assert_nonnull(meta);
    g_assert_cmpint(meta->x, ==, -7);
    g_assert_cmpint(meta->y, ==, 9);
    g_assert_cmpuint(meta->width, ==, 640);
    g_assert_cmpuint(meta->height, ==, 360);
    g_assert_cmpuint(meta->age, ==, 40 * GST_MSECOND);
    g_assert_cmpstr(g_quark_to_string(meta->source), ==, "seg");
    g_assert_cmpstr(gst_class_mask_classes_get_model(meta->classes), ==,
                    "hand-made");
    g_assert_cmpuint(gst_class_mask_classes_get_size(meta->classes), ==, 3);
    g_assert_cmpstr(gst_class_mask_classes_get_label(meta->classes, 2), ==,
                    "traffic \"light\"");
    g_assert_cmphex(gst_class_mask_classes_get_color(meta->classes, 2), ==,
                    0xfaaa1e);
    g_assert_cmpint(gst_class_mask_classes_find(meta->classes, "vehicle"), ==,
                    1);
    assert_image(meta->mask, pixels, width * height);
    if (round % 2)
      assert_image(meta->confidence, pixels, width * height);
    else
      g_assert_null(meta->confidence);
    gst_buffer_unref(buffer);
    g_byte_array_unref(bytes);
  }
  g_free(pixels);
  g_rand_free(rand);
}

/* Zones arrive, with the same points. */
static void test_zones(void) {
  const guint8 pixels[] = {0, 0, 1, 1, 2, 255};
  const gdouble points[] = {0, 0, 1, 0.1, 0.3, 1};
  GstBuffer *buffer = gst_buffer_new(), *other = gst_buffer_new();
  GstClassMaskMeta *meta =
      add_mask(buffer, new_image(pixels, 3, 2, 3, 0), "seg", 640, 360);
  GstClassMaskZones *zones = gst_class_mask_zones_new();
  GByteArray *bytes = g_byte_array_new();
  guint64 counts[256], expected[256];
  guint n;

  g_assert_true(gst_class_mask_zones_add_polygon(zones, "a", points, 3));
  g_assert_true(gst_class_mask_zones_add_polygon(zones, "b", points, 3));
  g_assert_true(gst_class_mask_zones_add_polygon(zones, "a", points, 3));
  g_assert_true(gst_class_mask_set_zones(meta->mask, zones, NULL));
  g_assert_true(gst_class_mask_meta_count_zone(meta, 0, expected));
  gst_class_mask_zones_unref(zones);
  g_assert_true(gst_class_mask_meta_write(meta, bytes));

  meta = gst_class_mask_meta_read(other, bytes->data, bytes->len,
                                  GST_CLASS_MASK_META_VERSION);
  g_assert_nonnull(meta);
  zones = gst_class_mask_meta_get_zones(meta);
  g_assert_cmpuint(gst_class_mask_zones_get_size(zones), ==, 2);
  g_assert_cmpstr(gst_class_mask_zones_get_name(zones, 1), ==, "b");
  const gdouble *read = gst_class_mask_zones_get_polygon(zones, 0, 1, &n);
  g_assert_cmpuint(n, ==, 3);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpfloat_with_epsilon(read[i], points[i], 1e-9);
  g_assert_true(gst_class_mask_meta_count_zone(meta, 0, counts));
  g_assert_cmpmem(counts, sizeof counts, expected, sizeof expected);

  for (guint length = 0; length < bytes->len; length++)
    g_assert_null(gst_class_mask_meta_read(other, bytes->data, length,
                                           GST_CLASS_MASK_META_VERSION));
  g_byte_array_unref(bytes);
  gst_buffer_unref(other);
  gst_buffer_unref(buffer);
}

/* All placements arrive: without one, people could be visible in the other
 * process. */
static void test_placements(void) {
  const guint8 pixels[] = {0, 0, 1, 1, 2, 255};
  GstBuffer *buffer = gst_buffer_new(), *other = gst_buffer_new();
  GstClassMaskMeta *meta =
      add_mask(buffer, new_image(pixels, 3, 2, 3, 0), "seg", 640, 360);
  GstClassMaskPlacements placements, read;
  GByteArray *bytes = g_byte_array_new();

  gst_class_mask_meta_read_placements(meta, &placements);
  for (; placements.n < GST_CLASS_MASK_MAX_PLACEMENTS; placements.n++)
    placements.rect[placements.n] =
        (GstVideoRectangle){-5, (gint)placements.n, 640, 300};
  gst_class_mask_meta_write_placements(meta, &placements);
  g_assert_true(gst_class_mask_meta_write(meta, bytes));
  meta = gst_class_mask_meta_read(other, bytes->data, bytes->len,
                                  GST_CLASS_MASK_META_VERSION);
  g_assert_nonnull(meta);
  gst_class_mask_meta_read_placements(meta, &read);
  g_assert_cmpmem(&read, sizeof read, &placements, sizeof placements);

  bytes->data[bytes->len - 2] = 0; /* a height of 0 */
  g_assert_null(gst_class_mask_meta_read(other, bytes->data, bytes->len - 1,
                                         GST_CLASS_MASK_META_VERSION));
  g_byte_array_unref(bytes);
  gst_buffer_unref(other);
  gst_buffer_unref(buffer);
}

/* Every prefix of valid bytes, and valid bytes with trailing ones. The copies
 * have the exact size, so that a sanitizer detects a read past the end. */
static void test_truncated(void) {
  const guint8 pixels[] = {0, 0, 1, 1, 2, 255};
  GByteArray *bytes = write_mask(pixels, 3, 2, TRUE);
  GstBuffer *buffer = gst_buffer_new();

  for (guint size = 0; size < bytes->len; size++) {
    guint8 *copy = g_memdup2(bytes->data, size);
    g_assert_null(gst_class_mask_meta_read(buffer, copy, size,
                                           GST_CLASS_MASK_META_VERSION));
    g_free(copy);
  }
  g_byte_array_append(bytes, (const guint8 *)"", 1);
  g_assert_null(gst_class_mask_meta_read(buffer, bytes->data, bytes->len,
                                         GST_CLASS_MASK_META_VERSION));
  g_assert_null(gst_class_mask_meta_read(buffer, bytes->data, bytes->len - 1,
                                         GST_CLASS_MASK_META_VERSION + 1));
  g_assert_null(gst_buffer_get_class_mask_meta(buffer));
  gst_buffer_unref(buffer);
  g_byte_array_unref(bytes);
}

/* Randomly changed bytes are refused or give a valid mask. */
static void test_changed(void) {
  const guint8 pixels[] = {0, 0, 1, 1, 2, 255};
  GByteArray *bytes = write_mask(pixels, 3, 2, TRUE);
  GRand *rand = g_rand_new_with_seed(5);
  guint accepted = 0;

  for (guint round = 0; round < 20000; round++) {
    GstBuffer *buffer = gst_buffer_new();
    guint8 *copy = g_memdup2(bytes->data, bytes->len);
    GstClassMaskMeta *meta;

    for (gint n = g_rand_int_range(rand, 1, 4); n > 0; n--)
      copy[g_rand_int_range(rand, 0, bytes->len)] = g_rand_int(rand);
    meta = gst_class_mask_meta_read(buffer, copy, bytes->len,
                                    GST_CLASS_MASK_META_VERSION);
    if (meta) {
      guint64 counts[256];
      g_assert_true(gst_class_mask_meta_count_pixels(meta, counts));
      gst_class_mask_meta_get_class_at(meta, 0, 9);
      accepted++;
    }
    g_free(copy);
    gst_buffer_unref(buffer);
  }
  g_assert_cmpuint(accepted, >, 0);
  g_rand_free(rand);
  g_byte_array_unref(bytes);
}

#if GST_CHECK_VERSION(1, 24, 0)
/* A round trip through the functions that unixfdsink and unixfdsrc call. */
static void test_gstreamer(void) {
  const guint8 pixels[] = {0, 0, 1, 1, 2, 255};
  GstBuffer *buffer = gst_buffer_new();
  GstBuffer *other = gst_buffer_new();
  GstClassMaskMeta *meta =
      add_mask(buffer, new_image(pixels, 3, 2, 3, 0), "seg", 640, 360);
  GByteArray *bytes = g_byte_array_new();
  guint32 consumed = 0;

  g_assert_true(gst_meta_serialize_simple(&meta->meta, bytes));
  meta = (GstClassMaskMeta *)gst_meta_deserialize(other, bytes->data,
                                                  bytes->len, &consumed);
  g_assert_nonnull(meta);
  g_assert_cmpuint(consumed, ==, bytes->len);
  g_assert_true(meta == gst_buffer_get_class_mask_meta_by_source(other, "seg"));
  assert_image(meta->mask, pixels, sizeof pixels);
  g_byte_array_unref(bytes);
  gst_buffer_unref(other);
  gst_buffer_unref(buffer);
}
#endif

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/serialize/round-trip", test_round_trip);
  g_test_add_func("/serialize/zones", test_zones);
  g_test_add_func("/serialize/placements", test_placements);
  g_test_add_func("/serialize/truncated", test_truncated);
  g_test_add_func("/serialize/changed", test_changed);
#if GST_CHECK_VERSION(1, 24, 0)
  g_test_add_func("/serialize/gstreamer", test_gstreamer);
#endif
  return g_test_run();
}
