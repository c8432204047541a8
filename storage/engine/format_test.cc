// Rows, the watermark file and the directory: their bytes, against golden files.
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "storage/engine/data_dir.h"
#include "storage/engine/expiry.h"
#include "storage/engine/row.h"
#include "storage/engine/test_support.h"
#include "storage/engine/watermark.h"

namespace reprise::storage {
namespace {

std::string Golden(const std::string& name) {
  auto bytes = ReadWhole(std::string(TESTDATA) + "/" + name);
  REQUIRE(bytes.ok());
  return std::move(bytes).value();
}

std::string Row(base::UnixMillis expires_at, std::string_view value) {
  const auto header = RowHeader(expires_at);
  return std::string(header.data(), header.size()).append(value);
}

void Flip(const std::string& path, std::streamoff offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 0x55));
}

}  // namespace

TEST_CASE("a row has the bytes of its golden file") {
  CHECK(Row(base::UnixMillis{1'700'000'000'123}, "value") == Golden("row_expiring.bin"));
  CHECK(Row(kNever, "") == Golden("row_empty.bin"));
}

TEST_CASE("a golden row decodes to its expiry and value") {
  const std::string bytes = Golden("row_expiring.bin");
  const auto row = DecodeRow(bytes);
  REQUIRE(row.has_value());
  CHECK(base::ToInt(row->expires_at) == 1'700'000'000'123);
  CHECK(row->value == "value");
  const std::string empty = Golden("row_empty.bin");
  REQUIRE(DecodeRow(empty).has_value());
  CHECK(DecodeRow(empty)->expires_at == kNever);
}

TEST_CASE("bytes that are no row of a known version do not decode") {
  std::string row = Row(kNever, "v");
  CHECK_FALSE(DecodeRow("").has_value());
  CHECK_FALSE(DecodeRow(row.substr(0, 8)).has_value());
  CHECK(DecodeRow(row.substr(0, 9)).has_value());
  row[0] = 2;
  CHECK_FALSE(DecodeRow(row).has_value());
  CHECK_FALSE(DecodeRow(Row(base::UnixMillis{-1}, "v")).has_value());
}

TEST_CASE("a row lives until the millisecond of its expiry") {
  const base::UnixMillis expiry{1000};
  CHECK_FALSE(IsExpired(expiry, base::UnixMillis{999}));
  CHECK(IsExpired(expiry, base::UnixMillis{1000}));
  CHECK(IsExpired(expiry, base::UnixMillis{1001}));
  CHECK_FALSE(IsExpired(kNever, base::UnixMillis{1'700'000'000'000}));
}

TEST_CASE("the watermark file has the bytes of its golden file") {
  const TempDir dir;
  auto opened = Watermark::Open(dir / "watermark", false);
  REQUIRE(opened.ok());
  CHECK_FALSE(opened.value().state.has_value());
  REQUIRE(opened.value().watermark->Write({41, base::UnixMillis{1'700'000'000'000}}).ok());
  REQUIRE(opened.value().watermark->Write({42, base::UnixMillis{1'700'000'000'500}}).ok());
  CHECK(ReadWhole(dir / "watermark").value() == Golden("watermark.bin"));
}

TEST_CASE("a crash between making the watermark file and its first write does no harm") {
  const TempDir dir;
  { REQUIRE(Watermark::Open(dir / "watermark", false).ok()); }
  const auto again = Watermark::Open(dir / "watermark", false);
  REQUIRE(again.ok());
  CHECK_FALSE(again.value().state.has_value());
}

TEST_CASE("the watermark survives a torn write of either slot") {
  const TempDir dir;
  {
    auto opened = Watermark::Open(dir / "watermark", false);
    REQUIRE(opened.value().watermark->Write({41, base::UnixMillis{1}}).ok());
    REQUIRE(opened.value().watermark->Write({42, base::UnixMillis{2}}).ok());
  }
  CHECK(Watermark::Open(dir / "watermark", false).value().state ==
        WatermarkState{42, base::UnixMillis{2}});
  Flip(dir / "watermark", 16);  // generation 2 stands in slot 0
  CHECK(Watermark::Open(dir / "watermark", false).value().state ==
        WatermarkState{41, base::UnixMillis{1}});
  Flip(dir / "watermark", 4096 + 16);
  const auto refused = Watermark::Open(dir / "watermark", false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kCorrupt);
  CHECK(refused.error().detail.find("--accept-loss") != std::string::npos);
  CHECK(Watermark::Open(dir / "watermark", true).ok());
}

TEST_CASE("the watermark never goes back while it is open") {
  const TempDir dir;
  auto opened = Watermark::Open(dir / "watermark", false);
  REQUIRE(opened.value().watermark->Write({50, base::UnixMillis{1}}).ok());
  REQUIRE(opened.value().watermark->Write({40, base::UnixMillis{2}}).ok());
  CHECK(Watermark::Open(dir / "watermark", false).value().state->durable_sequence == 50);
}

TEST_CASE("a new data directory belongs to its user alone and names its format") {
  const TempDir dir;
  const auto opened = DataDir::Open(dir / "a/b");
  REQUIRE(opened.ok());
  struct stat found {};
  REQUIRE(::stat((dir / "a/b").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  CHECK(ReadWhole(dir / "a/b/VERSION").value() == "reprise-store 1\n");
}

TEST_CASE("a data directory in use names the process that holds it") {
  const TempDir dir;
  const auto first = DataDir::Open(dir.path());
  REQUIRE(first.ok());
  const auto second = DataDir::Open(dir.path());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == base::Code::kIo);
  CHECK(second.error().detail.find("in use by process " + std::to_string(::getpid())) !=
        std::string::npos);
}

TEST_CASE("a newer, unreadable or missing format version is refused with a way out") {
  const TempDir dir;
  REQUIRE(WriteWhole(dir / "VERSION", "reprise-store 2\n").ok());
  auto refused = DataDir::Open(dir.path());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kCorrupt);
  CHECK(refused.error().detail.find("format 2, this program knows 1") != std::string::npos);
  REQUIRE(WriteWhole(dir / "VERSION", "something else").ok());
  refused = DataDir::Open(dir.path());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kCorrupt);
  REQUIRE(MakeDirectory(dir / "db").ok());
  REQUIRE(WriteWhole(dir / "db/CURRENT", "MANIFEST-000001\n").ok());
  REQUIRE(::unlink((dir / "VERSION").c_str()) == 0);
  refused = DataDir::Open(dir.path());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().detail.find("VERSION is missing") != std::string::npos);
}

TEST_CASE("a directory with somebody's files is refused and left as it is") {
  const TempDir dir;
  for (const char* name : {"photo.jpg", "notes", "a\nb", "zip"}) {
    REQUIRE(WriteWhole(dir / name, "mine").ok());
  }
  const auto refused = DataDir::Open(dir.path());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kIo);
  CHECK(refused.error().detail.find("holds a?b, notes, photo.jpg and 1 more, and no VERSION; give "
                                    "an empty or a new directory") != std::string::npos);
  CHECK_FALSE(PathExists(dir / "LOCK"));
  CHECK_FALSE(PathExists(dir / "VERSION"));
}

TEST_CASE("a new filesystem and the leavings of a first start are an empty directory") {
  const TempDir dir;
  REQUIRE(MakeDirectory(dir / "lost+found").ok());
  REQUIRE(WriteWhole(dir / "LOCK", "4711\n").ok());
  REQUIRE(WriteWhole(dir / "VERSION.new", "repr").ok());
  CHECK(DataDir::Open(dir.path()).ok());
  REQUIRE(WriteWhole(dir / "notes", "beside a database of ours").ok());
  CHECK(DataDir::Open(dir.path()).ok());
}

TEST_CASE("a path that is no directory is refused") {
  const TempDir dir;
  REQUIRE(WriteWhole(dir / "file", "x").ok());
  for (const std::string& path : {dir / "file", dir / "file/below", std::string()}) {
    const auto refused = DataDir::Open(path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == base::Code::kIo);
  }
}

TEST_CASE("the reserve is a twentieth of a small disk and bounded on a large one") {
  CHECK(DataDir::ReserveBytes({0, 64 * base::kMiB}) == 64 * base::kMiB / 20);
  CHECK(DataDir::ReserveBytes({0, 100 * base::kGiB}) == 128 * base::kMiB);
}

}  // namespace reprise::storage
