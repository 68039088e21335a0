/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading, counting and scaling masks, compared with pixel-by-pixel results. */

#include "tests/support/masks.h"

static GstClassMaskMeta *mask_of(GstBuffer **buffer, const guint8 *pixels,
                                 guint width, guint height) {
  *buffer = gst_buffer_new();
  return add_mask(*buffer, new_image(pixels, width, height, width + 5, 3), NULL,
                  width, height);
}

static void test_class_at(void) {
  const guint8 pixels[] = {0, 1, 2, 255, 1, 0};
  GstBuffer *buffer;
  GstClassMaskMeta *meta = mask_of(&buffer, pixels, 3, 2);

  meta->x = 10;
  meta->y = -2;
  meta->width = 7;
  meta->height = 4;
  /* Centres of 7 pixels over 3: 0 0 1 1 1 2 2; of 4 over 2: 0 0 1 1. */
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 11, -1), ==, 0);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 12, -1), ==, 1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 14, -2), ==, 1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 15, -2), ==, 2);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 10, 0), ==, 255);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 16, 1), ==, 0);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 9, 0), ==, -1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 17, 0), ==, -1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 10, 2), ==, -1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, G_MININT, G_MININT),
                  ==, -1);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, G_MAXINT, G_MAXINT),
                  ==, -1);
  gst_buffer_unref(buffer);
}

static void test_counts(void) {
  GRand *rand = g_rand_new_with_seed(1);
  guint8 pixels[61 * 40];
  guint64 expected[256], counts[256];
  GstBuffer *buffer;

  for (guint round = 0; round < 50; round++) {
    guint width = g_rand_int_range(rand, 1, 62);
    guint height = g_rand_int_range(rand, 1, 41);
    GstClassMaskMeta *meta;
    GArray *areas;

    random_pixels(rand, pixels, width, height, 3, 20);
    meta = mask_of(&buffer, pixels, width, height);
    memset(expected, 0, sizeof expected);
    for (guint i = 0; i < width * height; i++) expected[pixels[i]]++;
    g_assert_true(gst_class_mask_meta_count_pixels(meta, counts));
    g_assert_cmpmem(counts, sizeof counts, expected, sizeof expected);
    areas = gst_class_mask_meta_get_areas(meta);
    g_assert_cmpmem(areas->data, areas->len * sizeof(guint64), expected,
                    sizeof expected);
    g_array_unref(areas);
    gst_buffer_unref(buffer);
  }
  g_rand_free(rand);
}

/* Memory that cannot be mapped. */
typedef struct {
  GstAllocator parent;
} Unmappable;
typedef struct {
  GstAllocatorClass parent_class;
} UnmappableClass;
GType unmappable_get_type(void);
G_DEFINE_TYPE(Unmappable, unmappable, GST_TYPE_ALLOCATOR)

static GstMemory *unmappable_alloc(GstAllocator *allocator, gsize size,
                                   GstAllocationParams *params) {
  GstMemory *memory = g_new0(GstMemory, 1);

  gst_memory_init(memory, 0, allocator, NULL, size, 0, 0, size);
  return memory;
}

static void unmappable_free(GstAllocator *allocator, GstMemory *memory) {
  g_free(memory);
}

static gpointer unmappable_map(GstMemory *memory, gsize size,
                               GstMapFlags flags) {
  return NULL;
}

static void unmappable_class_init(UnmappableClass *klass) {
  GST_ALLOCATOR_CLASS(klass)->alloc = unmappable_alloc;
  GST_ALLOCATOR_CLASS(klass)->free = unmappable_free;
}

static void unmappable_init(Unmappable *self) {
  GST_ALLOCATOR(self)->mem_map = unmappable_map;
}

/* Stored counts make it unnecessary to map the mask. */
static void test_stored_counts(void) {
  const guint64 stored[256] = {[0] = 4, [1] = 2, [7] = 1, [255] = 1};
  const guint64 wrong[256] = {[0] = 7};
  GstAllocator *allocator = g_object_new(unmappable_get_type(), NULL);
  GstBuffer *buffer = gst_buffer_new();
  GstBuffer *mask;
  GstClassMaskMeta *meta;
  GstCustomMeta *summary;
  GstVideoFrame frame;
  guint64 counts[256];
  gdouble unknown;

  gst_object_ref_sink(allocator);
  mask = gst_buffer_new_allocate(allocator, 8, NULL);
  gst_object_unref(allocator);
  g_assert_false(gst_class_mask_set_pixel_counts(mask, stored));
  gst_buffer_add_video_meta(mask, GST_VIDEO_FRAME_FLAG_NONE,
                            GST_VIDEO_FORMAT_GRAY8, 8, 1);
  gst_buffer_get_video_meta(mask)->stride[0] = 8;
  g_assert_false(gst_class_mask_set_pixel_counts(mask, wrong));
  g_assert_true(gst_class_mask_set_pixel_counts(mask, stored));
  meta = add_mask(buffer, mask, NULL, 8, 1);
  g_assert_false(gst_class_mask_meta_map(meta, &frame));
  g_assert_true(gst_class_mask_meta_count_pixels(meta, counts));
  g_assert_cmpmem(counts, sizeof counts, stored, sizeof stored);
  summary = gst_buffer_add_class_mask_summary(buffer, meta, NULL);
  g_assert_nonnull(summary);
  g_assert_true(gst_structure_get_double(gst_custom_meta_get_structure(summary),
                                         "unknown", &unknown));
  g_assert_cmpfloat(unknown, ==, 0.25);

  /* The mask now has another size than the counted one. */
  gst_buffer_get_video_meta(mask)->width = 4;
  g_assert_false(gst_class_mask_meta_count_pixels(meta, counts));
  gst_buffer_unref(buffer);
}

/* Returns the count of class 0. Takes ownership of the mask. */
static guint64 count_zeros(GstBuffer *mask) {
  GstBuffer *buffer = gst_buffer_new();
  guint64 counts[256];

  g_assert_true(gst_class_mask_meta_count_pixels(
      add_mask(buffer, mask, NULL, 4, 1), counts));
  gst_buffer_unref(buffer);
  return counts[0];
}

/* Stored counts are copied with the mask, and not used for other pixels. Here
 * they are wrong, to tell them from counted ones. */
static void test_life_of_stored_counts(void) {
  const guint8 pixels[] = {1, 1, 1, 1};
  const guint64 stored[256] = {[0] = 4};
  GstBufferPool *pool = gst_buffer_pool_new();
  GstStructure *config = gst_buffer_pool_get_config(pool);
  GstBuffer *mask = new_image(pixels, 4, 1, 4, 0);
  GstBuffer *copy, *recycled;
  GstMapInfo map;

  g_assert_true(gst_class_mask_set_pixel_counts(mask, stored));
  g_assert_cmpuint(count_zeros(gst_buffer_ref(mask)), ==, 4);
  g_assert_cmpuint(count_zeros(gst_buffer_copy(mask)), ==, 4);
  g_assert_cmpuint(count_zeros(gst_buffer_copy_deep(mask)), ==, 4);

  copy = gst_buffer_make_writable(gst_buffer_ref(mask));
  g_assert_true(gst_buffer_map(copy, &map, GST_MAP_WRITE));
  gst_buffer_unmap(copy, &map);
  g_assert_cmpuint(count_zeros(copy), ==, 0);
  g_assert_cmpuint(count_zeros(gst_buffer_ref(mask)), ==, 4);
  g_assert_true(gst_class_mask_set_pixel_counts(mask, NULL));
  g_assert_cmpuint(count_zeros(mask), ==, 0);

  gst_buffer_pool_config_set_params(config, NULL, 4, 1, 1);
  gst_buffer_pool_set_config(pool, config);
  gst_buffer_pool_set_active(pool, TRUE);
  for (guint use = 0; use < 2; use++) {
    gst_buffer_pool_acquire_buffer(pool, &recycled, NULL);
    gst_buffer_fill(recycled, 0, pixels, 4);
    gst_buffer_add_video_meta(recycled, GST_VIDEO_FRAME_FLAG_NONE,
                              GST_VIDEO_FORMAT_GRAY8, 4, 1);
    if (use == 0) gst_class_mask_set_pixel_counts(recycled, stored);
    g_assert_cmpuint(count_zeros(recycled), ==, use == 0 ? 4 : 0);
  }
  gst_buffer_pool_set_active(pool, FALSE);
  gst_object_unref(pool);
}

/* Every pixel of the scaled mask is what get_class_at() returns. */
static void test_scale(void) {
  GRand *rand = g_rand_new_with_seed(2);
  guint8 pixels[37 * 23];

  for (guint round = 0; round < 100; round++) {
    guint width = g_rand_int_range(rand, 1, 38);
    guint height = g_rand_int_range(rand, 1, 24);
    guint frame_width = g_rand_int_range(rand, 1, 90);
    guint frame_height = g_rand_int_range(rand, 1, 50);
    GstBuffer *buffer, *scaled;
    GstClassMaskMeta *meta;
    GstMapInfo map;

    random_pixels(rand, pixels, width, height, 3, 20);
    meta = mask_of(&buffer, pixels, width, height);
    meta->x = g_rand_int_range(rand, -20, 40);
    meta->y = g_rand_int_range(rand, -20, 40);
    meta->width = g_rand_int_range(rand, 1, 100);
    meta->height = g_rand_int_range(rand, 1, 60);
    scaled =
        gst_class_mask_meta_scale_to_frame(meta, frame_width, frame_height);
    g_assert_true(gst_buffer_map(scaled, &map, GST_MAP_READ));
    g_assert_cmpuint(map.size, ==, frame_width * frame_height);
    for (guint y = 0; y < frame_height; y++) {
      for (guint x = 0; x < frame_width; x++) {
        gint id = gst_class_mask_meta_get_class_at(meta, x, y);
        g_assert_cmpint(map.data[y * frame_width + x], ==, id < 0 ? 255 : id);
      }
    }
    gst_buffer_unmap(scaled, &map);
    gst_buffer_unref(scaled);
    gst_buffer_unref(buffer);
  }
  g_rand_free(rand);
}

static void test_scale_of_equal_size(void) {
  const guint8 pixels[] = {0, 1, 2, 255, 1, 0};
  GstBuffer *buffer, *scaled;
  GstClassMaskMeta *meta = mask_of(&buffer, pixels, 3, 2);

  scaled = gst_class_mask_meta_scale_to_frame(meta, 3, 2);
  g_assert_true(scaled == meta->mask);
  gst_buffer_unref(scaled);
  gst_buffer_unref(buffer);
}

/* A recursive flood fill. */
static void fill(const guint8 *pixels, gint width, gint height, guint8 *seen,
                 gint x, gint y, GstClassMaskRegion *region) {
  guint8 id = pixels[y * width + x];
  guint right = region->x + region->width;
  guint bottom = region->y + region->height;

  seen[y * width + x] = 1;
  region->x = MIN(region->x, (guint)x);
  region->y = MIN(region->y, (guint)y);
  region->width = MAX(right, (guint)x + 1) - region->x;
  region->height = MAX(bottom, (guint)y + 1) - region->y;
  region->area++;
  for (gint ny = MAX(y - 1, 0); ny <= MIN(y + 1, height - 1); ny++)
    for (gint nx = MAX(x - 1, 0); nx <= MIN(x + 1, width - 1); nx++)
      if (!seen[ny * width + nx] && pixels[ny * width + nx] == id)
        fill(pixels, width, height, seen, nx, ny, region);
}

static void test_regions(void) {
  GRand *rand = g_rand_new_with_seed(3);
  guint8 pixels[37 * 23], seen[37 * 23];

  for (guint round = 0; round < 300; round++) {
    guint width = g_rand_int_range(rand, 1, 38);
    guint height = g_rand_int_range(rand, 1, 24);
    guint min_area = round % 3 == 0 ? g_rand_int_range(rand, 0, 30) : 0;
    GstBuffer *buffer;
    GstClassMaskMeta *meta;
    GArray *regions;
    guint n = 0;

    if (round % 2 == 0)
      random_pixels(rand, pixels, width, height, 3, 40);
    else /* noise: winding and nested regions */
      for (guint i = 0; i < width * height; i++)
        pixels[i] = g_rand_int_range(rand, 0, 2);
    meta = mask_of(&buffer, pixels, width, height);
    regions = gst_class_mask_meta_get_regions(meta, min_area);
    memset(seen, 0, sizeof seen);
    for (guint i = 0; i < width * height; i++) {
      GstClassMaskRegion expected = {pixels[i], i % width, i / width, 1, 1, 0};

      if (seen[i] || pixels[i] == GST_CLASS_MASK_UNKNOWN) continue;
      fill(pixels, width, height, seen, i % width, i / width, &expected);
      if (expected.area < min_area) continue;
      g_assert_cmpuint(n, <, regions->len);
      g_assert_cmpmem(&g_array_index(regions, GstClassMaskRegion, n),
                      sizeof expected, &expected, sizeof expected);
      n++;
    }
    g_assert_cmpuint(n, ==, regions->len);
    g_array_unref(regions);
    gst_buffer_unref(buffer);
  }
  g_rand_free(rand);
}

static void test_summary(void) {
  const guint8 pixels[] = {0, 0, 0, 0, 1, 1, 7, 255};
  GstBuffer *buffer;
  GstClassMaskMeta *meta = mask_of(&buffer, pixels, 4, 2);
  const GValue *labels, *fractions;
  GstStructure *structure;
  gdouble unknown;

  meta->source = g_quark_from_string("seg");
  g_assert_nonnull(gst_buffer_add_class_mask_summary(buffer, meta, NULL));
  structure = gst_custom_meta_get_structure(
      gst_buffer_get_custom_meta(buffer, GST_CLASS_MASK_SUMMARY_META_NAME));
  g_assert_cmpstr(gst_structure_get_string(structure, "model"), ==,
                  "hand-made");
  g_assert_cmpstr(gst_structure_get_string(structure, "source"), ==, "seg");
  g_assert_true(gst_structure_get_double(structure, "unknown", &unknown));
  /* one of value 255, and one of an id that no class has */
  g_assert_cmpfloat(unknown, ==, 0.25);
  labels = gst_structure_get_value(structure, "labels");
  fractions = gst_structure_get_value(structure, "fractions");
  g_assert_cmpuint(gst_value_array_get_size(labels), ==, 2);
  g_assert_cmpuint(gst_value_array_get_size(fractions), ==, 2);
  g_assert_cmpstr(g_value_get_string(gst_value_array_get_value(labels, 1)), ==,
                  "car");
  g_assert_cmpfloat(g_value_get_double(gst_value_array_get_value(fractions, 0)),
                    ==, 0.5);
  g_assert_cmpfloat(g_value_get_double(gst_value_array_get_value(fractions, 1)),
                    ==, 0.25);
  gst_buffer_unref(buffer);
}

/* A mask that became invalid after it was attached. */
static void test_invalid(void) {
  const guint8 pixels[] = {0, 1, 2, 255, 1, 0};
  GstBuffer *buffer;
  GstClassMaskMeta *meta = mask_of(&buffer, pixels, 3, 2);
  GstVideoFrame frame;
  guint64 counts[256];

  gst_buffer_get_video_meta(meta->mask)->height = 100;
  g_assert_false(gst_class_mask_meta_map(meta, &frame));
  g_assert_false(gst_class_mask_meta_count_pixels(meta, counts));
  g_assert_cmpint(gst_class_mask_meta_get_class_at(meta, 0, 0), ==, -1);
  g_assert_null(gst_class_mask_meta_get_regions(meta, 0));
  g_assert_null(gst_class_mask_meta_get_areas(meta));
  g_assert_null(gst_class_mask_meta_scale_to_frame(meta, 30, 20));
  g_assert_null(gst_buffer_add_class_mask_summary(buffer, meta, NULL));
  gst_buffer_unref(buffer);
}

/* A buffer that is large enough, but consists of two memories. */
static void test_two_memories(void) {
  guint8 pixels[64] = {0};
  GstBuffer *buffer = gst_buffer_new();
  GstBuffer *mask = new_image(pixels, 8, 4, 8, 0);
  GstClassMaskMeta *meta;
  GstVideoFrame frame;

  gst_buffer_append_memory(mask, gst_allocator_alloc(NULL, 32, NULL));
  gst_buffer_get_video_meta(mask)->height = 8;
  meta = add_mask(buffer, mask, NULL, 8, 8);
  g_assert_nonnull(meta);
  g_assert_false(gst_class_mask_meta_map(meta, &frame));
  gst_buffer_unref(buffer);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/pixels/class-at", test_class_at);
  g_test_add_func("/pixels/counts", test_counts);
  g_test_add_func("/pixels/stored-counts", test_stored_counts);
  g_test_add_func("/pixels/life-of-stored-counts", test_life_of_stored_counts);
  g_test_add_func("/pixels/scale", test_scale);
  g_test_add_func("/pixels/scale-of-equal-size", test_scale_of_equal_size);
  g_test_add_func("/pixels/regions", test_regions);
  g_test_add_func("/pixels/summary", test_summary);
  g_test_add_func("/pixels/invalid", test_invalid);
  g_test_add_func("/pixels/two-memories", test_two_memories);
  return g_test_run();
}
