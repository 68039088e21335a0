// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>

#include "net/error.h"
#include "net/frame.h"

namespace fastscnn
{

/// A frame in host memory of its own, for as long as someone looks at it after
/// it was pushed.
class FrameCopy
{
public:
  /// For frames of this kind; an Error if there is not so much memory.
  Result<> allocate (const FrameInfo &info);

  /// Takes the samples, not what lies between them. Allocates nothing.
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
