/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/fastscnn/gstfastscnn.h"

#include "gst/base/cudamemory.h"
#include "gst/base/pinnedallocator.h"
#include "gst/fastscnn/messages.h"
#include "gst/fastscnn/properties.h"
#include "gst/fastscnn/state.h"

GST_DEBUG_CATEGORY_STATIC (gst_fast_scnn_debug);
#define GST_CAT_DEFAULT gst_fast_scnn_debug

using namespace fastscnn;

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

/* Drops temporal state (seek, new stream). */
static void
reset_stream (State *state)
{
  state->qos_tracker.flush ();
  state->scenes.reset ();
  state->liveness.reset ();
  state->warned_of_orientation = false;
  if (state->model)
    state->inference ().reset ();
}

/* The callbacks run on the thread that segments. */
static Result<std::unique_ptr<Inference> >
open_inference (GstFastScnn *self, const Settings &settings)
{
  Stats *stats = &self->state->stats;
  return Inference::create (
      settings,
      [self, stats] (const Segmenter &segmenter, const char *reason) {
        stats->set_backend (segmenter.backend (), segmenter.device ());
        gst_fast_scnn_post_fallback (GST_ELEMENT (self), segmenter, reason);
      },
      [self, stats] (const Segmentation &mask) {
        stats->count_inference (mask.inference_time, mask.fused_blocks);
        if (mask.request.settings.post_messages)
          gst_fast_scnn_post_mask (GST_ELEMENT (self), mask);
      });
}

static void
keep_model (GstFastScnn *self, const std::string &file, const std::string &kept,
    const Error &error)
{
  State *state = self->state;
  gst_fast_scnn_warn_model_kept (GST_ELEMENT (self), error);
  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    if (state->settings.model_file != file)
      return; /* set again in the meantime */
    state->settings.model_file = kept;
  }
  g_object_notify (G_OBJECT (self), "model-file");
}

/* Later models are opened with the settings of the start. */
static Result<std::shared_ptr<LiveModel> >
open_live_model (GstFastScnn *self, const Settings &settings)
{
  return LiveModel::create (
      settings.model_file,
      [self, settings] (const std::string &file) {
        Settings other = settings;
        other.model_file = file;
        return open_inference (self, other);
      },
      [self] (const std::string &file, const std::string &kept,
          const Error &error) { keep_model (self, file, kept, error); });
}

static void
take_over (GstFastScnn *self)
{
  State *state = self->state;
  const std::optional<std::string> file = state->model->take_over ();

  if (!file)
    return;
  const Segmenter &segmenter = state->inference ().segmenter ();
  state->stats.set_backend (segmenter.backend (), segmenter.device ());
  gst_fast_scnn_post_model (GST_ELEMENT (self), *file, segmenter);
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
  Result<std::shared_ptr<LiveModel> > opened = open_live_model (self, settings);
  if (!opened) {
    gst_frame_filter_post_error (GST_ELEMENT (self), opened.error ());
    return FALSE;
  }
  state->set_model (*std::move (opened));
  const Segmenter &segmenter = state->inference ().segmenter ();
  GST_INFO_OBJECT (self, "using %s: %s. %s", segmenter.backend ().c_str (),
      segmenter.device ().c_str (), segmenter.rejected_backend ().c_str ());
  gst_frame_filter_use_gpu_memory (GST_FRAME_FILTER (self),
      segmenter.backend () == "cuda", settings.cuda_device_id);
  state->stats.reset (segmenter.backend (), segmenter.device ());
  reset_stream (state);
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

  state->set_model (nullptr);
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)->stop (trans);
}

static Result<>
gst_fast_scnn_set_info (GstFrameFilter *filter, const FrameInfo &info)
{
  State *state = GST_FAST_SCNN (filter)->state;

  GST_DEBUG_OBJECT (filter, "frames of %dx%d pixels in %s memory", info.width,
      info.height, info.memory == Memory::kDevice ? "GPU" : "host");
  return state->model->configure (info,
      gst_frame_filter_get_cuda_context (filter),
      gst_frame_filter_make_mask_allocator (filter));
}

static gboolean
wants_inference (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time)
{
  State *state = self->state;
  const char *why_not = NULL;

  if (state->inference ().latest () && !state->inference ().is_new_kind ()) {
    /* A gap repeats the previous frame. */
    if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_GAP))
      why_not = "a gap";
    else if (state->skipped < state->per_frame.interval)
      why_not = "between two of the interval";
  }
  const GstClockTime now =
      !why_not && state->live && state->inference ().synchronous ()
          ? gst_element_get_current_running_time (GST_ELEMENT (self))
          : GST_CLOCK_TIME_NONE;
  if (!why_not && state->per_frame.qos &&
      state->qos_tracker.is_late (time.running_time, now)) {
    const guint64 late = state->stats.count_late ();
    gst_fast_scnn_post_qos (GST_ELEMENT (self), time,
        state->qos_tracker.report (), state->live, state->stats.inferred (),
        late);
    why_not = "late";
  }
  if (why_not)
    GST_LOG_OBJECT (self, "frame %" GST_TIME_FORMAT " is not inferred: %s",
        GST_TIME_ARGS (time.timestamp), why_not);
  return !why_not;
}

/* is_own: the latest mask was made from this very frame. */
static void
attach_latest (GstFastScnn *self, GstBuffer *buffer, const FrameTime &time,
    gboolean is_own)
{
  State *state = self->state;
  const SegmentationPtr mask = state->inference ().latest ();
  Rect whole, place;
  const Rect part = gst_frame_filter_get_visible_part (
      GST_FRAME_FILTER (self), buffer, &whole);

  if (mask)
    place = mask->place_on (part, whole);
  if (place.width < 1 || place.height < 1) {
    GST_LOG_OBJECT (self, "frame %" GST_TIME_FORMAT " gets no mask",
        GST_TIME_ARGS (time.timestamp));
    return;
  }
  if (!is_own)
    state->stats.count_reused ();
  const GstClassMaskMeta *meta = mask->attach (buffer, place,
      is_own ? 0 : time_between (mask->request.time, time), state->source);
  GST_LOG_OBJECT (self,
      "frame %" GST_TIME_FORMAT " gets the mask of frame %" GST_TIME_FORMAT
      ", age %" GST_TIME_FORMAT ", on %dx%d pixels at %d,%d",
      GST_TIME_ARGS (time.timestamp),
      GST_TIME_ARGS (mask->request.time.timestamp), GST_TIME_ARGS (meta->age),
      place.width, place.height, place.x, place.y);
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
  take_over (self);
  if (GST_CLOCK_TIME_IS_VALID (time.stream_time))
    gst_object_sync_values (GST_OBJECT (self), time.stream_time);
  state->per_frame = state->per_frame_settings ();
  state->stats.count_frame ();
  if (state->scenes.is_new_scene (time)) {
    GST_DEBUG_OBJECT (self, "a new scene begins at %" GST_TIME_FORMAT,
        GST_TIME_ARGS (time.stream_time));
    state->qos_tracker.flush ();
    state->inference ().reset ();
  }
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
  Inference &inference = state->inference ();
  const bool waits =
      inference.should_wait () &&
      !state->liveness.is_live (GST_BASE_TRANSFORM_SINK_PAD (self));
  Request request{ view.part, Rect (), frame_time (self, buffer),
    state->per_frame };

  gst_frame_filter_get_visible_part (filter, buffer, &request.whole);
  if (inference.synchronous ())
    inference.segmenter ().see (buffer);
  const bool is_own = FASTSCNN_TRY (
      inference.infer (as_const (view.frame), view.queue, request, waits));
  GST_LOG_OBJECT (self, "frame %" GST_TIME_FORMAT " is inferred%s",
      GST_TIME_ARGS (request.time.timestamp),
      is_own ? "" : " beside the stream");
  state->qos_tracker.inferred (request.time.running_time, is_own);
  state->skipped = 0;
  attach_latest (self, buffer, request.time, is_own);
  if (inference.synchronous () &&
      state->qos_tracker.update_latency (state->stats.p95 ()) && state->live)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
  return {};
}

static gboolean
gst_fast_scnn_pass_unreadable (GstFrameFilter *filter, GstBuffer *buffer)
{
  GstFastScnn *self = GST_FAST_SCNN (filter);
  self->state->stats.count_corrupted ();
  self->state->skipped++;
  attach_latest (self, buffer, frame_time (self, buffer), FALSE);
  return TRUE;
}

static gboolean
gst_fast_scnn_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  State *state = GST_FAST_SCNN (trans)->state;

  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START ||
      GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    reset_stream (state);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    state->scenes.new_segment ();
  else if (GST_EVENT_TYPE (event) == GST_EVENT_TAG &&
           !state->warned_of_orientation)
    state->warned_of_orientation =
        gst_fast_scnn_warn_if_turned (GST_ELEMENT (trans), event);
  return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
      ->sink_event (trans, event);
}

/* GstBaseTransform must not see QOS events: it would drop late buffers. */
static gboolean
gst_fast_scnn_src_event (GstBaseTransform *trans, GstEvent *event)
{
  State *state = GST_FAST_SCNN (trans)->state;

  if (GST_EVENT_TYPE (event) != GST_EVENT_QOS)
    return GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
        ->src_event (trans, event);
  if (!state->per_frame_settings ().qos || state->qos_tracker.record (event))
    return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (trans), event);
  gst_event_unref (event);
  return TRUE;
}

static gboolean
gst_fast_scnn_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  State *state = GST_FAST_SCNN (trans)->state;

  if (!GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
           ->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY && direction == GST_PAD_SRC)
    state->live = add_latency (query, state->qos_tracker.latency ());
  return TRUE;
}

/* Offers buffers that the GPU reads without a copy by the CPU, except with
 * async=true, which copies frames anyway. */
static gboolean
gst_fast_scnn_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  State *state = GST_FAST_SCNN (trans)->state;
  gboolean answered = GST_BASE_TRANSFORM_CLASS (gst_fast_scnn_parent_class)
                          ->propose_allocation (trans, decide_query, query);
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || CudaMemory::is_in_caps (caps) || !state->model ||
      !state->inference ().synchronous ())
    return answered;
  GstAllocator *allocator = state->inference ().segmenter ().frame_allocator ();
  if (!allocator)
    return answered;
  gst_query_offer_pinned_pool (query, allocator);
  return TRUE;
}

static void
gst_fast_scnn_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  State *state = GST_FAST_SCNN (object)->state;
  std::shared_ptr<LiveModel> model;
  std::string file;
  Result<> requested;

  {
    const std::lock_guard<std::mutex> lock (state->mutex);
    if (!gst_fast_scnn_set_setting (state->settings, id, value))
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    model = state->model;
    file = state->settings.model_file;
    if (id == PROP_MODEL_FILE && model)
      requested = model->request (file);
  }
  if (!requested)
    model->fail (file, requested.error ());
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
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_fast_scnn_propose_allocation);

  filter_class->set_info = gst_fast_scnn_set_info;
  filter_class->prepare = gst_fast_scnn_prepare;
  filter_class->process = gst_fast_scnn_process;
  filter_class->pass_unreadable = gst_fast_scnn_pass_unreadable;
}

static void
gst_fast_scnn_init (GstFastScnn *self)
{
  self->state = new State;
}
