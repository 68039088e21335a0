/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskzones
 * @title: GstClassMaskZones
 * @short_description: named parts of a mask, and the pixels in them
 */

#include "gst/classmask/gstclassmaskzones.h"
#include "gst/classmask/gstclassmask-private.h"

#include <string.h>

typedef struct {
  guint zone;
  guint n_points;
  gdouble *points; /* x and y of each */
} Polygon;

struct _GstClassMaskZones {
  GPtrArray *names;
  GArray *polygons;

  GMutex mutex; /* guards the areas made last, below */
  guint width;
  guint height;
  GBytes *areas;
  guint32 zones_of_area[256];
  guint n_areas;
};

G_DEFINE_BOXED_TYPE (GstClassMaskZones, gst_class_mask_zones,
    gst_class_mask_zones_ref, gst_class_mask_zones_unref)

static void
polygon_clear (gpointer data)
{
  g_free (((Polygon *)data)->points);
}

/**
 * gst_class_mask_zones_new:
 *
 * Creates an empty set of zones.
 *
 * Returns: (transfer full): the zones
 *
 * Since: 0.1
 */
GstClassMaskZones *
gst_class_mask_zones_new (void)
{
  GstClassMaskZones *zones = g_atomic_rc_box_new0 (GstClassMaskZones);

  zones->names = g_ptr_array_new_with_free_func (g_free);
  zones->polygons = g_array_new (FALSE, FALSE, sizeof (Polygon));
  g_array_set_clear_func (zones->polygons, polygon_clear);
  g_mutex_init (&zones->mutex);
  return zones;
}

/**
 * gst_class_mask_zones_ref: (skip)
 * @zones: zones
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @zones
 *
 * Since: 0.1
 */
GstClassMaskZones *
gst_class_mask_zones_ref (GstClassMaskZones *zones)
{
  g_return_val_if_fail (zones != NULL, NULL);

  return g_atomic_rc_box_acquire (zones);
}

static void
gst_class_mask_zones_clear (gpointer data)
{
  GstClassMaskZones *zones = data;

  g_ptr_array_unref (zones->names);
  g_array_unref (zones->polygons);
  g_clear_pointer (&zones->areas, g_bytes_unref);
  g_mutex_clear (&zones->mutex);
}

/**
 * gst_class_mask_zones_unref: (skip)
 * @zones: (transfer full): zones
 *
 * Drops a reference; the last one frees the zones.
 *
 * Since: 0.1
 */
void
gst_class_mask_zones_unref (GstClassMaskZones *zones)
{
  g_return_if_fail (zones != NULL);

  g_atomic_rc_box_release_full (zones, gst_class_mask_zones_clear);
}

static guint
find_zone (const GstClassMaskZones *zones, const gchar *name)
{
  guint zone = 0;

  while (zone < zones->names->len &&
         !g_str_equal (zones->names->pdata[zone], name))
    zone++;
  return zone;
}

/**
 * gst_class_mask_zones_add_polygon: (skip)
 * @zones: zones that no mask has yet
 * @name: the name of a zone, UTF-8; a new name adds a zone
 * @points: @n_points pairs of x and y, from 0 (left, top) to 1 (right,
 *     bottom of the mask)
 * @n_points: the number of points, at least 3
 *
 * Adds a polygon to a zone. Its last point is joined to the first.
 *
 * Returns: %FALSE, with a warning, if there are fewer than 3 points, one is
 *     outside of the mask, the name is empty or not UTF-8, or there would be
 *     more than %GST_CLASS_MASK_MAX_ZONES zones
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_zones_add_polygon (GstClassMaskZones *zones, const gchar *name,
    const gdouble *points, guint n_points)
{
  Polygon polygon = { 0 };

  g_return_val_if_fail (zones != NULL, FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (points != NULL, FALSE);

  if (name[0] == '\0' || !g_utf8_validate (name, -1, NULL)) {
    GST_WARNING ("the name of a zone is empty or not UTF-8");
    return FALSE;
  }
  if (n_points < 3 || n_points > G_MAXINT / 4) {
    GST_WARNING ("zone %s: a polygon cannot have %u points", name, n_points);
    return FALSE;
  }
  for (guint i = 0; i < 2 * n_points; i++) {
    if (!(points[i] >= 0 && points[i] <= 1)) {
      GST_WARNING (
          "zone %s: %g is not a fraction from 0 to 1", name, points[i]);
      return FALSE;
    }
  }
  polygon.zone = find_zone (zones, name);
  if (polygon.zone == GST_CLASS_MASK_MAX_ZONES) {
    GST_WARNING ("zone %s: there are %u already", name, polygon.zone);
    return FALSE;
  }
  if (polygon.zone == zones->names->len)
    g_ptr_array_add (zones->names, g_strdup (name));
  polygon.n_points = n_points;
  polygon.points = g_memdup2 (points, 2 * n_points * sizeof *points);
  g_array_append_val (zones->polygons, polygon);
  return TRUE;
}

/**
 * gst_class_mask_zones_get_size:
 * @zones: zones
 *
 * Gets the number of zones.
 *
 * Returns: the number of zones
 *
 * Since: 0.1
 */
guint
gst_class_mask_zones_get_size (const GstClassMaskZones *zones)
{
  g_return_val_if_fail (zones != NULL, 0);

  return zones->names->len;
}

/**
 * gst_class_mask_zones_get_name:
 * @zones: zones
 * @zone: the number of a zone, from 0
 *
 * Gets the name of a zone.
 *
 * Returns: (nullable): the name, or %NULL if there are not that many zones;
 *     owned by @zones
 *
 * Since: 0.1
 */
const gchar *
gst_class_mask_zones_get_name (const GstClassMaskZones *zones, guint zone)
{
  g_return_val_if_fail (zones != NULL, NULL);

  return zone < zones->names->len ? zones->names->pdata[zone] : NULL;
}

/**
 * gst_class_mask_zones_get_polygon: (skip)
 * @zones: zones
 * @zone: the number of a zone, from 0
 * @polygon: the number of a polygon of the zone, from 0
 * @n_points: (out): the number of its points
 *
 * Gets a polygon of a zone.
 *
 * Returns: (nullable): pairs of x and y, from 0 to 1, owned by @zones; %NULL if
 *     the zone does not have that many polygons
 *
 * Since: 0.1
 */
const gdouble *
gst_class_mask_zones_get_polygon (
    const GstClassMaskZones *zones, guint zone, guint polygon, guint *n_points)
{
  g_return_val_if_fail (zones != NULL, NULL);
  g_return_val_if_fail (n_points != NULL, NULL);

  for (guint i = 0; i < zones->polygons->len; i++) {
    const Polygon *found = &g_array_index (zones->polygons, Polygon, i);
    if (found->zone == zone && polygon-- == 0) {
      *n_points = found->n_points;
      return found->points;
    }
  }
  return NULL;
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  gdouble left = *(const gdouble *)a, right = *(const gdouble *)b;

  return left < right ? -1 : left > right;
}

/* Finds where the horizontal line at y, a fraction of the height, enters and
 * leaves the polygon, in fractions of the width, sorted. Returns how many. */
static guint
find_crossings (const Polygon *polygon, gdouble y, gdouble *crossings)
{
  const gdouble *from = &polygon->points[2 * (polygon->n_points - 1)];
  guint n = 0;

  for (guint i = 0; i < polygon->n_points; i++) {
    const gdouble *to = &polygon->points[2 * i];
    if ((from[1] <= y) != (to[1] <= y))
      crossings[n++] =
          from[0] + (y - from[1]) / (to[1] - from[1]) * (to[0] - from[0]);
    from = to;
  }
  qsort (crossings, n, sizeof *crossings, compare_doubles);
  return n;
}

/* The first of `width` pixels whose centre lies at or after x, a fraction. */
static guint
first_after (gdouble x, guint width)
{
  gdouble at = MAX (x * width - 0.5, 0);
  guint pixel = (guint)at;

  return MIN (pixel < at ? pixel + 1 : pixel, width);
}

/* Sets in each pixel of a row one bit for each zone that it lies in. */
static void
mark_row (const GstClassMaskZones *zones, gdouble y, guint width, guint32 *row,
    gdouble *crossings)
{
  memset (row, 0, width * sizeof *row);
  for (guint i = 0; i < zones->polygons->len; i++) {
    const Polygon *polygon = &g_array_index (zones->polygons, Polygon, i);
    guint n = find_crossings (polygon, y, crossings);

    for (guint c = 0; c + 1 < n; c += 2) {
      guint end = first_after (crossings[c + 1], width);
      for (guint x = first_after (crossings[c], width); x < end; x++)
        row[x] |= 1u << polygon->zone;
    }
  }
}

/* Returns the area of these zones, adding it if necessary; 256 if there are too
 * many. */
static guint
find_area (GstClassMaskZones *zones, guint32 bits)
{
  guint area = 0;

  while (area < zones->n_areas && zones->zones_of_area[area] != bits)
    area++;
  if (area == zones->n_areas && area < 256)
    zones->zones_of_area[zones->n_areas++] = bits;
  return area;
}

/* Call with the mutex locked. */
static gboolean
make_areas (GstClassMaskZones *zones, guint width, guint height)
{
  guint8 *areas = g_malloc ((gsize)width * height);
  guint32 *row = g_new (guint32, width);
  guint most = 0, area = 0;
  gdouble *crossings;

  for (guint i = 0; i < zones->polygons->len; i++)
    most = MAX (most, g_array_index (zones->polygons, Polygon, i).n_points);
  crossings = g_new (gdouble, most);
  g_clear_pointer (&zones->areas, g_bytes_unref);
  zones->n_areas = 0;
  find_area (zones, 0);
  for (guint y = 0; y < height && area < 256; y++) {
    mark_row (zones, (y + 0.5) / height, width, row, crossings);
    for (guint x = 0; x < width && area < 256; x++) {
      if (zones->zones_of_area[area] != row[x])
        area = find_area (zones, row[x]);
      areas[(gsize)y * width + x] = (guint8)area;
    }
  }
  g_free (crossings);
  g_free (row);
  zones->width = width;
  zones->height = height;
  zones->areas = g_bytes_new_take (areas, (gsize)width * height);
  if (area == 256) {
    GST_WARNING ("zones overlap in more than 256 ways");
    g_clear_pointer (&zones->areas, g_bytes_unref);
  }
  return zones->areas != NULL;
}

/**
 * gst_class_mask_zones_get_areas: (skip)
 * @zones: zones
 * @width: width of a mask, 1 to %GST_CLASS_MASK_MAX_SIZE
 * @height: height of the mask, likewise
 * @zones_of_area: (out caller-allocates): for every area, bit n is set if the
 *     area belongs to zone n
 * @n_areas: (out): the number of areas
 *
 * Divides a mask into areas that do not overlap: one for the pixels that lie in
 * no zone, which is area 0, and one for each combination of zones that some
 * pixel lies in. The result is cached until another size is asked for.
 *
 * Returns: (transfer full) (nullable): the area of each pixel, one byte, row by
 *     row; %NULL, with a warning, if there are more than 256 areas
 *
 * Since: 0.1
 */
GBytes *
gst_class_mask_zones_get_areas (GstClassMaskZones *zones, guint width,
    guint height, guint32 zones_of_area[256], guint *n_areas)
{
  GBytes *areas = NULL;

  g_return_val_if_fail (zones != NULL, NULL);
  g_return_val_if_fail (width >= 1 && width <= GST_CLASS_MASK_MAX_SIZE, NULL);
  g_return_val_if_fail (height >= 1 && height <= GST_CLASS_MASK_MAX_SIZE, NULL);

  g_mutex_lock (&zones->mutex);
  if ((zones->areas && zones->width == width && zones->height == height) ||
      make_areas (zones, width, height)) {
    areas = g_bytes_ref (zones->areas);
    memcpy (zones_of_area, zones->zones_of_area, sizeof zones->zones_of_area);
    *n_areas = zones->n_areas;
  }
  g_mutex_unlock (&zones->mutex);
  return areas;
}
