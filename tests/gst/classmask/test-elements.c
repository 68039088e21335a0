/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What elements of GStreamer do with a mask: the table in docs/guide. Every
 * frame shows its own mask, light where the class is 1, so that pixels and mask
 * can be compared behind the element: a mask that is kept must lie where its
 * pixels lie, and its summary must be kept with it. */

#include "tests/support/masks.h"

#define WIDTH 320
#define HEIGHT 240
#define FRAMES 4

typedef struct {
  const gchar *launch;
  const gchar *format; /* of the frames */
  const gchar *out;    /* (nullable): caps behind the elements */
  guint since;         /* the minor version of GStreamer that keeps the mask */
  /* The elements stretch the frame. Before this minor version the metadata do
   * not say so, and the second placement is the right one. */
  guint stretched_until;
  gdouble equal; /* percentage of the pixels that match, at least */
  /* The next element reads GstVideoCropMeta, as ours do. */
  gboolean accepts_crop;
} Row;

#define PAR ",pixel-aspect-ratio=1/1"

#define KEPT(equal) 0, 0, equal, FALSE
#define CROPPED(equal) 0, 0, equal, TRUE
#define STRETCHED(until, equal) 0, until, equal, FALSE
#define SINCE_28(equal) 28, 0, equal, FALSE
#define DROPPED G_MAXUINT, 0, 0, FALSE

static const Row ROWS[] = {
    /* pass frames on */
    {"identity", "I420", NULL, KEPT(100)},
    {"tee ! queue ! funnel", "I420", NULL, KEPT(100)},
    {"multiqueue ! input-selector ! valve", "I420", NULL, KEPT(100)},
    {"clocksync ! watchdog ! queue2", "I420", NULL, KEPT(100)},
    {"imagefreeze num-buffers=3", "I420", NULL, KEPT(100)},
    {"videorate", "I420", "framerate=50/1", KEPT(100)},
    {"videorate", "I420", "framerate=10/1", KEPT(100)},
    {"deinterlace", "I420", NULL, KEPT(100)},
    {"avdeinterlace", "I420", NULL, KEPT(100)},
    {"timecodestamper", "I420", NULL, KEPT(100)},
    {"videoanalyse", "I420", NULL, KEPT(100)},
    {"scenechange", "I420", NULL, KEPT(100)},
    {"simplevideomark ! simplevideomarkdetect", "I420", NULL, KEPT(99)},
    {"zxing", "I420", NULL, KEPT(100)},
    /* convert and scale */
    {"videoconvert", "I420", "format=RGB", KEPT(100)},
    {"videoscale", "I420", "width=640,height=480" PAR, KEPT(99.5)},
    {"videoscale", "I420", "width=200,height=150" PAR, KEPT(99)},
    {"videoscale", "I420", "width=347,height=261", KEPT(99.5)},
    {"videoscale", "I420", "width=640,height=360", KEPT(99.5)},
    {"videoscale", "I420", "width=640,height=360" PAR, KEPT(99.5)},
    {"videoscale", "I420", "width=240,height=320" PAR, KEPT(99.5)},
    {"videoscale add-borders=false", "I420", "width=640,height=360" PAR,
     STRETCHED(28, 99.5)},
    {"videoconvertscale", "I420", "format=RGB,width=240,height=320" PAR,
     KEPT(99.5)},
    {"videoscale ! video/x-raw,width=640,height=360" PAR " ! videoscale",
     "I420", "width=240,height=320" PAR, KEPT(99)},
    {"glupload ! glcolorconvert ! gldownload", "RGBA", NULL, KEPT(100)},
    {"glupload ! glcolorscale ! video/x-raw(memory:GLMemory),width=640,"
     "height=480 ! gldownload",
     "RGBA", NULL, KEPT(99.5)},
    {"glupload ! glcolorscale ! video/x-raw(memory:GLMemory),width=640,"
     "height=360" PAR " ! gldownload",
     "RGBA", NULL, STRETCHED(G_MAXUINT, 99.5)},
    /* draw, and change colours */
    {"timeoverlay", "I420", NULL, KEPT(98)},
    {"clockoverlay", "I420", NULL, KEPT(98)},
    {"textoverlay text=x", "I420", NULL, KEPT(99)},
    {"cairooverlay", "BGRA", NULL, KEPT(100)},
    {"gdkpixbufoverlay", "I420", NULL, KEPT(100)},
    {"rsvgoverlay", "BGRA", NULL, KEPT(100)},
    {"overlaycomposition", "BGRA", NULL, KEPT(100)},
    {"videobalance contrast=0.9", "I420", NULL, KEPT(100)},
    {"gamma gamma=1.1", "I420", NULL, KEPT(100)},
    {"coloreffects preset=sepia", "RGBA", NULL, KEPT(100)},
    {"chromahold", "RGBA", NULL, KEPT(100)},
    {"zebrastripe", "I420", NULL, KEPT(99)},
    /* encode and decode */
    {"jpegenc ! jpegdec", "I420", NULL, KEPT(99.5)},
    {"x264enc tune=zerolatency ! avdec_h264", "I420", NULL, KEPT(99.5)},
    {"vp8enc deadline=1 ! vp8dec", "I420", NULL, KEPT(99.5)},
    /* crop, and add borders */
    {"videocrop left=36 top=22 right=4", "I420", NULL, CROPPED(100)},
    {"videocrop left=36 top=22 ! videocrop left=10 bottom=9", "I420", NULL,
     CROPPED(100)},
    {"videocrop left=37 top=21 right=4", "I420", NULL, SINCE_28(100)},
    {"videocrop left=36 top=20 ! videocrop left=10 top=3 bottom=9", "I420",
     NULL, SINCE_28(100)},
    {"videocrop left=37 top=21 ! videoscale", "I420", "width=566,height=438",
     SINCE_28(99.5)},
    {"videocrop left=37 top=21 ! videoscale ! video/x-raw,width=333,height=200 "
     "! videocrop left=5 top=9",
     "I420", NULL, SINCE_28(99)},
    {"videoconvert ! aspectratiocrop aspect-ratio=16/9", "I420", NULL,
     SINCE_28(100)},
    {"videoconvert ! aspectratiocrop aspect-ratio=16/9", "I420", NULL,
     CROPPED(100)},
    {"videobox left=37 top=21", "I420", NULL, SINCE_28(100)},
    {"videobox left=-37 top=-21 right=-4", "I420", NULL, SINCE_28(100)},
    {"videobox left=37 top=-21 right=-4", "I420", NULL, SINCE_28(100)},
    /* rotate and flip */
    {"videoflip video-direction=90r", "I420", NULL, DROPPED},
    {"videoflip video-direction=horiz", "I420", NULL, DROPPED},
    {"videoflip video-direction=auto", "I420", NULL, SINCE_28(100)},
    {"glupload ! glvideoflip video-direction=horiz ! gldownload", "RGBA", NULL,
     DROPPED},
    /* mix */
    {"compositor background=black", "I420", "width=320,height=240",
     SINCE_28(100)},
    {"compositor background=black sink_0::xpos=40 sink_0::ypos=30 "
     "sink_0::width=160 sink_0::height=120",
     "I420", "width=640,height=480", SINCE_28(99.5)},
    {"compositor background=black sink_0::xpos=-40 sink_0::ypos=-30", "I420",
     "width=320,height=240", SINCE_28(100)},
    {"glupload ! glvideomixer ! gldownload", "RGBA", NULL, SINCE_28(100)},
    {"videomixer", "AYUV", NULL, DROPPED},
    /* make one frame of several, or of each field */
    {"deinterlace mode=interlaced method=linear", "I420", NULL, DROPPED},
    {"ivtc", "I420", NULL, DROPPED},
    {"combdetect", "I420", NULL, DROPPED},
    /* effects that write new frames */
    {"alpha method=set", "AYUV", NULL, DROPPED},
    {"videomedian", "I420", NULL, DROPPED},
    {"smooth active=true", "I420", NULL, DROPPED},
    {"gaussianblur", "AYUV", NULL, DROPPED},
    {"agingtv", "BGRx", NULL, DROPPED},
    {"edgetv", "BGRx", NULL, DROPPED},
    {"solarize", "BGRx", NULL, DROPPED},
    {"rotate angle=0.1", "BGRx", NULL, DROPPED},
    {"perspective", "BGRx", NULL, DROPPED},
    {"glupload ! gleffects effect=sepia ! gldownload", "RGBA", NULL, DROPPED},
    /* write bytes */
    {"rtpvrawpay ! rtpvrawdepay", "I420", NULL, DROPPED},
    {"gdppay ! gdpdepay", "I420", NULL, DROPPED},
    {"rawvideoparse use-sink-caps=true", "I420", NULL, DROPPED},
};

/* Blocks that do not repeat and that move with every frame. */
static guint8 class_at(guint x, guint y, guint frame) {
  guint32 hash =
      (x + 4 * frame) / 37 * 2654435761u ^ (y + 2 * frame) / 29 * 2246822519u;

  hash = (hash ^ hash >> 15) * 2654435761u;
  return (hash ^ hash >> 13) & 1;
}

static guint8 *sample(const GstVideoFrame *frame, guint component, gint x,
                      gint y) {
  return (guint8 *)GST_VIDEO_FRAME_COMP_DATA(frame, component) +
         (gssize)y * GST_VIDEO_FRAME_COMP_STRIDE(frame, component) +
         (gssize)x * GST_VIDEO_FRAME_COMP_PSTRIDE(frame, component);
}

static void draw(GstBuffer *buffer, const GstVideoInfo *info,
                 const guint8 *ids) {
  GstVideoFrame frame;
  guint bright = GST_VIDEO_INFO_IS_RGB(info) ? 3 : 1;

  g_assert_true(gst_video_frame_map(&frame, info, buffer, GST_MAP_WRITE));
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(info); c++)
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c); y++)
      for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&frame, c); x++)
        *sample(&frame, c, x, y) = c < bright ? (ids[y * WIDTH + x] ? 200 : 40)
                                   : c < 3    ? 128
                                              : 255;
  gst_video_frame_unmap(&frame);
}

static GstBuffer *new_patterned_frame(const GstVideoInfo *info, guint number) {
  GstBuffer *frame = gst_buffer_new_allocate(NULL, info->size, NULL);
  guint8 *ids = g_malloc(WIDTH * HEIGHT);

  for (guint y = 0; y < HEIGHT; y++)
    for (guint x = 0; x < WIDTH; x++)
      ids[y * WIDTH + x] = class_at(x, y, number);
  draw(frame, info, ids);
  gst_buffer_add_class_mask_summary(
      frame,
      add_mask(frame, new_image(ids, WIDTH, HEIGHT, WIDTH, 0), "hand", WIDTH,
               HEIGHT),
      NULL);
  g_free(ids);
  GST_BUFFER_PTS(frame) = number * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(frame) = 40 * GST_MSECOND;
  return frame;
}

/* Percentage of the pixels that match the mask at one of its placements: light
 * where the class is 1, dark elsewhere and outside the mask. */
static gdouble compare(GstSample *sample_, guint placement) {
  GstBuffer *buffer = gst_sample_get_buffer(sample_);
  GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta(buffer);
  gint left = crop ? (gint)crop->x : 0, top = crop ? (gint)crop->y : 0;
  GstClassMaskMeta moved = *gst_buffer_get_class_mask_meta(buffer);
  GstVideoFrame frame, mask;
  GstVideoInfo info, mask_info;
  GstBuffer *scaled;
  guint equal = 0;

  g_assert_true(gst_video_info_from_caps(&info, gst_sample_get_caps(sample_)));
  g_assert_true(gst_class_mask_meta_get_placement(
      gst_buffer_get_class_mask_meta(buffer), placement, &moved.x, &moved.y,
      &moved.width, &moved.height));
  moved.x -= left;
  moved.y -= top;
  scaled = gst_class_mask_meta_scale_to_frame(&moved, info.width, info.height);
  gst_video_info_set_format(&mask_info, GST_VIDEO_FORMAT_GRAY8, info.width,
                            info.height);
  g_assert_true(gst_video_frame_map(&mask, &mask_info, scaled, GST_MAP_READ));
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
  for (gint y = 0; y < info.height; y++)
    for (gint x = 0; x < info.width; x++) {
      gboolean light = *sample(&frame, GST_VIDEO_INFO_IS_RGB(&info) ? 1 : 0,
                               left + x, top + y) > 120;
      equal += (*sample(&mask, 0, x, y) == 1) == light;
    }
  gst_video_frame_unmap(&frame);
  gst_video_frame_unmap(&mask);
  gst_buffer_unref(scaled);
  return 100.0 * equal / ((gdouble)info.width * info.height);
}

static GstPadProbeReturn accept_crop(GstPad *pad, GstPadProbeInfo *info,
                                     gpointer data) {
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY(info);

  if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) {
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
    gst_query_add_allocation_meta(query, GST_VIDEO_CROP_META_API_TYPE, NULL);
  }
  return GST_PAD_PROBE_OK;
}

static const gchar SOURCE[] =
    "appsrc name=in format=time caps=\"video/x-raw,format=%s,width=%d,"
    "height=%d,framerate=25/1,pixel-aspect-ratio=1/1\" ! %s ! %s%s%s"
    "appsink name=out sync=false";

/* NULL if an element is not installed. */
static GstElement *new_pipeline(const Row *row) {
  GstParseContext *context = gst_parse_context_new();
  gchar *launch =
      g_strdup_printf(SOURCE, row->format, WIDTH, HEIGHT, row->launch,
                      row->out ? "video/x-raw," : "", row->out ? row->out : "",
                      row->out ? " ! " : "");
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch_full(
      launch, context, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  gchar **missing = gst_parse_context_get_missing_elements(context);

  if (!missing) g_assert_no_error(error);
  g_clear_error(&error);
  g_strfreev(missing);
  g_free(launch);
  gst_parse_context_free(context);
  return pipeline;
}

static void push_frames(GstElement *pipeline, const gchar *format) {
  GstElement *in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  GstVideoInfo info;
  GstFlowReturn flow;

  gst_video_info_set_format(&info, gst_video_format_from_string(format), WIDTH,
                            HEIGHT);
  for (guint number = 0; number < FRAMES; number++) {
    GstBuffer *frame = new_patterned_frame(&info, number);
    g_signal_emit_by_name(in, "push-buffer", frame, &flow);
    gst_buffer_unref(frame);
  }
  g_signal_emit_by_name(in, "end-of-stream", &flow);
  gst_object_unref(in);
}

typedef struct {
  guint frames, masks, summaries;
  gdouble equal; /* the lowest percentage of all frames */
} Result;

static void look_at(GstSample *sample_, guint placement, Result *result) {
  GstBuffer *buffer = gst_sample_get_buffer(sample_);

  result->frames++;
  if (gst_buffer_get_custom_meta(buffer, GST_CLASS_MASK_SUMMARY_META_NAME))
    result->summaries++;
  if (gst_buffer_get_class_mask_meta(buffer)) {
    gdouble equal = compare(sample_, placement);
    result->equal = result->masks++ ? MIN(result->equal, equal) : equal;
  }
}

/* Returns FALSE if there is an error before the end of the stream. */
static gboolean run(GstElement *pipeline, const Row *row, guint placement,
                    Result *result) {
  GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  GstBus *bus = gst_element_get_bus(pipeline);
  GstMessage *error = NULL;
  gboolean eos = FALSE;

  if (row->accepts_crop) {
    GstPad *pad = gst_element_get_static_pad(out, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, accept_crop,
                      NULL, NULL);
    gst_object_unref(pad);
  }
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  push_frames(pipeline, row->format);
  while (!eos && !error) {
    GstSample *sample_ = NULL;
    g_signal_emit_by_name(out, "try-pull-sample", 20 * GST_MSECOND, &sample_);
    if (sample_) {
      look_at(sample_, placement, result);
      gst_sample_unref(sample_);
    } else {
      g_object_get(out, "eos", &eos, NULL);
      error = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    }
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_clear_message(&error);
  gst_object_unref(bus);
  gst_object_unref(out);
  return eos;
}

static void test_row(gconstpointer data) {
  const Row *row = data;
  GstElement *pipeline = new_pipeline(row);
  gboolean gl = strstr(row->launch, "glupload") != NULL;
  Result result = {0};
  guint major, minor, micro, nano;

  if (!pipeline) {
    g_test_skip("not installed");
    return;
  }
  gst_version(&major, &minor, &micro, &nano);
  if (!run(pipeline, row, minor < row->stretched_until ? 1 : 0, &result) ||
      (gl && result.frames == 0)) {
    g_assert_true(gl);
    g_test_skip("no OpenGL here");
  } else {
    g_test_message("%s: %u of %u frames keep the mask, %.2f %% equal",
                   row->launch, result.masks, result.frames, result.equal);
    g_assert_cmpuint(result.frames, >, 0);
    /* A newer GStreamer may keep more. */
    if (minor >= row->since || minor <= 28)
      g_assert_cmpuint(result.masks, ==,
                       minor >= row->since ? result.frames : 0);
    g_assert_cmpuint(result.summaries, ==, result.masks);
    if (result.masks > 0) g_assert_cmpfloat(result.equal, >=, row->equal);
  }
  gst_object_unref(pipeline);
}

int main(int argc, char **argv) {
  /* OpenGL without a display */
  g_setenv("GST_GL_PLATFORM", "egl", FALSE);
  g_setenv("GST_GL_WINDOW", "surfaceless", FALSE);
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(ROWS); i++) {
    gsize length = strcspn(ROWS[i].launch, " ");
    gchar *path =
        g_strdup_printf("/elements/%u-%.*s", i, (gint)length, ROWS[i].launch);
    g_test_add_data_func(path, &ROWS[i], test_row);
    g_free(path);
  }
  return g_test_run();
}
