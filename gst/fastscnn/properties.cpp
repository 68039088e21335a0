/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/properties.h"

#include "gst/base/settingvalue.h"
#include "gst/masks/analytics.h"

using namespace fastscnn;

namespace
{

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
    { (int)BackendChoice::kAuto,
        "CUDA if there is a usable GPU, otherwise the CPU", "auto" },
    { (int)BackendChoice::kCuda, "NVIDIA GPU (CUDA, cuDNN)", "cuda" },
    { (int)BackendChoice::kCpu, "CPU (AVX2, AVX-512 or NEON if available)",
        "cpu" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstFastScnnBackend", values);
  return type;
}

GType
precision_get_type ()
{
  static const GEnumValue values[] = {
    { (int)Precision::kAuto,
        "int8 on a CPU that is faster with it if the model has activation "
        "scales, fp16 on a GPU, otherwise fp32",
        "auto" },
    { (int)Precision::kFp32, "Single precision", "fp32" },
    { (int)Precision::kInt8,
        "8 bits, on the CPU; the model needs activation scales", "int8" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstFastScnnPrecision", values);
  return type;
}

GType
mask_size_get_type ()
{
  static const GEnumValue values[] = {
    { (int)MaskSize::kFrame, "The size of the frame", "frame" },
    { (int)MaskSize::kNetwork, "The size of the network's input", "network" },
    { (int)MaskSize::kGrid,
        "The resolution of the network's output, 1/8 of its input", "grid" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstFastScnnMaskSize", values);
  return type;
}

GType
fused_get_type ()
{
  static const GEnumValue values[] = {
    { (int)Fused::kAuto, "If that was faster in a test run on the GPU",
        "auto" },
    { (int)Fused::kNever, "Layer by layer, with cuDNN", "never" },
    { 0, NULL, NULL },
  };
  static const GType type = g_enum_register_static ("GstFastScnnFused", values);
  return type;
}

/* Calls visit() with the setting of a property; FALSE if there is none. */
template <typename AnySettings, typename Visit>
gboolean
visit_setting (AnySettings &settings, guint id, const Visit &visit)
{
  switch (id) {
  case PROP_MODEL_FILE:
    return visit (settings.model_file);
  case PROP_BACKEND:
    return visit (settings.backend);
  case PROP_CUDA_DEVICE_ID:
    return visit (settings.cuda_device_id);
  case PROP_THREADS:
    return visit (settings.threads);
  case PROP_PRECISION:
    return visit (settings.precision);
  case PROP_INFER_WIDTH:
    return visit (settings.infer_width);
  case PROP_INFER_HEIGHT:
    return visit (settings.infer_height);
  case PROP_MASK_SIZE:
    return visit (settings.mask_size);
  case PROP_FUSED:
    return visit (settings.fused);
  case PROP_ASYNC:
    return visit (settings.async);
  case PROP_ZONES:
    return visit (settings.zones);
  case PROP_INTERVAL:
    return visit (settings.per_frame.interval);
  case PROP_QOS:
    return visit (settings.per_frame.qos);
  case PROP_SMOOTHING:
    return visit (settings.per_frame.smoothing);
  case PROP_CONFIDENCE_THRESHOLD:
    return visit (settings.per_frame.confidence_threshold);
  case PROP_CONFIDENCE_MAP:
    return visit (settings.per_frame.confidence_map);
  case PROP_POST_MESSAGES:
    return visit (settings.per_frame.post_messages);
  case PROP_ANALYTICS_META:
    return visit (settings.per_frame.analytics_meta);
  default:
    return FALSE;
  }
}

} // namespace

void
gst_fast_scnn_install_properties (GObjectClass *klass)
{
  const Settings defaults;
  const Settings::PerFrame &per_frame = defaults.per_frame;
  const auto install = [klass] (guint id, GParamSpec *spec) {
    g_object_class_install_property (klass, id, spec);
  };

  install (PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Safetensors file with the weights; a name without a folder is also "
          "searched for where models are installed (unset = the bundled "
          "model)",
          NULL, kPlaying));
  install (PROP_BACKEND,
      g_param_spec_enum ("backend", "Backend", "Device that runs the network",
          backend_get_type (), (int)defaults.backend, kReady));
  install (
      PROP_CUDA_DEVICE_ID, g_param_spec_int ("cuda-device-id", "CUDA device ID",
                               "Index of the GPU to use (-1 = auto)", -1,
                               G_MAXINT, defaults.cuda_device_id, kReady));
  install (
      PROP_THREADS, g_param_spec_uint ("threads", "Threads",
                        "Worker threads of the CPU backend (0 = one per core)",
                        0, 1024, defaults.threads, kReady));
  install (PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision", "Arithmetic of the network",
          precision_get_type (), (int)defaults.precision, kReady));
  install (PROP_INFER_WIDTH,
      g_param_spec_uint ("infer-width", "Inference width",
          "Width of the network's input, rounded to a multiple of 32 (0 = "
          "derived from the model's preferred size and the frame's aspect "
          "ratio)",
          0, kMaxInputSize, defaults.infer_width, kReady));
  install (PROP_INFER_HEIGHT,
      g_param_spec_uint ("infer-height", "Inference height",
          "Height of the network's input, rounded to a multiple of 32 (0 = "
          "derived from the model's preferred size and the frame's aspect "
          "ratio)",
          0, kMaxInputSize, defaults.infer_height, kReady));
  install (PROP_MASK_SIZE,
      g_param_spec_enum ("mask-size", "Mask size",
          "Resolution of the attached mask", mask_size_get_type (),
          (int)defaults.mask_size, kReady));
  install (PROP_FUSED,
      g_param_spec_enum ("fused", "Fused blocks",
          "When the CUDA backend computes a block of the network in one kernel",
          fused_get_type (), (int)defaults.fused, kReady));
  install (PROP_ASYNC,
      g_param_spec_boolean ("async", "Asynchronous",
          "Never delay a frame: copy it, run inference on another thread, and "
          "attach the newest finished mask",
          defaults.async, kReady));
  install (PROP_ZONES,
      g_param_spec_string ("zones", "Zones",
          "JSON file of zones in which the pixels of the classes are counted, "
          "too: {\"gate\": [[0.1, 0.5], [0.4, 0.5], [0.4, 1]]}, names and "
          "polygons in fractions of the frame (unset = none)",
          NULL, kReady));

  install (PROP_INTERVAL,
      g_param_spec_uint ("interval", "Interval",
          "Frames to skip between two inferences; they reuse the last mask", 0,
          G_MAXINT, per_frame.interval, kControllable));
  install (PROP_QOS,
      g_param_spec_boolean ("qos", "Quality of service",
          "Skip inferences when frames are late, except for one per second; "
          "frames are never dropped",
          per_frame.qos, kPlaying));
  install (PROP_SMOOTHING,
      g_param_spec_double ("smoothing", "Smoothing",
          "Weight of the past in an average over time, which reduces flicker; "
          "the average restarts at scene cuts (0 = off)",
          0.0, 0.99, per_frame.smoothing, kControllable));
  install (PROP_CONFIDENCE_THRESHOLD,
      g_param_spec_double ("confidence-threshold", "Confidence threshold",
          "Least probability of a class; less certain pixels become 255, "
          "unknown (0 = off)",
          0.0, 1.0, per_frame.confidence_threshold, kControllable));
  install (PROP_CONFIDENCE_MAP,
      g_param_spec_boolean ("confidence-map", "Confidence map",
          "Also attach the probability of each pixel's class as GRAY8",
          per_frame.confidence_map, kPlaying));
  install (PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post an element message 'classmask' for every inferred mask, with "
          "timestamps, labels and pixel counts",
          per_frame.post_messages, kPlaying));
  if (analytics_available ())
    install (PROP_ANALYTICS_META,
        g_param_spec_boolean ("analytics-meta", "Analytics meta",
            "Also attach each mask as GstAnalyticsSegmentationMtd, for "
            "elements "
            "that only understand GstAnalytics",
            per_frame.analytics_meta, kPlaying));

  install (PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Statistics since the element was started: frames, inferred, reused, "
          "late, corrupted; last-, mean- and p95-inference-time in ns; "
          "backend, device; fused-blocks: names of the blocks of the network "
          "that run as single kernels",
          GST_TYPE_STRUCTURE,
          (GParamFlags)(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

  gst_type_mark_as_plugin_api (backend_get_type (), (GstPluginAPIFlags)0);
  gst_type_mark_as_plugin_api (precision_get_type (), (GstPluginAPIFlags)0);
  gst_type_mark_as_plugin_api (mask_size_get_type (), (GstPluginAPIFlags)0);
  gst_type_mark_as_plugin_api (fused_get_type (), (GstPluginAPIFlags)0);
}

gboolean
gst_fast_scnn_set_setting (Settings &settings, guint id, const GValue *value)
{
  return visit_setting (settings, id, [value] (auto &setting) {
    read_value (value, setting);
    return TRUE;
  });
}

gboolean
gst_fast_scnn_get_setting (const Settings &settings, guint id, GValue *value)
{
  if ((id == PROP_MODEL_FILE && settings.model_file.empty ()) ||
      (id == PROP_ZONES && settings.zones.empty ()))
    return TRUE; /* NULL */
  return visit_setting (settings, id, [value] (const auto &setting) {
    write_value (setting, value);
    return TRUE;
  });
}
