/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/classlist.h"

#include <algorithm>
#include <locale>
#include <sstream>

#include <glib.h>

namespace fastscnn
{
namespace
{

std::string
trimmed (const std::string &text)
{
  const char *const space = " \t\r\n";
  const size_t begin = text.find_first_not_of (space);
  if (begin == std::string::npos)
    return "";
  return text.substr (begin, text.find_last_not_of (space) - begin + 1);
}

/// The non-empty parts between commas, trimmed.
std::vector<std::string>
split (const std::string &list)
{
  std::vector<std::string> parts;
  std::istringstream stream (list);
  for (std::string part; std::getline (stream, part, ',');) {
    part = trimmed (part);
    if (!part.empty ())
      parts.push_back (part);
  }
  return parts;
}

std::string
no_such_class (const std::string &property, const std::string &label,
    const ClassNames &names)
{
  std::string sentence =
      property + ": there is no class \"" + label + "\"; the mask has";
  for (size_t i = 0; i < names.labels.size (); i++) {
    sentence += (i ? ", " : " ") + names.labels[i];
    std::string others;
    for (const auto &[alias, other] : names.aliases)
      if (other == names.labels[i])
        others += (others.empty () ? "" : ", ") + alias;
    if (!others.empty ())
      sentence += " (" + others + ")";
  }
  return as_utf8 (sentence + ".");
}

bool
parse_strength (const std::string &text, float *strength)
{
  std::istringstream stream (text);
  stream.imbue (std::locale::classic ());
  return stream >> *strength && (stream >> std::ws).eof () && *strength >= 0 &&
         *strength <= 1;
}

} // namespace

std::string
as_utf8 (const std::string &text)
{
  gchar *valid =
      g_utf8_make_valid (text.data (), static_cast<gssize> (text.size ()));
  const std::string result = valid;
  g_free (valid);
  return result;
}

std::vector<size_t>
ClassNames::find (const std::string &name) const
{
  const auto means = [this, &name] (const std::string &label) {
    return same_label (name, label) ||
           std::any_of (aliases.begin (), aliases.end (),
               [&name, &label] (const auto &alias) {
                 return alias.second == label && same_label (name, alias.first);
               });
  };
  std::vector<size_t> ids;
  for (size_t id = 0; id < labels.size (); id++)
    if (means (labels[id]))
      ids.push_back (id);
  return ids;
}

std::vector<bool>
parse_classes (const std::string &list, const ClassNames &names,
    std::vector<std::string> *warnings)
{
  const std::vector<std::string> parts = split (list);
  const bool only = std::any_of (parts.begin (), parts.end (),
      [] (const std::string &part) { return part[0] != '-'; });
  std::vector<bool> drawn (names.labels.size (), !only);
  std::vector<bool> hidden (names.labels.size (), false);

  for (const std::string &part : parts) {
    const bool hides = part[0] == '-';
    const std::string label = hides ? trimmed (part.substr (1)) : part;
    const std::vector<size_t> ids = names.find (label);
    if (ids.empty ())
      warnings->push_back (no_such_class ("classes", label, names));
    for (size_t id : ids)
      (hides ? hidden : drawn)[id] = true;
  }
  for (size_t id = 0; id < names.labels.size (); id++)
    if (hidden[id])
      drawn[id] = false;
  return drawn;
}

std::vector<float>
parse_class_alpha (const std::string &list, const ClassNames &names,
    std::vector<std::string> *warnings)
{
  std::vector<float> strengths (names.labels.size (), -1.f);

  for (const std::string &part : split (list)) {
    const size_t equals = part.rfind ('=');
    float strength = 0;
    if (equals == std::string::npos ||
        !parse_strength (part.substr (equals + 1), &strength)) {
      warnings->push_back (as_utf8 (
          "class-alpha: \"" + part +
          "\" is not of the form label=number, with a number from 0 to "
          "1."));
      continue;
    }
    const std::string label = trimmed (part.substr (0, equals));
    const std::vector<size_t> ids = names.find (label);
    if (ids.empty ())
      warnings->push_back (no_such_class ("class-alpha", label, names));
    for (size_t id : ids)
      strengths[id] = strength;
  }
  return strengths;
}

} // namespace fastscnn
