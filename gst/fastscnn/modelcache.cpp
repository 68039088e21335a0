// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/modelcache.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "gst/fastscnn/searchpath.h"
#include "net/error.h"

namespace fastscnn
{
namespace
{

namespace fs = std::filesystem;

constexpr char kDefaultModel[] = "fastscnn-camvid.safetensors";

/* A file that was replaced is another file. */
using Key = std::tuple<std::string, fs::file_time_type, std::uintmax_t>;

fs::path
find_model (const std::string &file)
{
  const fs::path wanted = file.empty () ? kDefaultModel : file;
  std::error_code error;

  if (!file.empty () && fs::exists (wanted, error))
    return wanted;
  if (wanted.has_parent_path ())
    throw Error (Error::Kind::kModel, "There is no model file " + file + ".");

  const auto folders = search_path (
      "FASTSCNN_MODEL_PATH", FASTSCNN_MODEL_RELATIVE, FASTSCNN_MODEL_DIR);
  for (const std::string &folder : folders)
    if (fs::exists (fs::path (folder) / wanted, error))
      return fs::path (folder) / wanted;
  throw Error (Error::Kind::kModel, "There is no model file " +
                                        wanted.string () + " in " +
                                        join (folders) + ".");
}

Key
identify (const fs::path &path)
{
  try {
    const fs::path real = fs::canonical (path);
    return { real.string (), fs::last_write_time (real), fs::file_size (real) };
  } catch (const fs::filesystem_error &error) {
    throw Error (Error::Kind::kModel,
        "The model file " + path.string () +
            " cannot be read: " + error.code ().message () + ".");
  }
}

} // namespace

SharedModel::SharedModel (const std::string &path) : model (Model::load (path))
{
  const ModelInfo &info = model->info ();
  std::vector<const gchar *> labels;

  for (const std::string &label : info.labels)
    labels.push_back (label.c_str ());
  classes = gst_class_mask_classes_new (
      info.name.c_str (), info.classes (), labels.data (), info.colors.data ());
}

SharedModel::~SharedModel ()
{
  gst_class_mask_classes_unref (classes);
}

std::shared_ptr<const SharedModel>
open_model (const std::string &file)
{
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const SharedModel> > models;

  const Key key = identify (find_model (file));
  const std::lock_guard<std::mutex> lock (mutex);

  for (auto it = models.begin (); it != models.end ();)
    it = it->second.expired () ? models.erase (it) : std::next (it);
  if (auto model = models[key].lock ())
    return model;
  auto model = std::make_shared<const SharedModel> (std::get<0> (key));
  models[key] = model;
  return model;
}

} // namespace fastscnn
