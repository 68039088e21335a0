/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/base/gstframefilter.h"

#include <string>

#include "gst/base/cudamemory.h"
#include "gst/base/refusedcaps.h"

#define FORMATS                                                                \
  "{ NV12, NV21, I420, YV12, YUY2, UYVY, RGB, BGR, RGBx, BGRx, xRGB, xBGR, "   \
  "RGBA, BGRA, ARGB, ABGR, GRAY8 }"
#define SIZES_AND_RATE                                                         \
  ", width=[ 16, 8192 ], height=[ 16, 8192 ], framerate=" GST_VIDEO_FPS_RANGE

GST_DEBUG_CATEGORY_STATIC (gst_frame_filter_debug);
#define GST_CAT_DEFAULT gst_frame_filter_debug

using namespace fastscnn;

namespace
{

constexpr gint64 kWarningPeriod = 5 * G_USEC_PER_SEC;

/* Maps a frame for a scope. */
class Mapping
{
public:
  Mapping (const GstVideoInfo &info, GstBuffer *buffer, int flags)
      : mapped_ (gst_video_frame_map (&frame_, &info, buffer,
            (GstMapFlags)(flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)))
  {
  }
  ~Mapping ()
  {
    if (mapped_)
      gst_video_frame_unmap (&frame_);
  }
  Mapping (const Mapping &) = delete;
  Mapping &operator= (const Mapping &) = delete;

  /* NULL if the frame could not be mapped. */
  const GstVideoFrame *
  frame () const
  {
    return mapped_ ? &frame_ : NULL;
  }

private:
  GstVideoFrame frame_;
  const bool mapped_;
};

} // namespace

typedef struct {
  GstVideoInfo video_info;
  FrameInfo current_info; /* of the last successful set_info, or empty */
  Rect current_part;      /* described by current_info, or empty */
  CudaMemory *cuda;
  gboolean use_gpu; /* TRUE before start(), because pads are linked earlier */
  gint device_id;
  gboolean on_gpu; /* according to the caps */
  gpointer cuda_context;
  gboolean has_caps;
  gboolean warned_without_caps;
  guint unreadable;    /* frames that could not be accessed */
  gint64 next_warning; /* about them: the earliest monotonic time */
} GstFrameFilterPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstFrameFilter, gst_frame_filter,
    GST_TYPE_BASE_TRANSFORM,
    G_ADD_PRIVATE (GstFrameFilter) GST_DEBUG_CATEGORY_INIT (
        gst_frame_filter_debug, "framefilter", 0, "Filters on mapped frames"))

static GstFrameFilterPrivate *
get_private (GstFrameFilter *self)
{
  return static_cast<GstFrameFilterPrivate *> (
      gst_frame_filter_get_instance_private (self));
}

void
gst_frame_filter_post_error (GstElement *element, const Error &error)
{
  const gchar *sentence = error.sentence.c_str ();

  switch (error.kind) {
  case Error::Kind::kModel:
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ, ("%s", sentence), (NULL));
    break;
  case Error::Kind::kDevice:
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND, ("%s", sentence), (NULL));
    break;
  case Error::Kind::kFormat:
    GST_ELEMENT_ERROR (element, STREAM, FORMAT, ("%s", sentence), (NULL));
    break;
  case Error::Kind::kEngine:
    GST_ELEMENT_ERROR (element, LIBRARY, FAILED, ("%s", sentence), (NULL));
    break;
  }
}

/* Makes the next frame call set_info. */
static void
forget_info (GstFrameFilterPrivate *priv)
{
  priv->current_info = FrameInfo ();
  priv->current_part = Rect ();
}

/* Resources made in another context cannot be used in this one. */
static void
use_context (GstFrameFilterPrivate *priv, gpointer cuda_context)
{
  if (cuda_context != priv->cuda_context)
    forget_info (priv);
  priv->cuda_context = cuda_context;
}

/* Calls set_info if the description of the frames changed. */
static Result<>
update_info (GstFrameFilter *self, const Rect &part)
{
  GstFrameFilterPrivate *priv = get_private (self);
  FrameInfo info = describe_frame (priv->video_info, part);

  if (priv->on_gpu)
    info.memory = Memory::kDevice;
  if (info != priv->current_info) {
    forget_info (priv);
    FASTSCNN_TRY (GST_FRAME_FILTER_GET_CLASS (self)->set_info (self, info));
    priv->current_info = info;
  }
  priv->current_part = part;
  return {};
}

static Result<>
use_caps (GstFrameFilter *self, GstCaps *caps)
{
  GstFrameFilterPrivate *priv = get_private (self);

  priv->on_gpu = CudaMemory::is_in_caps (caps);
  if (priv->on_gpu) {
    const Queue queue = FASTSCNN_TRY (
        priv->cuda->ensure_context (GST_ELEMENT (self), priv->device_id));
    use_context (priv, queue.context);
  }
  return update_info (self, { 0, 0, GST_VIDEO_INFO_WIDTH (&priv->video_info),
                                GST_VIDEO_INFO_HEIGHT (&priv->video_info) });
}

static gboolean
gst_frame_filter_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstFrameFilter *self = GST_FRAME_FILTER (trans);
  GstFrameFilterPrivate *priv = get_private (self);

  if (!gst_video_info_from_caps (&priv->video_info, incaps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The caps do not describe a video frame."),
        ("%" GST_PTR_FORMAT, incaps));
    return FALSE;
  }
  GST_DEBUG_OBJECT (self, "caps: %" GST_PTR_FORMAT, incaps);
  priv->has_caps = TRUE;
  const Result<> used = use_caps (self, incaps);
  if (!used) {
    forget_info (priv);
    gst_frame_filter_post_error (GST_ELEMENT (self), used.error ());
  }
  return used.has_value ();
}

/* Returns why the frame cannot be accessed; an empty string if it can. */
static Result<std::string>
process_frame (GstFrameFilter *self, GstBuffer *buffer)
{
  GstFrameFilterClass *klass = GST_FRAME_FILTER_GET_CLASS (self);
  GstFrameFilterPrivate *priv = get_private (self);
  int flags = klass->writes_pixels ? GST_MAP_READWRITE : GST_MAP_READ;
  GstFrameFilterView view;

  if (klass->prepare && !klass->prepare (self, buffer))
    return std::string ();
  if (gst_buffer_n_memory (buffer) == 0)
    return std::string ("it is empty");
  if (priv->on_gpu) {
    flags |= CudaMemory::map_flag ();
    const Result<Queue> queue = priv->cuda->adopt_context (buffer);
    if (!queue && queue.error ().kind == Error::Kind::kFormat)
      return std::string ("it is not in CUDA memory, as the caps say");
    view.queue = FASTSCNN_TRY (queue);
    use_context (priv, view.queue.context);
  }
  if (!matches_caps (buffer, priv->video_info))
    return std::string ("its GstVideoMeta does not match the caps");
  view.part = visible_part (buffer, priv->video_info);
  if (view.part.width < kMinFrameSize || view.part.height < kMinFrameSize)
    return "a crop leaves " + std::to_string (view.part.width) + "x" +
           std::to_string (view.part.height) + " pixels of it";

  const Mapping mapping (priv->video_info, buffer, flags);
  if (!mapping.frame ())
    return std::string ("its memory is too short or cannot be mapped");
  view.frame = view_frame (*mapping.frame (), view.part);
  if (!priv->on_gpu && !is_inside (*mapping.frame (), view.frame,
                           describe_frame (priv->video_info, view.part)))
    return std::string ("its rows lie outside its memory");
  if (priv->current_part.width == 0 || !(view.part == priv->current_part))
    FASTSCNN_TRY (update_info (self, view.part));
  FASTSCNN_TRY (klass->process (self, buffer, view));
  if (priv->on_gpu && klass->writes_pixels)
    priv->cuda->mark_written (buffer);
  return std::string ();
}

static GstFlowReturn
skip_unreadable (
    GstFrameFilter *self, GstBuffer *buffer, const std::string &why)
{
  GstFrameFilterClass *klass = GST_FRAME_FILTER_GET_CLASS (self);
  GstFrameFilterPrivate *priv = get_private (self);
  const gint64 now = g_get_monotonic_time ();
  const gboolean passes =
      !klass->pass_unreadable || klass->pass_unreadable (self, buffer);

  GST_DEBUG_OBJECT (self, "%s, %s: %" GST_PTR_FORMAT,
      passes ? "passed on" : "dropped", why.c_str (), buffer);
  priv->unreadable++;
  if (now >= priv->next_warning) {
    priv->next_warning = now + kWarningPeriod;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("A video frame cannot be accessed and is %s: %s. Check the elements "
         "in front.",
            passes ? "passed on as it is" : "dropped", why.c_str ()),
        ("%u frames so far, the last: %" GST_PTR_FORMAT, priv->unreadable,
            buffer));
  }
  return passes ? GST_FLOW_OK : GST_BASE_TRANSFORM_FLOW_DROPPED;
}

static GstFlowReturn
gst_frame_filter_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstFrameFilter *self = GST_FRAME_FILTER (trans);

  const Result<std::string> processed = process_frame (self, buffer);
  if (processed)
    return processed->empty () ? GST_FLOW_OK
                               : skip_unreadable (self, buffer, *processed);
  gst_frame_filter_post_error (GST_ELEMENT (self), processed.error ());
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_frame_filter_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstFrameFilterPrivate *priv = get_private (GST_FRAME_FILTER (trans));

  if (!priv->has_caps && !priv->warned_without_caps) {
    priv->warned_without_caps = TRUE;
    post_missing_caps (GST_ELEMENT (trans));
  }
  return GST_BASE_TRANSFORM_CLASS (gst_frame_filter_parent_class)
      ->submit_input_buffer (trans, is_discont, buffer);
}

static void
gst_frame_filter_set_context (GstElement *element, GstContext *context)
{
  GstFrameFilterPrivate *priv = get_private (GST_FRAME_FILTER (element));

  priv->cuda->set_context (element, context, priv->device_id);
  GST_ELEMENT_CLASS (gst_frame_filter_parent_class)
      ->set_context (element, context);
}

static gboolean
gst_frame_filter_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstFrameFilterPrivate *priv = get_private (GST_FRAME_FILTER (trans));

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT &&
      priv->cuda->answer_query (GST_ELEMENT (trans), query))
    return TRUE;
  return GST_BASE_TRANSFORM_CLASS (gst_frame_filter_parent_class)
      ->query (trans, direction, query);
}

static gboolean
is_in_host_memory (
    GstCapsFeatures *features, GstStructure *structure, gpointer unused)
{
  return gst_caps_features_is_equal (
      features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

static GstCaps *
gst_frame_filter_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstCaps *result = gst_caps_copy (caps);

  if (!get_private (GST_FRAME_FILTER (trans))->use_gpu)
    gst_caps_filter_and_map_in_place (
        result, (GstCapsFilterMapFunc)is_in_host_memory, NULL);
  if (filter) {
    GstCaps *all = result;
    result = gst_caps_intersect_full (filter, all, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (all);
  }
  return result;
}

static void
gst_frame_filter_finalize (GObject *object)
{
  delete get_private (GST_FRAME_FILTER (object))->cuda;
  G_OBJECT_CLASS (gst_frame_filter_parent_class)->finalize (object);
}

static void
add_pad_templates (GstElementClass *element_class, GstCaps *caps)
{
  for (GstPadDirection direction : { GST_PAD_SINK, GST_PAD_SRC })
    gst_element_class_add_pad_template (element_class,
        gst_pad_template_new (direction == GST_PAD_SINK ? "sink" : "src",
            direction, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);
}

void
gst_frame_filter_class_accept_gpu_memory (GstFrameFilterClass *klass)
{
  if (!CudaMemory::caps ())
    return;
  const std::string caps = std::string (CudaMemory::caps ()) + SIZES_AND_RATE
                           "; video/x-raw, format=" FORMATS SIZES_AND_RATE;
  add_pad_templates (
      GST_ELEMENT_CLASS (klass), gst_caps_from_string (caps.c_str ()));
}

void
gst_frame_filter_use_gpu_memory (
    GstFrameFilter *self, gboolean use, gint device_id)
{
  GstFrameFilterPrivate *priv = get_private (self);

  priv->use_gpu = use;
  priv->device_id = device_id;
}

GstAllocator *
gst_frame_filter_make_mask_allocator (GstFrameFilter *self)
{
  GstFrameFilterPrivate *priv = get_private (self);

  return priv->on_gpu ? priv->cuda->make_mask_allocator () : NULL;
}

Rect
gst_frame_filter_get_visible_part (
    GstFrameFilter *self, GstBuffer *buffer, Rect *whole)
{
  const GstVideoInfo &info = get_private (self)->video_info;

  *whole = whole_frame (buffer, info);
  return matches_caps (buffer, info) ? visible_part (buffer, info) : *whole;
}

gpointer
gst_frame_filter_get_cuda_context (GstFrameFilter *self)
{
  return get_private (self)->cuda_context;
}

/* Buffers pass through, so downstream answers: it offers its pools, and says
 * whether it supports padded strides and crops. */
static gboolean
gst_frame_filter_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  return gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (trans), query);
}

static gboolean
gst_frame_filter_stop (GstBaseTransform *trans)
{
  GstFrameFilterPrivate *priv = get_private (GST_FRAME_FILTER (trans));

  forget_info (priv);
  priv->use_gpu = TRUE;
  priv->has_caps = priv->warned_without_caps = FALSE;
  priv->unreadable = 0;
  priv->next_warning = 0;
  return TRUE;
}

static void
gst_frame_filter_class_init (GstFrameFilterClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  add_pad_templates (element_class,
      gst_caps_from_string ("video/x-raw, format=" FORMATS SIZES_AND_RATE));

  gst_type_mark_as_plugin_api (GST_TYPE_FRAME_FILTER, (GstPluginAPIFlags)0);
  trans_class->passthrough_on_same_caps = FALSE;
  G_OBJECT_CLASS (klass)->finalize = gst_frame_filter_finalize;
  element_class->set_context = GST_DEBUG_FUNCPTR (gst_frame_filter_set_context);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_frame_filter_query);
  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_frame_filter_transform_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_frame_filter_set_caps);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_frame_filter_transform_ip);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_frame_filter_propose_allocation);
  trans_class->submit_input_buffer =
      GST_DEBUG_FUNCPTR (gst_frame_filter_submit_input_buffer);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_frame_filter_stop);
}

static void
gst_frame_filter_init (GstFrameFilter *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  forget_info (get_private (self));
  get_private (self)->cuda = new CudaMemory;
  get_private (self)->use_gpu = TRUE;
  get_private (self)->device_id = -1;
  gst_base_transform_set_in_place (trans, TRUE);
  gst_base_transform_set_passthrough (trans, FALSE);
  gst_base_transform_set_gap_aware (trans, TRUE);
  explain_refused_caps (
      GST_ELEMENT (self), GST_BASE_TRANSFORM_SINK_PAD (trans));
}
