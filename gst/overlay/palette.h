/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <vector>

#include "gst/overlay/classlist.h"
#include "net/error.h"
#include "net/painter.h"

namespace fastscnn
{

/// Converts 0xAARRGGBB.
Rgba from_argb (uint32_t argb);

/// A colour, and whether the palette sets its alpha.
struct ClassColor {
  Rgba color;
  bool has_alpha = false;
};

/// Colours of classes.
class Palette
{
public:
  /// Loads cityscapes, camvid, distinct, or a file with lines of
  /// `label r g b [a]` or a GIMP palette; "" for an empty palette. An Error
  /// names the line.
  static Result<Palette> load (const std::string &name_or_file);

  /// Parses the text of a file; an Error names the file and, if one is at
  /// fault, the line.
  static Result<Palette> parse (
      const std::string &file, const std::string &text);

  /// Replaces the colours of the classes that the palette contains, by label
  /// or, failing that, by another name. If it contains none of them, assigns
  /// its colours in order.
  void apply (const ClassNames &names, std::vector<ClassColor> *colors) const;

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
