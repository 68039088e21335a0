/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <vector>

#include "gst/fastscnn/classlist.h"
#include "net/error.h"
#include "net/painter.h"

namespace fastscnn
{

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

/// Colours that people with and without colour blindness tell apart, those of
/// neighbours in particular: chosen one after the other, each as different
/// from the ones before as any is, by its distance in OKLab, the smallest of
/// four: as seen by everybody and as seen without red, green or blue cones.
/// A colour is never close to one of the four before it.
///
/// Sources: B. Ottosson, A perceptual color space for image processing (2020);
/// G. Machado, M. Oliveira, L. Fernandes, A Physiologically-based Model for
/// Simulation of Color Vision Deficiency (IEEE TVCG 2009), severity 1; the
/// choice is Gonzalez' farthest-first traversal (1985).
std::vector<Rgba> distinct_colors (size_t count);

} // namespace fastscnn
