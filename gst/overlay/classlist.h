/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <vector>

namespace fastscnn
{

/// Labels of a mask's classes, by id.
using Labels = std::vector<std::string>;

/// What a user wrote, as it may stand in a message: with the bytes replaced
/// that are no UTF-8.
std::string as_utf8 (const std::string &text);

/// Whether two labels mean the same class: case does not count, and a space, a
/// hyphen and an underscore are alike.
bool same_label (const std::string &a, const std::string &b);

/// Reads what a user writes about classes. What names no class is left out,
/// and said in `complaints`: a sentence each, with the labels that there are.
///
/// "car,person": only these. "-road,-sky": all but these. "": all.
std::vector<bool> parse_classes (const std::string &list, const Labels &labels,
    std::vector<std::string> *complaints);

/// "person=1.0,road=0.2": a strength for each class, or -1.
std::vector<float> parse_class_alpha (const std::string &list,
    const Labels &labels, std::vector<std::string> *complaints);

} // namespace fastscnn
