// BACKUP: a checkpoint that is a data directory of its own, opened once to prove it.
#include <algorithm>
#include <cstdio>
#include <string>

#include "storage/engine/store_impl.h"

namespace reprise::storage {
namespace {

constexpr std::size_t kNameBytesMax = static_cast<std::size_t>(base::limits::kNameBytes.value);

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

base::Status CheckName(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name.front() == '.' ||
      !std::all_of(name.begin(), name.end(), IsNameByte)) {
    return base::Error{base::Code::kBadRequest,
                       "a backup's name has 1 to " + std::to_string(kNameBytesMax) +
                           " letters, digits, '.', '_' or '-' and does not start with '.'"};
  }
  return base::Ok{};
}

// Everything but the final name.
base::Result<CheckpointCount> Fill(Engine& engine, const std::string& path,
                                   base::UnixMillis high_water) {
  RETURN_IF_ERROR(MakeDirectory(path));
  RETURN_IF_ERROR(engine.Checkpoint(path + "/db"));
  ASSIGN_OR_RETURN(const CheckpointCount count, CountCheckpoint(path + "/db"));
  ASSIGN_OR_RETURN(const Watermark::Opened opened, Watermark::Open(path + "/watermark", false));
  RETURN_IF_ERROR(opened.watermark->Write({count.sequence, high_water}));
  RETURN_IF_ERROR(DataDir::WriteVersion(path));
  return count;
}

}  // namespace

base::Result<BackupReport> StoreImpl::Backup(std::string_view name) {
  RETURN_IF_ERROR(CheckName(name));
  if (!parts_.data_dir.has_value()) {
    return base::Error{base::Code::kBadRequest,
                       "the memory engine has nothing on disk; use store.engine=rocksdb"};
  }
  const std::string dir =
      options_.backup_dir.empty() ? parts_.data_dir->BackupsPath() : options_.backup_dir;
  const std::string path = dir + "/" + std::string(name);
  // A leading dot: no backup can have this name. Left behind by a crash, it is made anew.
  const std::string unfinished = dir + "/." + std::string(name) + ".unfinished";
  RETURN_IF_ERROR(MakeDirectory(dir));
  if (PathExists(path)) {
    return base::Error{base::Code::kExists, path + " exists already; give another name"};
  }
  RETURN_IF_ERROR(RemoveTree(unfinished));
  base::Result<CheckpointCount> count =
      Fill(*parts_.engine, unfinished, parts_.deletion_clock->now());
  if (!count.ok()) {
    static_cast<void>(RemoveTree(unfinished));
    return std::move(count).error();
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return SystemError("cannot rename to", path);
  }
  RETURN_IF_ERROR(SyncDirectory(dir));
  return BackupReport{path, count.value().sequence, count.value().rows,
                      DirectoryBytes(path + "/db")};
}

}  // namespace reprise::storage
