/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskclasses
 * @title: GstClassMaskClasses
 * @short_description: the class table of a mask
 */

#include "gst/classmask/gstclassmaskclasses.h"
#include "gst/classmask/gstclassmask-private.h"

struct _GstClassMaskClasses {
  gchar *model;
  guint n_classes;
  gchar **labels;
  guint32 *colors;
};

G_DEFINE_BOXED_TYPE (GstClassMaskClasses, gst_class_mask_classes,
    gst_class_mask_classes_ref, gst_class_mask_classes_unref)

/**
 * gst_class_mask_classes_new:
 * @model: (nullable): the name of the model, for people to read
 * @n_classes: the number of classes, 1 to %GST_CLASS_MASK_MAX_CLASSES
 * @labels: (array length=n_classes): the name of each class, UTF-8
 * @colors: (array length=n_classes): the colour of each class, 0xRRGGBB
 *
 * Creates a class table. The arguments are copied.
 *
 * Returns: (transfer full) (nullable): the table, or %NULL, with a warning, if
 *     the number of classes is out of range or a label is missing or not UTF-8
 *
 * Since: 0.1
 */
GstClassMaskClasses *
gst_class_mask_classes_new (const gchar *model, guint n_classes,
    const gchar *const *labels, const guint32 *colors)
{
  GstClassMaskClasses *classes;

  g_return_val_if_fail (labels != NULL, NULL);
  g_return_val_if_fail (colors != NULL, NULL);

  if (n_classes < 1 || n_classes > GST_CLASS_MASK_MAX_CLASSES) {
    GST_WARNING ("a mask cannot have %u classes, only 1 to %u", n_classes,
        GST_CLASS_MASK_MAX_CLASSES);
    return NULL;
  }
  if (model && !g_utf8_validate (model, -1, NULL)) {
    GST_WARNING ("the model's name is not UTF-8");
    return NULL;
  }
  for (guint i = 0; i < n_classes; i++) {
    if (!labels[i] || !g_utf8_validate (labels[i], -1, NULL)) {
      GST_WARNING ("the label of class %u is missing or not UTF-8", i);
      return NULL;
    }
  }

  classes = g_atomic_rc_box_new0 (GstClassMaskClasses);
  classes->model = g_strdup (model ? model : "");
  classes->n_classes = n_classes;
  classes->labels = g_new0 (gchar *, n_classes + 1);
  classes->colors = g_new (guint32, n_classes);
  for (guint i = 0; i < n_classes; i++) {
    classes->labels[i] = g_strdup (labels[i]);
    classes->colors[i] = colors[i] & 0xffffff;
  }
  return classes;
}

/**
 * gst_class_mask_classes_ref: (skip)
 * @classes: a table
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @classes
 *
 * Since: 0.1
 */
GstClassMaskClasses *
gst_class_mask_classes_ref (GstClassMaskClasses *classes)
{
  g_return_val_if_fail (classes != NULL, NULL);

  return g_atomic_rc_box_acquire (classes);
}

static void
gst_class_mask_classes_clear (gpointer data)
{
  GstClassMaskClasses *classes = data;

  g_free (classes->model);
  g_strfreev (classes->labels);
  g_free (classes->colors);
}

/**
 * gst_class_mask_classes_unref: (skip)
 * @classes: (transfer full): a table
 *
 * Drops a reference; the last one frees the table.
 *
 * Since: 0.1
 */
void
gst_class_mask_classes_unref (GstClassMaskClasses *classes)
{
  g_return_if_fail (classes != NULL);

  g_atomic_rc_box_release_full (classes, gst_class_mask_classes_clear);
}

/**
 * gst_class_mask_classes_get_model:
 * @classes: a table
 *
 * Gets the name of the model that the table belongs to.
 *
 * Returns: the name of the model, or an empty string if it has none; owned by
 *     @classes
 *
 * Since: 0.1
 */
const gchar *
gst_class_mask_classes_get_model (const GstClassMaskClasses *classes)
{
  g_return_val_if_fail (classes != NULL, NULL);

  return classes->model;
}

/**
 * gst_class_mask_classes_get_size:
 * @classes: a table
 *
 * Gets the number of classes.
 *
 * Returns: the number of classes; ids begin at 0
 *
 * Since: 0.1
 */
guint
gst_class_mask_classes_get_size (const GstClassMaskClasses *classes)
{
  g_return_val_if_fail (classes != NULL, 0);

  return classes->n_classes;
}

/**
 * gst_class_mask_classes_get_label:
 * @classes: a table
 * @id: any value of a mask
 *
 * Gets the label of a class.
 *
 * Returns: (nullable): the name of the class, or %NULL if no class has this
 *     id; owned by @classes
 *
 * Since: 0.1
 */
const gchar *
gst_class_mask_classes_get_label (const GstClassMaskClasses *classes, guint id)
{
  g_return_val_if_fail (classes != NULL, NULL);

  return id < classes->n_classes ? classes->labels[id] : NULL;
}

/**
 * gst_class_mask_classes_get_color:
 * @classes: a table
 * @id: any value of a mask
 *
 * Gets the colour in which a class is drawn.
 *
 * Returns: the colour of the class, 0xRRGGBB; black if no class has this id
 *
 * Since: 0.1
 */
guint32
gst_class_mask_classes_get_color (const GstClassMaskClasses *classes, guint id)
{
  g_return_val_if_fail (classes != NULL, 0);

  return id < classes->n_classes ? classes->colors[id] : 0;
}

/**
 * gst_class_mask_classes_find:
 * @classes: a table
 * @label: the name of a class
 *
 * Finds a class by its name.
 *
 * Returns: the lowest id of a class with exactly this name, or -1 if there is
 *     none
 *
 * Since: 0.1
 */
gint
gst_class_mask_classes_find (
    const GstClassMaskClasses *classes, const gchar *label)
{
  g_return_val_if_fail (classes != NULL, -1);
  g_return_val_if_fail (label != NULL, -1);

  for (guint i = 0; i < classes->n_classes; i++) {
    if (g_str_equal (classes->labels[i], label))
      return (gint)i;
  }
  return -1;
}
