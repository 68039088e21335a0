/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/base/refusedcaps.h"

#include <gst/video/video.h>

#include <algorithm>
#include <string>

namespace fastscnn
{
namespace
{

/* Returns what to do so that frames of these caps are accepted. */
std::string
remedy_for (GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const GstCapsFeatures *features = gst_caps_get_features (caps, 0);
  GstVideoInfo info;

  if (!gst_structure_has_name (structure, "video/x-raw"))
    return "put a decoder, for example decodebin, in front";
  if (!gst_caps_features_is_equal (
          features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
    return "put an element in front that downloads frames from this memory, "
           "for example gldownload or cudadownload, and then videoconvert";
  if (gst_video_info_from_caps (&info, caps) &&
      (std::min (info.width, info.height) < kMinFrameSize ||
          std::max (info.width, info.height) > kMaxFrameSize))
    return "put videoscale in front, since frames must have " +
           std::to_string (kMinFrameSize) + "x" +
           std::to_string (kMinFrameSize) + " to " +
           std::to_string (kMaxFrameSize) + "x" +
           std::to_string (kMaxFrameSize) + " pixels";
  return "put videoconvert in front";
}

/* Checks caps before the pad refuses them. Only those in an event will be
 * used; a query may just be a try. */
GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer element)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  if (gst_pad_query_accept_caps (pad, caps))
    return GST_PAD_PROBE_OK;
  gchar *text = gst_caps_to_string (caps);
  GST_ELEMENT_WARNING (element, STREAM, FORMAT,
      ("%s does not accept the caps %s; %s.", GST_OBJECT_NAME (element), text,
          remedy_for (caps).c_str ()),
      (NULL));
  g_free (text);
  return GST_PAD_PROBE_OK;
}

} // namespace

void
explain_refused_caps (GstElement *element, GstPad *sinkpad)
{
  gst_pad_add_probe (
      sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, element, NULL);
}

void
post_missing_caps (GstElement *element)
{
  GST_ELEMENT_ERROR (element, STREAM, FORMAT,
      ("%s received data that is not described as raw video; put a decoder, "
       "for example decodebin, in front.",
          GST_OBJECT_NAME (element)),
      (NULL));
}

} // namespace fastscnn
