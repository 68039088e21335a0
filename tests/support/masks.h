/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hand-made masks and frames. */

#include <gst/check/gstharness.h>
#include <gst/classmask/classmask.h>
#include <gst/video/video.h>
#include <string.h>

G_BEGIN_DECLS

/* road, car (or vehicle), traffic "light" */
GstClassMaskClasses *new_classes(void);

/* A GRAY8 image whose rows begin `offset` bytes into the memory and lie
 * `stride` bytes apart. All other bytes are 77. */
GstBuffer *new_image(const guint8 *pixels, guint width, guint height,
                     gint stride, gsize offset);

/* Attaches the image as a mask that covers a whole frame. */
GstClassMaskMeta *add_mask(GstBuffer *buffer, GstBuffer *mask,
                           const gchar *source, guint frame_width,
                           guint frame_height);

/* Random rectangles of random classes, some of them unknown. */
void random_pixels(GRand *rand, guint8 *pixels, guint width, guint height,
                   guint n_classes, guint n_rectangles);

/* Frame `number`, at 25 per second: 32x16 pixels of 12 bits, without a mask if
 * pixels is NULL. */
GstBuffer *new_frame(guint number, const guint8 *pixels, guint width,
                     guint height);

/* Shows only a part of the frame. */
void crop_frame(GstBuffer *frame, guint x, guint y, guint width, guint height);

/* Adds a time code, 01:02:03:04 at 25 frames per second, and two reference
 * timestamps. */
void add_times(GstBuffer *frame);

void push_frame(GstHarness *h, GstBuffer *frame);

/* Pushes a flush and a new segment. */
void push_flush(GstHarness *h);

/* The names of all events that the element has pushed since the last call. */
gchar *pull_event_names(GstHarness *h);

G_END_DECLS
