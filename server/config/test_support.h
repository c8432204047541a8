// What the tests of this folder share. Not for product code.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>

#include <catch2/catch.hpp>

namespace reprise::config {

// A folder with a configuration file, removed at the end.
class TempDir {
 public:
  TempDir() {
    const char* root = getenv("TMPDIR");
    path_ = std::string(root == nullptr ? "/tmp" : root) + "/reprise_conf_XXXXXX";
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(TempDir&&) = delete;

  const std::string& path() const { return path_; }
  std::string Write(const std::string& content) const {
    std::ofstream(path_ + "/c.toml", std::ios::binary) << content;
    return path_ + "/c.toml";
  }

 private:
  std::string path_;
};

}  // namespace reprise::config
