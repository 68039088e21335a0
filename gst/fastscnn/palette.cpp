/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/palette.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "net/error.h"

namespace fastscnn
{
namespace
{

struct Named {
  const char *label;
  uint8_t r, g, b;
};

// The colours of the data set, and other people's names for its classes.
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

// What is shown of a file that may be anything.
std::string
printable (const std::string &word)
{
  std::string out = word.substr (0, 40);
  for (char &c : out)
    if (c < ' ' || c > '~')
      c = '?';
  return out;
}

uint8_t
to_byte (const std::string &word)
{
  if (!is_number (word) || word.size () > 3 || std::stoi (word) > 255)
    throw std::invalid_argument (
        "\"" + printable (word) + "\" is not a number from 0 to 255");
  return static_cast<uint8_t> (std::stoi (word));
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

// Throws std::invalid_argument, which says what is wrong.
Palette::Entry
Palette::parse_line (const std::string &line)
{
  Entry entry;
  std::string rest = line;
  if (line[0] == '"') {
    const size_t end = line.find ('"', 1);
    if (end == std::string::npos)
      throw std::invalid_argument (
          "the label's second quotation mark is missing");
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
    throw std::invalid_argument (
        "a label and three or four numbers (label r g b [a]) are expected");
  entry.color.color.r = to_byte (words[first]);
  entry.color.color.g = to_byte (words[first + 1]);
  entry.color.color.b = to_byte (words[first + 2]);
  entry.color.color.a = numbers == 4 ? to_byte (words[first + 3]) : 255;
  entry.color.has_alpha = numbers == 4;
  return entry;
}

Palette::Entry
Palette::parse_gimp_line (const std::string &line)
{
  const std::vector<std::string> words = words_of (line);
  if (words.size () < 3)
    throw std::invalid_argument (
        "three numbers and a label (r g b label) are expected");
  Entry entry;
  entry.color.color = { to_byte (words[0]), to_byte (words[1]),
    to_byte (words[2]), 255 };
  entry.label = joined (words, 3, words.size ());
  return entry;
}

Palette
Palette::parse (const std::string &file, const std::string &text)
{
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
    try {
      palette.entries_.push_back (
          gimp ? parse_gimp_line (line) : parse_line (line));
    } catch (const std::invalid_argument &wrong) {
      throw Error (Error::Kind::kModel,
          "The palette " + as_utf8 (file) + " cannot be used: line " +
              std::to_string (number) + ": " + wrong.what () + ".");
    }
  }
  if (palette.entries_.empty ())
    throw Error (
        Error::Kind::kModel, "The palette " + as_utf8 (file) +
                                 " cannot be used: it has no colours.");
  return palette;
}

Palette
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
    std::ifstream stream (name, std::ios::binary);
    stream.peek (); // fails on a folder
    if (!stream.is_open () || stream.bad ())
      throw Error (Error::Kind::kModel,
          "The palette " + as_utf8 (name) +
              " cannot be read; give a file, or one of cityscapes, "
              "camvid and distinct.");
    // A device may never end.
    std::string text (kMaxFileBytes + 1, 0);
    stream.read (&text[0], static_cast<std::streamsize> (text.size ()));
    text.resize (static_cast<size_t> (stream.gcount ()));
    if (text.size () > kMaxFileBytes)
      throw Error (Error::Kind::kModel,
          "The palette " + as_utf8 (name) +
              " cannot be used: it is larger than 1 MB, which is no list of "
              "colours.");
    palette = parse (name, text);
  }
  return palette;
}

void
Palette::apply (const Labels &labels, std::vector<ClassColor> *colors) const
{
  if (distinct_) {
    const std::vector<Rgba> distinct = distinct_colors (labels.size ());
    for (size_t id = 0; id < labels.size (); id++)
      (*colors)[id] = { distinct[id], false };
    return;
  }
  bool any = false;
  for (size_t id = 0; id < labels.size (); id++)
    for (const Entry &entry : entries_)
      if (same_label (entry.label, labels[id])) {
        (*colors)[id] = entry.color;
        any = true;
        break;
      }
  for (size_t id = 0; !any && id < labels.size () && id < entries_.size ();
       id++)
    (*colors)[id] = entries_[id].color;
}

} // namespace fastscnn
