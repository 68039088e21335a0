// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <string>

namespace fastscnn {

/// Whether two names mean the same class: ignores case, and treats space,
/// hyphen and underscore alike.
inline bool same_label(const std::string &a, const std::string &b) {
  const auto folded = [](char c) {
    if (c == '-' || c == '_') return ' ';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](char x, char y) { return folded(x) == folded(y); });
}

}  // namespace fastscnn
