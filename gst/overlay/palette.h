/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <vector>

#include "gst/overlay/classlist.h"
#include "net/error.h"
#include "net/painter.h"

namespace fastscnn
{

/// From 0xAARRGGBB.
Rgba from_argb (uint32_t argb);

/// A colour, and whether its strength is part of the palette.
struct ClassColor {
  Rgba color;
  bool has_alpha = false;
};

/// Colours for classes.
class Palette
{
public:
  /// "": none. cityscapes, camvid or distinct; or else a file: lines of
  /// `label r g b [a]`, or a GIMP palette. An Error names the line.
  static Result<Palette> load (const std::string &name_or_file);

  /// From the text of a file; messages call it by its name.
  static Result<Palette> parse (
      const std::string &file, const std::string &text);

  /// Replaces the colours of classes, by label. Where no label is known, the
  /// first class takes the first colour, and so on.
  void apply (const Labels &labels, std::vector<ClassColor> *colors) const;

private:
  struct Entry {
    std::string label;
    ClassColor color;
  };

  static Result<Entry> parse_line (const std::string &line);
  static Result<Entry> parse_gimp_line (const std::string &line);

  bool distinct_ = false;
  std::vector<Entry> entries_;
};

} // namespace fastscnn
