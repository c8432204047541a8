// Opening a Store: directory, lock, version, watermark, clock, database, in this order.
#include <filesystem>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "storage/engine/store_impl.h"

namespace reprise::storage {
namespace {

// Recovery drops what stands behind a damaged place of the write-ahead log. Until the watermark has
// confirmed that nothing is missing, hard links keep the files as they were found.
void KeepLogs(const DataDir& dir) {
  std::error_code failure;
  if (PathExists(dir.KeptLogsPath()) || !MakeDirectory(dir.KeptLogsPath()).ok()) {
    return;
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir.DatabasePath(), failure)) {
    if (entry.path().extension() == ".log") {
      std::filesystem::create_hard_link(
          entry.path(), std::filesystem::path(dir.KeptLogsPath()) / entry.path().filename(),
          failure);
    }
  }
}

base::Error GapError(const StoreParts& parts, std::uint64_t durable, std::uint64_t found) {
  return {base::Code::kCorrupt,
          "acknowledged writes are missing from " + parts.data_dir->path() + ": sequence " +
              std::to_string(durable) + " was on the medium, " + std::to_string(found) +
              " was recovered, " + std::to_string(durable - found) +
              " rows are lost; restore a backup, or start once with --accept-loss to go on "
              "without them; the write-ahead log as it was found is in " +
              parts.data_dir->KeptLogsPath()};
}

base::Status CheckGap(const StoreOptions& options, const StoreParts& parts,
                      const std::optional<WatermarkState>& state) {
  const std::uint64_t found = parts.engine->sequence();
  if (state.has_value() && found < state->durable_sequence) {
    const base::Error gap = GapError(parts, state->durable_sequence, found);
    if (!options.accept_loss) {
      return gap;
    }
    if (options.log) {
      options.log(LogLevel::kError, "accepted: " + gap.detail);
    }
    return base::Ok{};
  }
  return RemoveTree(parts.data_dir->KeptLogsPath());
}

base::Status OpenOnDisk(const StoreOptions& options, const base::Clock& clock,
                        base::SystemClock* system_clock, StoreParts& parts) {
  ASSIGN_OR_RETURN(parts.data_dir, DataDir::Open(options.dir));
  ASSIGN_OR_RETURN(Watermark::Opened opened,
                   Watermark::Open(parts.data_dir->WatermarkPath(), options.accept_loss));
  parts.watermark = std::move(opened.watermark);
  const base::UnixMillis high_water =
      opened.state.has_value() ? opened.state->high_water : base::UnixMillis{0};
  if (system_clock != nullptr) {
    system_clock->RaiseTo(high_water);
  }
  parts.deletion_clock = std::make_unique<DeletionClock>(clock, high_water);
  if (opened.state.has_value()) {
    KeepLogs(*parts.data_dir);
  }
  // Recovery writes what the log holds to tables; a full disk should not stop that. The ballast
  // comes back when there is room.
  parts.data_dir->ReleaseBallast();
  ASSIGN_OR_RETURN(parts.engine, OpenRocksEngine({parts.data_dir->DatabasePath(), options,
                                                  parts.deletion_clock->now_ms()}));
  RETURN_IF_ERROR(CheckGap(options, parts, opened.state));
  // What was recovered is the new truth, and must be on the medium before it is written down.
  RETURN_IF_ERROR(parts.engine->Sync());
  RETURN_IF_ERROR(parts.watermark->Write({parts.engine->sequence(), parts.deletion_clock->now()}));
  return SyncDirectory(parts.data_dir->path());
}

base::Result<std::unique_ptr<Store>> OpenAny(StoreOptions options, const base::Clock& clock,
                                             base::SystemClock* system_clock) {
  const base::Nanos started = clock.Elapsed();
  StoreParts parts;
  if (options.engine == EngineKind::kMemory) {
    parts.deletion_clock = std::make_unique<DeletionClock>(clock, base::UnixMillis{0});
    parts.engine = MakeMemoryEngine();
  } else {
    RETURN_IF_ERROR(OpenOnDisk(options, clock, system_clock, parts));
  }
  parts.recovery_ms = (clock.Elapsed() - started) / base::kNanosPerMilli;
  return std::unique_ptr<Store>(
      std::make_unique<StoreImpl>(std::move(options), clock, std::move(parts)));
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(StoreOptions options, base::SystemClock& clock) {
  return OpenAny(std::move(options), clock, &clock);
}

base::Result<std::unique_ptr<Store>> Store::OpenWithClock(StoreOptions options,
                                                          const base::Clock& clock) {
  return OpenAny(std::move(options), clock, nullptr);
}

}  // namespace reprise::storage
