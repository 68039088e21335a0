// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/framecopy.h"

#include <cstddef>
#include <cstring>
#include <new>
#include <string>

namespace fastscnn
{

Result<>
FrameCopy::allocate (const FrameInfo &info)
{
  size_t size = 0;

  info_ = info;
  for (int p = 0; p < info.planes; p++)
    size += (size_t)info.row_bytes[p] * info.rows[p];
  if (size > capacity_) {
    bytes_.reset (new (std::nothrow) uint8_t[size]);
    capacity_ = bytes_ ? size : 0;
  }
  if (!bytes_)
    return Error{ Error::Kind::kDevice,
      "There is no memory for a copy of a frame of " +
          std::to_string (info.width) + "x" + std::to_string (info.height) +
          " pixels." };

  const uint8_t *data = bytes_.get ();
  for (int p = 0; p < info.planes; p++) {
    frame_.data[p] = data;
    frame_.stride[p] = info.row_bytes[p];
    data += (size_t)info.row_bytes[p] * info.rows[p];
  }
  return {};
}

void
FrameCopy::assign (const ConstFrame &frame)
{
  uint8_t *row = bytes_.get ();

  for (int p = 0; p < info_.planes; p++)
    for (int y = 0; y < info_.rows[p]; y++) {
      std::memcpy (row, frame.data[p] + (std::ptrdiff_t)y * frame.stride[p],
          info_.row_bytes[p]);
      row += info_.row_bytes[p];
    }
}

} // namespace fastscnn
