#include "server/cache/savings.h"

#include "protocol/base/buffer.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/cache/counters.h"

namespace reprise::cache {
namespace {

constexpr std::size_t kSumFields = 8;

std::uint64_t NumberOf(const Savings::Key& key) {
  return static_cast<std::uint64_t>(key.tier) << 48U | static_cast<std::uint64_t>(key.type) << 32U |
         static_cast<std::uint64_t>(key.model) << 16U | key.bot;
}

Savings::Key KeyOf(std::uint64_t number) {
  return {static_cast<std::uint16_t>(number >> 32U), static_cast<std::uint16_t>(number >> 16U),
          static_cast<std::uint16_t>(number), static_cast<Tier>(number >> 48U)};
}

base::Error Unreadable() {
  return {base::Code::kCorrupt, "a row of savings of the cache cannot be read"};
}

base::Result<SavingSum> ReadSum(wire::Reader& reader) {
  ASSIGN_OR_RETURN(const std::uint32_t fields, reader.Array());
  if (fields != kSumFields) {
    return Unreadable();
  }
  SavingSum sum;
  ASSIGN_OR_RETURN(const std::uint64_t tier, reader.Uint());
  if (tier > static_cast<std::uint64_t>(Tier::kSemantic)) {
    return Unreadable();
  }
  sum.tier = static_cast<Tier>(tier);
  for (std::string* name : {&sum.type, &sum.model, &sum.bot}) {
    ASSIGN_OR_RETURN(const std::string_view text, reader.Str());
    *name = text;
  }
  for (std::uint64_t* number : {&sum.hits, &sum.tokens_in, &sum.tokens_out, &sum.cost_nano}) {
    ASSIGN_OR_RETURN(*number, reader.Uint());
  }
  return sum;
}

}  // namespace

bool Savings::HasRoomFor(const Key& key) const {
  return sums_.size() < kSavingSums || sums_.contains(NumberOf(key));
}

void Savings::Add(const Key& key, const Worth& worth, base::UnixMillis now) {
  Add(key, Sum{1, worth.tokens_in, worth.tokens_out, worth.cost_nano}, now);
}

void Savings::Add(const Key& key, const Sum& sum, base::UnixMillis now) {
  if (sums_.empty() || now < since_) {
    since_ = now;
  }
  Sum& known = sums_[NumberOf(key)];
  Raise(known.hits, sum.hits);
  Raise(known.tokens_in, sum.tokens_in);
  Raise(known.tokens_out, sum.tokens_out);
  Raise(known.cost_nano, sum.cost_nano);
}

bool Savings::IsDue(base::UnixMillis now) const {
  return !sums_.empty() && (now - since_ >= kSavingsKeptMs || sums_.size() > kSavingSums / 2);
}

std::vector<std::pair<Savings::Key, Savings::Sum>> Savings::All() const {
  std::vector<std::pair<Key, Sum>> all;
  all.reserve(sums_.size());
  for (const auto& [number, sum] : sums_) {
    all.emplace_back(KeyOf(number), sum);
  }
  return all;
}

std::string SavingsKey(storage::NamespaceId id) {
  return "cache_savings/" + std::to_string(static_cast<std::uint32_t>(id));
}

std::string FormatSavings(const std::vector<SavingSum>& sums) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(sums.size());
  for (const SavingSum& sum : sums) {
    writer.Array(kSumFields);
    writer.Uint(static_cast<std::uint64_t>(sum.tier));
    for (const std::string_view name : {sum.type, sum.model, sum.bot}) {
      writer.Str(name);
    }
    for (const std::uint64_t number : {sum.hits, sum.tokens_in, sum.tokens_out, sum.cost_nano}) {
      writer.Uint(number);
    }
  }
  return std::string(buffer.view());
}

base::Result<std::vector<SavingSum>> ParseSavings(std::string_view value) {
  wire::Reader reader(value);
  const auto count = reader.Array();
  if (!count.ok() || count.value() > kSavingSums + 1) {
    return Unreadable();
  }
  std::vector<SavingSum> sums;
  for (std::uint32_t i = 0; i < count.value(); ++i) {
    auto sum = ReadSum(reader);
    if (!sum.ok()) {
      return Unreadable();
    }
    sums.push_back(std::move(sum).value());
  }
  return sums;
}

}  // namespace reprise::cache
