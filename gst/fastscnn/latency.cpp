// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/latency.h"

namespace fastscnn
{

bool
is_upstream_live (GstPad *sinkpad)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (sinkpad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);
  return live;
}

bool
add_latency (GstQuery *query, GstClockTime latency)
{
  gboolean live;
  GstClockTime min, max;

  gst_query_parse_latency (query, &live, &min, &max);
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += latency;
  gst_query_set_latency (query, live, min + latency, max);
  return live;
}

} // namespace fastscnn
