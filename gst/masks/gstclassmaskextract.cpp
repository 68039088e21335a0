/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-classmaskextract
 * @title: classmaskextract
 * @short_description: outputs class masks as video
 * @see_also: fastscnn, classmaskjson
 *
 * Takes video frames with a #GstClassMaskMeta and pushes the masks as video.
 * The format is negotiated with downstream: GRAY8, which is preferred, holds
 * the class ids, and 255 where the class is unknown; RGB and RGBA hold the
 * colours of the classes, and black or transparent pixels where the class is
 * unknown.
 *
 * The video has the size of the masks and is renegotiated when that changes.
 * If the first frames have no mask, it starts with the size of the frames, and
 * a GAP event takes the place of each missing mask. With
 * #GstClassMaskExtract:scale-to-frame it has the size of the frames.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskextract ! video/x-raw,format=RGBA ! pngenc !
 * multifilesink location=mask-%05d.png
 * ]| Writes the masks of a video as PNG files.
 *
 * Since: 0.1
 */

#include "gst/masks/gstclassmaskextract.h"

#include <mutex>
#include <utility>

#include "gst/base/frametime.h"
#include "gst/base/settingvalue.h"
#include "gst/masks/extractsettings.h"
#include "gst/masks/framegap.h"
#include "gst/masks/heldevents.h"
#include "gst/masks/imagecaps.h"
#include "gst/masks/maskimage.h"

GST_DEBUG_CATEGORY_STATIC (gst_class_mask_extract_debug);
#define GST_CAT_DEFAULT gst_class_mask_extract_debug

using namespace fastscnn;

namespace
{

struct State {
  std::mutex mutex; /* guards settings */
  ExtractSettings settings;

  /* For the streaming thread. */
  GstVideoInfo frame_info;
  GstVideoInfo info; /* of the output; its format is unknown before the first */
  GstBufferPool *pool = NULL;
  HeldEvents held;        /* until the first caps */
  GstSegment segment;     /* of the frames */
  bool skipped = false;   /* a frame was, since the last image */
  GstBuffer *last = NULL; /* an empty buffer that carries the last mask */
  MaskImage image;

  State ()
  {
    gst_video_info_init (&frame_info);
    gst_video_info_init (&info);
    gst_segment_init (&segment, GST_FORMAT_UNDEFINED);
  }

  bool
  negotiated () const
  {
    return GST_VIDEO_INFO_FORMAT (&info) != GST_VIDEO_FORMAT_UNKNOWN;
  }
};

} // namespace

struct _GstClassMaskExtract {
  GstElement parent;
  GstPad *sinkpad;
  GstPad *srcpad;
  State *state;
};

G_DEFINE_TYPE_WITH_CODE (GstClassMaskExtract, gst_class_mask_extract,
    GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT (gst_class_mask_extract_debug, "classmaskextract",
        0, "Class masks as video"))
GST_ELEMENT_REGISTER_DEFINE (classmaskextract, "classmaskextract",
    GST_RANK_NONE, GST_TYPE_CLASS_MASK_EXTRACT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE ("{ GRAY8, RGB, RGBA }")));

static void
drop_pool (State *state)
{
  if (state->pool)
    gst_buffer_pool_set_active (state->pool, FALSE);
  gst_clear_object (&state->pool);
}

static gboolean
negotiate (GstClassMaskExtract *self, const GstVideoInfo &wanted)
{
  State *state = self->state;
  const bool first = !state->negotiated ();
  const GstVideoInfo &info = state->info;

  if (!gst_pad_check_reconfigure (self->srcpad) && !first &&
      info.width == wanted.width && info.height == wanted.height &&
      info.par_n == wanted.par_n && info.par_d == wanted.par_d &&
      info.fps_n == wanted.fps_n && info.fps_d == wanted.fps_d)
    return TRUE;

  GstCaps *caps = choose_image_caps (self->srcpad, wanted);
  gboolean ok = !gst_caps_is_empty (caps) &&
                gst_video_info_from_caps (&state->info, caps) &&
                gst_pad_push_event (self->srcpad, gst_event_new_caps (caps));
  if (ok) {
    drop_pool (state);
    state->pool = make_image_pool (caps);
    ok = state->pool != NULL;
  }
  gst_caps_unref (caps);
  if (!ok) {
    gst_video_info_init (&state->info);
    gst_pad_mark_reconfigure (self->srcpad);
    return FALSE;
  }
  if (first)
    state->held.push_to (self->srcpad);
  return TRUE;
}

/* Negotiates the size of the frames if there was no mask yet, so that GAP
 * events can be pushed and downstream does not wait. Ignores failure: the size
 * of the first mask may be accepted. */
static void
negotiate_for_frame (GstClassMaskExtract *self)
{
  GstVideoInfo wanted;
  if (self->state->negotiated () ||
      GST_VIDEO_INFO_WIDTH (&self->state->frame_info) == 0)
    return;
  describe_image (self->state->frame_info, NULL, true, wanted);
  negotiate (self, wanted);
}

/* meta: (nullable), for an image in which every pixel is unknown. */
static GstFlowReturn
push_image (GstClassMaskExtract *self, GstBuffer *frame,
    const GstClassMaskMeta *meta, bool to_frame)
{
  State *state = self->state;
  GstBuffer *buffer = NULL;
  GstVideoFrame image;
  GstFlowReturn flow =
      gst_buffer_pool_acquire_buffer (state->pool, &buffer, NULL);

  if (flow != GST_FLOW_OK)
    return flow;
  if (!gst_video_frame_map (&image, &state->info, buffer, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  if (!meta || !state->image.draw (*meta, to_frame, image))
    MaskImage::draw_unknown (image);
  gst_video_frame_unmap (&image);
  gst_buffer_copy_into (buffer, frame,
      (GstBufferCopyFlags)(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS),
      0, -1);
  copy_time_metas (buffer, frame);
  if (std::exchange (state->skipped, false))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return gst_pad_push (self->srcpad, buffer);
}

/* Pushes only a GAP event for this frame. */
static void
skip_frame (GstClassMaskExtract *self, GstBuffer *frame)
{
  State *state = self->state;
  GST_LOG_OBJECT (self, "no mask on %" GST_PTR_FORMAT, frame);
  state->skipped = true;
  negotiate_for_frame (self);
  if (state->negotiated ())
    push_frame_gap (self->srcpad, frame, &state->segment);
}

static void
remember (State *state, const GstClassMaskMeta *meta)
{
  gst_clear_buffer (&state->last);
  state->last = gst_buffer_new ();
  gst_buffer_add_class_mask_meta (state->last, gst_buffer_ref (meta->mask),
      meta->classes, meta->x, meta->y, meta->width, meta->height);
}

static GstFlowReturn
extract (GstClassMaskExtract *self, GstBuffer *frame)
{
  State *state = self->state;
  const GstClassMaskMeta *meta;
  GstClassMaskMeta shown;
  GstVideoInfo wanted;
  ExtractSettings settings;

  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    settings = state->settings;
  }
  meta = gst_buffer_get_class_mask_meta_by_source (
      frame, settings.source.c_str ());
  if (meta) {
    shown = relative_to_visible_part (*meta, frame);
    meta = &shown;
  }
  if (meta &&
      !describe_image (state->frame_info, meta, settings.to_frame, wanted)) {
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, ("A class mask cannot be read."),
        ("%" GST_PTR_FORMAT, meta->mask));
    meta = NULL;
  }
  if (settings.on_missing == OnMissing::kRepeat) {
    if (meta)
      remember (state, meta);
    else if (state->last)
      meta = gst_buffer_get_class_mask_meta (state->last);
  }
  if (!meta && settings.on_missing != OnMissing::kBlank) {
    skip_frame (self, frame);
    return GST_FLOW_OK;
  }
  if (!meta && state->negotiated () && !settings.to_frame)
    wanted = state->info;
  else
    describe_image (state->frame_info, meta, settings.to_frame, wanted);
  if (!negotiate (self, wanted)) {
    if (GST_PAD_IS_FLUSHING (self->srcpad))
      return GST_FLOW_FLUSHING;
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("The element after classmaskextract does not accept %dx%d pixels as "
         "GRAY8, RGB or RGBA; put videoconvert or videoscale between.",
            wanted.width, wanted.height),
        (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  return push_image (self, frame, meta, settings.to_frame);
}

static GstFlowReturn
gst_class_mask_extract_chain (GstPad *pad, GstObject *parent, GstBuffer *frame)
{
  GstClassMaskExtract *self = GST_CLASS_MASK_EXTRACT (parent);
  GstFlowReturn flow = GST_FLOW_NOT_NEGOTIATED;

  if (GST_VIDEO_INFO_WIDTH (&self->state->frame_info) > 0)
    flow = extract (self, frame);
  gst_buffer_unref (frame);
  return flow;
}

static gboolean
set_frame_caps (GstClassMaskExtract *self, GstEvent *event)
{
  GstVideoInfo &info = self->state->frame_info;
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  const gboolean ok = gst_video_info_from_caps (&info, caps);
  if (!ok) {
    gst_video_info_init (&info);
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The caps do not describe a video frame."),
        ("%" GST_PTR_FORMAT, caps));
  }
  gst_event_unref (event);
  return ok;
}

/* Holds events that must follow the caps until the first caps are pushed. */
static gboolean
hold_or_forward (GstClassMaskExtract *self, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP ||
      GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE)
    negotiate_for_frame (self);
  if (self->state->negotiated () || !GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_event_default (self->sinkpad, GST_OBJECT_CAST (self), event);
  self->state->held.hold (event);
  return TRUE;
}

static gboolean
gst_class_mask_extract_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstClassMaskExtract *self = GST_CLASS_MASK_EXTRACT (parent);
  State *state = self->state;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    return set_frame_caps (self, event);
  case GST_EVENT_EOS:
    negotiate_for_frame (self);
    state->held.push_to (self->srcpad);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_clear_buffer (&state->last);
    state->held.flush ();
    gst_segment_init (&state->segment, GST_FORMAT_UNDEFINED);
    break;
  case GST_EVENT_STREAM_START:
    break;
  case GST_EVENT_SEGMENT:
    gst_event_copy_segment (event, &state->segment);
    /* fall through */
  default:
    return hold_or_forward (self, event);
  }
  return gst_pad_event_default (pad, parent, event);
}

/* The element does not read the frames, so any layout will do. */
static gboolean
gst_class_mask_extract_sink_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_query_add_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL);
  return TRUE;
}

static GstStateChangeReturn
gst_class_mask_extract_change_state (
    GstElement *element, GstStateChange transition)
{
  State *state = GST_CLASS_MASK_EXTRACT (element)->state;
  const GstStateChangeReturn changed =
      GST_ELEMENT_CLASS (gst_class_mask_extract_parent_class)
          ->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    drop_pool (state);
    gst_clear_buffer (&state->last);
    state->held.clear ();
    gst_segment_init (&state->segment, GST_FORMAT_UNDEFINED);
    state->skipped = false;
    gst_video_info_init (&state->info);
    gst_video_info_init (&state->frame_info);
  }
  return changed;
}

/* Calls visit() with the setting of a property, under the lock. */
template <typename Visit>
static void
visit_setting (GObject *object, guint id, GParamSpec *spec, const Visit &visit)
{
  State *state = GST_CLASS_MASK_EXTRACT (object)->state;
  const std::lock_guard<std::mutex> lock (state->mutex);

  switch (id) {
  case PROP_SCALE_TO_FRAME:
    return visit (state->settings.to_frame);
  case PROP_ON_MISSING:
    return visit (state->settings.on_missing);
  case PROP_SOURCE:
    return visit (state->settings.source);
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
gst_class_mask_extract_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  visit_setting (object, id, spec,
      [value] (auto &setting) { read_value (value, setting); });
}

static void
gst_class_mask_extract_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  visit_setting (object, id, spec,
      [value] (const auto &setting) { write_value (setting, value); });
}

static void
gst_class_mask_extract_finalize (GObject *object)
{
  delete GST_CLASS_MASK_EXTRACT (object)->state;
  G_OBJECT_CLASS (gst_class_mask_extract_parent_class)->finalize (object);
}

static void
gst_class_mask_extract_init (GstClassMaskExtract *self)
{
  self->state = new State;
  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad, gst_class_mask_extract_chain);
  gst_pad_set_event_function (self->sinkpad, gst_class_mask_extract_sink_event);
  gst_pad_set_query_function (self->sinkpad, gst_class_mask_extract_sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_use_fixed_caps (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}

static void
gst_class_mask_extract_class_init (GstClassMaskExtractClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_class_mask_extract_set_property;
  object_class->get_property = gst_class_mask_extract_get_property;
  object_class->finalize = gst_class_mask_extract_finalize;
  element_class->change_state = gst_class_mask_extract_change_state;

  gst_class_mask_extract_install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Class mask extractor",
      "Converter/Video", "Outputs class masks as video",
      "The gst-fastscnn authors");
}
