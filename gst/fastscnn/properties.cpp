/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/properties.h"

#include "gst/masks/analytics.h"

using namespace fastscnn;

namespace
{

constexpr unsigned kMaxInputSize = 8192;

constexpr GParamFlags kReady =
    (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                  GST_PARAM_MUTABLE_READY);
constexpr GParamFlags kPlaying =
    (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                  GST_PARAM_MUTABLE_PLAYING);
constexpr GParamFlags kControllable =
    (GParamFlags)(kPlaying | GST_PARAM_CONTROLLABLE);

GType
backend_get_type ()
{
  static const GEnumValue values[] = {
    { (int)BackendChoice::kAuto, "CUDA if a device answers, otherwise the CPU",
        "auto" },
    { (int)BackendChoice::kCuda, "NVIDIA GPU (CUDA, cuDNN)", "cuda" },
    { (int)BackendChoice::kCpu, "CPU (AVX2, AVX-512 or NEON where there is)",
        "cpu" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstFastScnnBackend", values);
  return type;
}

GType
mask_size_get_type ()
{
  static const GEnumValue values[] = {
    { (int)MaskSize::kFrame, "A value for every pixel of the frame", "frame" },
    { (int)MaskSize::kNetwork, "The size of the network's input", "network" },
    { (int)MaskSize::kGrid, "The network's own output, 1/8 of its input",
        "grid" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstFastScnnMaskSize", values);
  return type;
}

} // namespace

void
gst_fast_scnn_install_properties (GObjectClass *klass)
{
  const Settings defaults;
  const Settings::Live &live = defaults.live;

  g_object_class_install_property (klass, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Weights, a safetensors file; a name without a folder is also looked "
          "for where models are installed; unset: the model that ships",
          NULL, kReady));
  g_object_class_install_property (klass, PROP_BACKEND,
      g_param_spec_enum ("backend", "Backend", "What the network runs on",
          backend_get_type (), (int)defaults.backend, kReady));
  g_object_class_install_property (klass, PROP_CUDA_DEVICE_ID,
      g_param_spec_int ("cuda-device-id", "CUDA device ID",
          "Number of the GPU to use (-1 = auto)", -1, G_MAXINT,
          defaults.cuda_device_id, kReady));
  g_object_class_install_property (klass, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Worker threads of the CPU backend (0 = one a core)", 0, 1024,
          defaults.threads, kReady));
  g_object_class_install_property (klass, PROP_INFER_WIDTH,
      g_param_spec_uint ("infer-width", "Inference width",
          "Width of the network's input, rounded to a multiple of 32 (0 = from "
          "the size that the model prefers and the frame's aspect ratio)",
          0, kMaxInputSize, defaults.infer_width, kReady));
  g_object_class_install_property (klass, PROP_INFER_HEIGHT,
      g_param_spec_uint ("infer-height", "Inference height",
          "Height of the network's input, rounded to a multiple of 32 (0 = "
          "from the size that the model prefers and the frame's aspect ratio)",
          0, kMaxInputSize, defaults.infer_height, kReady));
  g_object_class_install_property (klass, PROP_MASK_SIZE,
      g_param_spec_enum ("mask-size", "Mask size",
          "Resolution of the attached mask", mask_size_get_type (),
          (int)defaults.mask_size, kReady));
  g_object_class_install_property (klass, PROP_ASYNC,
      g_param_spec_boolean ("async", "Asynchronous",
          "Never hold a frame: inference runs beside the stream, and each "
          "frame carries the newest finished mask",
          defaults.async, kReady));

  g_object_class_install_property (klass, PROP_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
          "Frames to skip between two inferences; they carry the last mask", 0,
          G_MAXINT, live.interval, kControllable));
  g_object_class_install_property (klass, PROP_QOS,
      g_param_spec_boolean ("qos", "Quality of service",
          "When downstream is late, skip inferences, all but one a second; "
          "frames are never dropped",
          live.qos, kPlaying));
  g_object_class_install_property (klass, PROP_SMOOTHING,
      g_param_spec_double ("smoothing", "Smoothing",
          "Weight of the past in an average over time, which calms flicker; "
          "starts over at scene cuts (0 = off)",
          0.0, 0.99, live.smoothing, kControllable));
  g_object_class_install_property (klass, PROP_CONFIDENCE_THRESHOLD,
      g_param_spec_double ("confidence-threshold", "Confidence threshold",
          "Pixels whose class is less probable than this become 255, unknown "
          "(0 = off)",
          0.0, 1.0, live.confidence_threshold, kControllable));
  g_object_class_install_property (klass, PROP_CONFIDENCE_MAP,
      g_param_spec_boolean ("confidence-map", "Confidence map",
          "Also attach how probable the class of each pixel is, GRAY8",
          live.confidence_map, kPlaying));
  g_object_class_install_property (klass, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post an element message 'classmask' for every inferred mask: "
          "timestamps, labels and their pixels",
          live.post_messages, kPlaying));
  if (analytics_available ())
    g_object_class_install_property (klass, PROP_ANALYTICS_META,
        g_param_spec_boolean ("analytics-meta", "Analytics meta",
            "Attach each mask a second time, as GstAnalyticsSegmentationMtd, "
            "for elements that know no other",
            live.analytics_meta, kPlaying));

  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Since the element was started: frames, inferred, reused, late; "
          "last-, mean- and p95-inference-time in ns; backend, device",
          GST_TYPE_STRUCTURE,
          (GParamFlags)(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  gst_type_mark_as_plugin_api (backend_get_type (), (GstPluginAPIFlags)0);
  gst_type_mark_as_plugin_api (mask_size_get_type (), (GstPluginAPIFlags)0);
}

gboolean
gst_fast_scnn_set_setting (Settings &settings, guint id, const GValue *value)
{
  Settings::Live &live = settings.live;

  switch (id) {
  case PROP_MODEL_FILE: {
    const gchar *file = g_value_get_string (value);
    settings.model_file = file ? file : "";
    return TRUE;
  }
  case PROP_BACKEND:
    settings.backend = (BackendChoice)g_value_get_enum (value);
    return TRUE;
  case PROP_CUDA_DEVICE_ID:
    settings.cuda_device_id = g_value_get_int (value);
    return TRUE;
  case PROP_THREADS:
    settings.threads = g_value_get_uint (value);
    return TRUE;
  case PROP_INFER_WIDTH:
    settings.infer_width = g_value_get_uint (value);
    return TRUE;
  case PROP_INFER_HEIGHT:
    settings.infer_height = g_value_get_uint (value);
    return TRUE;
  case PROP_MASK_SIZE:
    settings.mask_size = (MaskSize)g_value_get_enum (value);
    return TRUE;
  case PROP_ASYNC:
    settings.async = g_value_get_boolean (value);
    return TRUE;
  case PROP_INTERVAL:
    live.interval = g_value_get_uint (value);
    return TRUE;
  case PROP_QOS:
    live.qos = g_value_get_boolean (value);
    return TRUE;
  case PROP_SMOOTHING:
    live.smoothing = g_value_get_double (value);
    return TRUE;
  case PROP_CONFIDENCE_THRESHOLD:
    live.confidence_threshold = g_value_get_double (value);
    return TRUE;
  case PROP_CONFIDENCE_MAP:
    live.confidence_map = g_value_get_boolean (value);
    return TRUE;
  case PROP_POST_MESSAGES:
    live.post_messages = g_value_get_boolean (value);
    return TRUE;
  case PROP_ANALYTICS_META:
    live.analytics_meta = g_value_get_boolean (value);
    return TRUE;
  default:
    return FALSE;
  }
}

gboolean
gst_fast_scnn_get_setting (const Settings &settings, guint id, GValue *value)
{
  const Settings::Live &live = settings.live;

  switch (id) {
  case PROP_MODEL_FILE:
    g_value_set_string (value,
        settings.model_file.empty () ? NULL : settings.model_file.c_str ());
    return TRUE;
  case PROP_BACKEND:
    g_value_set_enum (value, (gint)settings.backend);
    return TRUE;
  case PROP_CUDA_DEVICE_ID:
    g_value_set_int (value, settings.cuda_device_id);
    return TRUE;
  case PROP_THREADS:
    g_value_set_uint (value, settings.threads);
    return TRUE;
  case PROP_INFER_WIDTH:
    g_value_set_uint (value, settings.infer_width);
    return TRUE;
  case PROP_INFER_HEIGHT:
    g_value_set_uint (value, settings.infer_height);
    return TRUE;
  case PROP_MASK_SIZE:
    g_value_set_enum (value, (gint)settings.mask_size);
    return TRUE;
  case PROP_ASYNC:
    g_value_set_boolean (value, settings.async);
    return TRUE;
  case PROP_INTERVAL:
    g_value_set_uint (value, live.interval);
    return TRUE;
  case PROP_QOS:
    g_value_set_boolean (value, live.qos);
    return TRUE;
  case PROP_SMOOTHING:
    g_value_set_double (value, live.smoothing);
    return TRUE;
  case PROP_CONFIDENCE_THRESHOLD:
    g_value_set_double (value, live.confidence_threshold);
    return TRUE;
  case PROP_CONFIDENCE_MAP:
    g_value_set_boolean (value, live.confidence_map);
    return TRUE;
  case PROP_POST_MESSAGES:
    g_value_set_boolean (value, live.post_messages);
    return TRUE;
  case PROP_ANALYTICS_META:
    g_value_set_boolean (value, live.analytics_meta);
    return TRUE;
  default:
    return FALSE;
  }
}
