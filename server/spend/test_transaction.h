// TestTransaction: rows in a map, so that a test can look at them, and can let a batch fail.
//
// For the tests of this module. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/engine/store.h"

namespace reprise::spend {

class TestTransaction final : public storage::Transaction {
 public:
  base::UnixMillis now() const override { return now_; }
  base::Result<std::optional<storage::BlobRef>> Get(storage::Family family,
                                                    std::string_view key) override {
    const auto found = rows_.find({family, std::string(key)});
    if (found == rows_.end() ||
        (found->second.expires_at != storage::kNever && found->second.expires_at <= now_)) {
      return std::optional<storage::BlobRef>();
    }
    return std::optional(
        storage::BlobRef::Make(key, found->second.value, found->second.expires_at));
  }
  void Put(storage::Family family, std::string_view key, std::string_view value,
           base::UnixMillis expires_at) override {
    rows_[{family, std::string(key)}] = {std::string(value), expires_at};
  }
  void Delete(storage::Family family, std::string_view key) override {
    rows_.erase({family, std::string(key)});
  }
  void DeletePrefix(storage::Family family, std::string_view prefix) override {
    std::erase_if(rows_, [&](const auto& row) {
      return row.first.first == family && row.first.second.starts_with(prefix);
    });
  }
  void RequireSync() override { ++syncs_; }
  std::uint64_t commit() const override { return 1; }
  void OnAbort(std::function<void()> undo) override { undo_.push_back(std::move(undo)); }
  void OnCommit(std::function<void()> done) override { done_.push_back(std::move(done)); }

  void SetNow(base::UnixMillis now) { now_ = now; }
  void Advance(std::int64_t ms) { now_ = now_ + ms; }
  // The batch is on the medium, with what was written since the last one.
  void Commit() {
    undo_.clear();
    done_.clear();
    committed_ = rows_;
  }
  // It could not be committed.
  void Abort() {
    while (!undo_.empty()) {
      undo_.back()();
      undo_.pop_back();
    }
    rows_ = committed_;
  }
  std::size_t size() const { return rows_.size(); }
  std::uint64_t syncs() const { return syncs_; }

 private:
  struct Row {
    std::string value;
    base::UnixMillis expires_at{0};
  };
  using Rows = std::map<std::pair<storage::Family, std::string>, Row>;

  Rows rows_;
  Rows committed_;
  std::vector<std::function<void()>> undo_;
  std::vector<std::function<void()>> done_;
  base::UnixMillis now_{1'764'500'000'000};
  std::uint64_t syncs_ = 0;
};

}  // namespace reprise::spend
