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
 * The modes blur and pixelate make people in the drawn classes unrecognisable.
 * Whatever the resolution, what replaces them has no detail finer than 1/26
 * (blur) or 1/20 (pixelate) of the frame height. It reaches
 * #GstClassMaskOverlay:blur-margin beyond the mask, and frames without a mask
 * are covered as a whole.
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

#include "gst/base/moduleloader.h"
#include "gst/masks/analytics.h"
#include "gst/overlay/maskcomposer.h"
#include "gst/overlay/maskmapping.h"
#include "gst/overlay/properties.h"
#include "gst/overlay/style.h"

GST_DEBUG_CATEGORY_STATIC (gst_class_mask_overlay_debug);
#define GST_CAT_DEFAULT gst_class_mask_overlay_debug

using namespace fastscnn;

namespace
{

/* Slow enough to read the shares. */
constexpr GstClockTime kLegendPeriod = 400 * GST_MSECOND;

struct State {
  std::mutex mutex; /* guards the members of this paragraph */
  OverlaySettings settings;
  guint changes = 1; /* of settings */
  std::string palette_error;

  /* For the streaming thread. */
  OverlaySettings current; /* snapshot for the current frame */
  guint current_changes = 0;
  std::unique_ptr<Painter> painter;
  gpointer cuda_context = NULL; /* of the painter; NULL for the CPU's */
  FrameInfo info;
  OverlayStyle style;
  PaintStyle cover;        /* for frames without a mask */
  Masks masks;             /* of the current frame */
  bool background = false; /* unknown pixels of these masks are background */
  MaskComposer composer;
  AnalyticsReader analytics;
  Legend legend;
  GstClockTime legend_time = GST_CLOCK_TIME_NONE;
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

/* cuda_context: NULL for frames in host memory. */
static Result<std::unique_ptr<Painter> >
create_painter (gpointer cuda_context)
{
  Backend *backend =
      FASTSCNN_TRY (open_backend (cuda_context ? "cuda" : "cpu"));
  Device device;
  device.queue.context = cuda_context;
  return backend->create_painter (device);
}

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
  state->legend_time = GST_CLOCK_TIME_NONE;
  gst_frame_filter_use_gpu_memory (
      GST_FRAME_FILTER (self), can_paint_on_gpu (), -1);
  return TRUE;
}

static Result<>
gst_class_mask_overlay_set_info (GstFrameFilter *filter, const FrameInfo &info)
{
  State *state = GST_CLASS_MASK_OVERLAY (filter)->state;

  gpointer context = info.memory == Memory::kDevice
                         ? gst_frame_filter_get_cuda_context (filter)
                         : NULL;
  if (!state->painter || context != state->cuda_context) {
    state->painter = FASTSCNN_TRY (create_painter (context));
    state->cuda_context = context;
  }
  FASTSCNN_TRY (state->painter->configure (info));
  state->info = info;
  state->legend_time = GST_CLOCK_TIME_NONE;
  return {};
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
    state->legend_time = GST_CLOCK_TIME_NONE;
  current = next;
}

/* Masks from GstAnalytics have no source and no age. Their producers tell
 * nothing unknown from background. */
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
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format == GST_FORMAT_TIME) {
    const guint64 time = gst_segment_to_stream_time (
        segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    if (GST_CLOCK_TIME_IS_VALID (time))
      gst_object_sync_values (GST_OBJECT (self), time);
  }
  take_settings (state);
  take_masks (state, buffer);
  return !state->masks.empty () || state->current.covers_missing ();
}

static Result<>
cover_frame (State *state, const GstFrameFilterView &view)
{
  state->cover.mode = state->current.mode;
  state->cover.background = from_argb (state->current.background_color);
  state->cover.cover_all = true;
  return state->painter->paint (
      view.frame, PaintMask (), state->cover, view.queue);
}

/* Updates the legend at most once per period. */
static Result<>
draw_legend (GstClassMaskOverlay *self, const GstFrameFilterView &view,
    bool composed, GstClockTime now)
{
  State *state = self->state;
  const GstClockTime then = state->legend_time;
  const bool due = !GST_CLOCK_TIME_IS_VALID (then) ||
                   !GST_CLOCK_TIME_IS_VALID (now) || now < then ||
                   now - then >= kLegendPeriod;

  if (due) {
    guint64 counts[256];
    if (composed)
      state->composer.count_pixels (counts);
    else if (!gst_class_mask_meta_count_pixels (state->masks[0], counts))
      return {};
    state->legend_time = now;

    LegendContent content;
    content.corner = state->current.legend;
    content.frame_width = state->info.width;
    content.frame_height = state->info.height;
    content.labels = &state->style.labels ();
    content.colors = state->style.paint ().color;
    content.counts = counts;
    state->legend.update (content);
  }
  if (const PaintImage *image = state->legend.image ())
    return state->painter->paint_image (view.frame, *image, view.queue);
  return {};
}

/* Whether the masks have to become one image: there are several, or one leaves
 * in doubt whether it covers all of a frame in which nobody may be seen. */
static bool
needs_composition (const State *state, const GstFrameFilterView &view)
{
  return state->masks.size () > 1 ||
         (state->current.protects_privacy () && !state->background &&
             !covers (state->masks[0], view.part));
}

static Result<>
paint_masks (State *state, const GstFrameFilterView &view, bool compose)
{
  const PaintStyle &style = state->style.paint ();

  if (!compose) {
    const MaskMapping mapping (state->masks[0], view.queue.context);
    const PaintMask mask = FASTSCNN_TRY (mapping.place (view.part));
    return state->painter->paint (view.frame, mask, style, view.queue);
  }
  const bool covers_rest =
      state->current.protects_privacy () && !state->background;
  if (!state->composer.compose (state->masks, view.part, state->style.rank (),
          covers_rest ? GST_CLASS_MASK_UNKNOWN : kOutside,
          state->current.protects_privacy ()))
    return unreadable_mask ();
  return state->painter->paint (
      view.frame, state->composer.image (), style, view.queue);
}

static Result<>
gst_class_mask_overlay_process (
    GstFrameFilter *filter, GstBuffer *buffer, const GstFrameFilterView &view)
{
  GstClassMaskOverlay *self = GST_CLASS_MASK_OVERLAY (filter);
  State *state = self->state;
  std::vector<std::string> warnings;

  if (state->masks.empty ())
    return cover_frame (state, view);
  state->style.update (state->current,
      state->composer.merge_classes (state->masks), state->background,
      &warnings);
  for (const std::string &warning : warnings)
    GST_ELEMENT_WARNING (
        self, RESOURCE, SETTINGS, ("%s", warning.c_str ()), (NULL));
  if (state->style.covers_frame ())
    return cover_frame (state, view);

  const bool compose = needs_composition (state, view);
  const Result<> painted = paint_masks (state, view, compose);
  if (!painted && state->current.protects_privacy ()) {
    GST_WARNING_OBJECT (
        self, "covering the frame: %s", painted.error ().sentence.c_str ());
    return cover_frame (state, view);
  }
  FASTSCNN_TRY (painted);
  if (state->current.legend == LegendCorner::kNone)
    return {};
  return draw_legend (self, view, compose, GST_BUFFER_PTS (buffer));
}

/* A frame that cannot be covered shows everybody. */
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
  /* A running stream keeps its colours. */
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
