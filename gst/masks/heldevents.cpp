/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/masks/heldevents.h"

#include <utility>

namespace fastscnn
{

void
HeldEvents::push_to (GstPad *srcpad)
{
  for (GstEvent *event : std::exchange (events_, {}))
    gst_pad_push_event (srcpad, event);
}

void
HeldEvents::flush ()
{
  for (GstEvent *event : std::exchange (events_, {}))
    if (GST_EVENT_IS_STICKY (event) &&
        GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT)
      events_.push_back (event);
    else
      gst_event_unref (event);
}

void
HeldEvents::clear ()
{
  for (GstEvent *event : std::exchange (events_, {}))
    gst_event_unref (event);
}

} // namespace fastscnn
