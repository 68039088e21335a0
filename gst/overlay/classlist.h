/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <vector>

namespace fastscnn
{

/// Labels of the classes of a mask, by id.
using Labels = std::vector<std::string>;

/// User input for use in a message: replaces bytes that are not valid UTF-8.
std::string as_utf8 (const std::string &text);

/// Whether two labels name the same class: ignores case, and treats space,
/// hyphen and underscore alike.
bool same_label (const std::string &a, const std::string &b);

/// Parses a list of classes: "car,person" for only these, "-road,-sky" for all
/// but these, "" for all. Returns whether to draw each class. Ignores entries
/// that name no class, and appends a sentence to `warnings` for each of them.
std::vector<bool> parse_classes (const std::string &list, const Labels &labels,
    std::vector<std::string> *warnings);

/// Parses a list like "person=1.0,road=0.2". Returns the strength of each
/// class, or -1 for classes that are not in the list. Warnings as above.
std::vector<float> parse_class_alpha (const std::string &list,
    const Labels &labels, std::vector<std::string> *warnings);

} // namespace fastscnn
