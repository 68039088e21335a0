// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
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
  /// Makes room for frames of this kind and discards the previous copy.
  /// Returns an Error if there is no memory. Allocates only to grow.
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
  size_t capacity_ = 0;
  ConstFrame frame_;
};

} // namespace fastscnn
