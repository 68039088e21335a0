// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "net/error.h"
#include "net/frame.h"

namespace fastscnn
{

/// A copy of a frame in host memory, for work that outlasts the buffer.
class FrameCopy
{
public:
  /// Allocates memory for frames of this kind; an Error if there is none.
  Result<> allocate (const FrameInfo &info);

  /// Copies the samples without the padding of the rows. Allocates nothing.
  void assign (const ConstFrame &frame);

  const ConstFrame &
  frame () const
  {
    return frame_;
  }

private:
  FrameInfo info_;
  std::unique_ptr<uint8_t[]> bytes_;
  ConstFrame frame_;
};

} // namespace fastscnn
