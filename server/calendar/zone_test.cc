// Zones are made here byte by byte, so that these tests need no files of the system.
#include "server/calendar/zone.h"

#include <catch2/catch.hpp>

#include "server/calendar/civil.h"
#include "server/calendar/zones.h"

namespace reprise::calendar {
namespace {

std::string BigEndian(std::int64_t number, std::size_t width) {
  std::string bytes;
  for (std::size_t i = width; i-- > 0;) {
    bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i)));
  }
  return bytes;
}

struct Kind {
  std::int64_t offset_s;
  bool is_saving;
};
struct At {
  std::int64_t at_s;
  int kind;
};

std::string Header(char version, std::size_t changes, std::size_t kinds, std::size_t leaps = 0) {
  return std::string("TZif") + version + std::string(15, '\0') + BigEndian(0, 4) + BigEndian(0, 4) +
         BigEndian(static_cast<std::int64_t>(leaps), 4) +
         BigEndian(static_cast<std::int64_t>(changes), 4) +
         BigEndian(static_cast<std::int64_t>(kinds), 4) + BigEndian(4, 4);
}

// A file of version 2, whose first block is empty but for one kind.
std::string FileOf(const std::vector<At>& changes, const std::vector<Kind>& kinds,
                   const std::string& rule) {
  std::string file = Header('2', 0, 1) + std::string(6, '\0') + std::string("UTC\0", 4);
  file += Header('2', changes.size(), kinds.size());
  for (const At& change : changes) {
    file += BigEndian(change.at_s, 8);
  }
  for (const At& change : changes) {
    file.push_back(static_cast<char>(change.kind));
  }
  for (const Kind& kind : kinds) {
    file += BigEndian(kind.offset_s, 4) + std::string(1, kind.is_saving ? '\1' : '\0') +
            std::string(1, '\0');
  }
  return file + std::string("LMT\0", 4) + "\n" + rule + "\n";
}

std::int64_t Utc(std::int64_t year, int month, int day, std::int64_t second_of_day) {
  return DaysFrom({year, month, day}) * kSecondsPerDay + second_of_day;
}

TEST_CASE("listed changes hold, and behind them the rule of the last line") {
  const std::string file = FileOf({{1'000, 1}, {5'000, 0}}, {{3'600, false}, {7'200, true}},
                                  "CET-1CEST,M3.5.0,M10.5.0/3");
  const Zone zone = Zone::Parse("Test/Zone", file).value();
  CHECK(zone.StretchAt(999).offset_s == 3'600);
  CHECK(zone.StretchAt(999).end_s == 1'000);
  CHECK(zone.StretchAt(1'000).offset_s == 7'200);
  CHECK(zone.StretchAt(4'999).begin_s == 1'000);
  CHECK(zone.StretchAt(5'000).offset_s == 3'600);
  const std::int64_t spring = Utc(2026, 3, 29, 3'600);
  const std::int64_t autumn = Utc(2026, 10, 25, 3'600);
  CHECK(zone.StretchAt(spring - 1).offset_s == 3'600);
  CHECK(zone.StretchAt(spring - 1).end_s == spring);
  CHECK(zone.StretchAt(spring).offset_s == 7'200);
  CHECK(zone.StretchAt(spring).end_s == autumn);
  CHECK(zone.StretchAt(autumn).offset_s == 3'600);
  CHECK(zone.StretchAt(autumn).begin_s == autumn);
}

TEST_CASE("rules of the south, with negative saving, odd times and other days of the year") {
  const auto zone_with = [](const char* rule) {
    return Zone::Parse("Test/Zone", FileOf({}, {{0, false}}, rule)).value();
  };
  // Summer spans the new year.
  const Zone south = zone_with("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
  CHECK(south.StretchAt(Utc(2026, 1, 1, 0)).offset_s == 39'600);
  CHECK(south.StretchAt(Utc(2026, 7, 1, 0)).offset_s == 37'800);
  // Standard time is the summer's, and saving goes back.
  const Zone dublin = zone_with("IST-1GMT0,M10.5.0,M3.5.0/1");
  CHECK(dublin.StretchAt(Utc(2026, 7, 1, 0)).offset_s == 3'600);
  CHECK(dublin.StretchAt(Utc(2026, 10, 25, 3'599)).offset_s == 3'600);
  CHECK(dublin.StretchAt(Utc(2026, 10, 25, 3'600)).offset_s == 0);
  // Fifty hours behind the beginning of a Thursday: Saturday, 2 o'clock.
  const Zone gaza = zone_with("EET-2EEST,M3.4.4/50,M10.4.4/50");
  CHECK(gaza.StretchAt(Utc(2026, 3, 28, -1)).offset_s == 7'200);
  CHECK(gaza.StretchAt(Utc(2026, 3, 28, 0)).offset_s == 10'800);
  // By the number of the day: J60 is March 1st, 59 is the same in a common year.
  const Zone julian = zone_with("AAA0BBB,J60/0,J300/0");
  CHECK(julian.StretchAt(Utc(2024, 3, 1, 0)).begin_s == Utc(2024, 3, 1, 0));
  const Zone counted = zone_with("AAA0BBB,59/0,300/0");
  CHECK(counted.StretchAt(Utc(2024, 2, 29, 0)).begin_s == Utc(2024, 2, 29, 0));
  const Zone fixed = zone_with("<-03>3");
  CHECK(fixed.StretchAt(Utc(2026, 7, 1, 0)).offset_s == -10'800);
}

TEST_CASE("a file that is not sound is refused with what is wrong") {
  const std::string good = FileOf({{1'000, 1}, {5'000, 0}}, {{0, false}, {3'600, true}}, "UTC0");
  REQUIRE(Zone::Parse("Z", good).ok());
  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    INFO("the first " << bytes << " bytes");
    CHECK_FALSE(Zone::Parse("Z", good.substr(0, bytes)).ok());
  }
  const auto refused = [](const std::string& file) {
    const auto zone = Zone::Parse("Z", file);
    return !zone.ok() && zone.error().code == base::Code::kCorrupt;
  };
  CHECK(refused(FileOf({{1'000, 2}}, {{0, false}, {1, true}}, "UTC0")));
  CHECK(refused(FileOf({{1'000, 0}, {1'000, 0}}, {{0, false}}, "UTC0")));
  CHECK(refused(FileOf({}, {{kOffsetMaxS + 1, false}}, "UTC0")));
  CHECK(refused(Header('2', 0, 1, 1) + std::string(100, '\0')));
  CHECK(refused(std::string(kZoneFileBytesMax + 1, 'x')));
  for (const char* rule :
       {"C-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "CET-25",
        "CET-1CEST,M3.5.0/168,M10.5.0", "<+03-3", "CET-1CEST,J0,J5"}) {
    INFO(rule);
    CHECK(refused(FileOf({}, {{0, false}}, rule)));
  }
}

TEST_CASE("every cut or flipped byte of a file is survived") {
  const std::string good =
      FileOf({{1'000, 1}, {5'000, 0}}, {{0, false}, {3'600, true}}, "CET-1CEST,M3.5.0,M10.5.0/3");
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (const unsigned flip : {0x01U, 0x80U, 0xffU}) {
      std::string bad = good;
      bad[place] = static_cast<char>(static_cast<unsigned char>(bad[place]) ^ flip);
      const auto zone = Zone::Parse("Z", bad);
      if (zone.ok()) {
        (void)zone.value().StretchAt(Utc(2026, 7, 1, 0));
      }
    }
  }
}

TEST_CASE("zones are found by name, and names that cannot be one are told from unknown ones") {
  Zones zones;
  CHECK(zones.Find("UTC").value()->StretchAt(0).offset_s == 0);
  CHECK(zones.Find("+05:30").value()->StretchAt(0).offset_s == 19'800);
  CHECK(zones.Find("-03:00").value()->StretchAt(0).offset_s == -10'800);
  for (const char* name : {"", "../etc/passwd", "Europe/../UTC", "/etc/localtime", "Europe//Berlin",
                           "Europe/Berlin/", "+15:00", "+5:30", "a.b"}) {
    INFO(name);
    CHECK(zones.Find(name).error().code == base::Code::kBadRequest);
  }
  CHECK(zones.Find("Europe/Atlantis").error().code == base::Code::kNotFound);
  CHECK(Zones("nowhere").Find("Europe/Berlin").error().code == base::Code::kNotFound);
}

}  // namespace
}  // namespace reprise::calendar
