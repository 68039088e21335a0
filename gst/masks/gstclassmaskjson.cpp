/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-classmaskjson
 * @title: classmaskjson
 *
 * @short_description: writes class masks as JSON
 * @see_also: fastscnn, classmaskextract
 *
 * Writes the class masks of video frames as JSON, one line for each frame that
 * has a mask, and a GAP event for each other frame. The file
 * classmaskjson.schema.json describes a line. Pixel counts and boxes are in
 * pixels of the mask; `covers` is the part of the frame that the mask covers.
 *
 * `utc` is the time of day at which a frame was taken, if the frame says so
 * with a #GstReferenceTimestampMeta in NTP or Unix time (`rtspsrc
 * add-reference-timestamp-meta=true`) or a time code with a date. Otherwise it
 * is the time at which the frame arrived here, and `utc_source` is `clock`;
 * with `wall-clock=false` both are left out, so that a recording gives the same
 * lines whenever it is read.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskjson regions=true ! filesink location=street.jsonl
 * ]| Writes the classes of every frame and their connected regions to a file.
 *
 * Since: 0.1
 */

#include "gst/masks/gstclassmaskjson.h"

#include <mutex>
#include <string>

#include "gst/base/settingvalue.h"
#include "gst/masks/framegap.h"
#include "gst/masks/jsonwriter.h"

GST_DEBUG_CATEGORY_STATIC (gst_class_mask_json_debug);
#define GST_CAT_DEFAULT gst_class_mask_json_debug

using namespace fastscnn;

enum {
  PROP_RLE = 1,
  PROP_REGIONS,
  PROP_MIN_AREA,
  PROP_SOURCE,
  PROP_WALL_CLOCK
};

namespace
{

struct State {
  std::mutex mutex; /* guards options and source */
  JsonWriter::Options options;
  std::string source;

  /* For the streaming thread. */
  JsonWriter writer;
  bool warned = false;
};

} // namespace

struct _GstClassMaskJson {
  GstBaseTransform parent;
  State *state;
};

G_DEFINE_TYPE_WITH_CODE (GstClassMaskJson, gst_class_mask_json,
    GST_TYPE_BASE_TRANSFORM,
    GST_DEBUG_CATEGORY_INIT (
        gst_class_mask_json_debug, "classmaskjson", 0, "Class masks as JSON"))
GST_ELEMENT_REGISTER_DEFINE (
    classmaskjson, "classmaskjson", GST_RANK_NONE, GST_TYPE_CLASS_MASK_JSON)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-json"));

/* Calls visit() with the setting of a property, under the lock. */
template <typename Visit>
static void
visit_setting (GObject *object, guint id, GParamSpec *spec, const Visit &visit)
{
  State *state = GST_CLASS_MASK_JSON (object)->state;
  const std::lock_guard<std::mutex> lock (state->mutex);

  switch (id) {
  case PROP_RLE:
    return visit (state->options.rle);
  case PROP_REGIONS:
    return visit (state->options.regions);
  case PROP_MIN_AREA:
    return visit (state->options.min_area);
  case PROP_SOURCE:
    return visit (state->source);
  case PROP_WALL_CLOCK:
    return visit (state->options.wall_clock);
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
gst_class_mask_json_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  visit_setting (object, id, spec,
      [value] (auto &setting) { read_value (value, setting); });
}

static void
gst_class_mask_json_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  visit_setting (object, id, spec,
      [value] (const auto &setting) { write_value (setting, value); });
}

static GstCaps *
gst_class_mask_json_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstCaps *others = gst_static_pad_template_get_caps (
      direction == GST_PAD_SINK ? &src_template : &sink_template);

  if (filter) {
    GstCaps *all = others;
    others = gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (all);
  }
  return others;
}

/* The element does not read the frames, so any layout will do. */
static gboolean
gst_class_mask_json_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_query_add_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL);
  return TRUE;
}

/* Warns once, since the masks of a stream have the same class table. */
static void
warn_about_invalid_ids (
    GstClassMaskJson *self, const GstClassMaskMeta *meta, guint64 invalid)
{
  if (invalid == 0 || self->state->warned)
    return;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("%" G_GUINT64_FORMAT " pixels of a mask have an id outside its table of "
       "%u classes; they count as unknown.",
          invalid, gst_class_mask_classes_get_size (meta->classes)),
      (NULL));
  self->state->warned = true;
}

/* Returns the line, or NULL if the frame has no mask that can be read. */
static GstBuffer *
write_line (GstClassMaskJson *self, GstBuffer *frame)
{
  State *state = self->state;
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  const GstClassMaskMeta *meta;
  JsonWriter::Options options;
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  uint64_t invalid = 0;

  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    options = state->options;
    meta = gst_buffer_get_class_mask_meta_by_source (
        frame, state->source.c_str ());
  }
  if (!meta) {
    GST_LOG_OBJECT (self, "no mask on %" GST_PTR_FORMAT, frame);
    return NULL;
  }
  if (segment->format == GST_FORMAT_TIME)
    running_time = gst_segment_to_running_time (
        segment, GST_FORMAT_TIME, GST_BUFFER_PTS (frame));

  const std::string &line =
      state->writer.write (frame, *meta, running_time, options, invalid);
  if (line.empty ()) {
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, ("A class mask cannot be read."),
        ("%" GST_PTR_FORMAT, meta->mask));
    return NULL;
  }
  warn_about_invalid_ids (self, meta, invalid);

  GstBuffer *buffer = gst_buffer_new_allocate (NULL, line.size (), NULL);
  gst_buffer_fill (buffer, 0, line.data (), line.size ());
  gst_buffer_copy_into (buffer, frame, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  return buffer;
}

static GstFlowReturn
gst_class_mask_json_generate_output (
    GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstBuffer *frame = trans->queued_buf;

  *outbuf = NULL;
  if (!frame)
    return GST_FLOW_OK;
  trans->queued_buf = NULL;
  *outbuf = write_line (GST_CLASS_MASK_JSON (trans), frame);
  if (!*outbuf)
    push_frame_gap (GST_BASE_TRANSFORM_SRC_PAD (trans), frame, &trans->segment);
  gst_buffer_unref (frame);
  return GST_FLOW_OK;
}

static gboolean
gst_class_mask_json_start (GstBaseTransform *trans)
{
  GST_CLASS_MASK_JSON (trans)->state->warned = false;
  return TRUE;
}

static void
gst_class_mask_json_finalize (GObject *object)
{
  delete GST_CLASS_MASK_JSON (object)->state;
  G_OBJECT_CLASS (gst_class_mask_json_parent_class)->finalize (object);
}

static void
gst_class_mask_json_init (GstClassMaskJson *self)
{
  self->state = new State;
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), FALSE);
}

static void
gst_class_mask_json_class_init (GstClassMaskJsonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  const GParamFlags flags =
      (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                    GST_PARAM_MUTABLE_PLAYING);

  object_class->set_property = gst_class_mask_json_set_property;
  object_class->get_property = gst_class_mask_json_get_property;
  object_class->finalize = gst_class_mask_json_finalize;

  g_object_class_install_property (object_class, PROP_RLE,
      g_param_spec_boolean ("rle", "RLE",
          "Write the shape of each class as a COCO run-length encoding, which "
          "pycocotools can decode",
          FALSE, flags));
  g_object_class_install_property (object_class, PROP_REGIONS,
      g_param_spec_boolean ("regions", "Regions",
          "Write bounding box and area of each connected region of a class",
          FALSE, flags));
  g_object_class_install_property (object_class, PROP_MIN_AREA,
      g_param_spec_uint ("min-area", "Minimum area",
          "Leave out regions with fewer pixels (of the mask)", 0, G_MAXUINT, 0,
          flags));
  g_object_class_install_property (object_class, PROP_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of the element whose masks to write (empty = the newest mask "
          "of "
          "a frame)",
          "", flags));
  g_object_class_install_property (object_class, PROP_WALL_CLOCK,
      g_param_spec_boolean ("wall-clock", "Wall clock",
          "Write the time at which a frame arrived as its time of day, if the "
          "frame has none",
          TRUE, flags));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Class mask to JSON",
      "Converter/Analyzer/Video",
      "Writes the class masks of video frames as JSON, one line per frame",
      "The gst-fastscnn authors");

  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_class_mask_json_transform_caps);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_class_mask_json_propose_allocation);
  trans_class->generate_output =
      GST_DEBUG_FUNCPTR (gst_class_mask_json_generate_output);
  trans_class->start = GST_DEBUG_FUNCPTR (gst_class_mask_json_start);
}
