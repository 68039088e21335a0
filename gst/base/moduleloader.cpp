// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/moduleloader.h"

#include <gmodule.h>

#include <filesystem>
#include <memory>

#include "gst/base/searchpath.h"

namespace fastscnn
{
namespace
{

struct CloseModule {
  void
  operator() (GModule *module) const
  {
    g_module_close (module);
  }
};

Result<std::string>
find_module (const std::string &name)
{
  const std::string file = "libfastscnn-" + name + "." G_MODULE_SUFFIX;
  const auto folders =
      search_path ("FASTSCNN_MODULE_PATH", "../fastscnn", FASTSCNN_MODULE_DIR);

  for (const std::string &folder : folders) {
    const std::filesystem::path candidate =
        std::filesystem::path (folder) / file;
    std::error_code error;
    if (std::filesystem::exists (candidate, error))
      return candidate.string ();
  }
  return Error{ Error::Kind::kDevice,
    "The " + name + " engine is not installed: there is no " + file + " in " +
        join (folders) +
        "; install it, or set FASTSCNN_MODULE_PATH to its folder." };
}

} // namespace

Result<Backend *>
open_backend (const std::string &name)
{
  const std::string path = FASTSCNN_TRY (find_module (name));
  const std::string cannot = "The " + name + " engine cannot be used: ";

  std::unique_ptr<GModule, CloseModule> module (
      g_module_open (path.c_str (), G_MODULE_BIND_LOCAL));
  if (!module)
    return Error{ Error::Kind::kDevice, cannot + g_module_error () };

  gpointer symbol;
  if (!g_module_symbol (module.get (), FASTSCNN_BACKEND_OPEN, &symbol))
    return Error{ Error::Kind::kDevice,
      cannot + path + " is not an engine module." };

  char why[256] = "it gives no reason.";
  auto *open = reinterpret_cast<FastscnnBackendOpen *> (symbol);
  Backend *backend = open (kEngineAbi, why, sizeof why);
  if (!backend)
    return Error{ Error::Kind::kDevice, cannot + why };

  g_module_make_resident (module.release ());
  return backend;
}

} // namespace fastscnn
