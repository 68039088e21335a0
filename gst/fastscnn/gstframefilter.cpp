/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/gstframefilter.h"

#include <new>
#include <string>

#define FORMATS                                                                \
  "{ NV12, NV21, I420, YV12, YUY2, UYVY, RGB, BGR, RGBx, BGRx, xRGB, xBGR, "   \
  "RGBA, BGRA, ARGB, ABGR, GRAY8 }"
#define SIZES "[ 16, 8192 ]"

GST_DEBUG_CATEGORY_STATIC (gst_frame_filter_debug);
#define GST_CAT_DEFAULT gst_frame_filter_debug

using namespace fastscnn;

namespace
{

constexpr int kMinSize = 16;

/* A frame that is unmapped again however its scope is left. */
class Mapping
{
public:
  Mapping (const GstVideoInfo &info, GstBuffer *buffer, int flags)
      : mapped_ (gst_video_frame_map (&frame_, &info, buffer,
            (GstMapFlags)(flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)))
  {
    if (!mapped_)
      throw Error (Error::Kind::kFormat,
          "The memory of a video frame could not be mapped.");
  }
  ~Mapping ()
  {
    if (mapped_)
      gst_video_frame_unmap (&frame_);
  }
  Mapping (const Mapping &) = delete;
  Mapping &operator= (const Mapping &) = delete;

  const GstVideoFrame &
  frame () const
  {
    return frame_;
  }

private:
  GstVideoFrame frame_;
  bool mapped_;
};

} // namespace

typedef struct {
  GstVideoInfo video_info;
  FrameInfo told; /* what set_info was called with last */
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

const GstVideoInfo *
gst_frame_filter_get_video_info (GstFrameFilter *self)
{
  return &get_private (self)->video_info;
}

void
gst_frame_filter_post_error (GstElement *element, const std::exception &error)
{
  const auto *ours = dynamic_cast<const Error *> (&error);

  if (!ours)
    GST_ELEMENT_ERROR (element, LIBRARY, FAILED, ("%s", error.what ()), (NULL));
  else if (ours->kind () == Error::Kind::kModel)
    GST_ELEMENT_ERROR (
        element, RESOURCE, OPEN_READ, ("%s", error.what ()), (NULL));
  else if (ours->kind () == Error::Kind::kDevice)
    GST_ELEMENT_ERROR (
        element, RESOURCE, NOT_FOUND, ("%s", error.what ()), (NULL));
  else if (ours->kind () == Error::Kind::kFormat)
    GST_ELEMENT_ERROR (element, STREAM, FORMAT, ("%s", error.what ()), (NULL));
  else
    GST_ELEMENT_ERROR (element, LIBRARY, FAILED, ("%s", error.what ()), (NULL));
}

static void
tell_info (GstFrameFilter *self, const Rect &part)
{
  GstFrameFilterPrivate *priv = get_private (self);
  const FrameInfo info = describe_frame (priv->video_info, part);

  if (info == priv->told)
    return;
  if (part.width < kMinSize || part.height < kMinSize)
    throw Error (Error::Kind::kFormat,
        "A crop leaves " + std::to_string (part.width) + "x" +
            std::to_string (part.height) + " pixels of the frame; at least " +
            std::to_string (kMinSize) + "x" + std::to_string (kMinSize) +
            " are needed.");
  /* If set_info throws, the next frame tries again. */
  priv->told = FrameInfo ();
  GST_FRAME_FILTER_GET_CLASS (self)->set_info (self, info);
  priv->told = info;
}

static gboolean
gst_frame_filter_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstFrameFilter *self = GST_FRAME_FILTER (trans);
  GstFrameFilterPrivate *priv = get_private (self);

  if (!gst_video_info_from_caps (&priv->video_info, incaps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("The caps describe no video frame."), ("%" GST_PTR_FORMAT, incaps));
    return FALSE;
  }
  try {
    tell_info (self, { 0, 0, GST_VIDEO_INFO_WIDTH (&priv->video_info),
                         GST_VIDEO_INFO_HEIGHT (&priv->video_info) });
    return TRUE;
  } catch (const std::exception &error) {
    gst_frame_filter_post_error (GST_ELEMENT (self), error);
    return FALSE;
  }
}

static GstFlowReturn
gst_frame_filter_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstFrameFilter *self = GST_FRAME_FILTER (trans);
  GstFrameFilterClass *klass = GST_FRAME_FILTER_GET_CLASS (self);
  GstFrameFilterPrivate *priv = get_private (self);
  const int flags = klass->writes_pixels ? GST_MAP_READWRITE : GST_MAP_READ;

  try {
    if (klass->prepare && !klass->prepare (self, buffer))
      return GST_FLOW_OK;

    GstFrameFilterView view;
    view.part = visible_part (buffer, priv->video_info);
    tell_info (self, view.part);

    Mapping mapping (priv->video_info, buffer, flags);
    view.frame = view_frame (mapping.frame (), view.part);
    return klass->process (self, buffer, view);
  } catch (const std::exception &error) {
    gst_frame_filter_post_error (GST_ELEMENT (self), error);
    return GST_FLOW_ERROR;
  }
}

/* Buffers go through as they are, so whatever downstream wants or cannot cope
 * with (pools, padded strides, crops) is for upstream to know. */
static gboolean
gst_frame_filter_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  return gst_pad_peer_query (GST_BASE_TRANSFORM_SRC_PAD (trans), query);
}

static gboolean
gst_frame_filter_stop (GstBaseTransform *trans)
{
  get_private (GST_FRAME_FILTER (trans))->told = FrameInfo ();
  return TRUE;
}

static void
gst_frame_filter_class_init (GstFrameFilterClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstCaps *caps = gst_caps_from_string (
      "video/x-raw, format=" FORMATS ", width=" SIZES ", height=" SIZES
      ", framerate=" GST_VIDEO_FPS_RANGE);

  for (GstPadDirection direction : { GST_PAD_SINK, GST_PAD_SRC })
    gst_element_class_add_pad_template (element_class,
        gst_pad_template_new (direction == GST_PAD_SINK ? "sink" : "src",
            direction, GST_PAD_ALWAYS, caps));
  gst_caps_unref (caps);

  gst_type_mark_as_plugin_api (GST_TYPE_FRAME_FILTER, (GstPluginAPIFlags)0);
  trans_class->passthrough_on_same_caps = FALSE;
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_frame_filter_set_caps);
  trans_class->transform_ip = GST_DEBUG_FUNCPTR (gst_frame_filter_transform_ip);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_frame_filter_propose_allocation);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_frame_filter_stop);
}

static void
gst_frame_filter_init (GstFrameFilter *self)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  get_private (self)->told = FrameInfo ();
  gst_base_transform_set_in_place (trans, TRUE);
  gst_base_transform_set_passthrough (trans, FALSE);
  gst_base_transform_set_gap_aware (trans, TRUE);
}
