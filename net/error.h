// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace fastscnn {

/// The one exception of the core. what() is a sentence for the person who runs
/// the pipeline: what is wrong, with names and numbers, and what to do.
class Error : public std::runtime_error {
 public:
  enum class Kind {
    kModel,   ///< the model file cannot be used
    kDevice,  ///< no such device, out of its memory, or lost
    kFormat,  ///< frames of this kind cannot be processed
    kEngine,  ///< a library failed; not the user's doing
  };

  Error(Kind kind, const std::string &sentence)
      : std::runtime_error(sentence), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace fastscnn
