#include "server/spend/reservation.h"

#include <algorithm>

#include "protocol/base/ensure.h"

namespace reprise::spend {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kBudgetsMax = 1'024;

}  // namespace

std::string FormatReservation(const Reservation& reservation) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendSigned(reservation.amount_nano, out);
  AppendSigned(base::ToInt(reservation.expires_at), out);
  AppendText(reservation.provider, out);
  AppendText(reservation.tier, out);
  AppendText(reservation.scopes.bot, out);
  AppendText(reservation.scopes.model, out);
  AppendText(reservation.scopes.type, out);
  AppendNumber(reservation.scopes.keys.size(), out);
  for (const std::string& key : reservation.scopes.keys) {
    AppendText(key, out);
  }
  AppendNumber(reservation.budgets.size(), out);
  for (const std::uint64_t budget : reservation.budgets) {
    AppendNumber(budget, out);
  }
  return out;
}

base::Result<Reservation> ParseReservation(NamespaceId owner, std::uint64_t id,
                                           std::string_view value) {
  Cursor cursor(value);
  const std::uint64_t version = cursor.Number();
  Reservation reservation;
  reservation.owner = owner;
  reservation.id = id;
  reservation.amount_nano = cursor.Signed();
  reservation.expires_at = base::UnixMillis{cursor.Signed()};
  reservation.provider = cursor.Text();
  reservation.tier = cursor.Text();
  reservation.scopes.bot = cursor.Text();
  reservation.scopes.model = cursor.Text();
  reservation.scopes.type = cursor.Text();
  const std::uint64_t keys = cursor.NumberUpTo(kKeysOfCallMax);
  for (std::uint64_t i = 0; i < keys; ++i) {
    reservation.scopes.keys.emplace_back(cursor.Text());
  }
  const std::uint64_t budgets = cursor.NumberUpTo(kBudgetsMax);
  for (std::uint64_t i = 0; i < budgets; ++i) {
    reservation.budgets.push_back(cursor.Number());
  }
  if (!cursor.Finished() || version != kVersion) {
    return base::Error{base::Code::kCorrupt,
                       "the row of reservation " + std::to_string(id) + " cannot be read"};
  }
  return reservation;
}

void Reservations::Add(Reservation reservation) {
  by_expiry_.emplace(reservation.expires_at, reservation.id);
  ++counts_[static_cast<std::uint32_t>(reservation.owner)];
  const std::uint64_t id = reservation.id;
  ENSURE(all_.emplace(id, std::move(reservation)).second);
}

const Reservation* Reservations::Find(std::uint64_t id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : &found->second;
}

Reservation Reservations::Take(std::uint64_t id) {
  const auto found = all_.find(id);
  if (found == all_.end()) {
    return {};
  }
  Reservation taken = std::move(found->second);
  all_.erase(found);
  by_expiry_.erase({taken.expires_at, taken.id});
  const auto count = counts_.find(static_cast<std::uint32_t>(taken.owner));
  if (--count->second == 0) {
    counts_.erase(count);
  }
  return taken;
}

std::size_t Reservations::CountOf(NamespaceId owner) const {
  const auto found = counts_.find(static_cast<std::uint32_t>(owner));
  return found == counts_.end() ? 0 : found->second;
}

std::vector<std::uint64_t> Reservations::IdsOf(NamespaceId owner) const {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, reservation] : all_) {
    if (reservation.owner == owner) {
      ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace reprise::spend
