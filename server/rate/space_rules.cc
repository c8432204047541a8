// The named limits of a namespace.
#include <utility>

#include "protocol/base/limits.h"
#include "server/rate/rule_row.h"
#include "server/rate/space.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

Error IsConfigured(std::string_view name) {
  return {Code::kExists,
          "the limit '" + std::string(name) + "' is one of the configuration (rate.limits)"};
}

}  // namespace

void Limiter::Space::Configure(std::shared_ptr<const RuleMap> configured) {
  {
    base::MutexLock lock(rules_mutex_);
    configured_ = std::move(configured);
  }
  Publish();
}

// Two that come at the same time may reach the shards in another order: the later version stays.
void Limiter::Space::Publish() {
  auto set = std::make_shared<RuleSet>();
  {
    base::MutexLock lock(rules_mutex_);
    set->rules = *configured_;
    set->rules.insert(rules_.begin(), rules_.end());  // Those of the configuration stay.
    set->version = ++version_;
  }
  for (Shard& shard : shards_) {
    std::shared_ptr<const RuleSet> before = set;  // Let go of without the mutex.
    base::MutexLock lock(shard.mutex);
    if (shard.rules == nullptr || shard.rules->version < set->version) {
      shard.rules.swap(before);
    }
  }
}

base::Status Limiter::Space::SetRule(std::string_view name, const Rule& rule,
                                     storage::Transaction& transaction) {
  std::optional<Rule> before;
  {
    base::MutexLock lock(rules_mutex_);
    if (configured_->contains(name)) {
      return IsConfigured(name);
    }
    const auto found = rules_.find(name);
    if (found != rules_.end()) {
      before = found->second;
    } else if (rules_.size() >= static_cast<std::size_t>(base::limits::kRateNames.value)) {
      return Error{Code::kTooLarge, "rate_names: this namespace has " +
                                        std::to_string(rules_.size()) +
                                        " named limits, which is the limit"};
    }
    rules_.insert_or_assign(std::string(name), rule);
  }
  Publish();
  transaction.Put(storage::Family::kMeta, RuleKey(id_, name), FormatRule(rule), storage::kNever);
  transaction.OnAbort([this, name = std::string(name), before] { Restore(name, before); });
  return base::Ok{};
}

base::Result<bool> Limiter::Space::DeleteRule(std::string_view name,
                                              storage::Transaction& transaction) {
  std::optional<Rule> before;
  {
    base::MutexLock lock(rules_mutex_);
    const auto found = rules_.find(name);
    if (found == rules_.end()) {
      return configured_->contains(name) ? base::Result<bool>(IsConfigured(name)) : false;
    }
    before = found->second;
    rules_.erase(found);
  }
  Publish();
  transaction.Delete(storage::Family::kMeta, RuleKey(id_, name));
  transaction.OnAbort([this, name = std::string(name), before] { Restore(name, before); });
  return true;
}

void Limiter::Space::Restore(const std::string& name, const std::optional<Rule>& rule) {
  {
    base::MutexLock lock(rules_mutex_);
    if (rule.has_value()) {
      rules_.insert_or_assign(name, *rule);
    } else {
      rules_.erase(name);
    }
  }
  Publish();
}

std::vector<NamedRule> Limiter::Space::Rules() const {
  base::MutexLock lock(rules_mutex_);
  RuleMap all = *configured_;
  all.insert(rules_.begin(), rules_.end());
  std::vector<NamedRule> named;
  named.reserve(all.size());
  for (const auto& [name, rule] : all) {
    named.push_back({name, rule, configured_->contains(name)});
  }
  return named;
}

}  // namespace reprise::rate
