#include "server/calendar/zone.h"

#include <algorithm>
#include <utility>

#include "server/calendar/civil.h"

namespace reprise::calendar {
namespace {

constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kKindBytes = 6;  // of one kind of local time
constexpr std::size_t kKindsMax = 256;
constexpr std::size_t kLettersMax = 2'048;

base::Error Bad(const std::string& name, std::string_view what) {
  return {base::Code::kCorrupt,
          "the file of the time zone '" + name + "' cannot be used: " + std::string(what)};
}

// Big-endian, two's complement.
std::int64_t NumberAt(std::string_view bytes, std::size_t place, std::size_t width) {
  std::uint64_t number =
      (static_cast<unsigned char>(bytes[place]) & 0x80U) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < width; ++i) {
    number = number << 8U | static_cast<unsigned char>(bytes[place + i]);
  }
  return static_cast<std::int64_t>(number);
}

struct Counts {
  std::size_t utc_marks = 0;
  std::size_t standard_marks = 0;
  std::size_t leaps = 0;
  std::size_t changes = 0;
  std::size_t kinds = 0;
  std::size_t letters = 0;

  std::size_t Bytes(std::size_t time_bytes) const {
    return changes * (time_bytes + 1) + kinds * kKindBytes + letters + leaps * (time_bytes + 4) +
           standard_marks + utc_marks;
  }
};

base::Result<Counts> ReadHeader(const std::string& name, std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with("TZif")) {
    return Bad(name, "it is no TZif file");
  }
  const auto count = [&](std::size_t index) {
    return static_cast<std::size_t>(NumberAt(bytes, 20 + 4 * index, 4));
  };
  const Counts counts{count(0), count(1), count(2), count(3), count(4), count(5)};
  if (counts.changes > kChangesMax || counts.kinds == 0 || counts.kinds > kKindsMax ||
      counts.letters > kLettersMax || counts.utc_marks > counts.kinds ||
      counts.standard_marks > counts.kinds) {
    return Bad(name, "its counts are out of range");
  }
  if (counts.leaps != 0) {
    return Bad(name, "it counts leap seconds");
  }
  return counts;
}

struct Body {
  std::vector<Change> changes;
  std::int64_t first_offset_s = 0;
};

base::Result<Body> ReadBody(const std::string& name, std::string_view bytes, const Counts& counts,
                            std::size_t time_bytes) {
  if (bytes.size() < counts.Bytes(time_bytes)) {
    return Bad(name, "it is cut short");
  }
  const std::size_t kind_places = counts.changes * time_bytes;
  const std::size_t kinds = kind_places + counts.changes;
  std::vector<std::int64_t> offsets;
  for (std::size_t i = 0; i < counts.kinds; ++i) {
    offsets.push_back(NumberAt(bytes, kinds + i * kKindBytes, 4));
    if (offsets.back() < -kOffsetMaxS || offsets.back() > kOffsetMaxS) {
      return Bad(name, "an offset is out of range");
    }
  }
  Body body;
  body.first_offset_s = offsets.front();
  for (std::size_t i = 0; i < counts.changes; ++i) {
    const auto kind = static_cast<unsigned char>(bytes[kind_places + i]);
    const std::int64_t at_s = NumberAt(bytes, i * time_bytes, time_bytes);
    if (kind >= offsets.size() || (i > 0 && at_s <= body.changes.back().at_s)) {
      return Bad(name, "its changes are out of order");
    }
    body.changes.push_back({at_s, offsets[kind]});
  }
  return body;
}

}  // namespace

Zone Zone::Fixed(std::string name, std::int64_t offset_s) {
  Zone zone;
  zone.name_ = std::move(name);
  zone.first_offset_s_ = offset_s;
  return zone;
}

base::Result<Zone> Zone::Parse(std::string name, std::string_view bytes) {
  if (bytes.size() > kZoneFileBytesMax) {
    return Bad(name, "it is larger than 64 KiB");
  }
  constexpr std::size_t kShort = 4;  // bytes of a time in the first block
  constexpr std::size_t kLong = 8;
  ASSIGN_OR_RETURN(Counts counts, ReadHeader(name, bytes));
  const bool has_long = bytes[4] >= '2';
  std::string_view rest = bytes.substr(kHeaderBytes);
  std::size_t time_bytes = kShort;
  if (has_long) {
    if (rest.size() < counts.Bytes(kShort)) {
      return Bad(name, "it is cut short");
    }
    rest.remove_prefix(counts.Bytes(kShort));
    ASSIGN_OR_RETURN(counts, ReadHeader(name, rest));
    rest.remove_prefix(kHeaderBytes);
    time_bytes = kLong;
  }
  ASSIGN_OR_RETURN(Body body, ReadBody(name, rest, counts, time_bytes));
  Zone zone;
  zone.name_ = std::move(name);
  zone.first_offset_s_ = body.first_offset_s;
  zone.changes_ = std::move(body.changes);
  if (!has_long) {
    return zone;
  }
  rest.remove_prefix(counts.Bytes(kLong));
  const std::size_t end = rest.size() < 2 ? std::string_view::npos : rest.find('\n', 1);
  if (end == std::string_view::npos || rest.front() != '\n') {
    return Bad(zone.name_, "its last line is missing");
  }
  if (end > 1) {
    ASSIGN_OR_RETURN(zone.rule_, PosixRule::Parse(rest.substr(1, end - 1)));
  }
  return zone;
}

Stretch Zone::StretchAt(std::int64_t at_s) const {
  const auto next =
      std::upper_bound(changes_.begin(), changes_.end(), at_s,
                       [](std::int64_t time, const Change& change) { return time < change.at_s; });
  if (next == changes_.end() && rule_.has_value()) {
    return StretchByRule(at_s);
  }
  Stretch stretch;
  stretch.offset_s = first_offset_s_;
  if (next != changes_.begin()) {
    stretch.begin_s = std::prev(next)->at_s;
    stretch.offset_s = std::prev(next)->offset_s;
  }
  if (next != changes_.end()) {
    stretch.end_s = next->at_s;
  }
  return stretch;
}

Stretch Zone::StretchByRule(std::int64_t at_s) const {
  Stretch stretch;
  stretch.offset_s = rule_->standard_offset_s();
  if (!changes_.empty()) {
    stretch.begin_s = changes_.back().at_s;
  }
  const std::int64_t year = CivilFrom(FloorDiv(at_s, kSecondsPerDay)).year;
  for (std::int64_t each = year - 1; each <= year + 1; ++each) {
    const auto changes = rule_->ChangesIn(each);
    if (!changes.has_value()) {
      break;
    }
    for (const Change& change : *changes) {
      if (change.at_s <= at_s) {
        stretch.begin_s = std::max(stretch.begin_s, change.at_s);
        stretch.offset_s = change.offset_s;
      } else if (stretch.end_s == std::numeric_limits<std::int64_t>::max()) {
        stretch.end_s = change.at_s;
      }
    }
  }
  return stretch;
}

}  // namespace reprise::calendar
