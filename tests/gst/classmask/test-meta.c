/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which masks the meta accepts, and how it follows buffers and frames. */

#include "tests/support/masks.h"

static const guint8 PIXELS[] = {0, 0, 1, 1, 2, 255, 0, 0, 1, 1, 2, 255};

static GstBuffer *new_mask(void) { return new_image(PIXELS, 6, 2, 6, 0); }

static void test_classes(void) {
  GstClassMaskClasses *classes = new_classes();
  const gchar *labels[255];
  const guint32 colors[255] = {0};

  g_assert_cmpuint(gst_class_mask_classes_get_size(classes), ==, 3);
  g_assert_cmpstr(gst_class_mask_classes_get_model(classes), ==, "hand-made");
  g_assert_cmpstr(gst_class_mask_classes_get_label(classes, 1), ==, "car");
  g_assert_cmphex(gst_class_mask_classes_get_color(classes, 0), ==, 0x804080);
  g_assert_cmpint(gst_class_mask_classes_find(classes, "car"), ==, 1);
  g_assert_cmpint(gst_class_mask_classes_find(classes, "ca"), ==, -1);
  g_assert_null(gst_class_mask_classes_get_label(classes, 3));
  g_assert_null(gst_class_mask_classes_get_label(classes, G_MAXUINT));
  g_assert_cmphex(gst_class_mask_classes_get_color(classes, 255), ==, 0);
  gst_class_mask_classes_unref(classes);

  for (guint i = 0; i < 255; i++) labels[i] = "x";
  g_assert_null(gst_class_mask_classes_new("", 255, labels, colors));
  g_assert_null(gst_class_mask_classes_new("", 0, labels, colors));
  classes = gst_class_mask_classes_new(NULL, 254, labels, colors);
  g_assert_cmpstr(gst_class_mask_classes_get_model(classes), ==, "");
  gst_class_mask_classes_unref(classes);
  labels[7] = "\xff";
  g_assert_null(gst_class_mask_classes_new("", 254, labels, colors));
  labels[7] = NULL;
  g_assert_null(gst_class_mask_classes_new("", 254, labels, colors));
}

static void test_aliases(void) {
  const gchar *const labels[] = {"road", "car", "car"};
  const guint32 colors[] = {1, 2, 3};
  const gchar *aliases[] = {"vehicle", "road", "street"};
  const gchar *stand_for[] = {"car", "car", "road"};
  GstClassMaskClasses *classes = gst_class_mask_classes_new_with_aliases(
      "", 3, labels, colors, 3, aliases, stand_for);
  const gchar *label = NULL;

  g_assert_cmpint(gst_class_mask_classes_find(classes, "vehicle"), ==, 1);
  g_assert_cmpint(gst_class_mask_classes_find(classes, "street"), ==, 0);
  g_assert_cmpint(gst_class_mask_classes_find(classes, "road"), ==, 0);
  g_assert_cmpint(gst_class_mask_classes_find(classes, "bus"), ==, -1);
  g_assert_cmpuint(gst_class_mask_classes_get_n_aliases(classes), ==, 3);
  g_assert_cmpstr(gst_class_mask_classes_get_alias(classes, 0, &label), ==,
                  "vehicle");
  g_assert_cmpstr(label, ==, "car");
  g_assert_cmpstr(gst_class_mask_classes_get_alias(classes, 2, NULL), ==,
                  "street");
  g_assert_null(gst_class_mask_classes_get_alias(classes, 3, &label));
  gst_class_mask_classes_unref(classes);

  stand_for[2] = "sky";
  g_assert_null(gst_class_mask_classes_new_with_aliases("", 3, labels, colors,
                                                        3, aliases, stand_for));
  stand_for[2] = NULL;
  g_assert_null(gst_class_mask_classes_new_with_aliases("", 3, labels, colors,
                                                        3, aliases, stand_for));
  stand_for[2] = "road";
  aliases[1] = "\xff";
  g_assert_null(gst_class_mask_classes_new_with_aliases("", 3, labels, colors,
                                                        3, aliases, stand_for));
}

static void test_several(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *first, *second;

  g_assert_null(gst_buffer_get_class_mask_meta(buffer));
  first = add_mask(buffer, new_mask(), "front", 6, 2);
  second = add_mask(buffer, new_mask(), "back", 6, 2);
  g_assert_true(gst_buffer_get_class_mask_meta(buffer) == second);
  g_assert_true(gst_buffer_get_class_mask_meta_by_source(buffer, "front") ==
                first);
  g_assert_true(gst_buffer_get_class_mask_meta_by_source(buffer, "back") ==
                second);
  g_assert_true(gst_buffer_get_class_mask_meta_by_source(buffer, "") == second);
  g_assert_null(gst_buffer_get_class_mask_meta_by_source(buffer, "side"));
  gst_buffer_unref(buffer);
}

static void test_copy(void) {
  GstBuffer *buffer = gst_buffer_new_allocate(NULL, 12, NULL);
  GstClassMaskMeta *meta = add_mask(buffer, new_mask(), "front", 6, 2);
  GstClassMaskMeta *copied;
  GstBuffer *copy, *part;

  meta->age = 5;
  g_assert_true(gst_class_mask_meta_set_confidence(meta, new_mask()));
  copy = gst_buffer_copy(buffer);
  copied = gst_buffer_get_class_mask_meta(copy);
  g_assert_nonnull(copied);
  g_assert_true(copied->mask == meta->mask);
  g_assert_true(copied->confidence == meta->confidence);
  g_assert_true(copied->classes == meta->classes);
  g_assert_cmpuint(copied->width, ==, 6);
  g_assert_cmpuint(copied->height, ==, 2);
  g_assert_cmpuint(copied->age, ==, 5);
  g_assert_true(copied->source == meta->source);

  part = gst_buffer_copy_region(buffer, GST_BUFFER_COPY_ALL, 0, 6);
  g_assert_null(gst_buffer_get_class_mask_meta(part));
  gst_buffer_unref(part);
  gst_buffer_unref(buffer);
  g_assert_cmpint(gst_class_mask_meta_get_class_at(copied, 2, 0), ==, 1);
  gst_buffer_unref(copy);
}

/* Pushes a frame with a mask through an element of GStreamer. */
static GstBuffer *through(const gchar *element, const gchar *in_caps,
                          const gchar *out_caps, gint x, gint y, guint width,
                          guint height) {
  GstHarness *h = gst_harness_new_parse(element);
  GstVideoInfo info;
  GstCaps *caps = gst_caps_from_string(in_caps);
  GstBuffer *buffer, *out;
  GstClassMaskMeta *meta;

  g_assert_true(gst_video_info_from_caps(&info, caps));
  gst_caps_unref(caps);
  gst_harness_set_src_caps_str(h, in_caps);
  gst_harness_set_sink_caps_str(h, out_caps);
  buffer = gst_buffer_new_allocate(NULL, info.size, NULL);
  gst_buffer_memset(buffer, 0, 0, info.size);
  meta = add_mask(buffer, new_mask(), "front", width, height);
  meta->x = x;
  meta->y = y;
  meta->age = 3;
  gst_buffer_add_class_mask_summary(buffer, meta, NULL);
  out = gst_harness_push_and_pull(h, buffer);
  g_assert_nonnull(out);
  gst_harness_teardown(h);
  return out;
}

static void assert_rectangle(GstBuffer *buffer, gint x, gint y, guint width,
                             guint height) {
  GstClassMaskMeta *meta =
      gst_buffer_get_class_mask_meta_by_source(buffer, "front");

  g_assert_nonnull(meta);
  g_assert_cmpint(meta->x, ==, x);
  g_assert_cmpint(meta->y, ==, y);
  g_assert_cmpuint(meta->width, ==, width);
  g_assert_cmpuint(meta->height, ==, height);
  g_assert_cmpuint(meta->age, ==, 3);
  g_assert_nonnull(
      gst_buffer_get_custom_meta(buffer, GST_CLASS_MASK_SUMMARY_META_NAME));
  gst_buffer_unref(buffer);
}

static void test_videoconvert(void) {
  assert_rectangle(
      through("videoconvert", "video/x-raw,format=RGB,width=60,height=20",
              "video/x-raw,format=NV12,width=60,height=20", 0, 0, 60, 20),
      0, 0, 60, 20);
}

static void test_videoscale(void) {
  const gchar *in = "video/x-raw,format=RGB,width=60,height=20";

  assert_rectangle(
      through("videoscale", in, "video/x-raw,format=RGB,width=30,height=40", 0,
              0, 60, 20),
      0, 0, 30, 40);
  /* Partly outside, and to sizes that do not divide evenly. */
  assert_rectangle(
      through("videoscale", in, "video/x-raw,format=RGB,width=20,height=50",
              -10, 4, 31, 10),
      -3, 10, 10, 25);
}

static void test_flip(void) {
  GstBuffer *out =
      through("videoflip video-direction=horiz",
              "video/x-raw,format=RGB,width=60,height=20",
              "video/x-raw,format=RGB,width=60,height=20", 0, 0, 60, 20);

  g_assert_null(gst_buffer_get_class_mask_meta(out));
  g_assert_null(
      gst_buffer_get_custom_meta(out, GST_CLASS_MASK_SUMMARY_META_NAME));
  gst_buffer_unref(out);
}

static GstBuffer *transform(GstBuffer *buffer, GQuark type, gpointer data) {
  GstMeta *meta = (GstMeta *)gst_buffer_get_class_mask_meta(buffer);
  GstBuffer *out = gst_buffer_new();

  meta->info->transform_func(out, meta, buffer, type, data);
  gst_buffer_unref(buffer);
  return out;
}

static GstBuffer *scale(GstBuffer *buffer, gint in_width, gint in_height,
                        gint out_width, gint out_height) {
  GstVideoInfo in, out;
  GstVideoMetaTransform trans = {&in, &out};

  gst_video_info_set_format(&in, GST_VIDEO_FORMAT_RGB, in_width, in_height);
  gst_video_info_set_format(&out, GST_VIDEO_FORMAT_RGB, out_width, out_height);
  return transform(buffer, gst_video_meta_transform_scale_get_quark(), &trans);
}

static void assert_placement(GstBuffer *buffer, guint index, gint x, gint y,
                             guint width, guint height) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(buffer);
  gint left, top;
  guint w, h;

  g_assert_nonnull(meta);
  g_assert_true(
      gst_class_mask_meta_get_placement(meta, index, &left, &top, &w, &h));
  g_assert_cmpint(left, ==, x);
  g_assert_cmpint(top, ==, y);
  g_assert_cmpuint(w, ==, width);
  g_assert_cmpuint(h, ==, height);
}

static void assert_placements(GstBuffer *buffer, guint n) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(buffer);
  gint x = 77;

  g_assert_true(
      gst_class_mask_meta_get_placement(meta, n - 1, NULL, NULL, NULL, NULL));
  g_assert_false(
      gst_class_mask_meta_get_placement(meta, n, &x, NULL, NULL, NULL));
  g_assert_cmpint(x, ==, 77);
}

/* A scaler that changes the display aspect may have added borders. */
static void test_placements(void) {
  GstBuffer *buffer = gst_buffer_new(), *copy;

  add_mask(buffer, new_mask(), NULL, 320, 240);
  assert_placements(buffer, 1);
  assert_placement(buffer, 0, 0, 0, 320, 240);

  buffer = scale(buffer, 320, 240, 640, 480);
  assert_placements(buffer, 1);
  assert_placement(buffer, 0, 0, 0, 640, 480);

  buffer = scale(buffer, 640, 480, 640, 360);
  assert_placement(buffer, 0, 80, 0, 480, 360);
  assert_placement(buffer, 1, 0, 0, 640, 360);
  assert_placements(buffer, 2);

  copy = gst_buffer_copy(buffer);
  assert_placement(copy, 1, 0, 0, 640, 360);
  assert_placements(copy, 2);
  gst_buffer_unref(copy);

  buffer = scale(buffer, 640, 360, 240, 320);
  assert_placement(buffer, 0, 30, 92, 180, 135);
  assert_placement(buffer, 1, 0, 92, 240, 135);
  assert_placement(buffer, 2, 30, 0, 180, 320);
  assert_placement(buffer, 3, 0, 0, 240, 320);
  assert_placements(buffer, 4);

  /* too many placements: drop the mask rather than one of them */
  buffer = scale(buffer, 240, 320, 320, 320);
  g_assert_null(gst_buffer_get_class_mask_meta(buffer));
  gst_buffer_unref(buffer);
}

/* Edges are rounded in one direction, so that touching parts still touch. */
static void test_rounding(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta = add_mask(buffer, new_mask(), NULL, 5, 5);

  meta->x = -3;
  meta->y = -3;
  buffer = scale(buffer, 64, 64, 32, 32);
  assert_placement(buffer, 0, -1, -1, 2, 2);
  gst_buffer_unref(buffer);
}

static void assert_fraction(GstBuffer *buffer, guint index, const gchar *label,
                            gdouble fraction) {
  GstCustomMeta *summary =
      gst_buffer_get_custom_meta(buffer, GST_CLASS_MASK_SUMMARY_META_NAME);
  GstStructure *structure = gst_custom_meta_get_structure(summary);
  const GValue *labels = gst_structure_get_value(structure, "labels");
  const GValue *fractions = gst_structure_get_value(structure, "fractions");

  g_assert_cmpuint(gst_value_array_get_size(labels), >, index);
  g_assert_cmpstr(g_value_get_string(gst_value_array_get_value(labels, index)),
                  ==, label);
  g_assert_cmpfloat_with_epsilon(
      g_value_get_double(gst_value_array_get_value(fractions, index)), fraction,
      1e-9);
}

/* The summary is kept with the mask, and describes the part that is left. */
static void test_summary(void) {
  GstBuffer *out =
      through("videoscale", "video/x-raw,format=RGB,width=60,height=20",
              "video/x-raw,format=RGB,width=120,height=40", 0, 0, 60, 20);

  assert_fraction(out, 0, "road", 1. / 3);
  gst_buffer_unref(out);

  out =
      through("videocrop left=30", "video/x-raw,format=RGB,width=60,height=20",
              "video/x-raw,format=RGB,width=30,height=20", 0, 0, 60, 20);
  if (gst_buffer_get_class_mask_meta(out)) {
    assert_placement(out, 0, -30, 0, 60, 20);
    assert_fraction(out, 0, "car", 1. / 3);
    assert_fraction(out, 1, "traffic \"light\"", 1. / 3);
  } else {
    g_assert_null(
        gst_buffer_get_custom_meta(out, GST_CLASS_MASK_SUMMARY_META_NAME));
  }
  gst_buffer_unref(out);
}

#if GST_CHECK_VERSION(1, 28, 0)
/* The matrix of videocrop for a frame that already has a crop meta. */
static void test_matrix(void) {
  const GstVideoRectangle in_part = {10, 3, 20, 10}, out_part = {5, 1, 20, 10};
  GstVideoInfo in, out;
  GstVideoMetaTransformMatrix trans;
  GstBuffer *buffer = gst_buffer_new();
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(buffer);

  add_mask(buffer, new_mask(), NULL, 60, 20);
  crop->x = 7;
  crop->y = 2;
  crop->width = 50;
  crop->height = 18;
  gst_video_info_set_format(&in, GST_VIDEO_FORMAT_RGB, 50, 18);
  gst_video_info_set_format(&out, GST_VIDEO_FORMAT_RGB, 25, 11);
  gst_video_meta_transform_matrix_init(&trans, &in, &in_part, &out, &out_part);
  buffer =
      transform(buffer, gst_video_meta_transform_matrix_get_quark(), &trans);
  assert_placement(buffer, 0, -12, -4, 60, 20);
  assert_placements(buffer, 1);

  trans.matrix[0][0] = -1;
  buffer =
      transform(buffer, gst_video_meta_transform_matrix_get_quark(), &trans);
  g_assert_null(gst_buffer_get_class_mask_meta(buffer));
  gst_buffer_unref(buffer);
}
#endif

static void test_refused(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskClasses *classes = new_classes();
  GstBuffer *mask;
  gsize offset[GST_VIDEO_MAX_PLANES] = {0};
  gint stride[GST_VIDEO_MAX_PLANES] = {6};

  /* no GstVideoMeta */
  g_assert_null(
      add_mask(buffer, gst_buffer_new_allocate(NULL, 12, NULL), NULL, 6, 2));
  /* another format */
  mask = gst_buffer_new_allocate(NULL, 12, NULL);
  gst_buffer_add_video_meta_full(mask, GST_VIDEO_FRAME_FLAG_NONE,
                                 GST_VIDEO_FORMAT_GRAY16_LE, 3, 2, 1, offset,
                                 stride);
  g_assert_null(add_mask(buffer, mask, NULL, 6, 2));
  /* one byte less than its rows need */
  mask = new_mask();
  gst_buffer_set_size(mask, 11);
  g_assert_null(add_mask(buffer, mask, NULL, 6, 2));
  /* rows outside the buffer, overlapping or bottom up; invalid sizes */
  {
    const GstVideoMeta invalid[] = {
        {.offset = {1}, .stride = {6}, .width = 6, .height = 2},
        {.offset = {G_MAXSIZE - 3}, .stride = {6}, .width = 6, .height = 2},
        {.stride = {5}, .width = 6, .height = 2},
        {.stride = {-6}, .width = 6, .height = 2},
        {.stride = {6}, .width = 6, .height = G_MAXUINT},
        {.stride = {6}, .width = 0, .height = 2},
    };
    for (guint i = 0; i < G_N_ELEMENTS(invalid); i++) {
      GstVideoMeta *video;

      mask = new_mask();
      video = gst_buffer_get_video_meta(mask);
      video->offset[0] = invalid[i].offset[0];
      video->stride[0] = invalid[i].stride[0];
      video->width = invalid[i].width;
      video->height = invalid[i].height;
      g_assert_null(add_mask(buffer, mask, NULL, 6, 2));
    }
  }
  /* an empty or impossible rectangle */
  g_assert_null(add_mask(buffer, new_mask(), NULL, 0, 2));
  g_assert_null(add_mask(buffer, new_mask(), NULL, 6, 0));
  g_assert_null(add_mask(buffer, new_mask(), NULL, 6, G_MAXUINT));
  g_assert_null(gst_buffer_add_class_mask_meta(buffer, new_mask(), classes,
                                               G_MININT, 0, 6, 2));
  g_assert_null(gst_buffer_get_class_mask_meta(buffer));

  gst_class_mask_classes_unref(classes);
  gst_buffer_unref(buffer);
}

static void test_refused_confidence(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstClassMaskMeta *meta = add_mask(buffer, new_mask(), NULL, 6, 2);
  GstBuffer *good = new_mask();
  GstVideoFrame frame;

  g_assert_true(gst_class_mask_meta_set_confidence(meta, good));
  g_assert_false(
      gst_class_mask_meta_set_confidence(meta, new_image(PIXELS, 3, 2, 3, 0)));
  g_assert_true(meta->confidence == good);
  g_assert_true(gst_class_mask_meta_map_confidence(meta, &frame));
  gst_video_frame_unmap(&frame);
  g_assert_true(gst_class_mask_meta_set_confidence(meta, NULL));
  g_assert_false(gst_class_mask_meta_map_confidence(meta, &frame));
  /* set without a check */
  meta->confidence = new_image(PIXELS, 3, 2, 3, 0);
  g_assert_false(gst_class_mask_meta_map_confidence(meta, &frame));
  gst_buffer_unref(buffer);
}

/* Scaling of something that is not video. */
static void test_not_video(void) {
  GstBuffer *buffer = gst_buffer_new();
  GstBuffer *other = gst_buffer_new();
  GstClassMaskMeta *meta = add_mask(buffer, new_mask(), NULL, 6, 2);
  GstVideoInfo none, some;
  GstVideoMetaTransform trans = {&none, &some};

  gst_video_info_init(&none);
  gst_video_info_set_format(&some, GST_VIDEO_FORMAT_RGB, 6, 2);
  g_assert_false(meta->meta.info->transform_func(
      other, &meta->meta, buffer, gst_video_meta_transform_scale_get_quark(),
      &trans));
  trans.in_info = &some;
  trans.out_info = &none;
  g_assert_false(meta->meta.info->transform_func(
      other, &meta->meta, buffer, gst_video_meta_transform_scale_get_quark(),
      &trans));
  g_assert_null(gst_buffer_get_class_mask_meta(other));
  gst_buffer_unref(other);
  gst_buffer_unref(buffer);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/meta/classes", test_classes);
  g_test_add_func("/meta/aliases", test_aliases);
  g_test_add_func("/meta/several", test_several);
  g_test_add_func("/meta/copy", test_copy);
  g_test_add_func("/meta/videoconvert", test_videoconvert);
  g_test_add_func("/meta/videoscale", test_videoscale);
  g_test_add_func("/meta/flip", test_flip);
  g_test_add_func("/meta/placements", test_placements);
  g_test_add_func("/meta/rounding", test_rounding);
  g_test_add_func("/meta/summary", test_summary);
#if GST_CHECK_VERSION(1, 28, 0)
  g_test_add_func("/meta/matrix", test_matrix);
#endif
  g_test_add_func("/meta/refused", test_refused);
  g_test_add_func("/meta/refused-confidence", test_refused_confidence);
  g_test_add_func("/meta/not-video", test_not_video);
  return g_test_run();
}
