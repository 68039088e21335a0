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
  guint n_aliases;
  gchar **aliases;
  const gchar **alias_labels; /* strings in labels */
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
  return gst_class_mask_classes_new_with_aliases (
      model, n_classes, labels, colors, 0, NULL, NULL);
}

static gboolean
are_aliases (guint n_aliases, const gchar *const *aliases,
    const gchar *const *alias_labels, guint n_classes,
    const gchar *const *labels)
{
  for (guint i = 0; i < n_aliases; i++) {
    guint id = 0;

    if (!aliases[i] || !g_utf8_validate (aliases[i], -1, NULL)) {
      GST_WARNING ("alias %u is missing or not UTF-8", i);
      return FALSE;
    }
    while (id < n_classes && g_strcmp0 (labels[id], alias_labels[i]) != 0)
      id++;
    if (id == n_classes) {
      GST_WARNING ("the alias %s stands for no label", aliases[i]);
      return FALSE;
    }
  }
  return TRUE;
}

/**
 * gst_class_mask_classes_new_with_aliases:
 * @model: (nullable): the name of the model, for people to read
 * @n_classes: the number of classes, 1 to %GST_CLASS_MASK_MAX_CLASSES
 * @labels: (array length=n_classes): the name of each class, UTF-8
 * @colors: (array length=n_classes): the colour of each class, 0xRRGGBB
 * @n_aliases: the number of other names
 * @aliases: (array length=n_aliases) (nullable): other names of classes, UTF-8
 * @alias_labels: (array length=n_aliases) (nullable): the label that each of
 *     these names stands for
 *
 * Creates a class table in which classes have other names, too. The arguments
 * are copied.
 *
 * Returns: (transfer full) (nullable): the table, or %NULL, with a warning, if
 *     gst_class_mask_classes_new() would fail, or an alias is missing, is not
 *     UTF-8 or stands for no label
 *
 * Since: 0.1
 */
GstClassMaskClasses *
gst_class_mask_classes_new_with_aliases (const gchar *model, guint n_classes,
    const gchar *const *labels, const guint32 *colors, guint n_aliases,
    const gchar *const *aliases, const gchar *const *alias_labels)
{
  GstClassMaskClasses *classes;

  g_return_val_if_fail (labels != NULL, NULL);
  g_return_val_if_fail (colors != NULL, NULL);
  g_return_val_if_fail (n_aliases == 0 || (aliases && alias_labels), NULL);

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
  if (!are_aliases (n_aliases, aliases, alias_labels, n_classes, labels))
    return NULL;

  classes = g_atomic_rc_box_new0 (GstClassMaskClasses);
  classes->model = g_strdup (model ? model : "");
  classes->n_classes = n_classes;
  classes->labels = g_new0 (gchar *, n_classes + 1);
  classes->colors = g_new (guint32, n_classes);
  for (guint i = 0; i < n_classes; i++) {
    classes->labels[i] = g_strdup (labels[i]);
    classes->colors[i] = colors[i] & 0xffffff;
  }
  classes->n_aliases = n_aliases;
  classes->aliases = g_new0 (gchar *, n_aliases + 1);
  classes->alias_labels = g_new0 (const gchar *, n_aliases + 1);
  for (guint i = 0; i < n_aliases; i++) {
    classes->aliases[i] = g_strdup (aliases[i]);
    for (guint id = 0; !classes->alias_labels[i]; id++)
      if (g_str_equal (labels[id], alias_labels[i]))
        classes->alias_labels[i] = classes->labels[id];
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
  g_strfreev (classes->aliases);
  g_free (classes->alias_labels);
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
 * gst_class_mask_classes_get_n_aliases:
 * @classes: a table
 *
 * Gets the number of other names of classes.
 *
 * Returns: the number of aliases
 *
 * Since: 0.1
 */
guint
gst_class_mask_classes_get_n_aliases (const GstClassMaskClasses *classes)
{
  g_return_val_if_fail (classes != NULL, 0);

  return classes->n_aliases;
}

/**
 * gst_class_mask_classes_get_alias:
 * @classes: a table
 * @index: the number of an alias, from 0
 * @label: (out) (optional) (transfer none): the label that it stands for
 *
 * Gets another name of a class.
 *
 * Returns: (nullable): the alias, or %NULL if there are not that many; owned by
 *     @classes, as is @label
 *
 * Since: 0.1
 */
const gchar *
gst_class_mask_classes_get_alias (
    const GstClassMaskClasses *classes, guint index, const gchar **label)
{
  g_return_val_if_fail (classes != NULL, NULL);

  if (index >= classes->n_aliases)
    return NULL;
  if (label)
    *label = classes->alias_labels[index];
  return classes->aliases[index];
}

static gint
find_label (const GstClassMaskClasses *classes, const gchar *label)
{
  for (guint i = 0; i < classes->n_classes; i++) {
    if (g_str_equal (classes->labels[i], label))
      return (gint)i;
  }
  return -1;
}

/**
 * gst_class_mask_classes_find:
 * @classes: a table
 * @label: the name of a class, or an alias of it
 *
 * Finds a class by its name.
 *
 * Returns: the lowest id of a class with exactly this name or, if there is
 *     none, with exactly this alias; -1 if there is none
 *
 * Since: 0.1
 */
gint
gst_class_mask_classes_find (
    const GstClassMaskClasses *classes, const gchar *label)
{
  gint id;

  g_return_val_if_fail (classes != NULL, -1);
  g_return_val_if_fail (label != NULL, -1);

  id = find_label (classes, label);
  for (guint i = 0; id < 0 && i < classes->n_aliases; i++) {
    if (g_str_equal (classes->aliases[i], label))
      id = find_label (classes, classes->alias_labels[i]);
  }
  return id;
}
