// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace fastscnn
{

/// Folders to search for a file that the plugin needs, in this order: those of
/// the colon-separated environment variable; `relative` to the folder of the
/// plugin's own file; the folder compiled in.
std::vector<std::string> search_path (
    const char *variable, const char *relative, const char *built_in);

/// "a, b, c", for messages.
std::string join (const std::vector<std::string> &words);

} // namespace fastscnn
