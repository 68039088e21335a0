// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/analytics.h"

#ifdef HAVE_ANALYTICS

#include <map>
#include <string>
#include <vector>

#include <gst/analytics/analytics.h>
#include <gst/video/video.h>

#include "gst/masks/distinctcolors.h"
#include "gst/masks/maskpool.h"

GST_DEBUG_CATEGORY_STATIC (analytics_debug);
#define GST_CAT_DEFAULT analytics_debug

namespace fastscnn
{

namespace
{

/// Maps every value to a new one.
using LookupTable = guint8[256];

void
init_debug ()
{
  static const bool done = [] {
    GST_DEBUG_CATEGORY_INIT (
        analytics_debug, "classmaskanalytics", 0, "GstAnalytics masks");
    return true;
  }();
  (void)done;
}

/// A pool of masks whose size may change.
class CopyPool
{
public:
  BufferPtr
  acquire (guint width, guint height)
  {
    if (!pool_ || width != width_ || height != height_) {
      pool_ = std::make_unique<MaskPool> (
          static_cast<int> (width), static_cast<int> (height), nullptr);
      width_ = width;
      height_ = height;
    }
    return pool_->acquire ();
  }

private:
  std::unique_ptr<MaskPool> pool_;
  guint width_ = 0;
  guint height_ = 0;
};

guint
bytes_per_pixel (GstVideoFormat format)
{
  switch (format) {
  case GST_VIDEO_FORMAT_GRAY8:
    return 1;
  case GST_VIDEO_FORMAT_GRAY16_LE:
  case GST_VIDEO_FORMAT_GRAY16_BE:
    return 2;
  default:
    return 0;
  }
}

/// Whether all rows of the image lie in `size` bytes.
bool
fits (const GstVideoMeta &video, guint bytes, gsize size)
{
  if (bytes == 0 || video.width < 1 || video.height < 1 ||
      video.width > GST_CLASS_MASK_MAX_SIZE ||
      video.height > GST_CLASS_MASK_MAX_SIZE || video.stride[0] < 0 ||
      static_cast<gsize> (video.stride[0]) < gsize{ video.width } * bytes ||
      video.offset[0] > size)
    return false;
  return static_cast<gsize> (video.stride[0]) * (video.height - 1) +
             gsize{ video.width } * bytes <=
         size - video.offset[0];
}

/// Looks up every pixel; 16-bit ids above 255 count as 255.
void
apply_table (const guint8 *src, const GstVideoMeta &video,
    const LookupTable &table, guint8 *dst)
{
  const bool wide = video.format != GST_VIDEO_FORMAT_GRAY8;
  const int high = video.format == GST_VIDEO_FORMAT_GRAY16_LE ? 1 : 0;

  for (guint y = 0; y < video.height; y++, dst += video.width) {
    const guint8 *row = src + gsize{ y } * video.stride[0];
    for (guint x = 0; x < video.width; x++) {
      if (!wide)
        dst[x] = table[row[x]];
      else
        dst[x] = table[row[2 * x + high] ? 255 : row[2 * x + 1 - high]];
    }
  }
}

/// A copy of the mask with its values looked up in the table, without row
/// padding; null if the mask cannot be read.
BufferPtr
copy_mask (GstBuffer *mask, const LookupTable &table, CopyPool &pool)
{
  const GstVideoMeta *video = gst_buffer_get_video_meta (mask);
  GstMapInfo src, dst;
  BufferPtr copy;

  if (!video || !gst_buffer_map (mask, &src, GST_MAP_READ))
    return copy;
  if (fits (*video, bytes_per_pixel (video->format), src.size)) {
    copy = pool.acquire (video->width, video->height);
    if (copy && gst_buffer_map (copy.get (), &dst, GST_MAP_WRITE)) {
      apply_table (src.data + video->offset[0], *video, table, dst.data);
      gst_buffer_unmap (copy.get (), &dst);
    } else {
      copy.reset ();
    }
  }
  gst_buffer_unmap (mask, &src);
  return copy;
}

bool
is_background (const std::string &label)
{
  return g_ascii_strcasecmp (label.c_str (), "background") == 0 ||
         g_ascii_strcasecmp (label.c_str (), "unlabeled") == 0 ||
         g_ascii_strcasecmp (label.c_str (), "unlabelled") == 0;
}

} // namespace

bool
analytics_available ()
{
  return true;
}

struct AnalyticsWriter::Impl {
  CopyPool pool;
  BufferPtr original; // the last mask
  BufferPtr copy;     // of original, through table

  GstClassMaskClasses *classes = NULL; // all below is made from these
  LookupTable table;
  std::vector<guint> ids;
  std::vector<GQuark> names;
  std::vector<gfloat> confidences;

  ~Impl ()
  {
    g_clear_pointer (&classes, gst_class_mask_classes_unref);
  }

  void
  use_classes (GstClassMaskClasses *next)
  {
    if (next == classes)
      return;
    g_clear_pointer (&classes, gst_class_mask_classes_unref);
    classes = gst_class_mask_classes_ref (next);
    original.reset ();
    const guint n = gst_class_mask_classes_get_size (classes);
    ids.assign (1, 0);
    names.assign (1, g_quark_from_static_string ("unlabeled"));
    confidences.assign (n + 1, -1.f); // undefined
    for (guint id = 0; id < 256; id++)
      table[id] = id < n ? id + 1 : 0;
    for (guint id = 0; id < n; id++) {
      ids.push_back (id + 1);
      names.push_back (
          g_quark_from_string (gst_class_mask_classes_get_label (classes, id)));
    }
  }
};

AnalyticsWriter::AnalyticsWriter () : impl_ (std::make_unique<Impl> ())
{
  init_debug ();
}
AnalyticsWriter::~AnalyticsWriter () = default;

bool
AnalyticsWriter::attach (GstBuffer *buffer, const GstClassMaskMeta &meta)
{
  Impl &impl = *impl_;
  GstAnalyticsSegmentationMtd segmentation;
  GstAnalyticsClsMtd names;

  impl.use_classes (meta.classes);
  if (impl.original.get () != meta.mask) {
    impl.copy = copy_mask (meta.mask, impl.table, impl.pool);
    if (!impl.copy)
      return false;
    impl.original.reset (gst_buffer_ref (meta.mask));
  }

  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (buffer);
  if (!relations)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  return gst_analytics_relation_meta_add_segmentation_mtd (relations,
             gst_buffer_ref (impl.copy.get ()), GST_SEGMENTATION_TYPE_SEMANTIC,
             impl.ids.size (), impl.ids.data (), meta.x, meta.y, meta.width,
             meta.height, &segmentation) &&
         gst_analytics_relation_meta_add_cls_mtd (relations, impl.names.size (),
             impl.confidences.data (), impl.names.data (), &names) &&
         gst_analytics_relation_meta_set_relation (relations,
             static_cast<GstAnalyticsRelTypes> (
                 GST_ANALYTICS_REL_TYPE_N_TO_N |
                 GST_ANALYTICS_REL_TYPE_RELATE_TO),
             segmentation.id, names.id);
}

/// A class table made from region names, and the class id of every region id.
struct RegionClasses {
  explicit RegionClasses (const std::vector<std::string> &labels);
  ~RegionClasses ()
  {
    gst_class_mask_classes_unref (classes);
  }
  RegionClasses (const RegionClasses &) = delete;
  RegionClasses &operator= (const RegionClasses &) = delete;

  GstClassMaskClasses *classes;
  LookupTable table;
};

RegionClasses::RegionClasses (const std::vector<std::string> &labels)
{
  const guint n = static_cast<guint> (labels.size ());
  const std::vector<guint32> colors = distinct_colors (n);
  std::vector<const gchar *> names;
  for (guint id = 0; id < n; id++) {
    names.push_back (labels[id].c_str ());
    table[id] = is_background (labels[id]) ? GST_CLASS_MASK_UNKNOWN
                                           : static_cast<guint8> (id);
  }
  for (guint id = n; id < 256; id++)
    table[id] = GST_CLASS_MASK_UNKNOWN;
  classes = gst_class_mask_classes_new (NULL, n, names.data (), colors.data ());
}

struct AnalyticsReader::Impl {
  CopyPool pool;
  BufferPtr holder; // returned by the last call
  std::map<std::vector<std::string>, RegionClasses> classes;

  const RegionClasses &
  classes_for (const std::vector<std::string> &labels)
  {
    constexpr size_t kMostTables = 64; /* more: a producer makes up names */
    if (classes.size () == kMostTables && !classes.count (labels))
      classes.clear ();
    return classes.try_emplace (labels, labels).first->second;
  }
};

/// The label of the object that a segmentation belongs to, or "".
static std::string
object_label (const GstAnalyticsSegmentationMtd &segmentation)
{
  GstAnalyticsMtd object;
  gpointer state = NULL;

  while (gst_analytics_relation_meta_iterate (segmentation.meta, &state,
      gst_analytics_od_mtd_get_mtd_type (), &object)) {
    if (!gst_analytics_relation_meta_get_relation (
            segmentation.meta, segmentation.id, object.id) &&
        !gst_analytics_relation_meta_get_relation (
            segmentation.meta, object.id, segmentation.id))
      continue;
    const gchar *label =
        g_quark_to_string (gst_analytics_od_mtd_get_obj_type (&object));
    if (label && g_utf8_validate (label, -1, NULL))
      return label;
  }
  return "";
}

/// A label for every id that a class can have.
static std::vector<std::string>
read_labels (const GstAnalyticsSegmentationMtd &segmentation)
{
  std::vector<std::string> labels;
  GstAnalyticsClsMtd names;
  gpointer state = NULL;
  const bool named = gst_analytics_relation_meta_get_direct_related (
      segmentation.meta, segmentation.id, GST_ANALYTICS_REL_TYPE_ANY,
      gst_analytics_cls_mtd_get_mtd_type (), &state, &names);
  const gsize n_names = named ? gst_analytics_cls_mtd_get_length (&names) : 0;

  const std::string object = named ? "" : object_label (segmentation);
  labels.push_back ("background");
  for (guint id = 1; id < GST_CLASS_MASK_MAX_CLASSES; id++)
    labels.push_back (
        object.empty () ? "region " + std::to_string (id) : object);
  const gsize n_regions =
      gst_analytics_segmentation_mtd_get_region_count (&segmentation);
  for (gsize i = 0; i < n_regions && i < n_names; i++) {
    const guint id =
        gst_analytics_segmentation_mtd_get_region_id (&segmentation, i);
    const gchar *name =
        g_quark_to_string (gst_analytics_cls_mtd_get_quark (&names, i));
    if (id < labels.size () && name && g_utf8_validate (name, -1, NULL))
      labels[id] = name;
  }
  return labels;
}

AnalyticsReader::AnalyticsReader () : impl_ (std::make_unique<Impl> ())
{
  init_debug ();
}
AnalyticsReader::~AnalyticsReader () = default;

/// Attaches a copy of the segmentation to `holder`; false if it cannot be read.
static bool
copy_segmentation (const GstAnalyticsSegmentationMtd &segmentation,
    const RegionClasses &regions, CopyPool &pool, GstBuffer *holder)
{
  gint x = 0, y = 0;
  guint width = 0, height = 0;
  const BufferPtr mask (gst_analytics_segmentation_mtd_get_mask (
      &segmentation, &x, &y, &width, &height));
  BufferPtr copy =
      mask ? copy_mask (mask.get (), regions.table, pool) : BufferPtr ();

  if (!copy) {
    GST_WARNING ("the mask of a GstAnalytics segmentation cannot be read");
    return false;
  }
  gst_buffer_add_class_mask_meta (
      holder, copy.release (), regions.classes, x, y, width, height);
  return true;
}

GstBuffer *
AnalyticsReader::read (GstBuffer *frame)
{
  Impl &impl = *impl_;
  GstAnalyticsRelationMeta *relations =
      gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsMtd segmentation;
  gpointer state = NULL;
  bool found = false;

  impl.holder.reset (relations ? gst_buffer_new () : NULL);
  while (relations &&
         gst_analytics_relation_meta_iterate (relations, &state,
             gst_analytics_segmentation_mtd_get_mtd_type (), &segmentation))
    if (copy_segmentation (segmentation,
            impl.classes_for (read_labels (segmentation)), impl.pool,
            impl.holder.get ()))
      found = true;
  return found ? impl.holder.get () : NULL;
}

} // namespace fastscnn

#else

namespace fastscnn
{

bool
analytics_available ()
{
  return false;
}

struct AnalyticsWriter::Impl {
};
AnalyticsWriter::AnalyticsWriter () = default;
AnalyticsWriter::~AnalyticsWriter () = default;

bool
AnalyticsWriter::attach (GstBuffer *, const GstClassMaskMeta &)
{
  return false;
}

struct AnalyticsReader::Impl {
};
AnalyticsReader::AnalyticsReader () = default;
AnalyticsReader::~AnalyticsReader () = default;

GstBuffer *
AnalyticsReader::read (GstBuffer *)
{
  return NULL;
}

} // namespace fastscnn

#endif
