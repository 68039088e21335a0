/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-classmaskoverlay
 * @title: classmaskoverlay
 * @short_description: draws class masks over a video
 * @see_also: fastscnn, classmaskextract, classmaskjson
 *
 * Draws the #GstClassMaskMeta of each frame into the frame, in its own colour
 * space. All properties can be changed while the pipeline is PLAYING; alpha,
 * feather and background-color can also be controlled by a #GstController.
 * Frames without a mask pass unchanged by default (see
 * #GstClassMaskOverlay:on-missing).
 *
 * If #GstClassMaskOverlay:classes or #GstClassMaskOverlay:class-alpha contains
 * a label that the mask does not have, the element posts a warning that lists
 * the labels of the mask. The other names that a model file gives to its labels
 * (person for pedestrian) are labels, too.
 *
 * With #GstClassMaskOverlay:zones, the zones of a mask are outlined, each in a
 * colour of its own.
 *
 * If a second passes without a mask to draw, the element posts one warning that
 * says what it found instead: no mask, and which elements between it and
 * fastscnn may have dropped it; masks of other elements than
 * #GstClassMaskOverlay:source; or masks older than
 * #GstClassMaskOverlay:max-age.
 *
 * The modes blur and pixelate make people in the drawn classes unrecognisable.
 * At any resolution, the covered area shows no detail finer than 1/26 (blur) or
 * 1/20 (pixelate) of the frame height. It extends
 * #GstClassMaskOverlay:blur-margin beyond the mask. Frames without a mask are
 * covered completely.
 *
 * In formats with alpha, the mode cutout makes the pixels that it covers
 * transparent (as far as #GstClassMaskOverlay:background-color is opaque), so
 * that a compositor shows another video there.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay alpha=0.4 contours=true contour-width=1
 * legend=top-left ! videoconvert ! autovideosink
 * ]| Draws colours, outlines and a legend.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay mode=blur classes=pedestrian,bicyclist
 * blur-margin=0.03 ! videoconvert ! autovideosink
 * ]| Blurs people; mode=pixelate does the same with squares.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn interval=4 ! classmaskoverlay mode=blur on-missing=cover-all
 * max-age=500000000 ! videoconvert ! autovideosink
 * ]| Infers every fifth frame and uses each mask for half a second at most.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay classes="-sky,-building"
 * class-alpha="road=0.2,car=0.9" palette=distinct feather=2 ! videoconvert !
 * autovideosink
 * ]| Draws all classes but two, with different strengths and soft edges.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn confidence-threshold=0.5 ! classmaskoverlay mode=mask
 * palette=cityscapes draw-unknown=true ! videoconvert ! autovideosink
 * ]| Shows the mask alone; uncertain pixels are grey.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn name=streets ! classmaskoverlay source=streets mode=cutout
 * classes=road background-color=0xc0000000 ! videoconvert ! autovideosink
 * ]| Darkens everything but the road.
 * |[
 * gst-launch-1.0 compositor name=c sink_1::zorder=1 ! videoconvert !
 * autovideosink videotestsrc ! video/x-raw,width=640,height=360 ! c.sink_0
 * filesrc location=street.mp4 ! decodebin ! videoconvert ! videoscale !
 * video/x-raw,format=RGBA,width=640,height=360 ! fastscnn ! classmaskoverlay
 * mode=cutout classes=car,pedestrian ! c.sink_1
 * ]| Shows cars and people in front of another video.
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay mode=contour contour-width=3 palette=my.gpl !
 * videoconvert ! autovideosink
 * ]| Draws outlines in custom colours.
 */

#include "gst/overlay/gstclassmaskoverlay.h"

#include <gst/classmask/classmask.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "gst/base/frametime.h"
#include "gst/base/moduleloader.h"
#include "gst/masks/analytics.h"
#include "gst/overlay/framepainter.h"
#include "gst/overlay/missingmasks.h"
#include "gst/overlay/properties.h"

GST_DEBUG_CATEGORY_STATIC (gst_class_mask_overlay_debug);
#define GST_CAT_DEFAULT gst_class_mask_overlay_debug

using namespace fastscnn;

namespace
{

struct State {
  std::mutex mutex; /* guards settings, changes and palette_error */
  OverlaySettings settings;
  guint changes = 1; /* of settings */
  std::string palette_error;

  /* For the streaming thread. */
  OverlaySettings current; /* snapshot for the current frame */
  guint current_changes = 0;
  Masks masks;             /* of the current frame */
  bool background = false; /* unknown pixels of these masks are background */
  MissingMasks missing;
  AnalyticsReader analytics;
  FramePainter painter;
};

} // namespace

struct _GstClassMaskOverlay {
  GstFrameFilter parent;
  State *state;
};

G_DEFINE_TYPE_WITH_CODE (GstClassMaskOverlay, gst_class_mask_overlay,
    GST_TYPE_FRAME_FILTER,
    GST_DEBUG_CATEGORY_INIT (gst_class_mask_overlay_debug, "classmaskoverlay",
        0, "Drawing of class masks"))
GST_ELEMENT_REGISTER_DEFINE (classmaskoverlay, "classmaskoverlay",
    GST_RANK_NONE, GST_TYPE_CLASS_MASK_OVERLAY)

static gboolean
can_paint_on_gpu ()
{
  const Result<Backend *> backend = open_backend ("cuda");

  if (!backend)
    GST_DEBUG ("frames in GPU memory are not accepted: %s",
        backend.error ().sentence.c_str ());
  return backend.has_value ();
}

static gboolean
gst_class_mask_overlay_start (GstBaseTransform *trans)
{
  GstClassMaskOverlay *self = GST_CLASS_MASK_OVERLAY (trans);
  State *state = self->state;
  std::string error;

  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    error = state->palette_error;
  }
  if (!error.empty ()) {
    GST_ELEMENT_ERROR (
        self, RESOURCE, SETTINGS, ("%s", error.c_str ()), (NULL));
    return FALSE;
  }
  state->painter.renew_legend ();
  state->missing.reset ();
  gst_frame_filter_use_gpu_memory (
      GST_FRAME_FILTER (self), can_paint_on_gpu (), -1);
  return TRUE;
}

static Result<>
gst_class_mask_overlay_set_info (GstFrameFilter *filter, const FrameInfo &info)
{
  State *state = GST_CLASS_MASK_OVERLAY (filter)->state;

  return state->painter.configure (
      info, info.memory == Memory::kDevice
                ? gst_frame_filter_get_cuda_context (filter)
                : NULL);
}

static void
take_settings (State *state)
{
  const std::lock_guard<std::mutex> lock (state->mutex);
  const OverlaySettings &next = state->settings;
  OverlaySettings &current = state->current;

  if (state->current_changes == state->changes)
    return;
  state->current_changes = state->changes;
  if (next.legend != current.legend || next.classes != current.classes ||
      next.source != current.source || next.colors != current.colors)
    state->painter.renew_legend ();
  if (next.source != current.source || next.max_age != current.max_age)
    state->missing.reset ();
  current = next;
}

/* Masks from GstAnalytics have no source and no age. Their producers do not
 * distinguish unknown from background. */
static void
take_masks (State *state, GstBuffer *buffer)
{
  const OverlaySettings &settings = state->current;

  state->masks = find_masks (buffer, settings.source, settings.max_age, true);
  state->background = false;
  if (!state->masks.empty () || !settings.source.empty ())
    return;
  if (GstBuffer *copies = state->analytics.read (buffer)) {
    state->masks = find_masks (copies, "", settings.max_age, false);
    state->background = true;
  }
}

static gboolean
gst_class_mask_overlay_prepare (GstFrameFilter *filter, GstBuffer *buffer)
{
  GstClassMaskOverlay *self = GST_CLASS_MASK_OVERLAY (filter);
  State *state = self->state;
  const GstClockTime time =
      time_of (buffer, GST_BASE_TRANSFORM (self)->segment).stream_time;

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (self), time);
  take_settings (state);
  take_masks (state, buffer);
  if (state->missing.is_new (time, !state->masks.empty ())) {
    const std::string why =
        state->missing.explain (GST_ELEMENT (self), buffer, state->current);
    GST_ELEMENT_WARNING (self, STREAM, FAILED, ("%s", why.c_str ()), (NULL));
  }
  return !state->masks.empty () || state->current.covers_missing ();
}

static Result<>
gst_class_mask_overlay_process (
    GstFrameFilter *filter, GstBuffer *buffer, const GstFrameFilterView &view)
{
  GstClassMaskOverlay *self = GST_CLASS_MASK_OVERLAY (filter);
  State *state = self->state;
  std::vector<std::string> warnings;

  if (state->masks.empty ())
    return state->painter.cover (state->current, view);
  const Result<> painted = state->painter.paint (state->current, state->masks,
      state->background, view, GST_BUFFER_PTS (buffer), &warnings);
  for (const std::string &warning : warnings)
    GST_ELEMENT_WARNING (
        self, RESOURCE, SETTINGS, ("%s", warning.c_str ()), (NULL));
  return painted;
}

/* To protect privacy, a frame that cannot be covered must not pass. */
static gboolean
gst_class_mask_overlay_pass_unreadable (
    GstFrameFilter *filter, GstBuffer *buffer)
{
  return !GST_CLASS_MASK_OVERLAY (filter)->state->current.protects_privacy ();
}

/* Called without the lock, since it may read a file. */
static std::shared_ptr<const Palette>
load_palette (const GValue *value, std::string &error)
{
  const gchar *name = g_value_get_string (value);

  Result<Palette> palette = Palette::load (name ? name : "");
  if (palette)
    return std::make_shared<Palette> (std::move (*palette));
  error = palette.error ().sentence;
  return nullptr;
}

static void
gst_class_mask_overlay_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstClassMaskOverlay *self = GST_CLASS_MASK_OVERLAY (object);
  State *state = self->state;
  std::shared_ptr<const Palette> colors;
  std::string error;

  if (id == PROP_OVERLAY_PALETTE)
    colors = load_palette (value, error);
  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    if (!gst_class_mask_overlay_set_setting (state->settings, id, value))
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    if (id == PROP_OVERLAY_PALETTE)
      state->palette_error = error;
    if (colors)
      state->settings.colors = colors;
    state->changes++;
  }
  /* A running stream keeps its previous palette. */
  if (!error.empty ())
    GST_ELEMENT_WARNING (
        self, RESOURCE, SETTINGS, ("%s", error.c_str ()), (NULL));
  if (id == PROP_OVERLAY_LEGEND && !Legend::available () &&
      g_value_get_enum (value) != (gint)LegendCorner::kNone)
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
        ("The legend is not available: the plugin was built without Pango."),
        (NULL));
}

static void
gst_class_mask_overlay_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  State *state = GST_CLASS_MASK_OVERLAY (object)->state;
  const std::lock_guard<std::mutex> lock (state->mutex);

  if (!gst_class_mask_overlay_get_setting (state->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_class_mask_overlay_finalize (GObject *object)
{
  delete GST_CLASS_MASK_OVERLAY (object)->state;
  G_OBJECT_CLASS (gst_class_mask_overlay_parent_class)->finalize (object);
}

static void
gst_class_mask_overlay_class_init (GstClassMaskOverlayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstFrameFilterClass *filter_class = GST_FRAME_FILTER_CLASS (klass);

  object_class->set_property = gst_class_mask_overlay_set_property;
  object_class->get_property = gst_class_mask_overlay_get_property;
  object_class->finalize = gst_class_mask_overlay_finalize;
  gst_class_mask_overlay_install_properties (object_class);

  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Class mask overlay", "Filter/Effect/Video",
      "Draws class masks over a video", "The gst-fastscnn authors");

  trans_class->start = GST_DEBUG_FUNCPTR (gst_class_mask_overlay_start);

  gst_frame_filter_class_accept_gpu_memory (filter_class);
  filter_class->writes_pixels = TRUE;
  filter_class->set_info = gst_class_mask_overlay_set_info;
  filter_class->prepare = gst_class_mask_overlay_prepare;
  filter_class->process = gst_class_mask_overlay_process;
  filter_class->pass_unreadable = gst_class_mask_overlay_pass_unreadable;
}

static void
gst_class_mask_overlay_init (GstClassMaskOverlay *self)
{
  self->state = new State;
}
