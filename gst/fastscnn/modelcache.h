// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include <gst/classmask/gstclassmaskclasses.h>

#include "net/model.h"

namespace fastscnn
{

/// A model, and its classes as metadata names them.
struct SharedModel {
  explicit SharedModel (std::shared_ptr<const Model> model);
  ~SharedModel ();
  SharedModel (const SharedModel &) = delete;
  SharedModel &operator= (const SharedModel &) = delete;

  const std::shared_ptr<const Model> model;
  GstClassMaskClasses *classes;
};

/// The model of a file, or the one that ships if `file` is empty. A name
/// without a folder is also looked for where models are installed. While
/// anyone in the process uses a file, everyone gets the same object.
Result<std::shared_ptr<const SharedModel> > open_model (
    const std::string &file);

} // namespace fastscnn
