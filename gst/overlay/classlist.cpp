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

char
folded (char c)
{
  if (c == '-' || c == '_')
    return ' ';
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

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

std::vector<size_t>
find (const std::string &label, const Labels &labels)
{
  std::vector<size_t> ids;
  for (size_t id = 0; id < labels.size (); id++)
    if (same_label (label, labels[id]))
      ids.push_back (id);
  return ids;
}

std::string
no_such_class (
    const std::string &property, const std::string &label, const Labels &labels)
{
  std::string sentence =
      property + ": there is no class \"" + label + "\"; the mask has";
  for (size_t i = 0; i < labels.size (); i++)
    sentence += (i ? ", " : " ") + labels[i];
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

bool
same_label (const std::string &a, const std::string &b)
{
  return a.size () == b.size () &&
         std::equal (a.begin (), a.end (), b.begin (),
             [] (char x, char y) { return folded (x) == folded (y); });
}

std::vector<bool>
parse_classes (const std::string &list, const Labels &labels,
    std::vector<std::string> *warnings)
{
  const std::vector<std::string> parts = split (list);
  const bool only = std::any_of (parts.begin (), parts.end (),
      [] (const std::string &part) { return part[0] != '-'; });
  std::vector<bool> drawn (labels.size (), !only);
  std::vector<bool> hidden (labels.size (), false);

  for (const std::string &part : parts) {
    const bool hides = part[0] == '-';
    const std::string label = hides ? trimmed (part.substr (1)) : part;
    const std::vector<size_t> ids = find (label, labels);
    if (ids.empty ())
      warnings->push_back (no_such_class ("classes", label, labels));
    for (size_t id : ids)
      (hides ? hidden : drawn)[id] = true;
  }
  for (size_t id = 0; id < labels.size (); id++)
    if (hidden[id])
      drawn[id] = false;
  return drawn;
}

std::vector<float>
parse_class_alpha (const std::string &list, const Labels &labels,
    std::vector<std::string> *warnings)
{
  std::vector<float> strengths (labels.size (), -1.f);

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
    const std::vector<size_t> ids = find (label, labels);
    if (ids.empty ())
      warnings->push_back (no_such_class ("class-alpha", label, labels));
    for (size_t id : ids)
      strengths[id] = strength;
  }
  return strengths;
}

} // namespace fastscnn
