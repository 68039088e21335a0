/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-fastscnn
 * @title: fastscnn
 * @short_description: says what is where in a video, with Fast-SCNN
 * @see_also: classmaskoverlay, classmaskextract, classmaskjson
 *
 * Looks at every frame with Fast-SCNN (Poudel, Liwicki, Cipolla: Fast-SCNN:
 * Fast Semantic Segmentation Network, arXiv 1902.04502) and attaches a
 * #GstClassMaskMeta: for every pixel, the class of what is seen there. The
 * pixels of the frame are left alone. Shares of the classes lie beside it, in
 * the custom meta `ClassMaskSummary` ([its fields](applications.html)).
 *
 * Where inference is slower than the stream, #GstFastScnn:interval looks at
 * every n-th frame only, #GstFastScnn:async lets frames go on while one is
 * looked at, and with #GstFastScnn:qos, which is the default, frames that are
 * late already are not looked at. Frames that are not looked at carry the
 * newest mask there is, and its age. No frame is ever dropped.
 *
 * With #GstFastScnn:post-messages, each mask is also announced on the bus by
 * an element message `classmask` with the fields
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: those of
 *   the frame
 * * #gint `width`, `height`: the size of the mask
 * * #gchararray `model`: the name of the model
 * * #guint64 `age`: 0
 * * #GST_TYPE_ARRAY of #gchararray `labels`: the names of the classes
 * * #GST_TYPE_ARRAY of #guint64 `pixels`: how many pixels each class has
 * * #guint64 `unknown`: how many pixels have no class
 *
 * Where #GstFastScnn:backend is auto and a GPU fails while the stream runs, the
 * CPU goes on, after a warning and an element message `fastscnn-fallback` with
 * the fields #gchararray `backend`, `device` and `reason`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay ! videoconvert ! autovideosink
 * ]| Shows a film with its classes drawn over it.
 * |[
 * gst-launch-1.0 rtspsrc location=rtsp://camera/stream ! decodebin !
 * videoconvert ! fastscnn async=true ! classmaskoverlay ! videoconvert !
 * autovideosink
 * ]| The same for a camera; the video never waits.
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=50 ! fastscnn interval=9
 * post-messages=true ! fakesink
 * ]| Prints what is seen in every tenth frame.
 */

#include "gst/fastscnn/gstfastscnn.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "gst/masks/analytics.h"
#include "gst/fastscnn/qostracker.h"
#include "gst/fastscnn/maskoutput.h"
#include "gst/fastscnn/messages.h"
#include "gst/fastscnn/properties.h"
#include "gst/fastscnn/segmenter.h"
#include "gst/fastscnn/asyncsegmenter.h"
#include "gst/fastscnn/stats.h"

GST_DEBUG_CATEGORY_STATIC (gst_fast_scnn_debug);
#define GST_CAT_DEFAULT gst_fast_scnn_debug

using namespace fastscnn;

namespace
{

struct State {
  std::mutex mutex; /* guards settings */
  Settings settings;

  Stats stats;
  Lateness lateness;
  std::atomic<bool> live{ false };

  /* Of the streaming thread, from start to stop. */
  std::unique_ptr<Segmenter> segmenter;
  AnalyticsWriter analytics;
  std::unique_ptr<Sidecar> sidecar; /* null unless async */
  bool held = true;                 /* frames wait for their inference */
  SegmentationPtr last;             /* if they do */
  GQuark source = 0;
  guint not_looked_at = 0; /* frames in a row */

  SegmentationPtr
  newest () const
  {
    return held ? last : sidecar->newest ();
  }

  Settings::Live
  live_settings ()
  {
    const std::lock_guard<std::mutex> lock (mutex);
    return settings.live;
  }
};

} // namespace

struct _GstFastScnn {
  GstFrameFilter parent;
  State *state;
};

G_DEFINE_TYPE_WITH_CODE (GstFastScnn, gst_fast_scnn, GST_TYPE_FRAME_FILTER,
    GST_DEBUG_CATEGORY_INIT (gst_fast_scnn_debug, "fastscnn", 0,
        "Semantic segmentation with Fast-SCNN"))
GST_ELEMENT_REGISTER_DEFINE (
    fastscnn, "fastscnn", GST_RANK_NONE, GST_TYPE_FAST_SCNN)

static FrameTime
frame_time (GstFastScnn *self, GstBuffer *buffer)
{
  return time_of (buffer, GST_BASE_TRANSFORM (self)->segment);
}

/* On the thread that made the mask. */
static void
on_finished (GstFastScnn *self, const Segmentation &mask)
{
  State *state = self->state;

  state->stats.count_inference (mask.took);
  if (state->live_settings ().post_messages)
    gst_fast_scnn_post_mask (GST_ELEMENT (self), mask);
}

static void
on_fell_back (GstFastScnn *self, const Segmenter &segmenter, const char *reason)
{
  self->state->stats.set_backend (segmenter.backend (), segmenter.device ());
  gst_fast_scnn_post_fallback (GST_ELEMENT (self), segmenter, reason);
}

static Result<>
open_segmenter (GstFastScnn *self, const Settings &settings)
{
  State *state = self->state;

  state->segmenter = FASTSCNN_TRY (Segmenter::create (
      settings, [self] (const Segmenter &segmenter, const char *reason) {
        on_fell_back (self, segmenter, reason);
      }));
  if (settings.async)
    state->sidecar = FASTSCNN_TRY (Sidecar::create (*state->segmenter,
        [self] (const Segmentation &mask) { on_finished (self, mask); }));
  return {};
}

static gboolean
gst_fast_scnn_start (GstBaseTransform *trans)
{
  GstFastScnn *self = GST_FAST_SCNN (trans);
  State *state = self->state;
  Settings settings;

  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    settings = state->settings;
  }
  const Result<> opened = open_segmenter (self, settings);
  if (!opened) {
    gst_frame_filter_post_error (GST_ELEMENT (self), opened.error ());
    return FALSE;
  }
  const Segmenter &segmenter = *state->segmenter;
  GST_INFO_OBJECT (self, "using %s: %s. %s", segmenter.backend ().c_str (),
      segmenter.device ().c_str (), segmenter.passed_over ().c_str ());
  gst_frame_filter_use_gpu_memory (GST_FRAME_FILTER (self),
      segmenter.backend () == "cuda", settings.cuda_device_id);
  state->stats.reset (segmenter.backend (), segmenter.device ());
  state->lateness.start ();
  state->live = false;
  state->source = g_quark_from_string (GST_OBJECT_NAME (self));
  state->not_looked_at = 0;
  return TRUE;
}

static gboolean
gst_fast_scnn_stop (GstBaseTransform *trans)
{
  State *state = GST_FAST_SCNN (trans)->state;

  state->sidecar.reset ();
  state->segmenter.reset ();
  state->last.reset ();
  state->held = true;
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)->stop (trans);
}

static Result<>
gst_fast_scnn_set_info (GstFrameFilter *filter, const FrameInfo &info)
{
  State *state = GST_FAST_SCNN (filter)->state;

  /* A GPU is done with a frame before it could be copied for later. */
  state->held = !state->sidecar || info.memory == Memory::kDevice;
  state->last.reset ();
  if (!state->held)
    return state->sidecar->configure (info);
  return state->segmenter->configure (info,
      gst_frame_filter_get_cuda_context (filter),
      gst_frame_filter_make_mask_allocator (filter));
}

/* What comes has nothing to do with what was. */
static void
forget (State *state)
{
  state->lateness.flush ();
  state->last.reset ();
  if (!state->held)
    state->sidecar->forget ();
  else if (state->segmenter)
    state->segmenter->forget ();
}

/* Decides whether to look at a frame. */
static gboolean
wants_inference (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time,
    const Settings::Live &live)
{
  State *state = self->state;

  if (state->newest ()) {
    /* A gap repeats what was seen before. */
    if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) ||
        state->not_looked_at < live.interval)
      return FALSE;
  }
  const GstClockTime now =
      state->live && state->held
          ? gst_element_get_current_running_time (GST_ELEMENT (self))
          : GST_CLOCK_TIME_NONE;
  if (live.qos && state->lateness.late (time.running_time, now)) {
    const guint64 late = state->stats.count_late ();
    gst_fast_scnn_post_late (GST_ELEMENT (self), time,
        state->lateness.report (), state->live, state->stats.inferred (), late);
    return FALSE;
  }
  return TRUE;
}

/* looked_at: the newest mask was made from this very frame. */
static void
attach_newest (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time,
    gboolean looked_at)
{
  State *state = self->state;
  const SegmentationPtr mask = state->newest ();

  if (!mask)
    return;
  if (!looked_at)
    state->stats.count_reused ();
  const GstClassMaskMeta *meta = gst_fast_scnn_attach_mask (buffer, *mask,
      looked_at ? 0 : time_between (mask->time, time), state->source);
  if (state->live_settings ().analytics_meta &&
      !state->analytics.attach (buffer, *meta))
    GST_WARNING_OBJECT (self, "the mask cannot be attached for GstAnalytics");
}

static gboolean
gst_fast_scnn_prepare (GstFrameFilter *filter, GstBuffer *buffer)
{
  GstFastScnn *self = GST_FAST_SCNN (filter);
  State *state = self->state;
  const FrameTime time = frame_time (self, buffer);

  if (GST_CLOCK_TIME_IS_VALID (time.stream_time))
    gst_object_sync_values (GST_OBJECT (self), time.stream_time);
  state->stats.count_frame ();
  if (wants_inference (self, buffer, time, state->live_settings ()))
    return TRUE;
  state->not_looked_at++;
  attach_newest (self, buffer, time, FALSE);
  return FALSE;
}

static Result<>
gst_fast_scnn_process (
    GstFrameFilter *filter, GstBuffer *buffer, const GstFrameFilterView &view)
{
  GstFastScnn *self = GST_FAST_SCNN (filter);
  State *state = self->state;
  const FrameTime time = frame_time (self, buffer);
  const Settings::Live live = state->live_settings ();
  const ConstFrame frame = as_const (view.frame);
  Request request;

  request.part = view.part;
  request.time = time;
  request.options.confidence_threshold = (float)live.confidence_threshold;
  request.options.smoothing = (float)live.smoothing;
  request.with_confidence = live.confidence_map;

  if (state->held) {
    state->last =
        FASTSCNN_TRY (state->segmenter->segment (frame, view.queue, request));
    on_finished (self, *state->last);
  } else {
    FASTSCNN_TRY (state->sidecar->give (frame, request));
  }
  state->lateness.looked_at (time.running_time, state->held);
  state->not_looked_at = 0;
  attach_newest (self, buffer, time, state->held);
  if (state->held && state->lateness.expect (state->stats.p95 ()) &&
      state->live)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  return {};
}

static gboolean
gst_fast_scnn_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  State *state = GST_FAST_SCNN (trans)->state;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START ||
      GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    forget (state);
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
      ->sink_event (trans, event);
}

/* Not for the base class, which would drop buffers. */
static gboolean
handle_qos (GstFastScnn *self, GstEvent *event)
{
  State *state = self->state;
  Lateness::Report report;
  GstClockTime running_time;

  gst_event_parse_qos (
      event, NULL, &report.proportion, &report.jitter, &running_time);
  if (state->live_settings ().qos &&
      !state->lateness.record (report, running_time)) {
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self), event);
}

static gboolean
gst_fast_scnn_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    return handle_qos (GST_FAST_SCNN (trans), event);
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
      ->src_event (trans, event);
}

static gboolean
gst_fast_scnn_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  State *state = GST_FAST_SCNN (trans)->state;

  if (!GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
           ->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC) {
    gboolean live;
    GstClockTime min, max;
    const GstClockTime ours = state->lateness.latency ();

    gst_query_parse_latency (query, &live, &min, &max);
    state->live = live;
    if (GST_CLOCK_TIME_IS_VALID (max))
      max += ours;
    gst_query_set_latency (query, live, min + ours, max);
  }
  return TRUE;
}

static void
gst_fast_scnn_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  State *state = GST_FAST_SCNN (object)->state;
  const std::lock_guard<std::mutex> lock (state->mutex);

  if (!gst_fast_scnn_set_setting (state->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_fast_scnn_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  State *state = GST_FAST_SCNN (object)->state;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, state->stats.to_structure ());
    return;
  }
  const std::lock_guard<std::mutex> lock (state->mutex);
  if (!gst_fast_scnn_get_setting (state->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
gst_fast_scnn_finalize (GObject *object)
{
  delete GST_FAST_SCNN (object)->state;
  G_OBJECT_CLASS (gst_fast_scnn_parent_class)->finalize (object);
}

static void
gst_fast_scnn_class_init (GstFastScnnClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstFrameFilterClass *filter_class = GST_FRAME_FILTER_CLASS (klass);

  gst_frame_filter_class_accept_gpu_memory (filter_class);
  object_class->set_property = gst_fast_scnn_set_property;
  object_class->get_property = gst_fast_scnn_get_property;
  object_class->finalize = gst_fast_scnn_finalize;
  gst_fast_scnn_install_properties (object_class);

  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass),
      "Fast-SCNN semantic segmentation", "Filter/Analyzer/Video",
      "Attaches a mask that says which class each pixel belongs to",
      "The gst-fastscnn authors");
  trans_class->start = GST_DEBUG_FUNCPTR (gst_fast_scnn_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_fast_scnn_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_fast_scnn_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_fast_scnn_src_event);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_fast_scnn_query);

  filter_class->set_info = gst_fast_scnn_set_info;
  filter_class->prepare = gst_fast_scnn_prepare;
  filter_class->process = gst_fast_scnn_process;
}

static void
gst_fast_scnn_init (GstFastScnn *self)
{
  self->state = new State;
}
