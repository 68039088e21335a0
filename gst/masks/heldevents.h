/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include <gst/gst.h>

namespace fastscnn
{

/* Serialized events that wait for the first caps of a pad, in their order. */
class HeldEvents
{
public:
  HeldEvents () = default;
  ~HeldEvents ()
  {
    clear ();
  }
  HeldEvents (const HeldEvents &) = delete;
  HeldEvents &operator= (const HeldEvents &) = delete;

  /* (transfer full) */
  void
  hold (GstEvent *event)
  {
    events_.push_back (event);
  }

  void push_to (GstPad *srcpad);

  /* Keeps what a flush does not drop: sticky events, except the segment. */
  void flush ();

  void clear ();

private:
  std::vector<GstEvent *> events_;
};

} // namespace fastscnn
