/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/label.h"

namespace fastscnn
{

/// Labels of the classes of a mask, by id.
using Labels = std::vector<std::string>;

/// User input for use in a message: replaces bytes that are not valid UTF-8.
std::string as_utf8 (const std::string &text);

/// The names of the classes of a mask.
struct ClassNames {
  ClassNames () = default;
  ClassNames (Labels names) : labels (std::move (names))
  {
  }

  /// The ids of the classes with this label or alias.
  std::vector<size_t> find (const std::string &name) const;

  Labels labels;
  /// Other names, each with its label.
  std::vector<std::pair<std::string, std::string> > aliases;
};

/// Parses a list of classes: "car,person" for only these, "-road,-sky" for all
/// but these, "" for all. Returns whether to draw each class. Ignores entries
/// that name no class, and for each of them appends a sentence with the
/// existing names to `warnings`.
std::vector<bool> parse_classes (const std::string &list,
    const ClassNames &names, std::vector<std::string> *warnings);

/// Parses a list like "person=1.0,road=0.2". Returns the strength of each
/// class, or -1 for classes that are not in the list. Warnings as above.
std::vector<float> parse_class_alpha (const std::string &list,
    const ClassNames &names, std::vector<std::string> *warnings);

} // namespace fastscnn
