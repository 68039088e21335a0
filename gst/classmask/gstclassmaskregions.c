/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskregions
 * @title: GstClassMaskRegion
 * @short_description: connected regions of a mask
 */

#include "gst/classmask/gstclassmaskregions.h"
#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmask-private.h"

/* Equal neighbours [begin, end) in one row, and the part that they belong to.
 */
typedef struct {
  guint begin;
  guint end;
  guint part;
  guint8 id;
} Run;

/* A region as far as it has been scanned. When two parts turn out to touch, the
 * older one becomes the parent of the younger one (union-find). */
typedef struct {
  guint parent;
  guint class_id;
  guint left, top, right, bottom; /* right and bottom exclusive */
  guint area;
} Part;

static guint
find_root (GArray *parts, guint i)
{
  Part *all = (Part *)(gpointer)parts->data;

  while (all[i].parent != i) {
    all[i].parent = all[all[i].parent].parent;
    i = all[i].parent;
  }
  return i;
}

static guint
join (GArray *parts, guint a, guint b)
{
  Part *to, *from;

  a = find_root (parts, a);
  b = find_root (parts, b);
  if (a == b)
    return a;
  to = &g_array_index (parts, Part, MIN (a, b));
  from = &g_array_index (parts, Part, MAX (a, b));
  from->parent = MIN (a, b);
  to->left = MIN (to->left, from->left);
  to->top = MIN (to->top, from->top);
  to->right = MAX (to->right, from->right);
  to->bottom = MAX (to->bottom, from->bottom);
  to->area += from->area;
  return MIN (a, b);
}

static guint
split_row (const guint8 *row, guint width, Run *runs)
{
  guint n = 0;

  for (guint x = 0; x < width;) {
    guint begin = x++;
    while (x < width && row[x] == row[begin])
      x++;
    if (row[begin] != GST_CLASS_MASK_UNKNOWN)
      runs[n++] = (Run){ begin, x, G_MAXUINT, row[begin] };
  }
  return n;
}

/* Assigns a part to every run of a row: that of the runs above that it touches,
 * or a new one. Both rows are sorted, so one pass finds all pairs. */
static void
connect_row (
    GArray *parts, const Run *above, guint n_above, Run *runs, guint n, guint y)
{
  guint first = 0;

  for (guint i = 0; i < n; i++) {
    Run *run = &runs[i];
    Part *part;

    while (first < n_above && above[first].end < run->begin)
      first++;
    for (guint j = first; j < n_above && above[j].begin <= run->end; j++) {
      if (above[j].id != run->id)
        continue;
      run->part = run->part == G_MAXUINT
                      ? find_root (parts, above[j].part)
                      : join (parts, run->part, above[j].part);
    }
    if (run->part == G_MAXUINT) {
      Part fresh = { parts->len, run->id, run->begin, y, run->end, y + 1, 0 };
      run->part = parts->len;
      g_array_append_val (parts, fresh);
    }
    part = &g_array_index (parts, Part, run->part);
    part->left = MIN (part->left, run->begin);
    part->right = MAX (part->right, run->end);
    part->bottom = y + 1;
    part->area += run->end - run->begin;
  }
}

/**
 * gst_class_mask_meta_get_regions:
 * @meta: a mask
 * @min_area: the least number of pixels; smaller regions are left out
 *
 * Finds the connected regions of all classes, ordered by their first pixels,
 * row by row. Pixels of value %GST_CLASS_MASK_UNKNOWN belong to no region.
 *
 * Returns: (transfer full) (element-type GstClassMaskRegion) (nullable): the
 *     regions, or %NULL, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
GArray *
gst_class_mask_meta_get_regions (const GstClassMaskMeta *meta, guint min_area)
{
  GstVideoFrame frame;
  GArray *regions, *parts;
  const guint8 *row;
  Run *above, *runs;
  guint width, n_above = 0;

  g_return_val_if_fail (meta != NULL, NULL);

  if (!gst_class_mask_meta_map (meta, &frame))
    return NULL;
  width = GST_VIDEO_FRAME_WIDTH (&frame);
  row = GST_VIDEO_FRAME_PLANE_DATA (&frame, 0);
  parts = g_array_new (FALSE, FALSE, sizeof (Part));
  above = g_new (Run, width);
  runs = g_new (Run, width);
  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (&frame); y++) {
    guint n = split_row (row, width, runs);
    Run *swap = above;

    connect_row (parts, above, n_above, runs, n, y);
    above = runs;
    runs = swap;
    n_above = n;
    row += GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  }
  gst_video_frame_unmap (&frame);

  regions = g_array_new (FALSE, FALSE, sizeof (GstClassMaskRegion));
  for (guint i = 0; i < parts->len; i++) {
    const Part *part = &g_array_index (parts, Part, i);
    GstClassMaskRegion region = { part->class_id, part->left, part->top,
      part->right - part->left, part->bottom - part->top, part->area };

    if (part->parent == i && part->area >= min_area)
      g_array_append_val (regions, region);
  }
  g_free (above);
  g_free (runs);
  g_array_unref (parts);
  return regions;
}
