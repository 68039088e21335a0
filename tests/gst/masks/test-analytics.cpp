// SPDX-License-Identifier: LGPL-2.1-or-later

// Converts masks to GstAnalytics segmentations, and those of other producers to
// masks.
#include <gst/analytics/analytics.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "gst/masks/analytics.h"
#include "tests/support/masks.h"

using namespace fastscnn;

namespace {

const guint8 kPixels[] = {0, 1, 1, 2, 2, 255, 3, 0};

void assert_mask(GstBuffer *mask, const std::vector<guint8> &expected) {
  GstMapInfo map;
  g_assert_true(gst_buffer_map(mask, &map, GST_MAP_READ));
  g_assert_cmpmem(map.data, map.size, expected.data(), expected.size());
  gst_buffer_unmap(mask, &map);
}

GstAnalyticsSegmentationMtd find_segmentation(GstBuffer *buffer) {
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta(buffer);
  GstAnalyticsSegmentationMtd segmentation;
  gpointer state = nullptr;

  g_assert_nonnull(relations);
  g_assert_true(gst_analytics_relation_meta_iterate(
      relations, &state, gst_analytics_segmentation_mtd_get_mtd_type(),
      &segmentation));
  return segmentation;
}

void test_write() {
  AnalyticsWriter writer;
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta =
      add_mask(buffer, new_image(kPixels, 4, 2, 9, 3), nullptr, 40, 20);
  gint x, y;
  guint width, height;
  gsize index;

  meta->x = -2;
  meta->y = 6;
  g_assert_true(writer.attach(buffer, *meta));
  GstAnalyticsSegmentationMtd segmentation = find_segmentation(buffer);
  GstBuffer *mask = gst_analytics_segmentation_mtd_get_mask(
      &segmentation, &x, &y, &width, &height);
  g_assert_cmpint(x, ==, -2);
  g_assert_cmpint(y, ==, 6);
  g_assert_cmpuint(width, ==, 40);
  g_assert_cmpuint(height, ==, 20);
  // 255 and 3, which is outside the class table, become region 0.
  assert_mask(mask, {1, 2, 2, 3, 3, 0, 0, 1});
  const GstVideoMeta *video = gst_buffer_get_video_meta(mask);
  g_assert_cmpint(video->stride[0], ==, 4);
  gst_buffer_unref(mask);

  g_assert_cmpuint(
      gst_analytics_segmentation_mtd_get_region_count(&segmentation), ==, 4);
  for (guint id = 0; id < 4; id++) {
    g_assert_cmpuint(
        gst_analytics_segmentation_mtd_get_region_id(&segmentation, id), ==,
        id);
    g_assert_true(gst_analytics_segmentation_mtd_get_region_index(&segmentation,
                                                                  &index, id));
    g_assert_cmpuint(index, ==, id);
  }

  GstAnalyticsClsMtd names;
  for (GstAnalyticsRelTypes type :
       {GST_ANALYTICS_REL_TYPE_N_TO_N, GST_ANALYTICS_REL_TYPE_RELATE_TO}) {
    gpointer state = nullptr;
    g_assert_true(gst_analytics_relation_meta_get_direct_related(
        segmentation.meta, segmentation.id, type,
        gst_analytics_cls_mtd_get_mtd_type(), &state, &names));
  }
  const char *labels[] = {"unlabeled", "road", "car", "traffic \"light\""};
  g_assert_cmpuint(gst_analytics_cls_mtd_get_length(&names), ==, 4);
  for (gsize i = 0; i < 4; i++)
    g_assert_cmpstr(
        g_quark_to_string(gst_analytics_cls_mtd_get_quark(&names, i)), ==,
        labels[i]);
  gst_buffer_unref(buffer);
}

// Frames that share a mask share its copy.
void test_write_twice() {
  AnalyticsWriter writer;
  GstBuffer *first = gst_buffer_new();
  GstClassMaskMeta *meta =
      add_mask(first, new_image(kPixels, 4, 2, 4, 0), nullptr, 4, 2);
  GstBuffer *second = gst_buffer_copy(first);
  GstBuffer *masks[2];

  g_assert_true(writer.attach(first, *meta));
  g_assert_true(writer.attach(second, *gst_buffer_get_class_mask_meta(second)));
  for (int i = 0; i < 2; i++) {
    GstAnalyticsSegmentationMtd segmentation =
        find_segmentation(i ? second : first);
    gint x, y;
    guint width, height;
    masks[i] = gst_analytics_segmentation_mtd_get_mask(&segmentation, &x, &y,
                                                       &width, &height);
  }
  g_assert_true(masks[0] == masks[1]);
  for (GstBuffer *buffer : {masks[0], masks[1], first, second})
    gst_buffer_unref(buffer);
}

struct Producer {
  std::vector<guint> ids;
  std::vector<const char *> names;
};

// A frame with the segmentation of another producer.
GstBuffer *new_segmented_frame(GstBuffer *mask, Producer producer) {
  GstBuffer *buffer = gst_buffer_new();
  GstAnalyticsRelationMeta *relations =
      gst_buffer_add_analytics_relation_meta(buffer);
  GstAnalyticsSegmentationMtd segmentation;
  GstAnalyticsClsMtd names;
  std::vector<gfloat> confidences(producer.names.size(), -1.f);
  std::vector<GQuark> quarks;

  g_assert_true(gst_analytics_relation_meta_add_segmentation_mtd(
      relations, mask, GST_SEGMENTATION_TYPE_INSTANCE, producer.ids.size(),
      producer.ids.data(), 1, 2, 30, 40, &segmentation));
  for (const char *name : producer.names)
    quarks.push_back(g_quark_from_string(name));
  if (!quarks.empty()) {
    g_assert_true(gst_analytics_relation_meta_add_cls_mtd(
        relations, quarks.size(), confidences.data(), quarks.data(), &names));
    g_assert_true(gst_analytics_relation_meta_set_relation(
        relations, GST_ANALYTICS_REL_TYPE_N_TO_N, segmentation.id, names.id));
  }
  return buffer;
}

GstClassMaskMeta *read_checked(AnalyticsReader &reader, GstBuffer *frame,
                               const std::vector<guint8> &expected) {
  GstBuffer *copies = reader.read(frame);
  g_assert_nonnull(copies);
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(copies);
  g_assert_nonnull(meta);
  assert_mask(meta->mask, expected);
  g_assert_cmpint(meta->x, ==, 1);
  g_assert_cmpint(meta->y, ==, 2);
  g_assert_cmpuint(meta->width, ==, 30);
  g_assert_cmpuint(meta->height, ==, 40);
  return meta;
}

void test_read() {
  const guint8 pixels[] = {0, 3, 3, 7, 9, 255, 254, 0};
  AnalyticsReader reader;
  GstBuffer *frame = new_segmented_frame(new_image(pixels, 4, 2, 6, 1),
                                         {{7, 3}, {"road", "Background"}});
  GstClassMaskMeta *meta =
      read_checked(reader, frame, {255, 255, 255, 7, 9, 255, 255, 255});
  g_assert_cmpstr(gst_class_mask_classes_get_label(meta->classes, 7), ==,
                  "road");
  g_assert_cmpstr(gst_class_mask_classes_get_label(meta->classes, 9), ==,
                  "region 9");
  g_assert_cmphex(gst_class_mask_classes_get_color(meta->classes, 7), !=,
                  gst_class_mask_classes_get_color(meta->classes, 9));

  GstClassMaskClasses *classes = gst_class_mask_classes_ref(meta->classes);
  meta = gst_buffer_get_class_mask_meta(reader.read(frame));
  g_assert_true(meta->classes == classes);
  gst_buffer_unref(frame);

  // A name makes region 0 a class like others.
  frame = new_segmented_frame(new_image(pixels, 4, 2, 6, 1), {{0}, {"sky"}});
  meta = read_checked(reader, frame, {0, 3, 3, 7, 9, 255, 255, 0});
  g_assert_true(meta->classes != classes);
  gst_class_mask_classes_unref(classes);
  guint64 counts[256];
  g_assert_true(gst_class_mask_meta_count_pixels(meta, counts));
  g_assert_cmpuint(counts[3], ==, 2);
  g_assert_cmpuint(counts[GST_CLASS_MASK_UNKNOWN], ==, 2);
  g_assert_cmpstr(gst_class_mask_classes_get_label(meta->classes, 0), ==,
                  "sky");
  gst_buffer_unref(frame);

  frame = new_segmented_frame(new_image(pixels, 4, 2, 6, 1), {{0, 3}, {}});
  read_checked(reader, frame, {255, 3, 3, 7, 9, 255, 255, 255});
  gst_buffer_unref(frame);
}

void test_read_16_bit() {
  const guint16 values[] = {0, 5, 300, 253};
  for (GstVideoFormat format :
       {GST_VIDEO_FORMAT_GRAY16_LE, GST_VIDEO_FORMAT_GRAY16_BE}) {
    AnalyticsReader reader;
    std::vector<guint8> bytes;
    for (guint16 value : values) {
      bytes.push_back(format == GST_VIDEO_FORMAT_GRAY16_LE ? value & 255
                                                           : value >> 8);
      bytes.push_back(format == GST_VIDEO_FORMAT_GRAY16_LE ? value >> 8
                                                           : value & 255);
    }
    GstBuffer *mask = gst_buffer_new_memdup(bytes.data(), bytes.size());
    gst_buffer_add_video_meta(mask, GST_VIDEO_FRAME_FLAG_NONE, format, 4, 1);
    GstBuffer *frame = new_segmented_frame(mask, {{0}, {}});
    read_checked(reader, frame, {255, 5, 255, 253});
    gst_buffer_unref(frame);
  }
}

void test_read_nothing() {
  AnalyticsReader reader;
  GstBuffer *frame = gst_buffer_new();

  g_assert_null(reader.read(frame));
  gst_buffer_add_analytics_relation_meta(frame);
  g_assert_null(reader.read(frame));
  gst_buffer_unref(frame);

  // Rows outside the memory.
  GstBuffer *mask = new_image(kPixels, 4, 2, 4, 0);
  gst_buffer_get_video_meta(mask)->height = 4000;
  frame = new_segmented_frame(mask, {{0}, {}});
  g_assert_null(reader.read(frame));
  gst_buffer_unref(frame);
}

// The overlay draws the region, but not the background.
void test_overlay() {
  const guint8 pixels[] = {0, 1};
  GstHarness *h = gst_harness_new_parse("classmaskoverlay alpha=1");
  GstMapInfo map;

  gst_harness_set_src_caps_str(
      h, "video/x-raw,format=RGB,width=32,height=16,framerate=25/1");
  GstBuffer *frame =
      new_segmented_frame(new_image(pixels, 2, 1, 2, 0), {{0}, {}});
  GstBuffer *memory = gst_buffer_new_allocate(nullptr, 32 * 16 * 3, nullptr);
  gst_buffer_memset(memory, 0, 17, 32 * 16 * 3);
  frame = gst_buffer_append(frame, memory);
  frame = gst_harness_push_and_pull(h, frame);
  g_assert_true(gst_buffer_map(frame, &map, GST_MAP_READ));
  const guint8 *row = map.data + 8 * 32 * 3;  // covered from x = 1 to 30
  g_assert_cmpuint(row[4 * 3], ==, 17);
  g_assert_cmpuint(row[25 * 3], !=, 17);
  gst_buffer_unmap(frame, &map);
  gst_buffer_unref(frame);
  gst_harness_teardown(h);
}

constexpr gint kBox = 64;  // width and height of an object's box

// A frame of objects side by side. Each has a segmentation of its own, which
// fills the left half of its box, and the label in a related object, as
// yolosegv8tensordec attaches them.
GstBuffer *new_frame_of_objects(const std::vector<const char *> &labels) {
  const gsize size = labels.size() * kBox * kBox;
  const guint8 pixels[] = {1, 0};
  guint ids[] = {0, 1};
  GstBuffer *frame = gst_buffer_new_allocate(nullptr, size, nullptr);
  GRand *random = g_rand_new_with_seed(5);
  for (gsize i = 0; i < size; i++)
    gst_buffer_memset(frame, i, g_rand_int_range(random, 0, 256), 1);
  g_rand_free(random);
  GstAnalyticsRelationMeta *relations =
      gst_buffer_add_analytics_relation_meta(frame);
  for (gsize i = 0; i < labels.size(); i++) {
    const gint x = static_cast<gint>(i) * kBox;
    GstAnalyticsSegmentationMtd segmentation;
    GstAnalyticsODMtd object;
    g_assert_true(gst_analytics_relation_meta_add_od_mtd(
        relations, g_quark_from_string(labels[i]), x, 0, kBox, kBox, 0.9f,
        &object));
    g_assert_true(gst_analytics_relation_meta_add_segmentation_mtd(
        relations, new_image(pixels, 2, 1, 2, 0),
        GST_SEGMENTATION_TYPE_INSTANCE, 2, ids, x, 0, kBox, kBox,
        &segmentation));
    g_assert_true(gst_analytics_relation_meta_set_relation(
        relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, object.id,
        segmentation.id));
  }
  return frame;
}

// Whether the overlay changes each column: x for yes, . for no, ? for some
// rows.
std::string drawn_columns(const std::string &overlay, GstBuffer *frame) {
  const std::string line = "classmaskoverlay " + overlay;
  const gint width = static_cast<gint>(gst_buffer_get_size(frame)) / kBox;
  const std::string caps =
      "video/x-raw,format=GRAY8,framerate=25/1,width=" + std::to_string(width) +
      ",height=" + std::to_string(kBox);
  GstHarness *h = gst_harness_new_parse(line.c_str());
  GstBuffer *before = gst_buffer_copy_deep(frame);
  GstMapInfo was, is;
  std::string columns;

  gst_harness_set_src_caps_str(h, caps.c_str());
  frame = gst_harness_push_and_pull(h, frame);
  g_assert_true(gst_buffer_map(before, &was, GST_MAP_READ));
  g_assert_true(gst_buffer_map(frame, &is, GST_MAP_READ));
  for (gint x = 0; x < width; x++) {
    gint changed = 0;
    for (gint y = 0; y < kBox; y++)
      changed += was.data[y * width + x] != is.data[y * width + x];
    columns += changed == 0 ? '.' : changed > kBox * 9 / 10 ? 'x' : '?';
  }
  gst_buffer_unmap(before, &was);
  gst_buffer_unmap(frame, &is);
  gst_buffer_unref(before);
  gst_buffer_unref(frame);
  gst_harness_teardown(h);
  return columns;
}

// Every object is drawn, and in the modes that protect privacy covered.
void test_objects() {
  const struct {
    const char *overlay;
    bool drawn[3];
  } cases[] = {
      {"alpha=1", {true, true, true}},
      {"mode=blur blur-margin=0", {true, true, true}},
      {"mode=pixelate blur-margin=0", {true, true, true}},
      {"alpha=1 classes=person", {true, false, true}},
      {"mode=blur blur-margin=0 classes=person", {true, false, true}},
      {"mode=pixelate blur-margin=0 classes=person", {true, false, true}},
  };
  constexpr gint kEdge = 10;  // of a blur
  for (const auto &c : cases) {
    const std::string columns = drawn_columns(
        c.overlay, new_frame_of_objects({"person", "dog", "person"}));
    g_test_message("%s: %s", c.overlay, columns.c_str());
    for (gint i = 0; i < 3; i++)
      for (gint x = kEdge; x < kBox - kEdge; x++) {
        if (std::abs(x - kBox / 2) < kEdge) continue;
        const bool drawn = x < kBox / 2 && c.drawn[i];
        g_assert_cmpint(columns[i * kBox + x], ==, drawn ? 'x' : '.');
      }
  }
}

// fastscnn attaches a segmentation only if analytics-meta is set.
void test_fastscnn() {
  for (bool wanted : {false, true}) {
    GstHarness *h = gst_harness_new_parse(
        wanted ? "fastscnn name=net mask-size=grid analytics-meta=true"
               : "fastscnn name=net mask-size=grid");
    gst_harness_set_src_caps_str(
        h, "video/x-raw,format=RGB,width=64,height=64,framerate=25/1");
    GstBuffer *frame = gst_buffer_new_allocate(nullptr, 64 * 64 * 3, nullptr);
    gst_buffer_memset(frame, 0, 90, 64 * 64 * 3);
    if (gst_harness_push(h, frame) != GST_FLOW_OK) {
      g_test_skip("no engine is built");
      gst_harness_teardown(h);
      return;
    }
    frame = gst_harness_pull(h);
    if (wanted) {
      const GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
      GstAnalyticsSegmentationMtd segmentation = find_segmentation(frame);
      GstMapInfo ids;
      gint x, y;
      guint width, height;
      GstBuffer *mask = gst_analytics_segmentation_mtd_get_mask(
          &segmentation, &x, &y, &width, &height);
      g_assert_cmpuint(width, ==, 64);
      g_assert_true(gst_buffer_map(meta->mask, &ids, GST_MAP_READ));
      std::vector<guint8> expected(ids.data, ids.data + ids.size);
      for (guint8 &id : expected) id++;
      gst_buffer_unmap(meta->mask, &ids);
      assert_mask(mask, expected);
      gst_buffer_unref(mask);
    } else {
      g_assert_null(gst_buffer_get_analytics_relation_meta(frame));
    }
    gst_buffer_unref(frame);
    gst_harness_teardown(h);
  }
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/analytics/write", test_write);
  g_test_add_func("/analytics/write-twice", test_write_twice);
  g_test_add_func("/analytics/read", test_read);
  g_test_add_func("/analytics/read-16-bit", test_read_16_bit);
  g_test_add_func("/analytics/read-nothing", test_read_nothing);
  g_test_add_func("/analytics/overlay", test_overlay);
  g_test_add_func("/analytics/objects", test_objects);
  g_test_add_func("/analytics/fastscnn", test_fastscnn);
  return g_test_run();
}
