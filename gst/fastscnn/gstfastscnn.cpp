/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:element-fastscnn
 * @title: fastscnn
 * @short_description: semantic segmentation of video
 * @see_also: classmaskoverlay, classmaskextract, classmaskjson
 *
 * Segments every frame with Fast-SCNN (Poudel, Liwicki, Cipolla: Fast-SCNN:
 * Fast Semantic Segmentation Network, arXiv 1902.04502) and attaches a
 * #GstClassMaskMeta, which holds the class of every pixel, and a custom meta
 * `ClassMaskSummary` with the shares of the classes ([its
 * fields](applications.html)). The pixels of the frame are not changed.
 *
 * Three properties help if inference is slower than the stream. With
 * #GstFastScnn:interval only every n-th frame is inferred. With
 * #GstFastScnn:async frames never wait: a copy of the newest frame is inferred
 * on another thread. With #GstFastScnn:qos, which is on by default, late frames
 * are not inferred. Frames that are not inferred carry the newest mask and its
 * age. No frame is ever dropped.
 *
 * With #GstFastScnn:post-messages, each mask is also announced on the bus by an
 * element message `classmask` with the fields
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: those of
 *   the frame
 * * #gint `width`, `height`: the size of the mask
 * * #gchararray `model`: the name of the model
 * * #guint64 `age`: 0
 * * #GST_TYPE_ARRAY of #gchararray `labels`: the names of the classes
 * * #GST_TYPE_ARRAY of #guint64 `pixels`: the number of pixels of each class
 * * #guint64 `unknown`: the number of pixels whose class is not known
 *
 * If #GstFastScnn:backend is auto and a GPU fails while the stream runs, the
 * CPU takes over. The element posts a warning and an element message
 * `fastscnn-fallback` with the fields #gchararray `backend`, `device` and
 * `reason`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay ! videoconvert ! autovideosink
 * ]| Plays a video with its classes drawn over it.
 * |[
 * gst-launch-1.0 rtspsrc location=rtsp://camera/stream ! decodebin !
 * videoconvert ! fastscnn async=true ! classmaskoverlay ! videoconvert !
 * autovideosink
 * ]| The same for a camera; frames never wait for inference.
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=50 ! fastscnn interval=9
 * post-messages=true ! fakesink
 * ]| Prints the classes of every tenth frame.
 */

#include "gst/fastscnn/gstfastscnn.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "gst/fastscnn/asyncsegmenter.h"
#include "gst/fastscnn/messages.h"
#include "gst/fastscnn/properties.h"
#include "gst/fastscnn/qostracker.h"
#include "gst/fastscnn/segmenter.h"
#include "gst/fastscnn/stats.h"
#include "gst/masks/analytics.h"

GST_DEBUG_CATEGORY_STATIC (gst_fast_scnn_debug);
#define GST_CAT_DEFAULT gst_fast_scnn_debug

using namespace fastscnn;

namespace
{

struct State {
  std::mutex mutex; /* guards settings */
  Settings settings;

  Stats stats;
  QosTracker qos_tracker;
  std::atomic<bool> live{ false };

  /* For the streaming thread, from start to stop. */
  std::unique_ptr<Segmenter> segmenter;
  std::unique_ptr<AsyncSegmenter> async_segmenter; /* NULL unless async */
  bool synchronous = true; /* frames wait for their inference */
  SegmentationPtr last;    /* if synchronous */
  AnalyticsWriter analytics;
  GQuark source = 0;
  guint skipped = 0;            /* frames since the last inference */
  Settings::PerFrame per_frame; /* snapshot for the current frame */

  SegmentationPtr
  latest () const
  {
    return synchronous ? last : async_segmenter->latest ();
  }

  Settings::PerFrame
  per_frame_settings ()
  {
    const std::lock_guard<std::mutex> lock (mutex);
    return settings.per_frame;
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

/* Called on the thread that made the mask. */
static void
on_finished (GstFastScnn *self, const Segmentation &mask)
{
  self->state->stats.count_inference (mask.inference_time);
  if (mask.request.settings.post_messages)
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
    state->async_segmenter =
        FASTSCNN_TRY (AsyncSegmenter::create (*state->segmenter,
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
      segmenter.device ().c_str (), segmenter.rejected_backend ().c_str ());
  gst_frame_filter_use_gpu_memory (GST_FRAME_FILTER (self),
      segmenter.backend () == "cuda", settings.cuda_device_id);
  state->stats.reset (segmenter.backend (), segmenter.device ());
  state->qos_tracker.start ();
  state->live = false;
  state->source = g_quark_from_string (GST_OBJECT_NAME (self));
  state->skipped = 0;
  return TRUE;
}

static gboolean
gst_fast_scnn_stop (GstBaseTransform *trans)
{
  State *state = GST_FAST_SCNN (trans)->state;

  state->async_segmenter.reset ();
  state->segmenter.reset ();
  state->last.reset ();
  state->synchronous = true;
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)->stop (trans);
}

static Result<>
gst_fast_scnn_set_info (GstFrameFilter *filter, const FrameInfo &info)
{
  State *state = GST_FAST_SCNN (filter)->state;

  /* On a GPU inference is quicker than the copy: run synchronously. */
  state->synchronous =
      !state->async_segmenter || info.memory == Memory::kDevice;
  state->last.reset ();
  if (!state->synchronous)
    return state->async_segmenter->configure (info);
  return state->segmenter->configure (info,
      gst_frame_filter_get_cuda_context (filter),
      gst_frame_filter_make_mask_allocator (filter));
}

/* Drops temporal state (seek, new stream). */
static void
reset_stream (State *state)
{
  state->qos_tracker.flush ();
  state->last.reset ();
  if (!state->synchronous)
    state->async_segmenter->reset ();
  else if (state->segmenter)
    state->segmenter->reset ();
}

static gboolean
wants_inference (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time)
{
  State *state = self->state;

  if (state->latest ()) {
    /* A gap repeats the previous frame. */
    if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP) ||
        state->skipped < state->per_frame.interval)
      return FALSE;
  }
  const GstClockTime now =
      state->live && state->synchronous
          ? gst_element_get_current_running_time (GST_ELEMENT (self))
          : GST_CLOCK_TIME_NONE;
  if (state->per_frame.qos &&
      state->qos_tracker.is_late (time.running_time, now)) {
    const guint64 late = state->stats.count_late ();
    gst_fast_scnn_post_qos (GST_ELEMENT (self), time,
        state->qos_tracker.report (), state->live, state->stats.inferred (),
        late);
    return FALSE;
  }
  return TRUE;
}

/* is_own: the latest mask was made from this very frame. */
static void
attach_latest (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time,
    gboolean is_own)
{
  State *state = self->state;
  const SegmentationPtr mask = state->latest ();

  if (!mask)
    return;
  if (!is_own)
    state->stats.count_reused ();
  const GstClassMaskMeta *meta = mask->attach (buffer,
      is_own ? 0 : time_between (mask->request.time, time), state->source);
  if (state->per_frame.analytics_meta &&
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
  state->per_frame = state->per_frame_settings ();
  state->stats.count_frame ();
  if (wants_inference (self, buffer, time))
    return TRUE;
  state->skipped++;
  attach_latest (self, buffer, time, FALSE);
  return FALSE;
}

static Result<>
gst_fast_scnn_process (
    GstFrameFilter *filter, GstBuffer *buffer, const GstFrameFilterView &view)
{
  GstFastScnn *self = GST_FAST_SCNN (filter);
  State *state = self->state;
  const Request request{ view.part, frame_time (self, buffer),
    state->per_frame };
  const ConstFrame frame = as_const (view.frame);

  if (state->synchronous) {
    state->last =
        FASTSCNN_TRY (state->segmenter->segment (frame, view.queue, request));
    on_finished (self, *state->last);
  } else {
    FASTSCNN_TRY (state->async_segmenter->submit (frame, request));
  }
  state->qos_tracker.inferred (request.time.running_time, state->synchronous);
  state->skipped = 0;
  attach_latest (self, buffer, request.time, state->synchronous);
  if (state->synchronous &&
      state->qos_tracker.update_latency (state->stats.p95 ()) && state->live)
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
    reset_stream (state);
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
      ->sink_event (trans, event);
}

/* Replaces that of GstBaseTransform, which would drop buffers. */
static gboolean
handle_qos (GstFastScnn *self, GstEvent *event)
{
  State *state = self->state;
  QosTracker::Report report;
  GstClockTime running_time;

  gst_event_parse_qos (
      event, NULL, &report.proportion, &report.jitter, &running_time);
  if (state->per_frame_settings ().qos &&
      !state->qos_tracker.record (report, running_time)) {
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
    const GstClockTime ours = state->qos_tracker.latency ();

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
      "Attaches a mask with the class of each pixel",
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
