/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/legend.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#ifdef HAVE_PANGOCAIRO
#include <pango/pangocairo.h>
#endif

namespace fastscnn
{
namespace
{

// Fractions of the mask at which a class enters and leaves the list.
constexpr double kEnters = 0.002, kLeaves = 0.001;

// The size of a legend depends on that of the frame.
constexpr double kSmallestText = 10; // pixels
constexpr double kTextPerFrame = 1.0 / 42;
constexpr double kMostOfWidth = 0.45, kMostOfHeight = 0.92;

/// Sizes in pixels.
struct Layout {
  double text, line, padding, swatch, gap;

  Layout (int width, int height)
  {
    text = std::max (kSmallestText, std::min (width, height) * kTextPerFrame);
    line = std::ceil (text * 1.45);
    padding = std::ceil (text * 0.6);
    swatch = std::ceil (text * 0.95);
    gap = std::ceil (text * 0.6);
  }

  size_t
  most_rows (int height) const
  {
    const double room = height * kMostOfHeight - 2 * padding;
    return std::max<size_t> (1, static_cast<size_t> (room / line));
  }
};

std::string
percent (double share)
{
  char text[16];
  if (share < 0.01)
    return "<1 %";
  std::snprintf (text, sizeof text, "%.0f %%", share * 100);
  return text;
}

} // namespace

bool
operator== (const Legend::Row &a, const Legend::Row &b)
{
  return a.label == b.label && a.share == b.share && a.color.r == b.color.r &&
         a.color.g == b.color.g && a.color.b == b.color.b;
}

std::vector<Legend::Row>
Legend::make_rows (const LegendContent &content)
{
  const auto total = static_cast<double> (
      std::accumulate (content.counts, content.counts + 256, uint64_t{ 0 }));
  std::vector<size_t> listed;
  for (size_t id = 0; id < 256; id++) {
    const double share = total > 0 ? content.counts[id] / total : 0;
    in_view_[id] = share >= (in_view_[id] ? kLeaves : kEnters);
    if (in_view_[id] && content.colors[id].a > 0)
      listed.push_back (id);
  }

  // If there are too many, keep the largest and say how many are left out.
  const size_t most = Layout (content.frame_width, content.frame_height)
                          .most_rows (content.frame_height);
  size_t left_out = 0;
  if (listed.size () > most) {
    const size_t kept = most - 1;
    left_out = listed.size () - kept;
    std::stable_sort (listed.begin (), listed.end (), [&] (size_t a, size_t b) {
      return content.counts[a] > content.counts[b];
    });
    listed.resize (kept);
    std::sort (listed.begin (), listed.end ());
  }

  std::vector<Row> rows;
  for (size_t id : listed)
    rows.push_back (
        { id < content.labels->size () ? (*content.labels)[id] : "unknown",
            percent (content.counts[id] / total), content.colors[id] });
  if (left_out)
    rows.push_back (
        { "+ " + std::to_string (left_out) + " more", "", Rgba () });
  return rows;
}

void
Legend::update (const LegendContent &content)
{
  std::vector<Row> rows;
  if (content.corner != LegendCorner::kNone)
    rows = make_rows (content);
  const bool resized = content.frame_width != frame_width_ ||
                       content.frame_height != frame_height_;
  corner_ = content.corner;
  frame_width_ = content.frame_width;
  frame_height_ = content.frame_height;
  if (resized || rows != rows_) {
    rows_ = std::move (rows);
    if (rows_.empty ())
      image_.width = image_.height = 0;
    else
      draw ();
    image_.serial++;
  }
  place ();
}

void
Legend::place ()
{
  const int margin =
      static_cast<int> (Layout (frame_width_, frame_height_).padding);
  const bool right = corner_ == LegendCorner::kTopRight ||
                     corner_ == LegendCorner::kBottomRight;
  const bool bottom = corner_ == LegendCorner::kBottomLeft ||
                      corner_ == LegendCorner::kBottomRight;
  image_.x = right ? frame_width_ - image_.width - margin : margin;
  image_.y = bottom ? frame_height_ - image_.height - margin : margin;
}

#ifdef HAVE_PANGOCAIRO

namespace
{

struct TextLayouts {
  PangoLayout *label, *share;

  TextLayouts (cairo_t *cairo, double size)
  {
    PangoFontDescription *font =
        pango_font_description_from_string ("Sans, DejaVu Sans");
    pango_font_description_set_absolute_size (font, size * PANGO_SCALE);
    label = pango_cairo_create_layout (cairo);
    share = pango_cairo_create_layout (cairo);
    for (PangoLayout *layout : { label, share }) {
      pango_layout_set_font_description (layout, font);
      pango_layout_set_single_paragraph_mode (layout, TRUE);
    }
    pango_layout_set_ellipsize (label, PANGO_ELLIPSIZE_END);
    pango_font_description_free (font);
  }
  ~TextLayouts ()
  {
    g_object_unref (label);
    g_object_unref (share);
  }
  TextLayouts (const TextLayouts &) = delete;
  TextLayouts &operator= (const TextLayouts &) = delete;
};

int
width_of (PangoLayout *layout, const std::string &text)
{
  int width = 0;
  pango_layout_set_text (layout, text.c_str (), -1);
  pango_layout_get_pixel_size (layout, &width, nullptr);
  return width;
}

// Centres the text vertically in the line that begins at y.
void
show (cairo_t *cairo, PangoLayout *layout, double x, double y, double line)
{
  int height = 0;
  pango_layout_get_pixel_size (layout, nullptr, &height);
  cairo_move_to (cairo, x, y + std::floor ((line - height) / 2));
  pango_cairo_show_layout (cairo, layout);
}

void
rounded_box (cairo_t *cairo, double x, double y, double width, double height,
    double radius)
{
  cairo_new_sub_path (cairo);
  cairo_arc (cairo, x + width - radius, y + radius, radius, -G_PI_2, 0);
  cairo_arc (cairo, x + width - radius, y + height - radius, radius, 0, G_PI_2);
  cairo_arc (cairo, x + radius, y + height - radius, radius, G_PI_2, G_PI);
  cairo_arc (cairo, x + radius, y + radius, radius, G_PI, 3 * G_PI_2);
  cairo_close_path (cairo);
}

/// A surface with a context to draw on.
struct Canvas {
  cairo_surface_t *surface;
  cairo_t *cairo;

  Canvas (int width, int height)
      : surface (
            cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height)),
        cairo (cairo_create (surface))
  {
  }
  ~Canvas ()
  {
    cairo_destroy (cairo);
    cairo_surface_destroy (surface);
  }
  Canvas (const Canvas &) = delete;
  Canvas &operator= (const Canvas &) = delete;
};

// Converts Cairo's native-endian words to bytes R, G, B, A.
void
copy_pixels (cairo_surface_t *surface, int width, int height,
    std::vector<uint8_t> *pixels)
{
  cairo_surface_flush (surface);
  const unsigned char *data = cairo_image_surface_get_data (surface);
  const int stride = cairo_image_surface_get_stride (surface);
  pixels->resize (size_t (width) * height * 4);
  uint8_t *out = pixels->data ();
  for (int y = 0; y < height; y++) {
    const auto *row =
        reinterpret_cast<const uint32_t *> (data + size_t (y) * stride);
    for (int x = 0; x < width; x++, out += 4) {
      out[0] = static_cast<uint8_t> (row[x] >> 16);
      out[1] = static_cast<uint8_t> (row[x] >> 8);
      out[2] = static_cast<uint8_t> (row[x]);
      out[3] = static_cast<uint8_t> (row[x] >> 24);
    }
  }
}

} // namespace

bool
Legend::available ()
{
  return true;
}

void
Legend::draw ()
{
  const Layout layout (frame_width_, frame_height_);
  int label_width = 0, share_width = 0;
  {
    Canvas measure (1, 1);
    TextLayouts texts (measure.cairo, layout.text);
    for (const Row &row : rows_)
      label_width = std::max (label_width, width_of (texts.label, row.label));
    // The widest percentage, to keep the width of the box constant.
    share_width = width_of (texts.share, "100 %");
  }
  const double fixed = 2 * layout.padding + layout.swatch + 2 * layout.gap;
  const double most = std::max (
      frame_width_ * kMostOfWidth - fixed - share_width, 3 * layout.text);
  label_width = std::min (label_width, static_cast<int> (most));
  const int width = static_cast<int> (fixed) + label_width + share_width;
  const int height =
      static_cast<int> (2 * layout.padding + layout.line * rows_.size ());

  Canvas canvas (width, height);
  cairo_t *cairo = canvas.cairo;
  TextLayouts texts (cairo, layout.text);
  pango_layout_set_width (texts.label, label_width * PANGO_SCALE);
  cairo_set_source_rgba (cairo, 0, 0, 0, 0.62);
  rounded_box (cairo, 0, 0, width, height, layout.padding * 0.8);
  cairo_fill (cairo);

  double y = layout.padding;
  for (const Row &row : rows_) {
    double x = layout.padding;
    if (!row.share.empty ()) {
      const double top = y + std::floor ((layout.line - layout.swatch) / 2);
      cairo_set_source_rgb (
          cairo, row.color.r / 255., row.color.g / 255., row.color.b / 255.);
      rounded_box (
          cairo, x, top, layout.swatch, layout.swatch, layout.swatch * 0.2);
      cairo_fill_preserve (cairo);
      // A light border keeps dark colours visible on the dark box.
      cairo_set_source_rgba (cairo, 1, 1, 1, 0.55);
      cairo_set_line_width (cairo, std::max (1., layout.text / 16));
      cairo_stroke (cairo);
    }
    x += layout.swatch + layout.gap;
    cairo_set_source_rgb (cairo, 1, 1, 1);
    pango_layout_set_text (texts.label, row.label.c_str (), -1);
    show (cairo, texts.label, x, y, layout.line);
    const int right = width - static_cast<int> (layout.padding);
    const int share = width_of (texts.share, row.share);
    show (cairo, texts.share, right - share, y, layout.line);
    y += layout.line;
  }
  copy_pixels (canvas.surface, width, height, &pixels_);
  image_.rgba = pixels_.data ();
  image_.stride = width * 4;
  image_.width = width;
  image_.height = height;
}

#else

bool
Legend::available ()
{
  return false;
}

void
Legend::draw ()
{
}

#endif

} // namespace fastscnn
