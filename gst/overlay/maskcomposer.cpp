// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/maskcomposer.h"

#include <gst/classmask/gstclassmaskpixels.h>
#include <gst/video/video.h>

#include <algorithm>
#include <string>
#include <utility>

namespace fastscnn
{
namespace
{

/// The mask sample, of `size`, at pixel i of the `covers` that they cover.
int
sample_at (int i, int size, int covers)
{
  return static_cast<int> ((2 * int64_t{ i } + 1) * size / (2 * covers));
}

} // namespace

MaskComposer::~MaskComposer ()
{
  clear ();
}

void
MaskComposer::clear ()
{
  for (const Source &source : sources_)
    gst_class_mask_classes_unref (source.classes);
  sources_.clear ();
  g_clear_pointer (&merged_, gst_class_mask_classes_unref);
}

GstClassMaskClasses *
MaskComposer::merge_classes (const Masks &masks)
{
  const bool same =
      masks.size () == sources_.size () &&
      std::equal (masks.begin (), masks.end (), sources_.begin (),
          [] (const GstClassMaskMeta *meta, const Source &source) {
            return meta->classes == source.classes;
          });
  if (same)
    return merged_;

  clear ();
  std::vector<const gchar *> labels;
  std::vector<guint32> colors;
  std::vector<const gchar *> aliases, alias_labels;
  for (const GstClassMaskMeta *meta : masks) {
    Source source;
    source.classes = gst_class_mask_classes_ref (meta->classes);
    std::fill (std::begin (source.ids), std::end (source.ids), kUnknown);
    const guint size = gst_class_mask_classes_get_size (meta->classes);
    for (guint id = 0; id < std::min<guint> (size, kOutside); id++) {
      const gchar *label = gst_class_mask_classes_get_label (meta->classes, id);
      const size_t at = std::find_if (labels.begin (), labels.end (),
                            [label] (const gchar *other) {
                              return g_str_equal (label, other);
                            }) -
                        labels.begin ();
      if (at == kOutside)
        continue; /* more classes than a mask can have */
      if (at == labels.size ()) {
        labels.push_back (label);
        colors.push_back (gst_class_mask_classes_get_color (meta->classes, id));
      }
      source.ids[id] = static_cast<uint8_t> (at);
    }
    const gchar *label;
    for (guint i = 0; const gchar *alias = gst_class_mask_classes_get_alias (
                          meta->classes, i, &label);
         i++) {
      aliases.push_back (alias);
      alias_labels.push_back (label);
    }
    sources_.push_back (source);
  }
  if (masks.size () == 1) {
    /* Keep the ids as they are: the table may contain a label twice. */
    for (guint id = 0; id < kOutside; id++)
      sources_[0].ids[id] = static_cast<uint8_t> (id);
    merged_ = gst_class_mask_classes_ref (masks[0]->classes);
  } else {
    merged_ = gst_class_mask_classes_new_with_aliases (NULL, labels.size (),
        labels.data (), colors.data (), aliases.size (), aliases.data (),
        alias_labels.data ());
  }
  return merged_;
}

const MaskComposer::Source &
MaskComposer::source_of (const GstClassMaskClasses *classes) const
{
  return *std::find_if (sources_.begin (), sources_.end (),
      [classes] (const Source &source) { return source.classes == classes; });
}

bool
MaskComposer::draw (const GstClassMaskMeta *meta, const Rect &part,
    const uint8_t rank[256], bool anywhere)
{
  const uint8_t *const ids = source_of (meta->classes).ids;
  GstVideoFrame mask;

  if (!gst_class_mask_meta_map (meta, &mask))
    return false;
  const int mask_width = GST_VIDEO_FRAME_WIDTH (&mask);
  const int mask_height = GST_VIDEO_FRAME_HEIGHT (&mask);
  std::vector<Rect> places = placements (meta);
  if (!anywhere)
    places.resize (1);
  for (const Rect &place : places) {
    const int left = place.x - part.x, top = place.y - part.y;
    const int x0 = std::max (left, 0), y0 = std::max (top, 0);
    const int x1 = std::min (left + place.width, width_);
    const int y1 = std::min (top + place.height, height_);
    for (int x = x0; x < x1; x++)
      columns_[x] = sample_at (x - left, mask_width, place.width);
    for (int y = y0; y < y1; y++) {
      const uint8_t *src =
          (const uint8_t *)GST_VIDEO_FRAME_PLANE_DATA (&mask, 0) +
          sample_at (y - top, mask_height, place.height) *
              (gssize)GST_VIDEO_FRAME_PLANE_STRIDE (&mask, 0);
      uint8_t *dst = ids_.data () + (size_t)y * width_;
      for (int x = x0; x < x1; x++) {
        const uint8_t id = ids[src[columns_[x]]];
        if (rank[id] > rank[dst[x]])
          dst[x] = id;
      }
    }
  }
  gst_video_frame_unmap (&mask);
  return true;
}

bool
MaskComposer::compose (const Masks &masks, const Rect &part,
    const uint8_t rank[256], uint8_t uncovered, bool anywhere)
{
  width_ = part.width;
  height_ = part.height;
  ids_.assign ((size_t)width_ * height_, kOutside);
  columns_.resize (width_);
  for (const GstClassMaskMeta *meta : masks)
    if (!draw (meta, part, rank, anywhere))
      return false;
  std::replace (ids_.begin (), ids_.end (), kOutside, uncovered);
  return true;
}

PaintMask
MaskComposer::image () const
{
  PaintMask mask;

  mask.ids = ids_.data ();
  mask.stride = width_;
  mask.width = mask.covers_width = width_;
  mask.height = mask.covers_height = height_;
  return mask;
}

void
MaskComposer::count_pixels (guint64 counts[256]) const
{
  std::fill_n (counts, 256, guint64{ 0 });
  for (const uint8_t id : ids_)
    counts[id]++;
}

} // namespace fastscnn
