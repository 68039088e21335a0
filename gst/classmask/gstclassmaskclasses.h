/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/classmask-prelude.h>

G_BEGIN_DECLS

/**
 * GST_CLASS_MASK_MAX_CLASSES:
 *
 * The largest number of classes in a table. Ids range from 0 to 253.
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_MAX_CLASSES 254

#define GST_TYPE_CLASS_MASK_CLASSES (gst_class_mask_classes_get_type ())

/**
 * GstClassMaskClasses:
 *
 * The class table of a mask: the name of the model, a label and a colour for
 * each class, and other names that stand for labels ("person" for
 * "pedestrian"). Tables are immutable and reference-counted. All frames of a
 * stream share one table, so anything derived from a table stays valid as long
 * as the pointer stays the same.
 *
 * Since: 0.1
 */
typedef struct _GstClassMaskClasses GstClassMaskClasses;

GST_CLASS_MASK_API
GType gst_class_mask_classes_get_type (void);

GST_CLASS_MASK_API
GstClassMaskClasses *gst_class_mask_classes_new (const gchar *model,
    guint n_classes, const gchar *const *labels, const guint32 *colors);

GST_CLASS_MASK_API
GstClassMaskClasses *gst_class_mask_classes_new_with_aliases (
    const gchar *model, guint n_classes, const gchar *const *labels,
    const guint32 *colors, guint n_aliases, const gchar *const *aliases,
    const gchar *const *alias_labels);

GST_CLASS_MASK_API
GstClassMaskClasses *gst_class_mask_classes_ref (GstClassMaskClasses *classes);

GST_CLASS_MASK_API
void gst_class_mask_classes_unref (GstClassMaskClasses *classes);

GST_CLASS_MASK_API
const gchar *gst_class_mask_classes_get_model (
    const GstClassMaskClasses *classes);

GST_CLASS_MASK_API
guint gst_class_mask_classes_get_size (const GstClassMaskClasses *classes);

GST_CLASS_MASK_API
const gchar *gst_class_mask_classes_get_label (
    const GstClassMaskClasses *classes, guint id);

GST_CLASS_MASK_API
guint32 gst_class_mask_classes_get_color (
    const GstClassMaskClasses *classes, guint id);

GST_CLASS_MASK_API
guint gst_class_mask_classes_get_n_aliases (const GstClassMaskClasses *classes);

GST_CLASS_MASK_API
const gchar *gst_class_mask_classes_get_alias (
    const GstClassMaskClasses *classes, guint index, const gchar **label);

GST_CLASS_MASK_API
gint gst_class_mask_classes_find (
    const GstClassMaskClasses *classes, const gchar *label);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (
    GstClassMaskClasses, gst_class_mask_classes_unref)

G_END_DECLS
