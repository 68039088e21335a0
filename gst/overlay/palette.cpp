/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/palette.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>

#include "gst/masks/distinctcolors.h"

namespace fastscnn
{
namespace
{

struct Named {
  const char *label;
  uint8_t r, g, b;
};

// The colours of the data set, also under other common names of its classes.
constexpr Named kCityscapes[] = {
  { "road", 128, 64, 128 },
  { "sidewalk", 244, 35, 232 },
  { "building", 70, 70, 70 },
  { "wall", 102, 102, 156 },
  { "fence", 190, 153, 153 },
  { "pole", 153, 153, 153 },
  { "traffic light", 250, 170, 30 },
  { "traffic sign", 220, 220, 0 },
  { "vegetation", 107, 142, 35 },
  { "terrain", 152, 251, 152 },
  { "sky", 70, 130, 180 },
  { "person", 220, 20, 60 },
  { "rider", 255, 0, 0 },
  { "car", 0, 0, 142 },
  { "truck", 0, 0, 70 },
  { "bus", 0, 60, 100 },
  { "train", 0, 80, 100 },
  { "motorcycle", 0, 0, 230 },
  { "bicycle", 119, 11, 32 },
  { "tree", 107, 142, 35 },
  { "sign", 220, 220, 0 },
  { "pedestrian", 220, 20, 60 },
  { "bicyclist", 255, 0, 0 },
};

constexpr Named kCamvid[] = {
  { "sky", 128, 128, 128 },
  { "building", 128, 0, 0 },
  { "pole", 192, 192, 128 },
  { "road", 128, 64, 128 },
  { "sidewalk", 0, 0, 192 },
  { "tree", 128, 128, 0 },
  { "sign", 192, 128, 128 },
  { "fence", 64, 64, 128 },
  { "car", 64, 0, 128 },
  { "pedestrian", 64, 64, 0 },
  { "bicyclist", 0, 128, 192 },
  { "animal", 64, 128, 64 },
  { "archway", 192, 0, 128 },
  { "bridge", 0, 128, 64 },
  { "cart luggage pram", 64, 0, 192 },
  { "child", 192, 128, 64 },
  { "lane marking", 128, 0, 192 },
  { "misc text", 128, 128, 64 },
  { "motorcycle", 192, 0, 192 },
  { "other moving", 128, 64, 64 },
  { "parking block", 64, 192, 128 },
  { "road shoulder", 128, 128, 192 },
  { "suv", 64, 128, 192 },
  { "traffic cone", 0, 0, 64 },
  { "traffic light", 0, 64, 64 },
  { "train", 192, 64, 128 },
  { "truck", 192, 128, 192 },
  { "tunnel", 64, 0, 64 },
  { "vegetation misc", 192, 192, 0 },
  { "wall", 64, 192, 0 },
  { "vegetation", 128, 128, 0 },
  { "traffic sign", 192, 128, 128 },
  { "person", 64, 64, 0 },
  { "rider", 0, 128, 192 },
  { "bus", 192, 128, 192 },
};

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr char kGimpTitle[] = "GIMP Palette";

std::string
trimmed (const std::string &line)
{
  const char *const space = " \t\r";
  const size_t begin = line.find_first_not_of (space);
  if (begin == std::string::npos)
    return "";
  return line.substr (begin, line.find_last_not_of (space) - begin + 1);
}

bool
starts_with (const std::string &text, const std::string &begin)
{
  return text.compare (0, begin.size (), begin) == 0;
}

bool
is_number (const std::string &word)
{
  return !word.empty () &&
         word.find_first_not_of ("0123456789") == std::string::npos;
}

// An excerpt of a file for a message, since the file may contain anything.
std::string
printable (const std::string &word)
{
  std::string out = word.substr (0, 40);
  for (char &c : out)
    if (c < ' ' || c > '~')
      c = '?';
  return out;
}

Error
palette_error (const std::string &sentence)
{
  return Error{ Error::Kind::kModel, sentence };
}

Result<uint8_t>
to_byte (const std::string &word)
{
  const bool short_number = is_number (word) && word.size () <= 3;
  const int value = short_number ? std::atoi (word.c_str ()) : -1;
  if (value < 0 || value > 255)
    return palette_error (
        "\"" + printable (word) + "\" is not a number from 0 to 255");
  return static_cast<uint8_t> (value);
}

Result<Rgba>
to_color (const std::string &r, const std::string &g, const std::string &b,
    const std::string &a)
{
  Rgba color;
  color.r = FASTSCNN_TRY (to_byte (r));
  color.g = FASTSCNN_TRY (to_byte (g));
  color.b = FASTSCNN_TRY (to_byte (b));
  color.a = FASTSCNN_TRY (to_byte (a));
  return color;
}

std::vector<std::string>
words_of (const std::string &line)
{
  std::istringstream stream (line);
  return { std::istream_iterator<std::string> (stream), {} };
}

std::string
joined (const std::vector<std::string> &words, size_t begin, size_t end)
{
  std::string out;
  for (size_t i = begin; i < end; i++)
    out += (i > begin ? " " : "") + words[i];
  return out;
}

} // namespace

Rgba
from_argb (uint32_t argb)
{
  return { static_cast<uint8_t> (argb >> 16), static_cast<uint8_t> (argb >> 8),
    static_cast<uint8_t> (argb), static_cast<uint8_t> (argb >> 24) };
}

// The Error does not name the line; parse() does.
Result<Palette::Entry>
Palette::parse_line (const std::string &line)
{
  Entry entry;
  std::string rest = line;
  if (line[0] == '"') {
    const size_t end = line.find ('"', 1);
    if (end == std::string::npos)
      return palette_error (
          "the closing quotation mark of the label is missing");
    entry.label = line.substr (1, end - 1);
    rest = line.substr (end + 1);
  }
  const std::vector<std::string> words = words_of (rest);
  size_t first = 0;
  if (line[0] != '"') {
    // A label may have several words.
    first = std::min<size_t> (words.size (), 1);
    while (first < words.size () && !is_number (words[first]) &&
           words[first][0] != '-')
      first++;
    entry.label = joined (words, 0, first);
  }
  const size_t numbers = words.size () - first;
  if (entry.label.empty () || (numbers != 3 && numbers != 4))
    return palette_error (
        "expected a label and three or four numbers (label r g b [a])");
  entry.color.has_alpha = numbers == 4;
  entry.color.color = FASTSCNN_TRY (to_color (words[first], words[first + 1],
      words[first + 2], entry.color.has_alpha ? words[first + 3] : "255"));
  return entry;
}

Result<Palette::Entry>
Palette::parse_gimp_line (const std::string &line)
{
  const std::vector<std::string> words = words_of (line);
  if (words.size () < 3)
    return palette_error ("expected three numbers and a label (r g b label)");
  Entry entry;
  entry.color.color =
      FASTSCNN_TRY (to_color (words[0], words[1], words[2], "255"));
  entry.label = joined (words, 3, words.size ());
  return entry;
}

Result<Palette>
Palette::parse (const std::string &file, const std::string &text)
{
  const std::string cannot =
      "The palette " + as_utf8 (file) + " cannot be used: ";
  Palette palette;
  std::istringstream stream (text);
  bool gimp = false;
  int number = 0;
  for (std::string line; std::getline (stream, line);) {
    number++;
    line = trimmed (line);
    if (number == 1 && line == kGimpTitle) {
      gimp = true;
      continue;
    }
    if (line.empty () || line[0] == '#')
      continue;
    if (gimp &&
        (starts_with (line, "Name:") || starts_with (line, "Columns:") ||
            starts_with (line, "Channels:")))
      continue;
    Result<Entry> entry = gimp ? parse_gimp_line (line) : parse_line (line);
    if (!entry)
      return palette_error (cannot + "line " + std::to_string (number) + ": " +
                            entry.error ().sentence + ".");
    palette.entries_.push_back (std::move (*entry));
  }
  if (palette.entries_.empty ())
    return palette_error (cannot + "it contains no colours.");
  return palette;
}

Result<Palette>
Palette::load (const std::string &name)
{
  Palette palette;
  const auto add = [&palette] (const Named &named) {
    palette.entries_.push_back (
        { named.label, { { named.r, named.g, named.b, 255 }, false } });
  };
  if (name.empty ())
    return palette;
  if (name == "distinct") {
    palette.distinct_ = true;
  } else if (name == "cityscapes") {
    for (const Named &named : kCityscapes)
      add (named);
  } else if (name == "camvid") {
    for (const Named &named : kCamvid)
      add (named);
  } else {
    // Reading from a pipe could block the thread that sets the property.
    std::error_code unknown;
    const bool regular = std::filesystem::is_regular_file (name, unknown);
    const std::unique_ptr<std::FILE, int (*) (std::FILE *)> stream (
        regular ? std::fopen (name.c_str (), "rbe") : nullptr, std::fclose);
    std::string text (kMaxFileBytes + 1, 0);
    if (stream)
      text.resize (std::fread (&text[0], 1, text.size (), stream.get ()));
    if (!stream || std::ferror (stream.get ()))
      return palette_error (
          "The palette " + as_utf8 (name) +
          " cannot be read; use a file, cityscapes, camvid or "
          "distinct.");
    if (text.size () > kMaxFileBytes)
      return palette_error ("The palette " + as_utf8 (name) +
                            " cannot be used: it is larger than 1 MB.");
    return parse (name, text);
  }
  return palette;
}

void
Palette::apply (const ClassNames &names, std::vector<ClassColor> *colors) const
{
  const size_t size = names.labels.size ();
  if (distinct_) {
    const std::vector<uint32_t> distinct = distinct_colors (size);
    for (size_t id = 0; id < size; id++)
      (*colors)[id] = { from_argb (0xff000000u | distinct[id]), false };
    return;
  }
  enum { kNone, kAlias, kLabel };
  std::vector<int> found (size, kNone);
  for (const Entry &entry : entries_)
    for (const size_t id : names.find (entry.label)) {
      const int how =
          same_label (entry.label, names.labels[id]) ? kLabel : kAlias;
      if (how <= found[id])
        continue;
      found[id] = how;
      (*colors)[id] = entry.color;
    }
  const bool any = std::any_of (
      found.begin (), found.end (), [] (int how) { return how != kNone; });
  for (size_t id = 0; !any && id < size && id < entries_.size (); id++)
    (*colors)[id] = entries_[id].color;
}

} // namespace fastscnn
