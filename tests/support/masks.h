/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Masks made by hand. */

#include <string.h>
#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* road, car, traffic "light" */
GstClassMaskClasses *new_classes(void);

/* A GRAY8 picture with rows of `stride` bytes that begin `offset` bytes into
 * the memory; what is not picture is 77. */
GstBuffer *new_image(const guint8 *pixels, guint width, guint height,
                       gint stride, gsize offset);

/* Attaches the picture as a mask that covers the whole of a frame. */
GstClassMaskMeta *add_mask(GstBuffer *buffer, GstBuffer *mask,
                           const gchar *source, guint frame_width,
                           guint frame_height);

/* Regions of random classes, some of them unknown. */
void random_pixels(GRand *rand, guint8 *pixels, guint width, guint height,
                   guint n_classes, guint n_rectangles);

G_END_DECLS
