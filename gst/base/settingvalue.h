// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include <glib-object.h>

namespace fastscnn
{

/// Converts between a setting and the GValue of its property. The type of the
/// setting must be that of the property. An enum class may stand for any
/// registered enum with the same numbers.
template <typename Setting>
void
read_value (const GValue *value, Setting &setting)
{
  if constexpr (std::is_same_v<Setting, std::string>) {
    const gchar *string = g_value_get_string (value);
    setting = string ? string : "";
  } else if constexpr (std::is_enum_v<Setting>)
    setting = static_cast<Setting> (g_value_get_enum (value));
  else if constexpr (std::is_same_v<Setting, bool>)
    setting = g_value_get_boolean (value);
  else if constexpr (std::is_same_v<Setting, int>)
    setting = g_value_get_int (value);
  else if constexpr (std::is_same_v<Setting, unsigned>)
    setting = g_value_get_uint (value);
  else if constexpr (std::is_same_v<Setting, uint64_t>)
    setting = g_value_get_uint64 (value);
  else
    setting = g_value_get_double (value);
}

template <typename Setting>
void
write_value (const Setting &setting, GValue *value)
{
  if constexpr (std::is_same_v<Setting, std::string>)
    g_value_set_string (value, setting.c_str ());
  else if constexpr (std::is_enum_v<Setting>)
    g_value_set_enum (value, static_cast<gint> (setting));
  else if constexpr (std::is_same_v<Setting, bool>)
    g_value_set_boolean (value, setting);
  else if constexpr (std::is_same_v<Setting, int>)
    g_value_set_int (value, setting);
  else if constexpr (std::is_same_v<Setting, unsigned>)
    g_value_set_uint (value, setting);
  else if constexpr (std::is_same_v<Setting, uint64_t>)
    g_value_set_uint64 (value, setting);
  else
    g_value_set_double (value, setting);
}

} // namespace fastscnn
