#include "server/app/dump.h"

#include <filesystem>
#include <fstream>

#include "server/commands/describe.h"
#include "server/config/config.h"

namespace reprise::app {

base::Status Dump(const std::string& root) {
  struct File {
    const char* path;
    std::string content;
  };
  const std::array files{File{"server/commands/COMMANDS.md", commands::RenderMarkdown()},
                         File{"client/commands.json", commands::RenderJson()},
                         File{"conf/reprise.toml", config::RenderDefaultFile()},
                         File{"tests/fuzz/commands.dict", commands::RenderFuzzDictionary()}};
  for (const File& file : files) {
    const std::filesystem::path path = std::filesystem::path(root) / file.path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << file.content;
    out.close();
    if (!out) {
      return base::Error{base::Code::kIo, "cannot write " + path.string()};
    }
  }
  return base::Ok{};
}

}  // namespace reprise::app
