// The engine for tests and trials: a sorted map for each family, nothing on disk.
#include <array>
#include <map>
#include <vector>

#include "protocol/base/mutex.h"
#include "storage/engine/engine.h"

namespace reprise::storage {
namespace {

using Rows = std::map<std::string, BlobRef, std::less<>>;

class MemoryEngine final : public Engine {
 public:
  base::Status Commit(std::span<const Operation* const> operations, bool /*sync*/) override {
    base::MutexLock lock(mutex_);
    for (const Operation* operation : operations) {
      Apply(*operation);
    }
    sequence_.fetch_add(operations.size(), std::memory_order_release);
    return base::Ok{};
  }

  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                           ReadMode /*mode*/) const override {
    base::MutexLock lock(mutex_);
    const Rows& rows = families_[static_cast<std::size_t>(family)];
    if (const auto found = rows.find(key); found != rows.end()) {
      return std::optional<BlobRef>(found->second);
    }
    return std::optional<BlobRef>();
  }

  // The rows are collected first: `visit` runs outside of the lock, on one consistent view.
  base::Status Scan(const EngineScan& scan,
                    const std::function<bool(const ScanRow&)>& visit) const override {
    for (const BlobRef& row : Collect(scan)) {
      if (!visit({row.key(), row.value(), row.expires_at()})) {
        break;
      }
    }
    return base::Ok{};
  }

  base::Status Sync() override { return base::Ok{}; }
  std::uint64_t sequence() const override { return sequence_.load(std::memory_order_acquire); }

  base::Status Checkpoint(const std::string& /*path*/) override {
    return base::Error{
        base::Code::kBadRequest,
        "the memory engine has nothing on disk to back up; use store.engine=rocksdb"};
  }

  base::Result<IntegrityReport> Verify(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const override {
    IntegrityReport report;
    for (std::size_t family = 0; family < kFamilies; ++family) {
      for (const BlobRef& row : Collect({static_cast<Family>(family), {}, {}})) {
        ++report.rows;
        report.bytes += row.key().size() + row.value().size();
      }
    }
    progress(report.rows, report.rows);
    return report;
  }

  EngineFigures Figures() const override {
    base::MutexLock lock(mutex_);
    EngineFigures figures;
    for (const Rows& rows : families_) {
      figures.keys_estimate += rows.size();
    }
    return figures;
  }

  EngineCondition condition() const override { return EngineCondition::kGood; }
  std::string condition_reason() const override { return {}; }
  std::uint64_t UnflushedBytes() const override { return 0; }
  base::Status RequestFlush() override { return base::Ok{}; }
  base::Status Resume() override { return base::Ok{}; }

 private:
  void Apply(const Operation& operation) REQUIRES(mutex_) {
    Rows& rows = families_[static_cast<std::size_t>(operation.family)];
    const std::string_view key = operation.row.key();
    switch (operation.kind) {
      case Operation::Kind::kPut:
        rows.insert_or_assign(std::string(key), operation.row);
        return;
      case Operation::Kind::kDelete:
        if (const auto found = rows.find(key); found != rows.end()) {
          rows.erase(found);
        }
        return;
      case Operation::Kind::kDeletePrefix: {
        auto end = rows.lower_bound(key);
        const auto begin = end;
        while (end != rows.end() && std::string_view(end->first).substr(0, key.size()) == key) {
          ++end;
        }
        rows.erase(begin, end);
        return;
      }
    }
  }

  std::vector<BlobRef> Collect(const EngineScan& scan) const {
    base::MutexLock lock(mutex_);
    const Rows& rows = families_[static_cast<std::size_t>(scan.family)];
    auto row =
        scan.after > scan.prefix ? rows.upper_bound(scan.after) : rows.lower_bound(scan.prefix);
    if (!scan.after.empty() && scan.after == scan.prefix) {
      row = rows.upper_bound(scan.after);
    }
    std::vector<BlobRef> found;
    for (; row != rows.end(); ++row) {
      if (std::string_view(row->first).substr(0, scan.prefix.size()) != scan.prefix) {
        break;
      }
      found.push_back(row->second);
    }
    return found;
  }

  mutable base::Mutex mutex_;
  std::array<Rows, kFamilies> families_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> sequence_{0};
};

}  // namespace

std::unique_ptr<Engine> MakeMemoryEngine() {
  return std::make_unique<MemoryEngine>();
}

}  // namespace reprise::storage
