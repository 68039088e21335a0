// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/missingmasks.h"

#include <gst/classmask/gstclassmaskmeta.h>

#include <algorithm>
#include <vector>

#include "gst/overlay/framemasks.h"

namespace fastscnn
{
namespace
{

constexpr int kFarthest = 100; // elements upstream to visit at most

/// "a, b and c"
std::string
enumerate (const std::vector<std::string> &names)
{
  std::string list;
  for (size_t i = 0; i < names.size (); i++)
    list += (i == 0 ? "" : i + 1 == names.size () ? " and " : ", ") + names[i];
  return list;
}

/// The elements between an element and the fastscnn upstream of it.
struct Upstream {
  std::string producer; // empty: there is none
  bool has_inferred = false;
  std::vector<std::string> between;
};

/// The peer pad, looking through ghost pads of bins. (transfer full)
/// (nullable)
GstPad *
real_peer (GstPad *pad)
{
  GstPad *peer = gst_pad_get_peer (pad);

  while (peer && (GST_IS_GHOST_PAD (peer) || GST_IS_PROXY_PAD (peer))) {
    GstPad *next;
    if (GST_IS_GHOST_PAD (peer)) { /* into a bin */
      next = gst_ghost_pad_get_target (GST_GHOST_PAD (peer));
    } else { /* out of a bin */
      GstProxyPad *outside = gst_proxy_pad_get_internal (GST_PROXY_PAD (peer));
      next = outside ? gst_pad_get_peer (GST_PAD (outside)) : NULL;
      gst_clear_object (&outside);
    }
    gst_object_unref (peer);
    peer = next;
  }
  return peer;
}

bool
is_fastscnn (GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  return factory && g_str_equal (GST_OBJECT_NAME (factory), "fastscnn");
}

/// Whether a fastscnn has made masks.
bool
has_inferred (GstElement *element)
{
  GstStructure *stats = NULL;
  guint64 inferred = 0;
  g_object_get (element, "stats", &stats, NULL);
  if (stats)
    gst_structure_get_uint64 (stats, "inferred", &inferred);
  g_clear_pointer (&stats, gst_structure_free);
  return inferred > 0;
}

struct Walk {
  Upstream *found;
  int left;
};

gboolean
walk_up (GstElement *, GstPad *sinkpad, gpointer data)
{
  auto *walk = static_cast<Walk *> (data);
  GstPad *peer = walk->left-- > 0 ? real_peer (sinkpad) : NULL;
  GstElement *element = peer ? gst_pad_get_parent_element (peer) : NULL;

  if (element && is_fastscnn (element)) {
    walk->found->producer = GST_OBJECT_NAME (element);
    walk->found->has_inferred = has_inferred (element);
  } else if (element) {
    const size_t before = walk->found->between.size ();
    walk->found->between.push_back (GST_OBJECT_NAME (element));
    gst_element_foreach_sink_pad (element, walk_up, walk);
    if (walk->found->producer.empty ())
      walk->found->between.resize (before);
  }
  gst_clear_object (&element);
  gst_clear_object (&peer);
  return walk->found->producer.empty ();
}

Upstream
look_upstream (GstElement *element)
{
  Upstream found;
  Walk walk{ &found, kFarthest };
  gst_element_foreach_sink_pad (element, walk_up, &walk);
  return found;
}

std::string
explain_no_mask (GstElement *overlay)
{
  const Upstream upstream = look_upstream (overlay);
  const std::string &producer = upstream.producer;

  if (producer.empty ())
    return "the frames carry no mask, and there is no fastscnn upstream; put "
           "one there, or receive masks with the frames.";
  if (!upstream.has_inferred || upstream.between.empty ())
    return producer + " has made none yet.";
  const std::string between = enumerate (upstream.between);
  if (upstream.between.size () == 1)
    return between + " drops the masks of " + producer + "; put it before " +
           producer + ".";
  return "one of the elements " + between + " drops the masks of " + producer +
         "; put it before " + producer + ".";
}

/// The names of the elements that made masks of the frame, without repetition.
std::vector<std::string>
sources_of (const Masks &masks)
{
  std::vector<std::string> names;
  for (const GstClassMaskMeta *mask : masks) {
    const gchar *source = g_quark_to_string (mask->source);
    const std::string name = source ? source : "an unnamed element";
    if (std::find (names.begin (), names.end (), name) == names.end ())
      names.push_back (name);
  }
  return names;
}

std::string
in_seconds (GstClockTime age)
{
  if (!GST_CLOCK_TIME_IS_VALID (age))
    return "of unknown age";
  gchar text[32];
  g_ascii_formatd (
      text, sizeof text, "%.3f", static_cast<gdouble> (age) / GST_SECOND);
  return std::string (text) + " s old";
}

} // namespace

bool
MissingMasks::is_new (GstClockTime time, bool has_mask)
{
  had_mask_ |= has_mask;
  if (has_mask || told_ || !GST_CLOCK_TIME_IS_VALID (time)) {
    since_ = GST_CLOCK_TIME_NONE;
    return false;
  }
  if (!GST_CLOCK_TIME_IS_VALID (since_) || time < since_)
    since_ = time;
  told_ = time - since_ >= GST_SECOND;
  return told_;
}

std::string
MissingMasks::explain (GstElement *overlay, GstBuffer *frame,
    const OverlaySettings &settings) const
{
  const std::string begin =
      had_mask_ ? "For a second, frames have had no mask to draw, as they had "
                  "before: "
                : "No frame has had a mask to draw so far: ";
  const Masks all = find_masks (frame, "", 0, false);
  const Masks wanted = find_masks (frame, settings.source, 0, false);

  if (all.empty ())
    return begin + explain_no_mask (overlay);
  if (wanted.empty ())
    return begin + "their masks come from " + enumerate (sources_of (all)) +
           ", not from " + as_utf8 (settings.source) +
           "; set source to a name of these, or leave it empty.";
  return begin + "the newest mask is " + in_seconds (wanted[0]->age) +
         "; max-age allows " + in_seconds (settings.max_age) +
         ". Raise max-age, or make inference faster.";
}

} // namespace fastscnn
