// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/searchpath.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace fastscnn
{
namespace
{

namespace fs = std::filesystem;

/* The folder of the shared object that contains this function. */
fs::path
own_folder ()
{
  Dl_info info;
  if (!dladdr (reinterpret_cast<void *> (&own_folder), &info))
    return {};
  std::error_code error;
  return fs::absolute (info.dli_fname, error).parent_path ();
}

} // namespace

std::vector<std::string>
search_path (const char *variable, const char *relative, const char *built_in)
{
  std::vector<std::string> path;

  if (const char *value = std::getenv (variable)) {
    std::istringstream folders (value);
    for (std::string folder; std::getline (folders, folder, ':');)
      if (!folder.empty ())
        path.push_back (folder);
  }
  path.push_back ((own_folder () / relative).lexically_normal ().string ());
  if (path.back () != built_in)
    path.push_back (built_in);
  return path;
}

std::string
join (const std::vector<std::string> &words)
{
  std::string text;
  for (const std::string &word : words)
    text += (text.empty () ? "" : ", ") + word;
  return text;
}

} // namespace fastscnn
