// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace fastscnn
{

/// Folders in which something the plugin needs may lie, best first: those of
/// the colon-separated environment variable, `relative` to the folder of the
/// plugin's own file, and the one known when it was built.
std::vector<std::string> search_path (
    const char *variable, const char *relative, const char *built_in);

/// "a, b, c", for messages.
std::string join (const std::vector<std::string> &words);

} // namespace fastscnn
