// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/classmask/gstclassmaskclasses.h>

#include "net/model.h"

namespace fastscnn
{

/// A model and its class table.
struct SharedModel {
  explicit SharedModel (std::shared_ptr<const Model> model);
  ~SharedModel ();
  SharedModel (const SharedModel &) = delete;
  SharedModel &operator= (const SharedModel &) = delete;

  const std::shared_ptr<const Model> model;
  GstClassMaskClasses *classes;
};

/// Opens a model file, or the bundled model if `file` is empty. A name
/// without a folder is also searched for in the folders of installed models. As
/// long as a file is in use, all callers in the process share one object.
Result<std::shared_ptr<const SharedModel> > open_model (
    const std::string &file);

} // namespace fastscnn
