/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Zones: which pixels lie in them, and how they are counted. */

#include <math.h>

#include "tests/support/masks.h"

#define WIDTH 40
#define HEIGHT 30

static const gdouble LEFT[] = {0, 0, 0.5, 0, 0.5, 1, 0, 1};
static const gdouble TOP[] = {0, 0, 1, 0, 1, 0.5, 0, 0.5};
static const gdouble CORNER[] = {1, 0.8, 1, 1, 0.75, 1}; /* a triangle */

static GstClassMaskZones *new_zones(void) {
  GstClassMaskZones *zones = gst_class_mask_zones_new();

  g_assert_true(gst_class_mask_zones_add_polygon(zones, "left", LEFT, 4));
  g_assert_true(gst_class_mask_zones_add_polygon(zones, "top", TOP, 4));
  g_assert_true(gst_class_mask_zones_add_polygon(zones, "left", CORNER, 3));
  return zones;
}

static gboolean in_left(guint x, guint y) {
  return x < WIDTH / 2 ||
         ((x + 0.5) / WIDTH - 0.75) / 0.25 + ((y + 0.5) / HEIGHT - 0.8) / 0.2 >=
             1;
}

static gboolean in_top(guint y) { return y < HEIGHT / 2; }

static void test_table(void) {
  GstClassMaskZones *zones = new_zones();
  const gdouble outside[] = {0, 0, 1.01, 0, 0, 1};
  const gdouble nan[] = {0, 0, NAN, 0, 0, 1};
  guint n = 0;

  g_assert_cmpuint(gst_class_mask_zones_get_size(zones), ==, 2);
  g_assert_cmpstr(gst_class_mask_zones_get_name(zones, 0), ==, "left");
  g_assert_cmpstr(gst_class_mask_zones_get_name(zones, 1), ==, "top");
  g_assert_null(gst_class_mask_zones_get_name(zones, 2));
  g_assert_cmpmem(gst_class_mask_zones_get_polygon(zones, 0, 1, &n),
                  sizeof CORNER, CORNER, sizeof CORNER);
  g_assert_cmpuint(n, ==, 3);
  g_assert_null(gst_class_mask_zones_get_polygon(zones, 0, 2, &n));
  g_assert_null(gst_class_mask_zones_get_polygon(zones, 2, 0, &n));

  g_assert_false(gst_class_mask_zones_add_polygon(zones, "a", outside, 3));
  g_assert_false(gst_class_mask_zones_add_polygon(zones, "a", nan, 3));
  g_assert_false(gst_class_mask_zones_add_polygon(zones, "a", LEFT, 2));
  g_assert_false(gst_class_mask_zones_add_polygon(zones, "", LEFT, 4));
  g_assert_false(gst_class_mask_zones_add_polygon(zones, "\xff", LEFT, 4));
  g_assert_cmpuint(gst_class_mask_zones_get_size(zones), ==, 2);
  for (guint i = 2; i < GST_CLASS_MASK_MAX_ZONES; i++) {
    gchar *name = g_strdup_printf("%u", i);
    g_assert_true(gst_class_mask_zones_add_polygon(zones, name, LEFT, 4));
    g_free(name);
  }
  g_assert_false(gst_class_mask_zones_add_polygon(zones, "more", LEFT, 4));
  gst_class_mask_zones_unref(zones);
}

static void test_areas(void) {
  GstClassMaskZones *zones = new_zones();
  guint32 zones_of_area[256];
  guint n = 0;
  GBytes *bytes =
      gst_class_mask_zones_get_areas(zones, WIDTH, HEIGHT, zones_of_area, &n);
  const guint8 *areas = g_bytes_get_data(bytes, NULL);

  g_assert_cmpuint(g_bytes_get_size(bytes), ==, WIDTH * HEIGHT);
  g_assert_cmpuint(n, ==, 4);
  g_assert_cmpuint(zones_of_area[0], ==, 0);
  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      g_assert_cmpuint(zones_of_area[areas[y * WIDTH + x]], ==,
                       (in_left(x, y) ? 1u : 0u) | (in_top(y) ? 2u : 0u));

  /* Made once as long as the size stays the same. */
  GBytes *again =
      gst_class_mask_zones_get_areas(zones, WIDTH, HEIGHT, zones_of_area, &n);
  g_assert_true(again == bytes);
  g_bytes_unref(again);
  again = gst_class_mask_zones_get_areas(zones, 1, 1, zones_of_area, &n);
  g_assert_cmpuint(g_bytes_get_size(again), ==, 1);
  g_bytes_unref(again);
  g_bytes_unref(bytes);
  gst_class_mask_zones_unref(zones);
}

/* The outline of a pentagram winds twice around its middle, which is therefore
 * outside. */
static void test_odd_turns(void) {
  const gdouble star[] = {0.5, 0, 0.8, 1, 0, 0.4, 1, 0.4, 0.2, 1};
  GstClassMaskZones *zones = gst_class_mask_zones_new();
  guint32 zones_of_area[256];
  const guint8 *areas;
  GBytes *bytes;
  guint n;

  g_assert_true(gst_class_mask_zones_add_polygon(zones, "star", star, 5));
  bytes = gst_class_mask_zones_get_areas(zones, 99, 99, zones_of_area, &n);
  areas = g_bytes_get_data(bytes, NULL);
  g_assert_cmpuint(n, ==, 2);
  g_assert_cmpuint(areas[50 * 99 + 49], ==, 0);
  g_assert_cmpuint(areas[20 * 99 + 49], ==, 1);
  g_assert_cmpuint(areas[42 * 99 + 10], ==, 1);
  g_assert_cmpuint(areas[0], ==, 0);
  g_bytes_unref(bytes);
  gst_class_mask_zones_unref(zones);
}

/* More combinations than a byte can number. */
static void test_too_many_areas(void) {
  GstClassMaskZones *zones = gst_class_mask_zones_new();
  guint32 zones_of_area[256];
  guint n;

  for (guint i = 0; i < 24; i++) {
    gdouble at = i % 12 / 12.0;
    gdouble column[] = {at, 0, at + 1 / 12.0, 0, at + 1 / 12.0, 1, at, 1};
    gdouble row[] = {0, at, 0, at + 1 / 12.0, 1, at + 1 / 12.0, 1, at};
    gchar *name = g_strdup_printf("%u", i);
    for (guint p = 0; p < 8; p++) {
      column[p] = MIN(column[p], 1);
      row[p] = MIN(row[p], 1);
    }
    /* Columns and rows of a grid: each cell is in another pair of zones. */
    g_assert_true(gst_class_mask_zones_add_polygon(zones, name,
                                                   i < 12 ? column : row, 4));
    g_free(name);
  }
  GBytes *bytes =
      gst_class_mask_zones_get_areas(zones, 96, 96, zones_of_area, &n);
  g_assert_nonnull(bytes); /* 12 * 12 cells, and area 0 */
  g_bytes_unref(bytes);
  for (guint i = 24; i < 32; i++) {
    gdouble at = (i - 24) / 8.0;
    gdouble column[] = {at, 0, at + 0.06, 0, at + 0.06, 1, at, 1};
    gchar *name = g_strdup_printf("%u", i);
    g_assert_true(gst_class_mask_zones_add_polygon(zones, name, column, 4));
    g_free(name);
  }
  g_assert_null(
      gst_class_mask_zones_get_areas(zones, 97, 97, zones_of_area, &n));
  gst_class_mask_zones_unref(zones);
}

static GstClassMaskMeta *add_zoned_mask(GstBuffer *buffer,
                                        const guint64 *counts) {
  guint8 pixels[WIDTH * HEIGHT];
  GstClassMaskZones *zones = new_zones();
  GstBuffer *mask;

  for (guint i = 0; i < WIDTH * HEIGHT; i++)
    pixels[i] = i % WIDTH == 3 ? 255 : i / WIDTH % 2;
  mask = new_image(pixels, WIDTH, HEIGHT, WIDTH + 3, 5);
  g_assert_true(gst_class_mask_set_zones(mask, zones, counts));
  gst_class_mask_zones_unref(zones);
  return add_mask(buffer, mask, "seg", 80, 60);
}

static void test_counts(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta = add_zoned_mask(buffer, NULL);
  guint64 left[256] = {0}, counts[256], stored[2 * 256] = {0};

  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      if (in_left(x, y)) left[x == 3 ? 255 : y % 2]++;
  g_assert_true(gst_class_mask_meta_count_zone(meta, 0, counts));
  g_assert_cmpmem(counts, sizeof counts, left, sizeof left);
  g_assert_true(gst_class_mask_meta_count_zone(meta, 1, counts));
  g_assert_cmpuint(counts[0], ==, 8 * (WIDTH - 1));
  g_assert_cmpuint(counts[1], ==, 7 * (WIDTH - 1));
  g_assert_cmpuint(counts[255], ==, 15);
  g_assert_false(gst_class_mask_meta_count_zone(meta, 2, counts));
  gst_buffer_unref(buffer);

  /* Stored counts are used without a check. */
  stored[256 + 1] = 42;
  buffer = gst_buffer_new();
  meta = add_zoned_mask(buffer, stored);
  g_assert_true(gst_class_mask_meta_count_zone(meta, 1, counts));
  g_assert_cmpuint(counts[1], ==, 42);
  GstBuffer *copy = gst_buffer_copy_deep(meta->mask);
  GstClassMaskMeta other = *meta;
  other.mask = copy;
  g_assert_cmpuint(
      gst_class_mask_zones_get_size(gst_class_mask_meta_get_zones(&other)), ==,
      2);
  gst_buffer_unref(copy);
  gst_buffer_unref(buffer);

  buffer = gst_buffer_new();
  guint8 pixels[] = {0};
  meta = add_mask(buffer, new_image(pixels, 1, 1, 1, 0), "seg", 8, 8);
  g_assert_null(gst_class_mask_meta_get_zones(meta));
  g_assert_false(gst_class_mask_meta_count_zone(meta, 0, counts));
  gst_buffer_unref(buffer);
}

static gdouble share_in(const GstStructure *summary, guint zone, guint label) {
  const GValue *zones = gst_structure_get_value(summary, "zones");
  const GstStructure *shares =
      gst_value_get_structure(gst_value_array_get_value(zones, zone));

  return g_value_get_double(gst_value_array_get_value(
      gst_structure_get_value(shares, "fractions"), label));
}

static void test_summary(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta = add_zoned_mask(buffer, NULL);
  GstStructure *summary = gst_custom_meta_get_structure(
      gst_buffer_add_class_mask_summary(buffer, meta, NULL));
  const GValue *zones = gst_structure_get_value(summary, "zones");
  const GstStructure *top;
  gdouble unknown;

  g_assert_cmpuint(gst_value_array_get_size(zones), ==, 2);
  top = gst_value_get_structure(gst_value_array_get_value(zones, 1));
  g_assert_cmpstr(gst_structure_get_string(top, "name"), ==, "top");
  g_assert_true(gst_structure_get_double(top, "unknown", &unknown));
  g_assert_cmpfloat(unknown, ==, 1.0 / WIDTH);
  g_assert_cmpfloat_with_epsilon(share_in(summary, 1, 0),
                                 8.0 / 15 * (WIDTH - 1) / WIDTH, 1e-9);
  gst_buffer_unref(buffer);
}

/* A scaled frame that shows only rows 1 to 4 of the mask. */
static void test_summary_of_part(void) {
  GstBuffer *buffer = gst_buffer_new(), *dest = gst_buffer_new();
  GstClassMaskMeta *meta = add_zoned_mask(buffer, NULL);
  GstVideoInfo in, out;
  GstVideoMetaTransform data = {&in, &out};
  const GstMeta *custom;

  meta->y = -2;
  gst_buffer_add_class_mask_summary(buffer, meta, NULL);
  custom = (GstMeta *)gst_buffer_get_custom_meta(
      buffer, GST_CLASS_MASK_SUMMARY_META_NAME);
  gst_video_info_set_format(&in, GST_VIDEO_FORMAT_NV12, 80, 8);
  gst_video_info_set_format(&out, GST_VIDEO_FORMAT_NV12, 160, 16);
  g_assert_true(custom->info->transform_func(
      dest, (GstMeta *)custom, buffer,
      gst_video_meta_transform_scale_get_quark(), &data));
  const GstStructure *summary = gst_custom_meta_get_structure(
      gst_buffer_get_custom_meta(dest, GST_CLASS_MASK_SUMMARY_META_NAME));
  g_assert_cmpfloat_with_epsilon(share_in(summary, 1, 0),
                                 0.5 * (WIDTH - 1) / WIDTH, 1e-9);
  gst_buffer_unref(dest);
  gst_buffer_unref(buffer);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/zones/table", test_table);
  g_test_add_func("/zones/areas", test_areas);
  g_test_add_func("/zones/odd-turns", test_odd_turns);
  g_test_add_func("/zones/too-many-areas", test_too_many_areas);
  g_test_add_func("/zones/counts", test_counts);
  g_test_add_func("/zones/summary", test_summary);
  g_test_add_func("/zones/summary-of-part", test_summary_of_part);
  return g_test_run();
}
