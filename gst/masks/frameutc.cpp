// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/frameutc.h"

#include <gst/video/video.h>

#include <optional>

namespace fastscnn
{
namespace
{

/* From the epoch of NTP, 1900, to that of Unix, 1970. */
constexpr GstClockTime kNtpToUnix =
    G_GUINT64_CONSTANT (2208988800) * GST_SECOND;

/// The frame's timestamp of a clock whose time 0 is `epoch` before 1970, in
/// microseconds since 1970. Ignores earlier timestamps: cameras that do not
/// know the time count from when they were switched on.
std::optional<gint64>
reference_time (GstBuffer *frame, const gchar *clock, GstClockTime epoch)
{
  gpointer state = NULL;

  while (GstMeta *meta = gst_buffer_iterate_meta_filtered (
             frame, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
    const auto *stamp =
        reinterpret_cast<const GstReferenceTimestampMeta *> (meta);
    const GstStructure *caps =
        gst_caps_is_empty (stamp->reference) ||
                gst_caps_is_any (stamp->reference)
            ? NULL
            : gst_caps_get_structure (stamp->reference, 0);
    if (caps && gst_structure_has_name (caps, clock) &&
        GST_CLOCK_TIME_IS_VALID (stamp->timestamp) && stamp->timestamp > epoch)
      return static_cast<gint64> ((stamp->timestamp - epoch) / GST_USECOND);
  }
  return std::nullopt;
}

/// The frame's time code in microseconds since 1970; none if it has no date.
std::optional<gint64>
time_code_time (GstBuffer *frame)
{
  const GstVideoTimeCodeMeta *meta =
      gst_buffer_get_video_time_code_meta (frame);
  GDateTime *time = meta && meta->tc.config.latest_daily_jam
                        ? gst_video_time_code_to_date_time (&meta->tc)
                        : NULL;

  if (!time)
    return std::nullopt;
  const gint64 microseconds = g_date_time_to_unix (time) * G_USEC_PER_SEC +
                              g_date_time_get_microsecond (time);
  g_date_time_unref (time);
  return microseconds;
}

std::string
to_text (gint64 microseconds)
{
  GDateTime *time =
      g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  gchar *seconds = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");
  gchar *whole = g_strdup_printf (
      "%s.%06dZ", seconds, static_cast<int> (microseconds % G_USEC_PER_SEC));
  const std::string text = whole;

  g_free (whole);
  g_free (seconds);
  g_date_time_unref (time);
  return text;
}

} // namespace

std::optional<FrameUtc>
utc_of (GstBuffer *frame, bool wall_clock)
{
  if (const auto time = reference_time (frame, "timestamp/x-ntp", kNtpToUnix))
    return FrameUtc{ to_text (*time), "ntp" };
  if (const auto time = reference_time (frame, "timestamp/x-unix", 0))
    return FrameUtc{ to_text (*time), "unix" };
  if (const auto time = time_code_time (frame))
    return FrameUtc{ to_text (*time), "time-code" };
  if (wall_clock)
    return FrameUtc{ to_text (g_get_real_time ()), "clock" };
  return std::nullopt;
}

} // namespace fastscnn
