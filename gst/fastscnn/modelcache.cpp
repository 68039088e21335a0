// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/modelcache.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "gst/base/searchpath.h"

namespace fastscnn
{
namespace
{

namespace fs = std::filesystem;

constexpr char kDefaultModel[] = "fastscnn-camvid.safetensors";

/* Path, time and size, so that a replaced file is loaded again. */
using Key = std::tuple<std::string, fs::file_time_type, std::uintmax_t>;

Error
model_error (const std::string &sentence)
{
  return Error{ Error::Kind::kModel, sentence };
}

Result<fs::path>
find_model (const std::string &file)
{
  const fs::path wanted = file.empty () ? kDefaultModel : file;
  std::error_code error;

  if (!file.empty () && fs::exists (wanted, error))
    return wanted;
  if (wanted.has_parent_path ())
    return model_error ("There is no model file " + file + ".");

  const auto folders = search_path (
      "FASTSCNN_MODEL_PATH", FASTSCNN_MODEL_RELATIVE, FASTSCNN_MODEL_DIR);
  for (const std::string &folder : folders)
    if (fs::exists (fs::path (folder) / wanted, error))
      return fs::path (folder) / wanted;
  return model_error ("There is no model file " + wanted.string () + " in " +
                      join (folders) +
                      "; set model-file to its path, or FASTSCNN_MODEL_PATH "
                      "to its folder.");
}

Result<Key>
identify (const fs::path &path)
{
  std::error_code error;
  const fs::path real = fs::canonical (path, error);
  fs::file_time_type time;
  std::uintmax_t size = 0;

  if (!error)
    time = fs::last_write_time (real, error);
  if (!error)
    size = fs::file_size (real, error);
  if (error)
    return model_error ("The model file " + path.string () +
                        " cannot be read: " + error.message () + ".");
  return Key (real.string (), time, size);
}

} // namespace

SharedModel::SharedModel (std::shared_ptr<const Model> loaded)
    : model (std::move (loaded))
{
  const ModelInfo &info = model->info ();
  std::vector<const gchar *> labels, aliases, alias_labels;

  for (const std::string &label : info.labels)
    labels.push_back (label.c_str ());
  for (const auto &[alias, label] : info.aliases) {
    aliases.push_back (alias.c_str ());
    alias_labels.push_back (label.c_str ());
  }
  classes = gst_class_mask_classes_new_with_aliases (info.name.c_str (),
      info.classes (), labels.data (), info.colors.data (), aliases.size (),
      aliases.data (), alias_labels.data ());
}

SharedModel::~SharedModel ()
{
  gst_class_mask_classes_unref (classes);
}

Result<std::shared_ptr<const SharedModel> >
open_model (const std::string &file)
{
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const SharedModel> > models;

  const fs::path path = FASTSCNN_TRY (find_model (file));
  const Key key = FASTSCNN_TRY (identify (path));
  const std::lock_guard<std::mutex> lock (mutex);

  for (auto it = models.begin (); it != models.end ();)
    it = it->second.expired () ? models.erase (it) : std::next (it);
  if (auto model = models[key].lock ())
    return model;
  auto loaded = FASTSCNN_TRY (Model::load (std::get<0> (key)));
  auto model = std::make_shared<const SharedModel> (std::move (loaded));
  models[key] = model;
  return model;
}

} // namespace fastscnn
